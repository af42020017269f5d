// Connect's unary calls by POST and by GET (connectrpc.com/docs/protocol). Plain JSON over HTTP is the same without its version
// header.
import { RpcError, type Status } from "../../base/errors.ts";
import { Metadata } from "../../base/metadata.ts";
import type { Call, Reply } from "../../rpc/call.ts";
import { exceptionStatus } from "../../rpc/status.ts";
import type { Method } from "../../schema/model.ts";
import { CONNECT_CODES, printError } from "./connect-error.ts";
import {
  callOf,
  callOrError,
  type Dialect,
  type DialectContext,
  mediaTypeOf,
  methodOfAnyWire,
  methodOfPath,
  timeoutOf,
} from "./dialect.ts";
import { type HttpRequest, type HttpResponse, textResponse } from "./http.ts";
import { writeResponseMetadata } from "./http-metadata.ts";

/** What a call wore, and its answer wears again. */
interface Dress {
  readonly codec: "json" | "protobuf";
  readonly contentType: string;
}

const JSON_DRESS: Dress = { codec: "json", contentType: "application/json" };
const PROTO_DRESS: Dress = { codec: "protobuf", contentType: "application/proto" };

/** Reads POST with the content type `application/json` or `application/proto`. */
export const connectDialect: Dialect = (request, context) => {
  const dress = mediaTypeOf(request.headers) === "application/json" ? JSON_DRESS : PROTO_DRESS;
  return {
    call: callOrError(() => readPost(request, dress, context)),
    writeReply: (answer) => writeReply(answer, dress, context),
  };
};

function readPost(request: HttpRequest, dress: Dress, context: DialectContext): Call {
  const version = versionOf(request.headers);
  const { codec } = dress;
  const inbound = codec === "json" && version === undefined ? "http-json" : "connect";
  const { body: bytes, headers, path } = request;
  const method = methodFor(dress, path, context);
  return callOf(request, { inbound, method, codec, bytes, timeoutMs: timeoutOf(headers) }, context);
}

/** The version of Connect that a request says; undefined where it says none. */
export function versionOf(headers: Metadata): string | undefined {
  const version = headers.get("connect-protocol-version");
  if (version === undefined || version === "1") return version;
  throw new RpcError("INVALID_ARGUMENT", `connect-protocol-version is ${version.slice(0, 100)}: expected 1`);
}

function methodFor({ codec }: Dress, path: string, context: DialectContext): Method {
  return codec === "json" ? methodOfAnyWire(path, context) : methodOfPath(path, context);
}

/** Whether a query is that of a Connect GET. */
export function isConnectGet(query: string): boolean {
  return /(?:^|&)connect=v1(?:&|$)/.test(query);
}

/** Reads GET with a Connect query; a method that may have side effects is answered 405. */
export function readGet(request: HttpRequest, context: DialectContext): ReturnType<Dialect> | HttpResponse {
  const parameters = new URLSearchParams(request.query);
  const encoding = parameters.get("encoding");
  const dress = encoding === "proto" ? PROTO_DRESS : JSON_DRESS;
  let sideEffects = false;
  const call = callOrError((): Call => {
    const method = methodFor(dress, request.path, context);
    sideEffects = !hasNoSideEffects(method);
    if (encoding !== "json" && encoding !== "proto") throw badParameter("encoding", encoding, "json or proto");
    const compression = parameters.get("compression") || "identity";
    if (compression !== "identity" && compression !== "gzip") {
      throw badParameter("compression", compression, "gzip or none");
    }
    const bytes = messageOf(request.query, parameters.get("base64") === "1");
    const timeoutMs = timeoutOf(request.headers);
    const call = callOf(request, { inbound: "connect", method, codec: dress.codec, bytes, timeoutMs }, context);
    return compression === "gzip" ? { ...call, payload: { ...call.payload, compression: "gzip" } } : call;
  });
  if (sideEffects) {
    return textResponse(405, "GET is for methods with idempotency_level = NO_SIDE_EFFECTS: expected POST", [
      ["allow", "POST"],
    ]);
  }
  return { call, writeReply: (answer) => writeReply(answer, dress, context) };
}

function hasNoSideEffects({ annotations }: Method): boolean {
  return annotations.some(([name, value]) => name === "idempotency_level" && value === "NO_SIDE_EFFECTS");
}

function badParameter(name: string, value: string | null, expected: string): RpcError {
  const said = value === null ? "not there" : value.slice(0, 100);
  return new RpcError("INVALID_ARGUMENT", `the query parameter ${name} is ${said}: expected ${expected}`);
}

/** The bytes of the parameter `message`, which need not be text. */
function messageOf(query: string, isBase64: boolean): Uint8Array {
  const raw = /(?:^|&)message=([^&]*)/.exec(query)?.[1];
  if (raw === undefined) throw badParameter("message", null, "the request message");
  const characters = raw
    .replaceAll("+", " ")
    .replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  if (!isBase64) return Buffer.from(characters, "latin1");
  if (!/^[\w+/ -]*={0,2}$/.test(characters)) throw badParameter("message", characters, "base64");
  return Buffer.from(characters.replaceAll(" ", "+"), "base64");
}

function writeReply(answer: Reply | RpcError, { codec, contentType }: Dress, context: DialectContext): HttpResponse {
  if (answer instanceof RpcError) return comingAgain(answer, writeError(answer, answer, context));
  if (answer.kind === "exception") {
    return writeError(answer.status ?? exceptionStatus(answer.field, answer.payload.bytes), answer, context);
  }
  const { payload } = answer;
  if (payload.codec !== codec) {
    const error = new RpcError("INTERNAL", `the reply came as ${payload.codec}: expected ${codec}`);
    return writeError(error, error, context);
  }
  return { status: 200, headers: headersOf(contentType, answer), body: payload.bytes };
}

function writeError(status: Status, metadata: Said, { printDetail }: DialectContext): HttpResponse {
  return {
    status: CONNECT_CODES[status.code].httpStatus,
    headers: headersOf("application/json", metadata),
    body: printError(status, printDetail),
  };
}

/** A response that says when the call may come again, if its error does. */
function comingAgain({ retryAfterMs }: RpcError, response: HttpResponse): HttpResponse {
  if (retryAfterMs === undefined || !Number.isFinite(retryAfterMs)) return response;
  // A peer may have said it as metadata.
  if (response.headers.get("retry-after") !== undefined) return response;
  return { ...response, headers: response.headers.with("retry-after", String(Math.ceil(retryAfterMs / 1_000))) };
}

interface Said {
  readonly headers: Metadata;
  readonly trailers: Metadata;
}

function headersOf(contentType: string, { headers, trailers }: Said): Metadata {
  const flat = ["content-type", contentType];
  writeResponseMetadata(headers, flat);
  writeResponseMetadata(trailers, flat, "trailer-");
  return Metadata.fromFlat(flat);
}

// gRPC's four verbs for unary calls, on header lists and message bytes as in gRPC's PROTOCOL-HTTP2. Carrying them over
// HTTP/2 is left to inbound and outbound.
import type { CancelSignal } from "../../base/cancel.ts";
import { RpcError, type Status } from "../../base/errors.ts";
import { Metadata } from "../../base/metadata.ts";
import type { Call, Facts, Reply } from "../../rpc/call.ts";
import type { Lookup } from "../../rpc/resolve.ts";
import { exceptionInResponse } from "../../rpc/response-oneof.ts";
import { exceptionStatus, thrownException } from "../../rpc/status.ts";
import type { Method } from "../../schema/model.ts";
import { type HeaderList, headerOf, readMetadata, writeMetadata } from "./header-list.ts";
import { writeMessage } from "./message.ts";
import { readStatus, writeStatus } from "./status.ts";
import { formatTimeout, parseTimeout } from "./timeout.ts";

/** What a call wore on the wire, and its reply has to wear again. */
export interface Dress {
  readonly contentType: string;
}

/** What a request's headers say, before its message is there. */
export interface CallHead {
  readonly dress: Dress;
  readonly method: Method;
  readonly headers: Metadata;
  /** Milliseconds that the caller will wait; undefined when it did not say. */
  readonly timeoutMs: number | undefined;
}

/** What goes over one stream: `trailers` undefined means that the headers end it (trailers-only, or plain HTTP). */
export interface Response {
  readonly headers: HeaderList;
  readonly body: Uint8Array | undefined;
  readonly trailers: HeaderList | undefined;
}

const PLAIN_DRESS: Dress = { contentType: "application/grpc" };
const CONTENT_TYPE = /^application\/grpc(?:\+proto)?(?:\s*;.*)?$/i;

/** The plain HTTP response to a request that is not gRPC at all; undefined when it is. */
export function refuseRequest(headers: HeaderList): Response | undefined {
  const contentType = headerOf(headers, "content-type") ?? "";
  // gRPC's specification asks for 415, so that HTTP clients do not take a status of 200 for success.
  if (!contentType.toLowerCase().startsWith("application/grpc")) return plainHttp("415");
  return headerOf(headers, ":method") === "POST" ? undefined : plainHttp("405");
}

function plainHttp(status: string): Response {
  return { headers: [":status", status], body: undefined, trailers: undefined };
}

/** The dress of a request whose headers are wrong otherwise, to answer it in. */
export function readDress(headers: HeaderList): Dress {
  const contentType = headerOf(headers, "content-type") ?? "";
  return CONTENT_TYPE.test(contentType) ? { contentType } : PLAIN_DRESS;
}

/**
 * Reads a request's headers. Throws a RpcError: UNIMPLEMENTED for an unknown method, content type or compression,
 * INVALID_ARGUMENT for a malformed timeout.
 */
export function readHead(headers: HeaderList, lookup: Lookup): CallHead {
  const contentType = headerOf(headers, "content-type") ?? "";
  if (!CONTENT_TYPE.test(contentType)) {
    throw new RpcError(
      "UNIMPLEMENTED",
      `the content type ${contentType.slice(0, 100)} is not served: expected application/grpc`,
    );
  }
  const encoding = headerOf(headers, "grpc-encoding");
  if (encoding !== undefined && encoding !== "identity") {
    throw new RpcError(
      "UNIMPLEMENTED",
      `the grpc-encoding ${encoding.slice(0, 100)} is not served: expected identity`,
      {
        headers: ENCODINGS,
      },
    );
  }
  const timeout = headerOf(headers, "grpc-timeout");
  const timeoutMs = timeout === undefined ? undefined : parseTimeout(timeout);
  if (timeout !== undefined && timeoutMs === undefined) {
    throw new RpcError(
      "INVALID_ARGUMENT",
      `the grpc-timeout ${timeout.slice(0, 100)}: expected at most 8 digits and one of H M S m u n`,
    );
  }
  const method = readMethod(headerOf(headers, ":path") ?? "", lookup);
  return { dress: { contentType }, method, headers: readMetadata(headers), timeoutMs };
}

const ENCODINGS = Metadata.fromFlat(["grpc-accept-encoding", "identity"]);

function readMethod(path: string, lookup: Lookup): Method {
  const parts = /^\/([^/]+)\/([^/]+)$/.exec(path);
  if (!parts) throw new RpcError("UNIMPLEMENTED", `the path ${path.slice(0, 200)}: expected /package.Service/Method`);
  const method = lookup.grpc(parts[1]!, parts[2]!);
  if (method.streaming !== "none") {
    throw new RpcError("UNIMPLEMENTED", `${method.service}.${method.name} streams, which is not served yet`);
  }
  return method;
}

/** What the connection knows of a call. */
export interface CallContext {
  readonly expiresAtMs: number;
  readonly signal: CancelSignal;
  readonly facts: Facts;
}

/** The call of a head and its message. Throws a RpcError INTERNAL when no message came. */
export function readCall(
  { dress, method, headers }: CallHead,
  message: Uint8Array | undefined,
  { expiresAtMs, signal, facts }: CallContext,
): { readonly dress: Dress; readonly call: Call } {
  if (message === undefined) throw new RpcError("INTERNAL", "the call came without its message");
  const payload = { type: method.request, codec: "protobuf", bytes: message } as const;
  return { dress, call: { method, payload, headers, expiresAtMs, signal, facts } };
}

/** The response to a call. A declared exception or an error is a status without a message. */
export function writeReply({ contentType }: Dress, answer: Reply | RpcError): Response {
  const headers = [":status", "200", "content-type", contentType];
  if (answer instanceof RpcError) {
    for (const [name, value] of answer.headers) if (name === "grpc-accept-encoding") headers.push(name, value);
    writeMetadata(answer.headers, headers);
    writeMetadata(answer.trailers, headers);
    writeStatus(answer, headers);
    return { headers, body: undefined, trailers: undefined };
  }
  if (answer.payload.codec !== "protobuf") {
    return writeReply(
      { contentType },
      new RpcError("INTERNAL", `the reply came as ${answer.payload.codec}: expected protobuf`),
    );
  }
  writeMetadata(answer.headers, headers);
  if (answer.kind === "exception") {
    writeMetadata(answer.trailers, headers);
    writeStatus(answer.status ?? exceptionStatus(answer.field, answer.payload.bytes), headers);
    return { headers, body: undefined, trailers: undefined };
  }
  const trailers = ["grpc-status", "0"];
  writeMetadata(answer.trailers, trailers);
  return { headers, body: writeMessage(answer.payload.bytes), trailers };
}

/** What a request to an upstream says beside the call. */
export interface WriteCallOptions {
  /** The host of the pseudo header `:authority`. */
  readonly authority: string;
  /** On the clock of the call's `expiresAtMs`. */
  readonly nowMs: number;
}

/** The request of a call. Throws a RpcError INTERNAL when the payload is not protobuf. */
export function writeCall(
  { method, payload, headers, expiresAtMs }: Call,
  { authority, nowMs }: WriteCallOptions,
): { readonly headers: HeaderList; readonly body: Uint8Array; readonly droppedMetadata: number } {
  if (payload.codec !== "protobuf") {
    throw new RpcError("INTERNAL", `the call came as ${payload.codec}: expected protobuf`);
  }
  const path = `/${method.service}/${method.name}`;
  const list = [":method", "POST", ":scheme", "http", ":path", path, ":authority", authority];
  list.push("te", "trailers", "content-type", "application/grpc");
  if (expiresAtMs !== Number.POSITIVE_INFINITY) list.push("grpc-timeout", formatTimeout(expiresAtMs - nowMs));
  const droppedMetadata = writeMetadata(headers, list);
  return { headers: list, body: writeMessage(payload.bytes), droppedMetadata };
}

/** What came back over one stream; `message` is without its prefix. */
export interface ReceivedResponse {
  readonly headers: HeaderList;
  readonly message: Uint8Array | undefined;
  /** Undefined when the headers ended the stream. */
  readonly trailers: HeaderList | undefined;
}

/**
 * Reads the response to a call: a message with status OK is a result; a status with a detail of a type that the method
 * throws is that exception. Throws a RpcError for any other status, origin `peer`, and for an OK without its message.
 */
export function readReply({ headers, message, trailers }: ReceivedResponse, method: Method): Reply {
  const httpStatus = Number(headerOf(headers, ":status"));
  checkContent(headers, httpStatus);
  const status = readStatus(trailers ?? headers, httpStatus);
  const metadata = trailers === undefined ? Metadata.EMPTY : readMetadata(headers);
  const trailing = readMetadata(trailers ?? headers);
  if (status) return declared(status, method, metadata, trailing);
  if (message === undefined) throw new RpcError("INTERNAL", "the status is OK but no message came", { sent: true });
  const payload = { type: method.response, codec: "protobuf", bytes: message } as const;
  const exception = exceptionInResponse(method, message);
  return { kind: "result", payload, headers: metadata, trailers: trailing, ...(exception && { exception }) };
}

/** A proxy's error page is no gRPC response, nor is a message that we cannot decompress. */
function checkContent(headers: HeaderList, httpStatus: number): void {
  const contentType = headerOf(headers, "content-type");
  const encoding = headerOf(headers, "grpc-encoding");
  if (encoding !== undefined && encoding !== "identity") {
    throw new RpcError("INTERNAL", `the response is compressed with ${encoding.slice(0, 100)}, which was not offered`, {
      sent: true,
    });
  }
  if (headerOf(headers, "grpc-status") !== undefined || contentType?.startsWith("application/grpc")) return;
  const status = readStatus([], httpStatus);
  throw new RpcError(
    status?.code ?? "UNKNOWN",
    `the response has the HTTP status ${httpStatus} and the content type ${contentType?.slice(0, 100) ?? "none"}: expected application/grpc`,
    { origin: "peer", sent: true },
  );
}

function declared(status: Status, method: Method, headers: Metadata, trailers: Metadata): Reply {
  const { code, message, details } = status;
  const thrown = thrownException(method, details);
  if (thrown) {
    const payload = { type: thrown.type, codec: "protobuf", bytes: thrown.bytes } as const;
    return { kind: "exception", field: thrown.field, status, payload, headers, trailers };
  }
  throw new RpcError(code, message, { origin: "peer", sent: true, details, headers, trailers });
}

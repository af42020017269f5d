// Thrift over HTTP: a message as the body of a POST, another as that of its response, as THttpClient of the official libraries
// has it.
import { CODE_NUMBERS, RpcError } from "../../base/errors.ts";
import { Metadata } from "../../base/metadata.ts";
import { newFacts, type Reply } from "../../rpc/call.ts";
import { formatStatus } from "../../rpc/status.ts";
import { EXCEPTION_TYPE, ThriftFault, toApplicationException } from "../thrift/codes.ts";
import { codecOfStart, MESSAGE } from "../thrift/message.ts";
import { readCall } from "../thrift/read-call.ts";
import { writeReply } from "../thrift/write-reply.ts";
import {
  callOf,
  callOrError,
  type Dialect,
  type DialectContext,
  type Exchange,
  mediaTypeOf,
  timeoutOf,
} from "./dialect.ts";
import { type HttpRequest, type HttpResponse, textResponse } from "./http.ts";
import { writeResponseMetadata } from "./http-metadata.ts";
import { type JsonMessageHeader, readJsonMessage, writeJsonMessage } from "./thrift-json-message.ts";

/**
 * Reads POST with the content type `application/x-thrift` or `application/vnd.apache.thrift.binary`, `.compact` or `.json`. Where the
 * content type does not name the protocol, the first byte does: most of the official clients say `application/x-thrift` to
 * everything.
 */
export const thriftDialect: Dialect = (request, context) => {
  switch (encodingOf(request)) {
    case "bytes":
      return readBytes(request, context);
    case "json":
      return readJson(request, context);
    case undefined:
      return refuse("the protocol of the content type is unknown: expected binary, compact or json");
  }
};

/** Messages of bytes begin with what they are: binary, strict or old, or compact. */
type Encoding = "bytes" | "json";

const ENCODINGS: ReadonlyMap<string, Encoding> = new Map<string, Encoding>([
  ["binary", "bytes"],
  ["tbinary", "bytes"],
  ["compact", "bytes"],
  ["tcompact", "bytes"],
  ["json", "json"],
  ["tjson", "json"],
]);

const MEDIA_TYPE = "application/vnd.apache.thrift.";

function encodingOf({ headers, body }: HttpRequest): Encoding | undefined {
  const mediaType = mediaTypeOf(headers);
  if (mediaType.startsWith(MEDIA_TYPE)) return ENCODINGS.get(mediaType.slice(MEDIA_TYPE.length));
  const named = /;\s*protocol="?([\w-]+)"?/i.exec(headers.get("content-type") ?? "")?.[1];
  if (named !== undefined) return ENCODINGS.get(named.toLowerCase());
  const [first = 0] = body;
  // An old-style binary message begins with the length of its name, whose first byte is zero.
  return first === 0x5b || (first > 0 && first <= 0x20) ? "json" : "bytes";
}

/** The service that the last segment of the path names, by its full or bare name; else the listener's. */
function serviceOf(path: string, { services, defaultService }: DialectContext): string | undefined {
  const segment = path.slice(path.lastIndexOf("/") + 1);
  if (segment === "") return defaultService;
  if (services.thrift.has(segment)) return segment;
  for (const fullName of services.thrift) if (fullName.endsWith(`.${segment}`)) return segment;
  return defaultService;
}

function readBytes(request: HttpRequest, context: DialectContext): Exchange {
  const { body, path, peer, caller, signal } = request;
  const read = readCall(body, {
    lookup: context.lookup,
    service: serviceOf(path, context),
    dialect: { framing: "unframed", envelope: codecOfStart(body) === "thrift-compact" ? "compact" : "strict" },
    signal,
    facts: newFacts("thrift-http", peer, caller),
  });
  return {
    call: callOrError(() => {
      if ("error" in read) throw read.error;
      const { method, payload, signal } = read.call;
      const said = { inbound: "thrift-http", method, codec: payload.codec, bytes: payload.bytes };
      return { ...callOf(request, { ...said, timeoutMs: timeoutOfThrift(request) }, context), signal };
    }),
    writeReply: (answer) => respond(request, answer, writeReply(read.dress, answer)),
  };
}

/** What a call wore, and its answer wears again. */
interface JsonDress extends JsonMessageHeader {
  readonly answered: boolean;
}

function readJson(request: HttpRequest, context: DialectContext): Exchange {
  let dress: JsonDress = { name: "", type: MESSAGE.CALL, sequenceId: 0, answered: true };
  const call = callOrError(() => {
    const { name, type, sequenceId, struct } = readJsonMessage(request.body);
    dress = { name: name.slice(name.indexOf(":") + 1), type, sequenceId, answered: type !== MESSAGE.ONEWAY };
    if (type !== MESSAGE.CALL && type !== MESSAGE.ONEWAY) {
      throw new RpcError("INVALID_ARGUMENT", `message type ${type} is no request: expected 1 (call) or 4 (oneway)`, {
        cause: new ThriftFault(EXCEPTION_TYPE.INVALID_MESSAGE_TYPE),
      });
    }
    const method = context.lookup.thrift(name, serviceOf(request.path, context));
    if (method.oneway) dress = { ...dress, answered: false };
    const timeoutMs = timeoutOfThrift(request);
    return callOf(request, { inbound: "thrift-http", method, codec: "thrift-json", bytes: struct, timeoutMs }, context);
  });
  return { call, writeReply: (answer) => respond(request, answer, writeJson(dress, answer)) };
}

function writeJson(dress: JsonDress, answer: Reply | RpcError): Uint8Array | undefined {
  if (!dress.answered) return undefined;
  if (answer instanceof RpcError) {
    const { message, type } = toApplicationException(answer);
    const struct = `{"1":{"str":${JSON.stringify(message)}},"2":{"i32":${type}}}`;
    return writeJsonMessage({ ...dress, type: MESSAGE.EXCEPTION }, struct);
  }
  const { codec, bytes } = answer.payload;
  if (codec !== "thrift-json") {
    return writeJson(dress, new RpcError("INTERNAL", `the reply came as ${codec}: expected thrift-json`));
  }
  return writeJsonMessage({ ...dress, type: MESSAGE.REPLY }, bytes);
}

function timeoutOfThrift({ headers }: HttpRequest): number | undefined {
  return timeoutOf(headers, "client_timeout") ?? timeoutOf(headers);
}

const NO_BYTES = new Uint8Array(0);

/** A oneway call is answered too, because HTTP is, but with no bytes: its client reads none. */
function respond({ headers }: HttpRequest, answer: Reply | RpcError, message: Uint8Array | undefined): HttpResponse {
  const flat = ["content-type", mediaTypeOf(headers)];
  writeResponseMetadata(answer.headers, flat);
  writeResponseMetadata(answer.trailers, flat, "cw-t-");
  if (answer instanceof RpcError) {
    flat.push("cw-code", String(CODE_NUMBERS[answer.code]));
    const { base64 } = formatStatus(answer);
    if (base64 !== "") flat.push("cw-details-bin", base64);
  }
  return { status: 200, headers: Metadata.fromFlat(flat), body: message ?? NO_BYTES };
}

/** What cannot be answered in its own protocol is answered in HTTP's. */
function refuse(message: string): Exchange {
  return {
    call: new RpcError("UNIMPLEMENTED", message),
    writeReply: () => textResponse(415, message),
  };
}

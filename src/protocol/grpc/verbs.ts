// gRPC's four verbs for unary calls, on header lists and message bytes as in gRPC's PROTOCOL-HTTP2. Carrying them over
// HTTP/2 is left to inbound and outbound.
import type { CancelSignal } from "../../base/cancel.ts";
import type { Compression } from "../../base/compression.ts";
import { RpcError, type Status } from "../../base/errors.ts";
import { Metadata } from "../../base/metadata.ts";
import type { AnyCall, Call, Facts, Payload, Reply } from "../../rpc/call.ts";
import type { Lookup } from "../../rpc/resolve.ts";
import { exceptionInResponse } from "../../rpc/response-oneof.ts";
import { exceptionStatus, thrownException } from "../../rpc/status.ts";
import type { Method } from "../../schema/model.ts";
import { type HeaderList, headerOf, readMetadata, writeMetadata } from "./header-list.ts";
import { type ReceivedMessage, writeMessage } from "./message.ts";
import { ACCEPTED_ENCODINGS, ACCEPTED_SETS, readAccepted, readEncoding } from "./message-encoding.ts";
import { readStatus, retryAfterOf, writePushback, writeStatus } from "./status.ts";
import { formatTimeout, parseTimeout } from "./timeout.ts";

/** What a call wore on the wire, and its reply has to wear again. */
export interface Dress {
  readonly contentType: string;
  /** What the caller takes compressed messages in; without it, it takes none. */
  readonly accepts?: readonly Compression[] | undefined;
  /** The headers of a response without metadata or compression, for dresses that many calls wear: HTTP/2 encodes them once. */
  readonly plain?: HeaderList;
}

/** What a request's headers say, before its message is there. */
export interface CallHead {
  readonly dress: Dress;
  readonly method: Method;
  readonly headers: Metadata;
  /** What those of its messages are compressed with whose flag says so. */
  readonly compression: Compression | undefined;
  /** Milliseconds that the caller will wait; undefined when it did not say. */
  readonly timeoutMs: number | undefined;
}

/** What goes over one stream: `trailers` undefined means that the headers end it (trailers-only, or plain HTTP). */
export interface Response {
  readonly headers: HeaderList;
  readonly body: Uint8Array | undefined;
  readonly trailers: HeaderList | undefined;
}

/** What nearly all calls wear. Callers may write anything behind a semicolon, and what they write is not kept. */
const COMMON_DRESSES: readonly Dress[] = ["application/grpc", "application/grpc+proto"].flatMap((contentType) =>
  [undefined, ...ACCEPTED_SETS].map((accepts) => {
    const dress = { contentType, accepts };
    return { ...dress, plain: writeResponseHead(dress, undefined) };
  }),
);
const PLAIN_DRESS: Dress = COMMON_DRESSES[0]!;
const CONTENT_TYPE = /^application\/grpc(?:\+proto)?(?:\s*;.*)?$/i;

/** The plain HTTP response to a request that is not gRPC at all; undefined when it is. */
export function refuseRequest(headers: HeaderList): Response | undefined {
  const contentType = headerOf(headers, "content-type") ?? "";
  // gRPC's specification asks for 415, so that HTTP clients do not take a status of 200 for success.
  if (contentType !== PLAIN_DRESS.contentType && !contentType.toLowerCase().startsWith("application/grpc"))
    return plainHttp("415");
  return headerOf(headers, ":method") === "POST" ? undefined : plainHttp("405");
}

function plainHttp(status: string): Response {
  return { headers: [":status", status], body: undefined, trailers: undefined };
}

/** The dress of a request whose headers are wrong otherwise, to answer it in. */
export function readDress(headers: HeaderList): Dress {
  const contentType = headerOf(headers, "content-type") ?? "";
  return CONTENT_TYPE.test(contentType) ? dressOf(contentType, readAccepted(headers)) : PLAIN_DRESS;
}

function dressOf(contentType: string, accepts: readonly Compression[] | undefined): Dress {
  for (const dress of COMMON_DRESSES) {
    if (dress.contentType === contentType && dress.accepts === accepts) return dress;
  }
  return { contentType, accepts };
}

/** What a request's headers say, whatever services are loaded. */
interface RequestHead extends Omit<CallHead, "method"> {
  readonly service: string;
  readonly name: string;
}

/** By lists that come again and again. */
const knownRequests = new WeakMap<HeaderList, RequestHead>();

/**
 * Reads a request's headers; `fromSidecar` says whether what sidecars tell each other in them is believed, and
 * `recognised` that the very same list has come before, always with the same `fromSidecar`. Throws a RpcError:
 * UNIMPLEMENTED for an unknown method, content type or compression, INVALID_ARGUMENT for a malformed timeout.
 */
export function readHead(headers: HeaderList, lookup: Lookup, fromSidecar = false, recognised = false): CallHead {
  const { service, name, ...head } = recognised ? knownHead(headers, fromSidecar) : readRequest(headers, fromSidecar);
  return { ...head, method: lookup.grpc(service, name) };
}

function knownHead(headers: HeaderList, fromSidecar: boolean): RequestHead {
  const known = knownRequests.get(headers);
  if (known) return known;
  const head = readRequest(headers, fromSidecar);
  // Many connections say the same: behind them it is one object, which is then known, too.
  const shared = { ...head, headers: head.headers.shared() };
  knownRequests.set(headers, shared);
  return shared;
}

function readRequest(headers: HeaderList, fromSidecar: boolean): RequestHead {
  const contentType = headerOf(headers, "content-type") ?? "";
  if (!CONTENT_TYPE.test(contentType)) {
    throw new RpcError(
      "UNIMPLEMENTED",
      `the content type ${contentType.slice(0, 100)} is not served: expected application/grpc`,
    );
  }
  const compression = readEncoding(headers);
  const timeout = headerOf(headers, "grpc-timeout");
  const timeoutMs = timeout === undefined ? undefined : parseTimeout(timeout);
  if (timeout !== undefined && timeoutMs === undefined) {
    throw new RpcError(
      "INVALID_ARGUMENT",
      `the grpc-timeout ${timeout.slice(0, 100)}: expected at most 8 digits and one of H M S m u n`,
    );
  }
  const path = headerOf(headers, ":path") ?? "";
  const parts = /^\/([^/]+)\/([^/]+)$/.exec(path);
  if (!parts) throw new RpcError("UNIMPLEMENTED", `the path ${path.slice(0, 200)}: expected /package.Service/Method`);
  return {
    dress: dressOf(contentType, readAccepted(headers)),
    service: parts[1]!,
    name: parts[2]!,
    headers: readMetadata(headers, fromSidecar),
    compression,
    timeoutMs,
  };
}

/** What the connection knows of a call. */
export interface CallContext {
  readonly expiresAtMs: number;
  readonly signal: CancelSignal;
  readonly facts: Facts;
}

function payloadOf(type: Payload["type"], { bytes, compression }: ReceivedMessage): Payload {
  // Most messages are not: one shape for those.
  return compression === undefined
    ? { type, codec: "protobuf", bytes }
    : { type, codec: "protobuf", bytes, compression };
}

/** The call of a head and its message. Throws a RpcError INTERNAL when no message came. */
export function readCall(
  { dress, method, headers }: CallHead,
  message: ReceivedMessage | undefined,
  { expiresAtMs, signal, facts }: CallContext,
): { readonly dress: Dress; readonly call: Call } {
  if (message === undefined) throw new RpcError("INTERNAL", "the call came without its message");
  const payload = payloadOf(method.request, message);
  const { accepts } = dress;
  const call = { method, payload, headers, expiresAtMs, signal, facts };
  return { dress, call: accepts === undefined ? call : { ...call, accepts } };
}

const OK_TRAILERS: HeaderList = ["grpc-status", "0"];

/** The headers that begin a response; `compression` is what its messages may be compressed with. */
export function writeResponseHead({ contentType, accepts }: Dress, compression: Compression | undefined): string[] {
  const headers = [":status", "200", "content-type", contentType];
  if (compression !== undefined) headers.push("grpc-encoding", compression);
  // Who can compress may do so from now on.
  if (accepts !== undefined) headers.push("grpc-accept-encoding", ACCEPTED_ENCODINGS);
  return headers;
}

/** The response to a call. A declared exception or an error is a status without a message. */
export function writeReply(dress: Dress, answer: Reply | RpcError): Response {
  if (answer instanceof RpcError) {
    const headers = writeResponseHead(dress, undefined);
    writeFailure(answer, headers);
    return { headers, body: undefined, trailers: undefined };
  }
  const { codec, bytes, compression } = answer.payload;
  if (codec !== "protobuf") {
    return writeReply(dress, new RpcError("INTERNAL", `the reply came as ${codec}: expected protobuf`));
  }
  if (answer.kind === "exception") {
    const headers = writeResponseHead(dress, compression);
    writeMetadata(answer.headers, headers);
    writeMetadata(answer.trailers, headers);
    writeStatus(answer.status ?? exceptionStatus(answer.field, bytes), headers);
    return { headers, body: undefined, trailers: undefined };
  }
  return {
    headers: writeHeaders(dress, compression, answer.headers),
    body: writeMessage(bytes, compression !== undefined),
    trailers: writeTrailers(answer.trailers),
  };
}

function writeHeaders(dress: Dress, compression: Compression | undefined, metadata: Metadata): HeaderList {
  if (metadata.size === 0 && compression === undefined && dress.plain !== undefined) return dress.plain;
  const headers = writeResponseHead(dress, compression);
  writeMetadata(metadata, headers);
  return headers;
}

function writeTrailers(metadata: Metadata): HeaderList {
  if (metadata.size === 0) return OK_TRAILERS;
  const trailers = [...OK_TRAILERS];
  writeMetadata(metadata, trailers);
  return trailers;
}

/** Appends an error's metadata and status to the headers or trailers that it ends a response with. */
export function writeFailure(error: RpcError, headers: string[]): void {
  for (const [name, value] of error.headers) {
    if (name === "grpc-accept-encoding" && !headers.includes(name)) headers.push(name, value);
  }
  writeMetadata(error.headers, headers);
  writeMetadata(error.trailers, headers);
  writeStatus(error, headers);
  writePushback(error, headers);
}

/** What a request to an upstream says beside the call. */
export interface WriteCallOptions {
  /** The host of the pseudo header `:authority`. */
  readonly authority: string;
  readonly scheme: "http" | "https";
  /** On the clock of the call's `expiresAtMs`. */
  readonly nowMs: number;
  /** What was written last to the same authority, where it is kept. */
  readonly heads?: KnownHeads;
}

/** The last request headers of each method, for calls with the very same metadata that take the same compressions. */
export type KnownHeads = WeakMap<Method, KnownHead>;

interface KnownHead {
  readonly metadata: Metadata;
  readonly accepts: readonly Compression[] | undefined;
  readonly list: HeaderList;
  readonly droppedMetadata: number;
}

/** The headers of a request, how many metadata pairs they have no room for, and its message. */
export interface WrittenCall {
  /** The same object for all calls of a method with the same metadata, where the last ones are known. */
  readonly headers: HeaderList;
  /** What each call says anew: how long it has. */
  readonly timeout: HeaderList;
  readonly droppedMetadata: number;
  readonly body: Uint8Array;
}

/** The request of a call. Throws a RpcError INTERNAL when the payload is not protobuf. */
export function writeCall(call: Call, options: WriteCallOptions): WrittenCall {
  const { codec, bytes, compression } = call.payload;
  if (codec !== "protobuf") {
    throw new RpcError("INTERNAL", `the call came as ${codec}: expected protobuf`);
  }
  const { list, droppedMetadata } = writeCallHead(call, compression, options);
  return {
    headers: list,
    timeout: writeTimeout(call, options),
    droppedMetadata,
    body: writeMessage(bytes, compression !== undefined),
  };
}

const NO_TIMEOUT: HeaderList = [];

/** The header that says how long the call has; none when nobody set a deadline. */
export function writeTimeout({ expiresAtMs }: AnyCall, { nowMs }: WriteCallOptions): HeaderList {
  return expiresAtMs === Number.POSITIVE_INFINITY ? NO_TIMEOUT : ["grpc-timeout", formatTimeout(expiresAtMs - nowMs)];
}

/** The headers of a request but its timeout; `compression` is what its messages may be compressed with. */
export function writeCallHead(
  { method, headers, accepts }: AnyCall,
  compression: Compression | undefined,
  { scheme, authority, heads }: WriteCallOptions,
): KnownHead {
  const known = compression === undefined ? heads?.get(method) : undefined;
  if (known !== undefined && known.metadata === headers && known.accepts === accepts) return known;
  const path = `/${method.service}/${method.name}`;
  const list = [":method", "POST", ":scheme", scheme, ":path", path, ":authority", authority];
  list.push("te", "trailers", "content-type", "application/grpc");
  if (compression !== undefined) list.push("grpc-encoding", compression);
  if (accepts !== undefined) list.push("grpc-accept-encoding", accepts.join(","));
  const droppedMetadata = writeMetadata(headers, list);
  const head = { metadata: headers, accepts, list, droppedMetadata };
  if (compression === undefined) heads?.set(method, head);
  return head;
}

/** What came back over one stream; `message` is without its prefix. */
export interface ReceivedResponse {
  readonly headers: HeaderList;
  readonly message: ReceivedMessage | undefined;
  /** Undefined when the headers ended the stream. */
  readonly trailers: HeaderList | undefined;
}

/**
 * Reads the response to a call: a message with status OK is a result; a status with a detail of a type that the method
 * throws is that exception. Throws a RpcError for any other status, origin `peer`, and for an OK without its message.
 */
export function readReply(
  { headers, message, trailers }: ReceivedResponse,
  method: Method,
  accepts?: readonly Compression[],
): Reply {
  const status = readEnd(headers, trailers);
  const metadata = trailers === undefined ? Metadata.EMPTY : readMetadata(headers);
  const trailing = readMetadata(trailers ?? headers);
  if (status) return declared(status, method, metadata, trailing, retryAfterOf(trailers ?? headers, status));
  if (message === undefined) throw new RpcError("INTERNAL", "the status is OK but no message came", { sent: true });
  const payload = payloadOf(method.response, message);
  const result = { kind: "result", payload, headers: metadata, trailers: trailing } as const;
  if (message.compression !== undefined) {
    // Nobody unpacks it to see whether it holds an exception.
    checkAccepted(message.compression, accepts);
    return result;
  }
  const exception = exceptionInResponse(method, message.bytes);
  return exception ? { ...result, exception } : result;
}

/**
 * How a response ended: undefined for OK. Throws a RpcError of the peer for what is no gRPC response, such as a proxy's
 * error page. `trailers` is undefined when the headers ended the stream.
 */
export function readEnd(headers: HeaderList, trailers: HeaderList | undefined): Status | undefined {
  const httpStatus = Number(headerOf(headers, ":status"));
  const contentType = headerOf(headers, "content-type");
  if (headerOf(headers, "grpc-status") === undefined && !contentType?.startsWith("application/grpc")) {
    throw new RpcError(
      readStatus([], httpStatus)?.code ?? "UNKNOWN",
      `the response has the HTTP status ${httpStatus} and the content type ${contentType?.slice(0, 100) ?? "none"}: expected application/grpc`,
      { origin: "peer", sent: true },
    );
  }
  return readStatus(trailers ?? headers, httpStatus);
}

/**
 * What the messages of a response are compressed with, by its headers. Throws a RpcError INTERNAL for a compression that
 * is not known here, as gRPC's compression.md asks of clients.
 */
export function readResponseEncoding(headers: HeaderList): Compression | undefined {
  try {
    return readEncoding(headers);
  } catch {
    const encoding = headerOf(headers, "grpc-encoding")?.slice(0, 100);
    throw new RpcError("INTERNAL", `the response is compressed with ${encoding}, which was not offered`, {
      sent: true,
    });
  }
}

/** Throws a RpcError INTERNAL for a message that its reader cannot unpack. */
function checkAccepted(compression: Compression, accepts: readonly Compression[] | undefined): void {
  if (accepts?.includes(compression)) return;
  const text = `the response is compressed with ${compression}, which was not offered`;
  throw new RpcError("INTERNAL", text, { sent: true });
}

function declared(
  status: Status,
  method: Method,
  headers: Metadata,
  trailers: Metadata,
  retryAfterMs: number | undefined,
): Reply {
  const { code, message, details } = status;
  const thrown = thrownException(method, details);
  if (thrown) {
    const payload = { type: thrown.type, codec: "protobuf", bytes: thrown.bytes } as const;
    return { kind: "exception", field: thrown.field, status, payload, headers, trailers };
  }
  throw new RpcError(code, message, { origin: "peer", sent: true, details, headers, trailers, retryAfterMs });
}

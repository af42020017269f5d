// From a request's headers and its message to the call that it is, for those who serve gRPC, as gRPC's PROTOCOL-HTTP2 has it.
// Carrying them over HTTP/2 is left to inbound.
import type { CancelSignal } from "../../base/cancel.ts";
import type { Compression } from "../../base/compression.ts";
import { RpcError } from "../../base/errors.ts";
import type { Metadata } from "../../base/metadata.ts";
import type { Call, Facts } from "../../rpc/call.ts";
import type { Lookup } from "../../rpc/resolve.ts";
import type { Method } from "../../schema/model.ts";
import { type Dress, dressOf, PLAIN_DRESS } from "./dress.ts";
import { type HeaderList, headerOf, readMetadata } from "./header-list.ts";
import { payloadOf, type ReceivedMessage } from "./message.ts";
import { readAccepted, readEncoding } from "./message-encoding.ts";
import { parseTimeout } from "./timeout.ts";
import type { Response } from "./write-reply.ts";

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

// What the dialects of the HTTP port share: each reads a request as a call and writes its answer as a response. Handling the
// call is left to http-port.ts.
import { RpcError } from "../../base/errors.ts";
import type { Metadata } from "../../base/metadata.ts";
import type { Codec } from "../../codec/codec.ts";
import { type Call, newFacts, type Reply } from "../../rpc/call.ts";
import type { Lookup } from "../../rpc/resolve.ts";
import type { Method } from "../../schema/model.ts";
import type { PrintDetail } from "./connect-error.ts";
import type { HttpRequest, HttpResponse } from "./http.ts";
import { readRequestMetadata } from "./http-metadata.ts";

/** What a dialect knows beside the request. */
export interface DialectContext {
  readonly lookup: Lookup;
  /** Full names of the loaded services, by the wire of their IDL. */
  readonly services: Readonly<Record<"thrift" | "protobuf", ReadonlySet<string>>>;
  /** The service of Thrift calls that name none. */
  readonly defaultService: string | undefined;
  readonly maxMessageBytes: number;
  readonly printDetail: PrintDetail;
  nowMs(): number;
}

/** A call, or what is wrong with it; either way the form of its answer. */
export interface Exchange {
  readonly call: Call | RpcError;
  writeReply(answer: Reply | RpcError): HttpResponse;
}

/** Reads a request of one content type; never throws a RpcError. */
export type Dialect = (request: HttpRequest, context: DialectContext) => Exchange;

/** What `read` returns, or the RpcError that it throws. */
export function callOrError<T>(read: () => T): T | RpcError {
  try {
    return read();
  } catch (error) {
    if (error instanceof RpcError) return error;
    throw error;
  }
}

/** A call with the request's metadata; `timeoutMs` undefined: the caller set no deadline. */
export function callOf(
  { headers, peer, caller, signal }: HttpRequest,
  said: {
    readonly inbound: string;
    readonly method: Method;
    readonly codec: Codec;
    readonly bytes: Uint8Array;
    readonly timeoutMs: number | undefined;
  },
  { nowMs }: DialectContext,
): Call {
  const { inbound, method, codec, bytes, timeoutMs } = said;
  if (method.streaming !== "none") {
    const expected = "expected the content-type application/connect+json or application/connect+proto, or gRPC-Web";
    throw new RpcError("UNIMPLEMENTED", `${method.service}/${method.name} streams: ${expected}`);
  }
  return {
    method,
    payload: { type: method.request, codec, bytes },
    headers: readRequestMetadata(headers),
    expiresAtMs: timeoutMs === undefined ? Number.POSITIVE_INFINITY : nowMs() + timeoutMs,
    signal,
    facts: newFacts(inbound, peer, caller),
  };
}

/** The method of a path `/package.Service/Method`; throws a RpcError UNIMPLEMENTED for another path and for unknown names. */
export function methodOfPath(path: string, { lookup }: DialectContext): Method {
  const { service, method } = splitPath(path);
  return lookup.grpc(service, method);
}

/** As `methodOfPath`, for JSON, which does not show a wire: services that only Thrift IDL declares are found by their names there. */
export function methodOfAnyWire(path: string, { lookup, services }: DialectContext): Method {
  const { service, method } = splitPath(path);
  const isThrift = services.thrift.has(service) && !services.protobuf.has(service);
  return isThrift ? lookup.thrift(method, service) : lookup.grpc(service, method);
}

function splitPath(path: string): { readonly service: string; readonly method: string } {
  const parts = /^\/([^/]+)\/([^/]+)$/.exec(path);
  if (parts) return { service: parts[1]!, method: parts[2]! };
  throw new RpcError("UNIMPLEMENTED", `the path ${path.slice(0, 200)}: expected /package.Service/Method`);
}

/** The timeout in milliseconds that a header holds, as Connect has it: at most ten digits. */
export function timeoutOf(headers: Metadata, name = "connect-timeout-ms"): number | undefined {
  const text = headers.get(name);
  if (text === undefined) return undefined;
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new RpcError("INVALID_ARGUMENT", `${name} is ${text.slice(0, 100)}: expected at most 10 digits, milliseconds`);
}

/** The media type of a request in lower case, without parameters; empty when it has none. */
export function mediaTypeOf(headers: Metadata): string {
  return (headers.get("content-type") ?? "").split(";", 1)[0]!.trim().toLowerCase();
}

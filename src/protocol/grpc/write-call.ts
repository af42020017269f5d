// From a call to the request that says it, for those who call gRPC servers.
import type { Compression } from "../../base/compression.ts";
import { RpcError } from "../../base/errors.ts";
import type { Metadata } from "../../base/metadata.ts";
import type { AnyCall, Call } from "../../rpc/call.ts";
import type { Method } from "../../schema/model.ts";
import { type HeaderList, writeMetadata } from "./header-list.ts";
import { writeMessage } from "./message.ts";
import { formatTimeout } from "./timeout.ts";

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

// What the dialects of the HTTP port share for streams: each reads a request's head as that of a streaming call and knows what
// stands around the messages of its reply. Handling the call is left to http-streams.ts.
import type { Compression } from "../../base/compression.ts";
import type { RpcError } from "../../base/errors.ts";
import type { Metadata } from "../../base/metadata.ts";
import type { StreamReply } from "../../rpc/stream.ts";
import type { Method } from "../../schema/model.ts";
import type { DialectContext } from "./dialect.ts";
import type { HttpRequestHead } from "./http.ts";

/** What a streaming call wore, and its answer wears again. */
export interface StreamDress {
  /** The headers of the response, whose status is always 200; `reply` undefined: the call ended before it had one. */
  readonly headers: (reply: StreamReply | undefined) => Metadata;
  /** The last frame: how the call ended. What had no place in the headers of the response is in it too. */
  readonly end: (end: Metadata | RpcError) => Uint8Array;
  /** Whether the bodies both ways are base64 of all this. */
  readonly isText: boolean;
}

/** What the head of a request says of a streaming call. */
export interface StreamHead {
  /** As logs have it. */
  readonly inbound: string;
  readonly method: Method;
  readonly codec: "json" | "protobuf";
  /** What those of its messages are compressed with whose flag says so. */
  readonly compression: Compression | undefined;
  /** What the caller takes compressed messages in. */
  readonly accepts: readonly Compression[] | undefined;
  /** Undefined: the caller set no deadline. */
  readonly timeoutMs: number | undefined;
}

/** A streaming call, or what is wrong with it; either way the form of its answer. */
export interface StreamDialectCall {
  readonly head: StreamHead | RpcError;
  readonly dress: StreamDress;
}

/** Reads a request of one content type; undefined for a call of one message each way, where others have the same. Never throws a RpcError. */
export type StreamDialect = (request: HttpRequestHead, context: DialectContext) => StreamDialectCall | undefined;

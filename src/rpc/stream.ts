// What is being said now when more than one message goes one way: a streaming call and its reply.
import type { CancelSignal } from "../base/cancel.ts";
import type { Metadata } from "../base/metadata.ts";
import type { Method } from "../schema/model.ts";
import type { Facts, Payload } from "./call.ts";

/** A call whose request is any number of messages. Whoever does not read on holds the caller back. */
export interface StreamCall {
  readonly method: Method;
  readonly headers: Metadata;
  /** Read once; ends when the caller has half-closed, throws a RpcError when it went away. */
  readonly messages: AsyncIterable<Payload>;
  /** On the monotonic clock; Infinity when nobody set a deadline. */
  readonly expiresAtMs: number;
  /** Aborted when the caller went away or the deadline passed. */
  readonly signal: CancelSignal;
  readonly facts: Facts;
}

/** An answer of any number of messages. Whoever does not read on holds the peer back. */
export interface StreamReply {
  readonly headers: Metadata;
  /** Read once; throws a RpcError when the stream ended with anything but OK. */
  readonly messages: AsyncIterable<Payload>;
  /** Settles after the last message; rejects with the error that `messages` threw. */
  readonly trailers: Promise<Metadata>;
}

/** Resolves when the peer's headers are there. Rejects with a RpcError and nothing else. */
export type StreamHandler = (call: StreamCall) => Promise<StreamReply>;

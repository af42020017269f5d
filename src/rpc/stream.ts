// What is being said now when more than one message goes one way: a streaming call and its reply.
import type { Compression } from "../base/compression.ts";
import { type RpcError, toRpcError } from "../base/errors.ts";
import type { Metadata } from "../base/metadata.ts";
import type { Codec } from "../codec/codec.ts";
import type { AnyCall, Payload } from "./call.ts";

/** Messages in their order, read once. Whoever does not read on holds their sender back. */
export interface Messages extends AsyncIterable<Payload> {
  /** The next one, if it is there already: a turn of the promise queue for each message costs more than the message. */
  poll?(): Payload | undefined;
}

/** A call whose request is any number of messages. */
export interface StreamCall extends AnyCall {
  /** Ends when the caller has half-closed, throws a RpcError when it went away or the call is over. */
  readonly messages: Messages;
  /** What the messages are in, and those of the reply are to be; protobuf without it. */
  readonly codec?: Codec | undefined;
  /** What those of the messages that are compressed are compressed with. */
  readonly compression?: Compression | undefined;
}

/** An answer of any number of messages. */
export interface StreamReply {
  readonly headers: Metadata;
  /** Throws a RpcError when the stream ended with anything but OK, or the call's signal was aborted. */
  readonly messages: Messages;
  /** Settles when the last message has been read; rejects with the error that `messages` throws behind it. */
  readonly trailers: Promise<Metadata>;
  /** What those of the messages that are compressed are compressed with. */
  readonly compression?: Compression;
}

/** Resolves when the peer's headers are there. Rejects with a RpcError and nothing else. Heeds the call's signal. */
export type StreamHandler = (call: StreamCall) => Promise<StreamReply>;

/** Wraps a handler of streams in a policy. */
export type StreamLayer = (next: StreamHandler) => StreamHandler;

/** Tells, once, how a stream ended: undefined for OK, by its trailers, or else why, also when there is no reply at all. */
export function whenOver(
  reply: Promise<StreamReply>,
  over: (error: RpcError | undefined) => void,
): Promise<StreamReply> {
  return reply.then(
    (begun) => {
      begun.trailers.then(
        () => over(undefined),
        (thrown: unknown) => over(toRpcError(thrown)),
      );
      return begun;
    },
    (thrown: unknown) => {
      const error = toRpcError(thrown);
      over(error);
      throw error;
    },
  );
}

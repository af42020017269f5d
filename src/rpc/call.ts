// What is being said now: one call, its reply, and the function that turns one into the other.
import type { CancelSignal } from "../base/cancel.ts";
import type { Compression } from "../base/compression.ts";
import type { Status } from "../base/errors.ts";
import type { Metadata } from "../base/metadata.ts";
import type { Codec, Losses } from "../codec/codec.ts";
import type { Field, MessageType, Method } from "../schema/model.ts";
import type { Labels } from "./endpoint.ts";

/** Bytes with their meaning. The bytes never change and belong to the call: what outlives it copies. */
export interface Payload {
  /** Undefined: opaque, no layer may read into it. */
  readonly type: MessageType | undefined;
  readonly codec: Codec;
  readonly bytes: Uint8Array;
  /** What the bytes are compressed with, as only gRPC's wire says it; who reads into them takes it off first. */
  readonly compression?: Compression;
}

/** A call's place in a trace: ids in hex, and how the caller has told it. */
export interface CallSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly format: "w3c" | "b3" | "b3-multi" | undefined;
}

/** What happened to a call, for the log that also runs on failure. The one mutable record, by design. */
export interface Facts {
  /** What came in: for example `thrift-framed` or `grpc`. */
  inbound: string;
  /** The caller's address. */
  peer: string;
  /** Who the caller is by its TLS certificate, verified; undefined where it showed none. */
  caller: string | undefined;
  /** The application that calls, as its sidecar says it. */
  from: string | undefined;
  upstream: string | undefined;
  /** What the upstream speaks: the `protocol` of its config; undefined before an endpoint was chosen. */
  outbound: string | undefined;
  /** The endpoint of the last attempt. */
  endpoint: string | undefined;
  attempts: number;
  requestBytes: number;
  replyBytes: number;
  /** Undefined until the bridge has counted something. */
  losses: Losses | undefined;
  /** Metadata pairs that the next wire has no room for. */
  droppedMetadata: number;
  /** The span of the call, which those of its attempts stand under; absent where it is not traced. */
  trace?: CallSpan;
  /** The rule that chose the upstream; undefined where the service alone does. */
  route?: string;
  /** What was done to the call on purpose, as fault injection has it. */
  injected?: string;
  /** Why and how the call was answered without its upstream. */
  degraded?: string;
}

/** The record of a call that has just come in. */
export function newFacts(inbound: string, peer: string, caller?: string): Facts {
  return {
    inbound,
    peer,
    caller,
    from: undefined,
    upstream: undefined,
    outbound: undefined,
    endpoint: undefined,
    attempts: 0,
    requestBytes: 0,
    replyBytes: 0,
    losses: undefined,
    droppedMetadata: 0,
  };
}

/** What calls of one message and of many have in common. */
export interface AnyCall {
  readonly method: Method;
  readonly headers: Metadata;
  /** On the monotonic clock; Infinity when nobody set a deadline. */
  readonly expiresAtMs: number;
  /** Aborted when the caller went away or the deadline passed. */
  readonly signal: CancelSignal;
  /** What replies may be compressed with; without it nothing. */
  readonly accepts?: readonly Compression[];
  /** Labels that the endpoint must have, as a route demands; undefined: any endpoint. */
  readonly subset?: Labels;
  readonly facts: Facts;
}

export interface Call extends AnyCall {
  readonly payload: Payload;
}

/**
 * An answer: the method's result, or an exception that its IDL declares. On Thrift codecs the payload of both is the
 * whole result struct; on protobuf it is the response message, or the exception message.
 */
export type Reply =
  | {
      readonly kind: "result";
      /** The exception in the response, of a method whose response is a oneof of its result and its exceptions. */
      readonly exception?: Field;
      readonly payload: Payload;
      readonly headers: Metadata;
      readonly trailers: Metadata;
    }
  | {
      readonly kind: "exception";
      /** The field of the method's `throws`. */
      readonly field: Field;
      /** The status it came in, which a caller on the same wire gets untouched; undefined where a wire has none. */
      readonly status?: Status;
      readonly payload: Payload;
      readonly headers: Metadata;
      readonly trailers: Metadata;
    };

/** The declared exception that a reply is or holds, by its field; undefined for a plain result. */
export function exceptionOf(reply: Reply): Field | undefined {
  return reply.kind === "exception" ? reply.field : reply.exception;
}

/** A server, a client, a retried call: all are this. Rejects with a RpcError and nothing else. */
export type Handler = (call: Call) => Promise<Reply>;

/** Wraps a handler in a policy. */
export type Layer = (next: Handler) => Handler;

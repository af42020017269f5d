// The names and bounds that every codec shares.
import type { Wire } from "../schema/model.ts";

/** The codecs, each with the family of IDL whose types it encodes; json encodes either. thrift-simplejson is only written. */
export const CODEC_WIRES = {
  "thrift-binary": "thrift",
  "thrift-compact": "thrift",
  protobuf: "protobuf",
  json: undefined,
  "thrift-json": "thrift",
  "thrift-simplejson": "thrift",
} as const satisfies Record<string, Wire | undefined>;

/** A way to write a value as bytes. */
export type Codec = keyof typeof CODEC_WIRES;

/** Bounds of one message; there are no defaults below the config. */
export interface Limits {
  /** Most bytes of a message, on either side. */
  readonly maxBytes: number;
  /** Deepest nesting of messages and containers, on either side; 64 is usual. */
  readonly maxDepth: number;
  /** Most elements of one container. */
  readonly maxElements: number;
}

/** What a translation could not carry, counted. Mutable: it is the caller's record of one call. */
export interface Losses {
  /** Fields that the target does not know, or that came with another wire type. */
  unknownFields: number;
  /** Map entries and Thrift fields that a later one with the same key or id replaced, and set elements that came twice. */
  duplicates: number;
}

/**
 * Translates one message. The result is a new array of exact size; `bytes` is not changed. Throws a RpcError
 * INVALID_ARGUMENT that names the field path and the byte offset when the input is malformed, a value does not fit or
 * a limit is passed.
 */
export type Transcoder = (bytes: Uint8Array, losses: Losses) => Uint8Array;

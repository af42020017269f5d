// Says what each byte of a binary message is, with the IDL or without it, and never translates: for whoever reads a dump.
// Printing is left to the caller.
import type { MessageType } from "../schema/model.ts";
import { explainProtobuf } from "./explain-protobuf.ts";
import { explainThrift } from "./explain-thrift.ts";
import { type ExplainError, ExplainStop, type Visit } from "./explain-walk.ts";

export type { ByteRange, ExplainError, Visit } from "./explain-walk.ts";

const WALKERS = {
  "thrift-binary": (bytes, type, maxDepth, visit) => explainThrift(bytes, "binary", type, maxDepth, visit),
  "thrift-compact": (bytes, type, maxDepth, visit) => explainThrift(bytes, "compact", type, maxDepth, visit),
  protobuf: explainProtobuf,
} as const satisfies Record<
  string,
  (bytes: Uint8Array, type: MessageType | undefined, maxDepth: number, visit: Visit) => void
>;

/** The codecs whose bytes can be explained: those that are not text. */
export type ExplainedCodec = keyof typeof WALKERS;

/** Whether a codec's bytes can be explained. */
export function isExplained(codec: string): codec is ExplainedCodec {
  return Object.hasOwn(WALKERS, codec);
}

/**
 * Calls `visit` with every range of `bytes`, in order and without gaps. `type`, of the codec's own family, gives names and
 * types; without it Protobuf's nested messages and texts are told by how they look, as `protoc --decode_raw` does. Where the
 * bytes are no message the walk ends, and what was expected there is returned.
 */
export function explain(
  bytes: Uint8Array,
  codec: ExplainedCodec,
  type: MessageType | undefined,
  maxDepth: number,
  visit: Visit,
): ExplainError | undefined {
  try {
    WALKERS[codec](bytes, type, maxDepth, visit);
    return undefined;
  } catch (stop) {
    if (stop instanceof ExplainStop) return stop.error;
    throw stop;
  }
}

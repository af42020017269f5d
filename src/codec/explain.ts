// Says what each byte of a message is, with the IDL or without it, and never translates: for whoever reads a dump.
// Printing is left to the caller.
import type { MessageType } from "../schema/model.ts";
import type { Codec } from "./codec.ts";
import { explainJson, explainThriftJson } from "./explain-json.ts";
import { explainProtobuf } from "./explain-protobuf.ts";
import { explainThrift } from "./explain-thrift.ts";
import { type ExplainError, ExplainStop, type Visit } from "./explain-walk.ts";

export type { ByteRange, ExplainError, Visit } from "./explain-walk.ts";

type Explain = (bytes: Uint8Array, type: MessageType | undefined, maxDepth: number, visit: Visit) => void;

const WALKERS: Readonly<Record<Codec, Explain>> = {
  "thrift-binary": (bytes, type, maxDepth, visit) => explainThrift(bytes, "binary", type, maxDepth, visit),
  "thrift-compact": (bytes, type, maxDepth, visit) => explainThrift(bytes, "compact", type, maxDepth, visit),
  protobuf: explainProtobuf,
  json: explainJson,
  "thrift-json": explainThriftJson,
  "thrift-simplejson": explainJson,
};

/**
 * Calls `visit` with every range of `bytes`, in order and without gaps. `type`, of the codec's own family (Protobuf's for json), gives names and
 * types; without it Protobuf's nested messages and texts are told by how they look, as `protoc --decode_raw` does. Where the
 * bytes are no message the walk ends, and what was expected there is returned.
 */
export function explain(
  bytes: Uint8Array,
  codec: Codec,
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

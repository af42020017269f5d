// How Thrift messages are written: what stands around them, and how the message itself begins.
import type { Codec } from "../../codec/codec.ts";

/** What stands around a message: nothing, its length, or its length and headers. */
export type Framing = "unframed" | "framed" | "theader" | "ttheader";

/** The framings with headers. */
export type HeaderFraming = "theader" | "ttheader";

/** How a message begins, which tells how its body is encoded: Thrift binary (strict or old), compact, or Kitex-Protobuf. */
export type Envelope = "strict" | "old" | "compact" | "kitex-protobuf";

/** How a connection writes its messages. */
export interface Dialect {
  readonly framing: Framing;
  readonly envelope: Envelope;
}

const CODECS = {
  strict: "thrift-binary",
  old: "thrift-binary",
  compact: "thrift-compact",
  "kitex-protobuf": "protobuf",
} as const satisfies Record<Envelope, Codec>;

/** The codec of what an envelope holds. */
export function codecOf(envelope: Envelope): (typeof CODECS)[Envelope] {
  return CODECS[envelope];
}

/** Whether frames have headers. */
export function hasHeaders(framing: Framing): framing is HeaderFraming {
  return framing === "theader" || framing === "ttheader";
}

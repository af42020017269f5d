// What every part of `causeway convert` knows of codecs.
import { CODEC_WIRES, type Codec, type Limits } from "../codec/codec.ts";
import { type ExplainedCodec, isExplained } from "../codec/explain.ts";
import type { Wire } from "../schema/model.ts";

/** What comes in: some codecs can be explained, some translated, most both. */
export type InputCodec = Codec | ExplainedCodec;

/** What `--from` takes. */
export const INPUT_CODECS: readonly string[] = [...new Set([...Object.keys(CODEC_WIRES), "thrift-compact"])];

/** What `--to` takes. */
export const OUTPUT_CODECS: readonly string[] = Object.keys(CODEC_WIRES);

/** A person waits for this: large enough for any message, small enough that a wrong file does not fill the memory. */
export const LIMITS: Limits = { maxBytes: 64 * 1024 * 1024, maxDepth: 64, maxElements: 10_000_000 };

export function isCodec(codec: string): codec is Codec {
  return Object.hasOwn(CODEC_WIRES, codec);
}

/** Whether its messages are lines of text, to which no encoding applies. */
export function isText(codec: string): boolean {
  return !isExplained(codec);
}

/** The family of IDL that a codec's messages are of; undefined for json, which has both. */
export function wireOf(codec: InputCodec): Wire | undefined {
  return isCodec(codec) ? CODEC_WIRES[codec] : "thrift";
}

/** Something that a person can put right: what they gave is wrong. */
export class UsageError extends Error {}

// What every part of `causeway convert` knows of codecs.
import { CODEC_WIRES, type Codec, type Limits } from "../codec/codec.ts";

/** What `--from` and `--to` take. */
export const CODECS: readonly string[] = Object.keys(CODEC_WIRES);

/** A person waits for this: large enough for any message, small enough that a wrong file does not fill the memory. */
export const LIMITS: Limits = { maxBytes: 64 * 1024 * 1024, maxDepth: 64, maxElements: 10_000_000 };

const TEXTS: ReadonlySet<Codec> = new Set<Codec>(["json", "thrift-json", "thrift-simplejson"]);

/** Whether its messages are lines of text, to which no encoding applies. */
export function isText(codec: Codec): boolean {
  return TEXTS.has(codec);
}

/** Something that a person can put right: what they gave is wrong. */
export class UsageError extends Error {}

// Translates messages one by one for `causeway convert`, each pair of codecs and types compiled once.
import { RpcError } from "../base/errors.ts";
import type { JsonReading } from "../codec/byte-reader.ts";
import type { Codec, Losses, Transcoder } from "../codec/codec.ts";
import { explain } from "../codec/explain.ts";
import { compileInterpreter } from "../codec/interpret.ts";
import { formatJson, parseJson } from "../codec/json-text.ts";
import { compileTranscoder } from "../codec/transcode.ts";
import type { BodyLink } from "../schema/link.ts";
import { isText, LIMITS, UsageError } from "./convert-codec.ts";
import { type Target, typeIn } from "./convert-type.ts";

export interface TranslateOptions {
  readonly to: Codec;
  readonly pretty: boolean;
  readonly ignoreUnknown: boolean;
}

export interface Translator {
  /** What could not be carried over, of all messages so far. */
  readonly losses: Readonly<Losses>;
  /** One message; `line` is where it begins if it is text. `envelope` is what stands around a body, as JSON. */
  translate(target: Target, from: Codec, bytes: Uint8Array, line: number, envelope?: string): Uint8Array;
}

/** Translates messages one after the other; each pair of types is compiled once. */
export function createTranslator({ to, pretty, ignoreUnknown }: TranslateOptions): Translator {
  const compiled = new Map<Codec, Map<BodyLink, Transcoder>>();
  const losses: Losses = { unknownFields: 0, duplicates: 0 };
  let firstLine = 1;
  const json: JsonReading = {
    refuseUnknown: !ignoreUnknown,
    get firstLine() {
      return firstLine;
    },
  };

  function transcoder(body: BodyLink, from: Codec): Transcoder {
    const known = compiled.get(from)?.get(body);
    if (known) return known;
    const made =
      from === to || isText(from)
        ? compileInterpreter(body, from, to, LIMITS, json)
        : compileTranscoder(body, from, to, LIMITS);
    const ofCodec = compiled.get(from) ?? new Map<BodyLink, Transcoder>();
    compiled.set(from, ofCodec.set(body, made));
    return made;
  }

  return {
    losses,
    translate(target, from, bytes, line, envelope) {
      firstLine = line;
      const { body } = target;
      if (!body) {
        const { fullName } = target.protobuf;
        throw new UsageError(`${fullName} is a MessageSet, which has no translation; --explain shows its bytes`);
      }
      const output = placed(() => transcoder(body, from)(bytes, losses), target, from, bytes);
      if (!isText(to) || (!pretty && envelope === undefined)) return output;
      const text = Buffer.from(output).toString();
      const whole = envelope === undefined ? text : `{${envelope},"body":${text}}`;
      // What was just written parses.
      return Buffer.from(pretty ? formatJson(parseJson(whole, Number.POSITIVE_INFINITY, unreachable, TJSON)) : whole);
    },
  };
}

/** Only thrift-json needs it, and it harms no other. */
const TJSON = { tjson: true };

/** Some values are only found unfit when they are written; where they came from tells their path. */
function placed(run: () => Uint8Array, target: Target, from: Codec, bytes: Uint8Array): Uint8Array {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof RpcError) || isText(from) || /, at byte \d+$/.test(error.message)) throw error;
    const type = typeIn(target, from);
    let at: number | undefined;
    explain(bytes, from, type, LIMITS.maxDepth, (range) => {
      if (range.path !== "" && error.message.startsWith(`${range.path}: `)) at ??= range.at;
    });
    throw at === undefined ? error : new RpcError(error.code, `${error.message}, at byte ${at}`);
  }
}

function unreachable(at: number, reason: string): never {
  throw new Error(`wrote JSON that does not parse at ${at}: ${reason}`);
}

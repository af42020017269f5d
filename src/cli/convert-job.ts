// What `causeway convert` does with the bytes of one message, however they came in.
import { CODEC_WIRES, type Codec } from "../codec/codec.ts";
import type { Wire } from "../schema/model.ts";
import { isText, UsageError } from "./convert-codec.ts";
import { type Delimiter, delimit } from "./convert-delimited.ts";
import { type Encoding, encodeText } from "./convert-encoding.ts";
import { printExplained } from "./convert-explain.ts";
import type { Output } from "./convert-files.ts";
import { type Envelope, readEnvelope } from "./convert-message.ts";
import { type RpcTarget, targetOfRpc } from "./convert-rpc.ts";
import { createTranslator } from "./convert-translate.ts";
import { findTarget, type LoadedIdl, type Target, typeIn } from "./convert-type.ts";

export interface JobOptions {
  readonly type: string | undefined;
  readonly service: string | undefined;
  /** Undefined where the bytes tell it. */
  readonly from: Codec | undefined;
  /** Undefined to explain. */
  readonly to: Codec | undefined;
  readonly message: boolean;
  readonly explain: boolean;
  readonly json: boolean;
  readonly pretty: boolean;
  readonly ignoreUnknown: boolean;
  /** How binary messages are told apart in what goes out; undefined for a single one. */
  readonly delimiter: Delimiter | undefined;
  readonly encoding: Encoding;
  readonly colors: boolean;
}

/** Which of a stream's messages one is. */
export interface StreamPlace {
  readonly number: number;
  readonly at: number;
}

export interface Job {
  /** Does one message, whose text begins at `line`; false when it was explained and is malformed. */
  run(bytes: Buffer, line: number, place?: StreamPlace): boolean;
  /** What there is to say at the end: how much could not be carried over. */
  notes(): readonly string[];
}

/** Throws a UsageError when the type cannot be found. */
export function createJob(options: JobOptions, idl: LoadedIdl | undefined, output: Output): Job {
  const { to, from, type } = options;
  const translator = createTranslator({ ...options, to: to ?? "json" });
  const given = idl && type !== undefined ? findTarget(idl, type, wiresOf(options)) : undefined;

  function write(bytes: Uint8Array): void {
    if (to !== undefined && isText(to)) output.write(delimit(bytes, "line"));
    else {
      output.write(encodeText(options.delimiter ? delimit(bytes, options.delimiter) : bytes, options.encoding));
    }
  }

  function one(bytes: Buffer, codec: Codec, target: Target | undefined, line: number): boolean {
    if (options.explain) return explainOne(bytes, codec, target, 0, undefined);
    if (!target) throw new UsageError("name the type with --type");
    write(translator.translate(target, codec, bytes, line));
    return true;
  }

  function explainOne(
    bytes: Buffer,
    codec: Codec,
    target: Target | undefined,
    bodyAt: number,
    header: string | undefined,
  ): boolean {
    const type = target && typeIn(target, codec);
    return printExplained({ bytes, codec, type, bodyAt, header }, options.json, options.colors, output);
  }

  /** Each RPC message that the bytes hold. */
  function messages(bytes: Buffer, line: number): boolean {
    let isWell = true;
    for (let at = 0; at < bytes.length || at === 0; ) {
      const envelope = readEnvelope(bytes, at);
      if (from !== undefined && from !== envelope.codec) {
        throw new UsageError(
          `the message is of ${envelope.codec}, not of ${from}; leave --from out to take what comes`,
        );
      }
      const body = bytes.subarray(envelope.bodyAt, envelope.bodyEnd);
      const found = targetOf(envelope, body);
      if (options.explain) {
        const whole = bytes.subarray(at, envelope.bodyEnd);
        const header = describe(envelope, found?.exception);
        isWell = explainOne(whole, envelope.codec, found?.target, envelope.bodyAt - at, header) && isWell;
      } else convertMessage(envelope, body, found, line);
      at = envelope.end;
    }
    return isWell;
  }

  function targetOf(envelope: Envelope, body: Buffer): RpcTarget | undefined {
    if (given) return { target: given };
    if (!idl || (options.explain && envelope.header.name === undefined)) return undefined;
    return targetOfRpc(idl, envelope, body, options.service);
  }

  function convertMessage(envelope: Envelope, body: Buffer, found: RpcTarget | undefined, line: number): void {
    if (!found) throw new UsageError("name the type with --type");
    const { target, exception } = found;
    const said = { ...envelope.header, ...(exception !== undefined && { exception }) };
    const json = `"message":${JSON.stringify(said)}`;
    if (to === undefined || !isText(to)) process.stderr.write(`causeway convert: ${describe(envelope, exception)}\n`);
    write(translator.translate(target, envelope.codec, body, line, json));
  }

  return {
    run(bytes, line, place) {
      if (options.explain && place && !options.json) {
        output.write(
          `${place.number > 1 ? "\n" : ""}message ${place.number}, at byte ${place.at}, ${bytes.length} bytes\n`,
        );
      }
      if (options.message) return messages(bytes, line);
      if (from === undefined) throw new UsageError("say what comes in with --from");
      return one(bytes, from, given, line);
    },
    notes() {
      const { unknownFields, duplicates } = translator.losses;
      const notes: string[] = [];
      if (unknownFields > 0)
        notes.push(
          `${unknownFields} unknown or mistyped ${unknownFields === 1 ? "field was" : "fields were"} left out`,
        );
      if (duplicates > 0)
        notes.push(`${duplicates} ${duplicates === 1 ? "duplicate was" : "duplicates were"} left out`);
      return notes;
    },
  };
}

/** In which languages a type is looked for first: that of what comes in, then of what goes out. */
function wiresOf({ from, to }: JobOptions): (Wire | undefined)[] {
  return [from, to].map((codec) => codec && CODEC_WIRES[codec]);
}

/** A header in words. */
function describe({ header }: Envelope, exception: string | undefined): string {
  const { protocol, framed, strict, name, type, sequenceId } = header;
  if (name === undefined) return `${protocol} message`;
  const form = [protocol, ...(strict === false ? ["old"] : []), ...(framed ? ["framed"] : [])].join(" ");
  const what = exception === undefined ? "" : ` with ${exception}`;
  return `${type} ${JSON.stringify(name)}${what}, sequence id ${sequenceId}, ${form}`;
}

// `causeway convert`: messages from one codec to another, or explained byte by byte, for whoever debugs bytes.
import { Command, Option } from "commander";
import { RpcError } from "../base/errors.ts";
import type { Codec } from "../codec/codec.ts";
import { CODECS, isText, LIMITS, UsageError } from "./convert-codec.ts";
import { createSplitter, type DelimitedMessage, type Delimiter } from "./convert-delimited.ts";
import { createTextDecoding, decodeText, ENCODINGS, type Encoding } from "./convert-encoding.ts";
import { createOutput, createProgress, type Output, openInput, readAll, STANDARD_STREAM } from "./convert-files.ts";
import { HELP } from "./convert-help.ts";
import { createJob, type Job, type JobOptions } from "./convert-job.ts";
import { linkIdl } from "./convert-type.ts";
import { type IdlOptions, rulesFileOption } from "./load-idl.ts";

interface ConvertOptions extends IdlOptions {
  readonly idl?: readonly string[];
  readonly type?: string;
  readonly service?: string;
  readonly from?: Codec;
  readonly to?: Codec;
  readonly in: string;
  readonly out: string;
  readonly encoding: Encoding;
  readonly inEncoding?: Encoding;
  readonly outEncoding?: Encoding;
  readonly delimited?: "varint" | "framed";
  readonly message?: boolean;
  readonly explain?: boolean;
  readonly json?: boolean;
  readonly pretty?: boolean;
  readonly ignoreUnknown?: boolean;
}

/** Most characters of text for a byte of a message: `0x00, `. */
const TEXT_FACTOR = 6;

/** Converts or explains messages; exit code 1 when the IDL or a message is wrong. */
export const convertCommand = new Command("convert")
  .description("Converts messages between the codecs of Thrift, Protobuf and JSON, or explains their bytes.")
  .option("--idl <file...>", ".thrift or .proto files, or binary descriptor sets, that declare the type", collectAll)
  .option("-I, --include <dir>", "look for includes and imports here too (repeatable)", collect)
  .option("--allow-neg-keys", "take Thrift field ids below 1 as they are written")
  .addOption(rulesFileOption)
  .option(
    "--type <name>",
    "the struct or message (full name, or bare where that is clear), or Service/method:request or :response",
  )
  .addOption(new Option("--from <codec>", "what comes in; with --message it is told by the bytes").choices(CODECS))
  .addOption(new Option("--to <codec>", "what goes out").choices(CODECS))
  .option("--in <file>", "read from this file, - for standard input", STANDARD_STREAM)
  .option("--out <file>", "write to this file, - for standard output", STANDARD_STREAM)
  .addOption(
    new Option(
      "--encoding <encoding>",
      "how binary messages stand in files and streams, both ways; JSON is always text",
    )
      .choices(ENCODINGS)
      .default("raw"),
  )
  .addOption(new Option("--in-encoding <encoding>", "the same for what comes in alone").choices(ENCODINGS))
  .addOption(new Option("--out-encoding <encoding>", "the same for what goes out alone").choices(ENCODINGS))
  .addOption(
    new Option(
      "--delimited [length]",
      "a stream of messages, each with its length in front (JSON: a line each): varint as Protobuf writes it, framed as Thrift does",
    )
      .choices(["varint", "framed"])
      .preset("varint"),
  )
  .option("--message", "whole RPC messages: Thrift with its header, framed or not, or gRPC with its prefix")
  .option("--service <name>", "with --message: the service that has the method, where several have one of its name")
  .option("--explain", "print what each byte is instead; --idl and --type are not needed for it")
  .option("--json", "with --explain: one JSON object per message instead of a table")
  .option("--ignore-unknown", "leave out members of JSON that the type does not have, instead of refusing them")
  .option("--pretty", "write JSON over several lines")
  .addHelpText("after", HELP)
  .action(async (options: ConvertOptions, command: Command) => {
    const fault = usageFault(options);
    if (fault !== undefined) command.error(`error: ${fault}`);
    process.exitCode = await convert(options);
  });

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** `--idl a b --idl c`: commander hands over one value at a time. */
function collectAll(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

/** What is wrong with the options as such. */
function usageFault(options: ConvertOptions): string | undefined {
  const { idl, rules, type, from, to, message, explain, json, service } = options;
  if (from === undefined && !message) return "say what comes in with --from";
  if (from === "thrift-simplejson" && !explain)
    return "thrift-simplejson is only written: it does not say what its values are";
  if (json && !explain) return "--json is for --explain; JSON comes out with --to json";
  if (service !== undefined && !message)
    return "--service is for --message; a method is named with --type Service/method:request";
  if (rules !== undefined && !idl) return "--rules needs --idl, the files that the rules are for";
  if (type !== undefined && !idl) return "--type needs --idl, the files that declare it";
  if (explain) {
    if (to !== undefined) return "--explain and --to exclude each other";
    return undefined;
  }
  if (to === undefined) return "say what goes out with --to, or ask for --explain";
  if (!idl) return "say with --idl which files declare the type";
  return type === undefined && !message ? "name the type with --type" : undefined;
}

async function convert(options: ConvertOptions): Promise<0 | 1> {
  const { idl: files } = options;
  const output = createOutput(options.out);
  try {
    const idl = files && linkIdl(files, options);
    if (files && !idl) return 1;
    const job = createJob(jobOptions(options), idl, output);
    const run = options.delimited === undefined ? convertOne : convertStream;
    let isWell: boolean | undefined;
    try {
      isWell = await run(options, job, output);
    } finally {
      // What was done before an error is written all the same: of a stream it is most of it.
      await output.close(isWell !== undefined);
    }
    for (const text of job.notes()) note(text);
    return isWell ? 0 : 1;
  } catch (error) {
    if (!isExpected(error)) throw error;
    note(error.message);
    return 1;
  }
}

function jobOptions(options: ConvertOptions): JobOptions {
  const { type, service, from, to, message, explain, json, pretty, ignoreUnknown, delimited } = options;
  return {
    type,
    service,
    from,
    to,
    message: message ?? false,
    explain: explain ?? false,
    json: json ?? false,
    pretty: pretty ?? false,
    ignoreUnknown: ignoreUnknown ?? false,
    delimiter: delimited,
    encoding: options.outEncoding ?? options.encoding,
    colors: options.out === STANDARD_STREAM && process.stdout.isTTY === true && process.env["NO_COLOR"] === undefined,
  };
}

/** How binary input is encoded; text is as it is. */
function inputEncoding({ from, encoding, inEncoding }: ConvertOptions): Encoding {
  return from !== undefined && isText(from) ? "raw" : (inEncoding ?? encoding);
}

async function convertOne(options: ConvertOptions, job: Job): Promise<boolean> {
  const encoding = inputEncoding(options);
  const bytes = await readAll(openInput(options.in), LIMITS.maxBytes * (encoding === "raw" ? 1 : TEXT_FACTOR));
  return job.run(encoding === "raw" ? bytes : decodeText(bytes.toString("latin1"), encoding), 1);
}

async function convertStream(options: ConvertOptions, job: Job, output: Output): Promise<boolean> {
  const delimiter: Delimiter =
    options.from !== undefined && isText(options.from) ? "line" : (options.delimited ?? "varint");
  const { chunks, totalBytes } = openInput(options.in);
  const decoding = createTextDecoding(inputEncoding(options), LIMITS.maxBytes * TEXT_FACTOR);
  const splitter = createSplitter(delimiter, LIMITS.maxBytes);
  const progress = createProgress(totalBytes);
  let doneBytes = 0;
  let isWell = true;

  async function run(messages: Iterable<DelimitedMessage>): Promise<void> {
    for (const message of messages) {
      isWell = runOne(message, job, delimiter) && isWell;
      progress.update(doneBytes, message.number);
      if (output.isFull) await output.flush();
    }
  }

  try {
    for await (const chunk of chunks) {
      doneBytes += chunk.length;
      await run(splitter.push(decoding.push(chunk)));
    }
    await run(splitter.push(decoding.finish()));
    await run(splitter.finish());
  } finally {
    progress.clear();
  }
  return isWell;
}

function runOne({ bytes, number, at, line }: DelimitedMessage, job: Job, delimiter: Delimiter): boolean {
  const place = delimiter === "line" ? `message ${number}` : `message ${number}, whose bytes begin at byte ${at}`;
  try {
    return job.run(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), line || 1, { number, at });
  } catch (error) {
    if (!isExpected(error)) throw error;
    throw new UsageError(`${place}: ${error.message}`);
  }
}

function note(text: string): void {
  process.stderr.write(`causeway convert: ${text}\n`);
}

/** Whether a person can put it right. */
function isExpected(error: unknown): error is Error {
  return error instanceof RpcError || error instanceof UsageError || (error instanceof Error && "syscall" in error);
}

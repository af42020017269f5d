// `causeway convert`: one message from one codec to another, for whoever debugs bytes.
import { readFileSync, writeFileSync } from "node:fs";
import { Command, Option } from "commander";
import type { Diagnostic } from "../base/diagnostic.ts";
import { RpcError } from "../base/errors.ts";
import { CODEC_WIRES, type Codec, type Limits, type Losses } from "../codec/codec.ts";
import { compileInterpreter } from "../codec/interpret.ts";
import { formatJson, parseJson } from "../codec/json-text.ts";
import { compileTranscoder } from "../codec/transcode.ts";
import type { MessageLink } from "../schema/link.ts";
import { linkSchema } from "../schema/link-schema.ts";
import { findMessage, loadSchema } from "../schema/load.ts";
import { printDiagnostics } from "./print-report.ts";

type Encoding = "raw" | "hex" | "base64";

interface ConvertOptions {
  readonly idl: readonly string[];
  readonly include?: readonly string[];
  readonly allowNegKeys?: boolean;
  readonly type: string;
  readonly from: Codec;
  readonly to: Codec;
  readonly in: string;
  readonly out: string;
  readonly encoding: Encoding;
  readonly pretty?: boolean;
}

const CODECS = Object.keys(CODEC_WIRES);
const STANDARD_STREAM = "-";
const STDIN = 0;
/** A person waits for this: large enough for any message, small enough that a wrong file does not fill the memory. */
const LIMITS: Limits = { maxBytes: 64 * 1024 * 1024, maxDepth: 64, maxElements: 10_000_000 };

/** Converts one message; exit code 1 when the IDL or the message is wrong. */
export const convertCommand = new Command("convert")
  .description("Converts one message between Thrift binary, Protobuf and JSON.")
  .requiredOption(
    "--idl <file...>",
    ".thrift or .proto files, or binary descriptor sets, that declare the type",
    collectAll,
  )
  .option("-I, --include <dir>", "look for includes and imports here too (repeatable)", collect)
  .option("--allow-neg-keys", "take Thrift field ids below 1 as they are written")
  .requiredOption("--type <name>", "the struct or message: full name, or bare where only one has it")
  .addOption(new Option("--from <codec>", "what comes in").choices(CODECS).makeOptionMandatory())
  .addOption(new Option("--to <codec>", "what goes out").choices(CODECS).makeOptionMandatory())
  .option("--in <file>", "read from this file, - for standard input", STANDARD_STREAM)
  .option("--out <file>", "write to this file, - for standard output", STANDARD_STREAM)
  .addOption(
    new Option(
      "--encoding <encoding>",
      "how binary messages stand in files and streams, both ways; JSON is always text",
    )
      .choices(["raw", "hex", "base64"])
      .default("raw"),
  )
  .option("--pretty", "write JSON over several lines")
  .addHelpText(
    "after",
    `
The type may be declared in either language: its twin in the other is derived. The same codec on both sides brings a message
into its canonical form. What cannot be carried over is counted on standard error.

Examples:
  $ causeway convert --idl idl/shop/customer.proto --type shop.v1.Money --from json --to thrift-binary --encoding hex <<< '{"currency":"EUR","units":"12"}'
  $ causeway convert --idl order.thrift --type Order --from thrift-binary --to json --pretty --in order.bin`,
  )
  .action((options: ConvertOptions) => {
    process.exitCode = convert(options);
  });

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** `--idl a b --idl c`: commander hands over one value at a time. */
function collectAll(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

function convert(options: ConvertOptions): 0 | 1 {
  const link = findLink(options);
  if (!link) return 1;
  const losses: Losses = { unknownFields: 0, duplicates: 0 };
  try {
    const input = readInput(options);
    const output = translate(link, options, input, losses);
    writeOutput(output, options);
  } catch (error) {
    if (!(error instanceof RpcError) && !isSystemError(error)) throw error;
    process.stderr.write(`causeway convert: ${error.message}\n`);
    return 1;
  }
  const { unknownFields, duplicates } = losses;
  if (unknownFields > 0)
    note(`${unknownFields} unknown or mistyped ${unknownFields === 1 ? "field was" : "fields were"} left out`);
  if (duplicates > 0) note(`${duplicates} ${duplicates === 1 ? "duplicate was" : "duplicates were"} left out`);
  return 0;
}

function note(text: string): void {
  process.stderr.write(`causeway convert: ${text}\n`);
}

/** The type with its twin; undefined after what is wrong was printed. */
function findLink({
  idl,
  include = [],
  allowNegKeys = false,
  type,
  from,
  to,
}: ConvertOptions): MessageLink | undefined {
  const errors: Diagnostic[] = [];
  const report = (diagnostic: Diagnostic): void => {
    if (diagnostic.severity === "error") errors.push(diagnostic);
  };
  const schema = loadSchema(idl, { includeDirs: include, allowNegativeKeys: allowNegKeys }, report);
  const linked = schema && linkSchema(schema, { pairs: [] }, report);
  printDiagnostics(errors, process.stderr);
  if (!schema || !linked || errors.length > 0) return undefined;
  // A name that stands on both wires: the one that comes in is meant, or else the one that goes out; they are each other's twins.
  const wires = [CODEC_WIRES[from], CODEC_WIRES[to], undefined];
  const found = wires.map((wire) => findMessage(schema, type, wire));
  const message = found.find((each) => typeof each !== "string");
  if (message === undefined || typeof message === "string") {
    note(String(found.at(-1)));
    return undefined;
  }
  return linked.messageLink(message);
}

function translate(
  link: MessageLink,
  { from, to, pretty }: ConvertOptions,
  input: Uint8Array,
  losses: Losses,
): Uint8Array {
  const body = { kind: "whole", link } as const;
  const compile = from === to ? compileInterpreter : compileTranscoder;
  const output = compile(body, from, to, LIMITS)(input, losses);
  if (to !== "json") return output;
  const text = Buffer.from(output).toString();
  // What was just written parses.
  const lines = pretty ? formatJson(parseJson(text, Number.POSITIVE_INFINITY, unreachable)) : text;
  return Buffer.from(`${lines}\n`);
}

function unreachable(at: number, reason: string): never {
  throw new Error(`wrote JSON that does not parse at ${at}: ${reason}`);
}

function readInput({ in: path, from, encoding }: ConvertOptions): Uint8Array {
  const bytes = readFileSync(path === STANDARD_STREAM ? STDIN : path);
  return from === "json" ? bytes : decodeText(bytes, encoding);
}

/** White space is allowed everywhere; base64 may be of either alphabet, padded or not. */
function decodeText(bytes: Buffer, encoding: Encoding): Uint8Array {
  if (encoding === "raw") return bytes;
  const text = bytes.toString("latin1").replace(/\s/g, "");
  const pattern =
    encoding === "hex" ? /^(?:[0-9a-fA-F]{2})*/ : /^(?:[A-Za-z0-9+/_-]{4})*(?:[A-Za-z0-9+/_-]{2,3})?={0,2}/;
  const valid = pattern.exec(text)?.[0].length ?? 0;
  if (valid < text.length) {
    throw new RpcError(
      "INVALID_ARGUMENT",
      `the input is not ${encoding}: character ${valid + 1} (white space not counted) is wrong`,
    );
  }
  return Buffer.from(text, encoding);
}

function writeOutput(bytes: Uint8Array, { out, to, encoding }: ConvertOptions): void {
  const isText = to !== "json" && encoding !== "raw";
  const content = isText ? `${Buffer.from(bytes).toString(encoding)}\n` : bytes;
  if (out === STANDARD_STREAM) process.stdout.write(content);
  else writeFileSync(out, content);
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error;
}

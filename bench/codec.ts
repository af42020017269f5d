// Translates the same messages by Causeway's engine and by the two npm libraries, one decoding what the other encodes, in
// turns within one process.
import { fileURLToPath } from "node:url";
import { formatDiagnostic } from "../src/base/diagnostic.ts";
import { compileTranscoder } from "../src/codec/transcode.ts";
import { linkSchema } from "../src/schema/link-schema.ts";
import { findMessage, loadSchema } from "../src/schema/load.ts";
import { type BenchCase, CASES } from "./codec-cases.ts";
import { type Result, writeTable } from "./codec-table.ts";
import { createLibraries, type ThriftCodec, type Translate } from "./libraries.ts";
import { measureNative, type NativeMessage } from "./native.ts";

const DIRECTIONS = ["thrift-to-protobuf", "protobuf-to-thrift"] as const satisfies readonly Result["direction"][];
const CODECS = ["thrift-binary", "thrift-compact"] as const satisfies readonly ThriftCodec[];
const ROUND_MS = 100;
const LIMITS = { maxBytes: 16 * 1024 * 1024, maxDepth: 64, maxElements: 1_000_000 };

export interface BenchOptions {
  readonly json: boolean;
  readonly rounds: number;
  /** Go's libraries too. */
  readonly native: boolean;
  /** The table goes to bench/README.md as well. */
  readonly write: boolean;
  /** Only cases whose name begins so. */
  readonly only: string;
}

/** Measures all cases both ways, from and to both encodings of Thrift, and prints them. */
export async function benchCodec({ json, rounds, native, write, only }: BenchOptions): Promise<void> {
  process.stderr.write(
    "Messages per second through one call that takes bytes and returns bytes, on one thread. The libraries: npm thrift (classes by\n" +
      "`thrift --gen js:node,es6`, its protocol over TBufferedTransport) and protobufjs (reflection over the .proto text),\n" +
      `one decoding, the other encoding. ${rounds} rounds of ${ROUND_MS} ms each, taking turns; medians. MB/s are Thrift bytes.\n`,
  );
  const cases = CASES.filter(({ name }) => name.startsWith(only));
  const measured = cases.flatMap((each) => CODECS.map((codec) => measureCase(each, codec, rounds)));
  const results = measured.flatMap((each) => each.results);
  const shown = native
    ? await besideNative(
        results,
        measured.map((each) => each.message),
        rounds,
      )
    : results;
  if (json) for (const result of shown) process.stdout.write(`${JSON.stringify(result)}\n`);
  else printRows(shown);
  if (write) writeTable(shown);
}

async function besideNative(
  results: readonly Result[],
  messages: readonly NativeMessage[],
  rounds: number,
): Promise<readonly Result[]> {
  const natives = await measureNative(messages, rounds);
  return results.map((result) => {
    const other = natives.find(
      (each) => each.case === result.case && each.codec === result.codec && each.direction === result.direction,
    );
    return other ? { ...result, ratioToNative: rounded(result.messagesPerSecond / other.messagesPerSecond) } : result;
  });
}

function printRows(results: readonly Result[]): void {
  printRow("case", "codec", "direction", "bytes", "messages/s", "MB/s", "× libraries", "× copy", "× Go");
  for (const { bytes, messagesPerSecond, mbPerSecond, ratioToLibraries, ratioToCopy, ...result } of results) {
    const numbers = [bytes, messagesPerSecond, mbPerSecond, ratioToLibraries, ratioToCopy, result.ratioToNative ?? ""];
    printRow(result.case, result.codec, result.direction, ...numbers);
  }
}

function printRow(...[name, codec, direction, ...numbers]: readonly (string | number)[]): void {
  const cells = numbers.map((cell) => String(cell).padStart(12));
  process.stdout.write(
    `${String(name).padEnd(19)}${String(codec).padEnd(16)}${String(direction).padEnd(20)}${cells.join("")}\n`,
  );
}

function measureCase(
  benchCase: BenchCase,
  codec: ThriftCodec,
  rounds: number,
): { readonly results: readonly Result[]; readonly message: NativeMessage } {
  const libraries = createLibraries(benchCase.type, codec);
  const thriftBytes = Uint8Array.from(libraries.encodeThrift(benchCase.value));
  const protobufBytes = libraries.toProtobuf(thriftBytes).slice();
  const link = linkedType(benchCase.type);
  const results = DIRECTIONS.map((direction): Result => {
    const toProtobuf = direction === "thrift-to-protobuf";
    const input = toProtobuf ? thriftBytes : protobufBytes;
    const [from, to] = toProtobuf ? ([codec, "protobuf"] as const) : (["protobuf", codec] as const);
    const transcode = compileTranscoder({ kind: "whole", link }, from, to, LIMITS);
    const losses = { unknownFields: 0, duplicates: 0 };
    const ours: Translate = (bytes) => transcode(bytes, losses);
    const theirs = toProtobuf ? libraries.toProtobuf : libraries.toThrift;
    assertSame(ours(input), theirs(input), `${benchCase.name} ${direction}`);
    const [mine = 0, others = 0, copies = 0] = measure([ours, theirs, copyOf], input, rounds);
    return {
      case: benchCase.name,
      codec,
      direction,
      bytes: thriftBytes.length,
      messagesPerSecond: Math.round(mine),
      mbPerSecond: Math.round((mine * thriftBytes.length) / 1e5) / 10,
      ratioToLibraries: rounded(mine / others),
      ratioToCopy: rounded(mine / copies),
    };
  });
  const message = { case: benchCase.name, type: benchCase.type, codec, thrift: thriftBytes, protobuf: protobufBytes };
  return { results, message };
}

const copyOf: Translate = (bytes) => Uint8Array.prototype.slice.call(bytes);

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

/** A benchmark of translations that differ would compare nothing. */
function assertSame(ours: Uint8Array, theirs: Uint8Array, what: string): void {
  if (!Buffer.from(ours).equals(theirs)) throw new Error(`${what}: the engine and the libraries give different bytes`);
}

/** Messages per second of each, medians over rounds in which they take turns. */
function measure(candidates: readonly Translate[], input: Uint8Array, rounds: number): readonly number[] {
  const rates = candidates.map((): number[] => []);
  // The first round lets the compiler settle.
  for (let round = 0; round <= rounds; round++) {
    for (const [i, candidate] of candidates.entries()) {
      const rate = ratePerSecond(candidate, input);
      if (round > 0) rates[i]?.push(rate);
    }
  }
  return rates.map(median);
}

function ratePerSecond(translate: Translate, input: Uint8Array): number {
  const batch = Math.max(1, Math.round(50_000 / input.length));
  const start = performance.now();
  let done = 0;
  let elapsed = 0;
  while (elapsed < ROUND_MS) {
    for (let i = 0; i < batch; i++) translate(input);
    done += batch;
    elapsed = performance.now() - start;
  }
  return (done * 1_000) / elapsed;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

function linkedType(type: string) {
  const files = ["orders.thrift", "orders.proto"].map((name) => fileURLToPath(new URL(`idl/${name}`, import.meta.url)));
  const schema = loadSchema(files, { includeDirs: [], allowNegativeKeys: false }, (diagnostic) => {
    process.stderr.write(`${formatDiagnostic(diagnostic)}\n`);
  });
  if (!schema) throw new Error("bench/idl does not load");
  const message = findMessage(schema, `bench.orders.${type}`, "thrift");
  if (typeof message === "string") throw new Error(message);
  return linkSchema(schema, { pairs: [] }, () => {}).messageLink(message);
}

// Translates the same messages by Causeway's engine and by the two npm libraries, one decoding what the other encodes, in
// turns within one process.
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import protobufjs from "protobufjs";
import { formatDiagnostic } from "../src/base/diagnostic.ts";
import { compileTranscoder } from "../src/codec/transcode.ts";
import { linkSchema } from "../src/schema/link-schema.ts";
import { findMessage, loadSchema } from "../src/schema/load.ts";
import { type BenchCase, CASES, generatedClass, type ThriftStruct } from "./codec-cases.ts";

const DIRECTIONS = ["thrift-to-protobuf", "protobuf-to-thrift"] as const;
const ROUND_MS = 100;
const LIMITS = { maxBytes: 16 * 1024 * 1024, maxDepth: 64, maxElements: 1_000_000 };

type Translate = (bytes: Uint8Array) => Uint8Array;

interface Result {
  readonly case: string;
  readonly direction: (typeof DIRECTIONS)[number];
  /** Of the Thrift message. */
  readonly bytes: number;
  readonly messagesPerSecond: number;
  /** Of Thrift bytes, in millions. */
  readonly mbPerSecond: number;
  readonly ratioToLibraries: number;
}

/** Measures all cases both ways and prints them. */
export function benchCodec({ json, rounds }: { readonly json: boolean; readonly rounds: number }): void {
  process.stderr.write(
    "Messages per second through one call that takes bytes and returns bytes, on one thread. The libraries: npm thrift (classes by\n" +
      "`thrift --gen js:node,es6`, TBinaryProtocol over TBufferedTransport) and protobufjs (reflection over the .proto text),\n" +
      `one decoding, the other encoding. ${rounds} rounds of ${ROUND_MS} ms each, taking turns; medians. MB/s are Thrift bytes.\n`,
  );
  if (!json) printRow("case", "direction", "bytes", "messages/s", "MB/s", "× libraries");
  for (const benchCase of CASES) {
    for (const result of measureCase(benchCase, rounds)) {
      if (json) process.stdout.write(`${JSON.stringify(result)}\n`);
      else {
        const { bytes, messagesPerSecond, mbPerSecond, ratioToLibraries } = result;
        printRow(result.case, result.direction, bytes, messagesPerSecond, mbPerSecond, ratioToLibraries);
      }
    }
  }
}

function printRow(...[name, direction, ...numbers]: readonly (string | number)[]): void {
  const cells = numbers.map((cell) => String(cell).padStart(12));
  process.stdout.write(`${String(name).padEnd(12)}${String(direction).padEnd(20)}${cells.join("")}\n`);
}

function* measureCase(benchCase: BenchCase, rounds: number): Generator<Result> {
  const libraries = createLibraries(benchCase.type);
  const thriftBytes = libraries.encodeThrift(benchCase.value);
  const protobufBytes = libraries.toProtobuf(thriftBytes);
  const link = linkedType(benchCase.type);
  for (const direction of DIRECTIONS) {
    const toProtobuf = direction === "thrift-to-protobuf";
    const input = toProtobuf ? thriftBytes : protobufBytes;
    const [from, to] = toProtobuf ? (["thrift-binary", "protobuf"] as const) : (["protobuf", "thrift-binary"] as const);
    const transcode = compileTranscoder({ kind: "whole", link }, from, to, LIMITS);
    const losses = { unknownFields: 0, duplicates: 0 };
    const ours: Translate = (bytes) => transcode(bytes, losses);
    const theirs = toProtobuf ? libraries.toProtobuf : libraries.toThrift;
    assertSame(ours(input), theirs(input), `${benchCase.name} ${direction}`);
    const [mine, others] = measure([ours, theirs], input, rounds);
    yield {
      case: benchCase.name,
      direction,
      bytes: thriftBytes.length,
      messagesPerSecond: Math.round(mine),
      mbPerSecond: Math.round((mine * thriftBytes.length) / 1e5) / 10,
      ratioToLibraries: Math.round((mine / others) * 100) / 100,
    };
  }
}

/** A benchmark of translations that differ would compare nothing. */
function assertSame(ours: Uint8Array, theirs: Uint8Array, what: string): void {
  if (!Buffer.from(ours).equals(theirs)) throw new Error(`${what}: the engine and the libraries give different bytes`);
}

/** Messages per second of each, medians over rounds in which they take turns. */
function measure(candidates: readonly [Translate, Translate], input: Uint8Array, rounds: number): [number, number] {
  const rates: [number[], number[]] = [[], []];
  // The first round lets the compiler settle.
  for (let round = 0; round <= rounds; round++) {
    for (const i of [0, 1] as const) {
      const rate = ratePerSecond(candidates[i], input);
      if (round > 0) rates[i].push(rate);
    }
  }
  return [median(rates[0]), median(rates[1])];
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

interface Libraries {
  encodeThrift(value: object): Buffer;
  readonly toProtobuf: Translate;
  readonly toThrift: Translate;
}

/** The library interfaces that are used here; their own types leave these out or differ. */
interface BufferedTransport {
  inBuf: Buffer;
  readCursor: number;
  writeCursor: number;
}

interface ThriftLibrary {
  TBufferedTransport: new (buffer?: Buffer, flushed?: (bytes: Buffer) => void) => BufferedTransport;
  TBinaryProtocol: new (transport: BufferedTransport) => { flush(): void };
  Int64: new (high: number, low: number) => object;
}

interface ThriftInt64 {
  readonly buffer: Buffer;
  readonly offset: number;
}

/** What translates as a program would that has only the two libraries: decode, carry 64-bit integers over, encode. */
function createLibraries(type: BenchCase["type"]): Libraries {
  const thrift: ThriftLibrary = createRequire(import.meta.url)("thrift");
  const Struct = generatedClass(type);
  const proto = new protobufjs.Root()
    .loadSync(fileURLToPath(new URL("idl/orders.proto", import.meta.url)), { keepCase: true })
    .lookupType(`bench.orders.${type}`);

  // One transport and protocol each for all messages: faster than what servers do, which make one per message.
  let written: Buffer = Buffer.alloc(0);
  const output = new thrift.TBinaryProtocol(
    new thrift.TBufferedTransport(undefined, (bytes) => {
      written = bytes;
    }),
  );
  const transport = new thrift.TBufferedTransport();
  const input = new thrift.TBinaryProtocol(transport);

  const encodeThrift = (value: object): Buffer => {
    new Struct(value).write(output);
    output.flush();
    return written;
  };
  return {
    encodeThrift,
    toProtobuf(bytes) {
      transport.inBuf = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      transport.readCursor = 0;
      transport.writeCursor = bytes.length;
      const struct = new Struct();
      struct.read(input);
      convertIntegers(struct, type, (value) => {
        const { buffer, offset } = value as ThriftInt64;
        return { low: buffer.readInt32BE(offset + 4), high: buffer.readInt32BE(offset), unsigned: false };
      });
      return proto.encode(struct).finish();
    },
    toThrift(bytes) {
      const message = proto.decode(bytes) as unknown as ThriftStruct;
      convertIntegers(message, type, (value) => {
        const { high, low } = value as { high: number; low: number };
        return new thrift.Int64(high, low);
      });
      return encodeThrift(message);
    },
  };
}

const INT64_FIELDS = {
  Order: ["id", "placed_at", "total"],
  Item: ["price"],
  Samples: ["total"],
} as const;

/** In place: each library has a class of its own for 64-bit integers. */
function convertIntegers(struct: ThriftStruct, type: BenchCase["type"], convert: (value: unknown) => unknown): void {
  for (const field of INT64_FIELDS[type]) struct[field] = convert(struct[field]);
  if (type === "Order") for (const item of struct["items"] as ThriftStruct[]) convertIntegers(item, "Item", convert);
  if (type === "Samples") struct["times"] = (struct["times"] as unknown[]).map(convert);
}

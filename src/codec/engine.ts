// The host of the engine: loads the WebAssembly module, gives it the tables and one message at a time, and turns its faults
// into errors. The memory of the module is one, so translations take turns; each is over before the next begins.
import { readFileSync } from "node:fs";
import { RpcError } from "../base/errors.ts";
import type { Codec, Limits, Losses, Transcoder } from "./codec.ts";
import { type Fault, faultError, fieldPath } from "./fault.ts";
import { FAULT_BYTES } from "./layout.ts";
import { createTables, type NodeLabel } from "./tables.ts";
import type { ThriftBody } from "./thrift-binary.ts";

/** Translates the bytes at `start` by a plan; the length of the output, or negative. */
type Translate = (plan: number, start: number, length: number) => number;

/** The exports that translate, by what they translate between. */
const PAIRS = {
  "thrift-binary": { protobuf: "thriftBinaryToProtobuf", "thrift-compact": "thriftBinaryToThriftCompact" },
  "thrift-compact": { protobuf: "thriftCompactToProtobuf", "thrift-binary": "thriftCompactToThriftBinary" },
  protobuf: { "thrift-binary": "protobufToThriftBinary", "thrift-compact": "protobufToThriftCompact" },
} as const satisfies Partial<Record<Codec, Partial<Record<Codec, string>>>>;

type Pairs = typeof PAIRS;
/** A pair of codecs that the engine translates between. */
export type EnginePair = { [From in keyof Pairs]: Pairs[From][keyof Pairs[From]] }[keyof Pairs];

interface Exports extends Readonly<Record<EnginePair, Translate>> {
  readonly memory: WebAssembly.Memory;
  tablesStart(): number;
  provide(end: number): number;
  seed(value: bigint): void;
  report(): number;
  fault(): number;
  faultAt(): number;
  faultValue(): bigint;
  trace(): number;
  traceLength(): number;
}

/** The engine with the tables of everything that was compiled for it. */
export interface Engine {
  compile(body: ThriftBody, pair: EnginePair, limits: Limits): Transcoder;
  /** Bytes of memory that the module holds now. */
  memoryBytes(): number;
  /**
   * Fills what stands behind the tables, where the next message goes, with one byte, as far as `bytes` or the memory's end:
   * no translation may depend on it.
   */
  poison(byte: number, bytes: number): void;
}

/** Memory above this is given back after a message that needed it, by starting a new instance with the same tables. */
const KEPT_MEMORY_BYTES = 32 * 1024 * 1024;
/** WebAssembly addresses 4 GiB; a message, its translation and what both need must fit. */
const MAX_MESSAGE_BYTES = 256 * 1024 * 1024;

let compiledModule: WebAssembly.Module | undefined;

function engineModule(): WebAssembly.Module {
  compiledModule ??= new WebAssembly.Module(readEngine());
  return compiledModule;
}

function readEngine(): Uint8Array<ArrayBuffer> {
  try {
    return readFileSync(new URL("./engine.wasm", import.meta.url));
  } catch (cause) {
    throw new Error("engine.wasm is not built: run `npm run build:engine`", { cause });
  }
}

/** What `Engine.compile` calls the pair; undefined when the engine does not translate it. */
export function enginePair(from: Codec, to: Codec): EnginePair | undefined {
  const pairs: Partial<Record<Codec, Partial<Record<Codec, EnginePair>>>> = PAIRS;
  return pairs[from]?.[to];
}

/** An engine without tables. One is enough for a process; what it is given stays. */
export function createEngine(): Engine {
  let exports = instantiate();
  const tables = createTables(exports.tablesStart());
  const output = createOutput();
  const reportAt = exports.report() >>> 2;
  /** How many bytes of the tables this instance has, and where the input begins behind them. */
  let copied = 0;
  let inputStart = 0;
  /** The most bytes of a message for which nothing must be done before it is copied in; negative when there are new tables. */
  let room = -1;
  /** Views of the module's memory, made anew when it has grown: then the old ones have no length. */
  let memory = new Uint8Array(0);
  let bytesOfMemory = Buffer.alloc(0);
  let words = new Uint32Array(0);

  function restart(): void {
    exports = instantiate();
    copied = 0;
    view();
    room = -1;
  }

  function view(): void {
    const { buffer } = exports.memory;
    memory = new Uint8Array(buffer);
    bytesOfMemory = Buffer.from(buffer);
    words = new Uint32Array(buffer);
    room = memory.length - inputStart;
  }

  function provide(end: number): void {
    if (!exports.provide(end)) throw new RpcError("RESOURCE_EXHAUSTED", "the codec has no memory left");
    view();
  }

  /** Makes the instance ready for a message of `length` bytes. */
  function prepare(length: number): void {
    if (copied !== tables.size) copyTables();
    if (inputStart + length > memory.length) provide(inputStart + length);
    room = memory.length - inputStart;
  }

  /** Brings the instance up to date with the tables. */
  function copyTables(): void {
    inputStart = exports.tablesStart() + tables.size;
    provide(inputStart);
    memory.set(tables.bytes(), exports.tablesStart());
    copied = tables.size;
  }

  function readFault(): Fault {
    const trace = new DataView(exports.memory.buffer, exports.trace(), exports.traceLength() * 8);
    const steps: Step[] = [];
    for (let at = trace.byteLength - 8; at >= 0; at -= 8) {
      const label = tables.labels[trace.getUint32(at, true)];
      if (label) steps.push({ label, index: trace.getInt32(at + 4, true) });
    }
    return {
      code: exports.fault(),
      at: Math.max(0, exports.faultAt() - inputStart),
      value: exports.faultValue(),
      path: steps.reduce(stepPath, ""),
      link: steps.at(-1)?.label.link,
    };
  }

  function compile(body: ThriftBody, pair: EnginePair, limits: Limits): Transcoder {
    const direction = pair.endsWith("ToProtobuf") ? "to-protobuf" : "to-thrift";
    const most = Math.min(limits.maxBytes, MAX_MESSAGE_BYTES);
    const isRewrite = direction === "to-thrift" && !pair.startsWith("protobuf");
    const plan = tables.plan(body, isRewrite ? undefined : direction, { ...limits, maxBytes: most });
    room = -1;

    return (bytes: Uint8Array, losses: Losses): Uint8Array => {
      const { length } = bytes;
      if (length > most) {
        throw faultError({ code: FAULT_BYTES, at: 0, value: 0n, path: "", link: undefined }, direction, limits);
      }
      if (length > room) prepare(length);
      memory.set(bytes, inputStart);
      let written: number;
      try {
        written = translate(exports, pair, plan, inputStart, length);
      } catch (cause) {
        // A trap would be a fault of the engine; it must not outlive the call that met it.
        restart();
        throw new RpcError("INTERNAL", "the codec failed on this message", { cause });
      }
      if (memory.length === 0) view();
      if (written < 0) {
        const fault = readFault();
        giveBack();
        throw faultError(fault, direction, limits);
      }
      if (words[reportAt + 1]) countLosses(losses);
      const start = words[reportAt] ?? 0;
      const result =
        written > ON_HEAP_BYTES ? output.copy(bytesOfMemory, start, written) : memory.slice(start, start + written);
      if (room > KEPT_MEMORY_BYTES) giveBack();
      return result;
    };
  }

  function countLosses(losses: Losses): void {
    losses.unknownFields += words[reportAt + 2] ?? 0;
    losses.duplicates += words[reportAt + 3] ?? 0;
  }

  function giveBack(): void {
    if (memory.length > KEPT_MEMORY_BYTES + 2 * tables.size) restart();
  }

  function poison(byte: number, bytes: number): void {
    prepare(0);
    memory.fill(byte, inputStart, inputStart + bytes);
  }

  return { compile, memoryBytes: () => memory.length, poison };
}

/** Each export is called at a place of its own, which spares the engine of JavaScript a lookup of what is called. */
function translate(exports: Exports, pair: EnginePair, plan: number, start: number, length: number): number {
  switch (pair) {
    case "thriftBinaryToProtobuf":
      return exports.thriftBinaryToProtobuf(plan, start, length);
    case "protobufToThriftBinary":
      return exports.protobufToThriftBinary(plan, start, length);
    case "thriftCompactToProtobuf":
      return exports.thriftCompactToProtobuf(plan, start, length);
    case "protobufToThriftCompact":
      return exports.protobufToThriftCompact(plan, start, length);
    case "thriftBinaryToThriftCompact":
      return exports.thriftBinaryToThriftCompact(plan, start, length);
    case "thriftCompactToThriftBinary":
      return exports.thriftCompactToThriftBinary(plan, start, length);
  }
}

interface Output {
  /** A copy of `length` bytes at `start`. */
  copy(from: Buffer, start: number, length: number): Uint8Array;
}

/** Up to here V8 keeps an array's bytes on its own heap, where making one costs half of what a view of a slab does. */
const ON_HEAP_BYTES = 64;
/** Results above that share slabs: making a buffer for each costs more than translating. */
const SLAB_BYTES = 256 * 1024;

function createOutput(): Output {
  let slab = Buffer.alloc(0);
  let used = 0;
  return {
    copy(from, start, length) {
      if (length > SLAB_BYTES / 8) {
        // Not zeroed first, as `slice` would.
        const result = Buffer.allocUnsafeSlow(length);
        from.copy(result, 0, start, start + length);
        return new Uint8Array(result.buffer);
      }
      if (used + length > slab.length) {
        slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
        used = 0;
      }
      const at = used;
      // Without a view of what is copied, which `set` would need.
      from.copy(slab, at, start, start + length);
      used += length;
      return new Uint8Array(slab.buffer, at, length);
    },
  };
}

interface Step {
  readonly label: NodeLabel;
  readonly index: number;
}

function stepPath(path: string, { label, index }: Step): string {
  switch (label.kind) {
    case "field":
      return label.name === "" ? path : fieldPath(path, label.name);
    case "element":
      return index < 0 ? path : `${path}[${index}]`;
    default:
      return index < 0 ? path : `${path}[${index}].${label.kind}`;
  }
}

function instantiate(): Exports {
  const { exports } = new WebAssembly.Instance(engineModule());
  // The module is ours and built with these sources; its exports have no types of their own.
  const engine = exports as unknown as Exports;
  engine.seed(crypto.getRandomValues(new BigInt64Array(1))[0] ?? 0n);
  return engine;
}

/** The engine of this process, started when it is first needed. */
export function sharedEngine(): Engine {
  shared ??= createEngine();
  return shared;
}

let shared: Engine | undefined;

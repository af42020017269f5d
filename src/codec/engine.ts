// The host of the engine: loads the WebAssembly module, gives it the tables and one message at a time, and turns its faults
// into errors. The memory of the module is one, so translations take turns; each is over before the next begins.
import { readFileSync } from "node:fs";
import { RpcError } from "../base/errors.ts";
import type { Limits, Losses, Transcoder } from "./codec.ts";
import { type Direction, type Fault, faultError, fieldPath } from "./fault.ts";
import { FAULT_BYTES } from "./layout.ts";
import { createTables, type NodeLabel, structHeader, type Tables } from "./tables.ts";
import type { ThriftBody } from "./thrift-binary.ts";

interface Exports {
  readonly memory: WebAssembly.Memory;
  tablesStart(): number;
  provide(end: number): number;
  seed(value: bigint): void;
  limit(maxBytes: number, maxDepth: number, maxElements: number): void;
  thriftBinaryToProtobuf(message: number, start: number, length: number, stackSize: number): number;
  thriftBinaryFieldToProtobuf(
    message: number,
    start: number,
    length: number,
    stackSize: number,
    field: number,
    node: number,
    needed: number,
  ): number;
  protobufToThriftBinary(message: number, start: number, length: number, stackSize: number): number;
  protobufToThriftBinaryField(
    message: number,
    start: number,
    length: number,
    stackSize: number,
    header: number,
    node: number,
  ): number;
  report(): number;
  fault(): number;
  faultAt(): number;
  faultValue(): bigint;
  trace(): number;
  traceLength(): number;
}

/** The engine with the tables of everything that was compiled for it. */
export interface Engine {
  compile(body: ThriftBody, direction: Direction, limits: Limits): Transcoder;
  /** Bytes of memory that the module holds now. */
  memoryBytes(): number;
}

/** Memory above this is given back after a message that needed it, by starting a new instance with the same tables. */
const KEPT_MEMORY_BYTES = 8 * 1024 * 1024;
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

/** An engine without tables. One is enough for a process; what it is given stays. */
export function createEngine(): Engine {
  let exports = instantiate();
  const tables = createTables(exports.tablesStart());
  const output = createOutput();
  /** How many bytes of the tables this instance has, and where the input begins behind them. */
  let copied = 0;
  let inputStart = 0;
  let limitsNow: Limits | undefined;
  /** Views of the module's memory, made anew when it has grown: then the old ones have no length. */
  let memory = new Uint8Array(0);
  let words = new Uint32Array(0);
  const reportAt = exports.report() >>> 2;

  function restart(): void {
    exports = instantiate();
    copied = 0;
    limitsNow = undefined;
    view();
  }

  function view(): void {
    memory = new Uint8Array(exports.memory.buffer);
    words = new Uint32Array(exports.memory.buffer);
  }

  function provide(end: number): void {
    if (!exports.provide(end)) throw new RpcError("RESOURCE_EXHAUSTED", "the codec has no memory left");
    view();
  }

  /** Brings the instance up to date with tables and limits. */
  function prepare(limits: Limits): void {
    if (copied !== tables.size) {
      inputStart = exports.tablesStart() + tables.size;
      provide(inputStart);
      memory.set(tables.bytes(), exports.tablesStart());
      copied = tables.size;
    }
    if (limitsNow !== limits) {
      exports.limit(Math.min(limits.maxBytes, MAX_MESSAGE_BYTES), limits.maxDepth, limits.maxElements);
      limitsNow = limits;
    }
  }

  function load(bytes: Uint8Array): void {
    if (inputStart + bytes.length > memory.length) provide(inputStart + bytes.length);
    memory.set(bytes, inputStart);
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

  function compile(body: ThriftBody, direction: Direction, limits: Limits): Transcoder {
    const message = tables.layOut(body.link, direction);
    const run = compileRun(body, direction, message, tables, () => exports);

    return (bytes: Uint8Array, losses: Losses): Uint8Array => {
      if (bytes.length > limits.maxBytes || bytes.length > MAX_MESSAGE_BYTES) {
        throw faultError({ code: FAULT_BYTES, at: 0, value: 0n, path: "", link: undefined }, direction, limits);
      }
      prepare(limits);
      load(bytes);
      const length = runSafely(run, bytes.length, limits);
      if (memory.length === 0) view();
      if (length < 0) {
        const fault = readFault();
        giveBack();
        throw faultError(fault, direction, limits);
      }
      losses.unknownFields += words[reportAt + 1] ?? 0;
      losses.duplicates += words[reportAt + 2] ?? 0;
      const result = output.copy(memory, words[reportAt] ?? 0, length);
      giveBack();
      return result;
    };
  }

  /** A trap would be a fault of the engine; it must not outlive the call that met it. */
  function runSafely(run: Run, length: number, limits: Limits): number {
    try {
      return run(inputStart, length, stackBytes(length, limits));
    } catch (cause) {
      restart();
      throw new RpcError("INTERNAL", "the codec failed on this message", { cause });
    }
  }

  /** One frame for each level, a spare for each entry or wrapper between them, and a run of 12 bytes for every two of input. */
  function stackBytes(length: number, limits: Limits): number {
    return (limits.maxDepth + 4) * (tables.frameSize + 16) + length * 6 + 64;
  }

  function giveBack(): void {
    if (memory.length > KEPT_MEMORY_BYTES + 2 * tables.size) restart();
  }

  return { compile, memoryBytes: () => memory.length };
}

interface Output {
  /** A copy of `length` bytes at `start`. */
  copy(from: Uint8Array, start: number, length: number): Uint8Array;
}

/** Small results share slabs: making a buffer for each costs more than translating. */
const SLAB_BYTES = 256 * 1024;
/** Up to this size V8 keeps arrays on its own heap, which is cheaper still. */
const ON_HEAP_BYTES = 64;

function createOutput(): Output {
  let slab = new ArrayBuffer(0);
  let used = 0;
  return {
    copy(from, start, length) {
      if (length <= ON_HEAP_BYTES) return from.slice(start, start + length);
      if (length > SLAB_BYTES / 8) {
        // Not zeroed first, as `slice` would.
        const result = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
        result.set(from.subarray(start, start + length));
        return result;
      }
      if (used + length > slab.byteLength) {
        slab = Buffer.allocUnsafeSlow(SLAB_BYTES).buffer;
        used = 0;
      }
      const result = new Uint8Array(slab, used, length);
      result.set(from.subarray(start, start + length));
      used += length;
      return result;
    },
  };
}

type Run = (start: number, length: number, stackSize: number) => number;

/** Chooses the entry of the module once, so that a call finds it at hand; `exports` changes when the instance does. */
function compileRun(
  body: ThriftBody,
  direction: Direction,
  message: number,
  tables: Tables,
  exports: () => Exports,
): Run {
  const { field } = body;
  if (!field) {
    if (direction === "to-protobuf") {
      return (start, length, stack) => exports().thriftBinaryToProtobuf(message, start, length, stack);
    }
    return (start, length, stack) => exports().protobufToThriftBinary(message, start, length, stack);
  }
  const node = tables.label({ kind: "field", name: field.name, link: undefined });
  if (direction === "to-protobuf") {
    const needed = field.needed ? 1 : 0;
    return (start, length, stack) =>
      exports().thriftBinaryFieldToProtobuf(message, start, length, stack, field.id & 0xffff, node, needed);
  }
  const header = structHeader(field.id);
  return (start, length, stack) => exports().protobufToThriftBinaryField(message, start, length, stack, header, node);
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

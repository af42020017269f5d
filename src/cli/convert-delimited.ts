// Cuts a stream into its messages, and joins messages to a stream: one after the other, each with its length in front, or a line
// each. It never holds more than one message and one piece of the stream.
import { ByteGatherer } from "../base/bytes.ts";
import { UsageError } from "./convert-codec.ts";

/** `varint`: as Protobuf's writeDelimitedTo. `framed`: u32 in big-endian order, as Thrift's framed transport. */
export type Delimiter = "varint" | "framed" | "line";

export interface DelimitedMessage {
  readonly bytes: Uint8Array;
  /** Which it is, from 1. */
  readonly number: number;
  /** Where its bytes begin, behind the length. */
  readonly at: number;
  /** From 1; counts lines only where messages are lines. */
  readonly line: number;
}

/** Messages from pieces. `bytes` of a message are only valid until the next is asked for. */
export interface Splitter {
  /** Throws a UsageError with the message's number and offset when its length cannot be or passes the limit. */
  push(chunk: Uint8Array): Iterable<DelimitedMessage>;
  /** What is left when the stream ends: a last line. Throws a UsageError when it ends inside a message. */
  finish(): Iterable<DelimitedMessage>;
}

/** Splits a stream into its messages as its bytes come; one above `maxBytes` is an error. */
export function createSplitter(delimiter: Delimiter, maxBytes: number): Splitter {
  let pending = new ByteGatherer();
  /** Where the pending bytes begin in the stream. */
  let offset = 0;
  let number = 0;
  let line = 0;
  /** How far the pending bytes were searched for the end of a line. */
  let searched = 0;

  const message = (bytes: Uint8Array, at: number): DelimitedMessage => ({ bytes, number: ++number, at, line });
  const where = (at: number): string => `message ${number + 1}, at byte ${offset + at}`;

  /** Whole messages at the start of `data`; returns how much of it they were. */
  function* cut(data: Uint8Array): Generator<DelimitedMessage, number> {
    for (let at = 0; ; ) {
      if (delimiter === "line") {
        const end = data.indexOf(0x0a, Math.max(at, searched));
        searched = end < 0 ? data.length : 0;
        if (end < 0) {
          checkSize(data.length - at, at);
          searched -= at;
          return at;
        }
        line++;
        const content = data.subarray(at, end);
        checkSize(content.length, at);
        if (!isBlank(content)) yield message(content, offset + at);
        at = end + 1;
        continue;
      }
      const head = delimiter === "framed" ? readU32(data, at) : readVarint(data, at);
      if (head === undefined) {
        if (delimiter === "varint" && data.length - at >= 10)
          throw new UsageError(`${where(at)}: its length is a varint longer than 10 bytes`);
        return at;
      }
      checkSize(head.length, at);
      const end = head.end + head.length;
      if (end > data.length) {
        expected = head.length + head.end - at;
        return at;
      }
      yield message(data.subarray(head.end, end), offset + head.end);
      at = end;
    }
  }
  /** Of the message that the pending bytes begin, with its length. */
  let expected: number | undefined;

  function checkSize(size: number, at: number): void {
    if (size <= maxBytes) return;
    const hint = delimiter === "line" ? "" : "; is the stream delimited another way?";
    throw new UsageError(`${where(at)}: ${size} bytes pass the limit of ${maxBytes} bytes${hint}`);
  }

  return {
    *push(chunk) {
      const isJoined = pending.length > 0;
      if (isJoined) {
        pending.append(chunk, expected);
        if (expected !== undefined && pending.length < expected) return;
      }
      expected = undefined;
      const data = isJoined ? pending.bytes : chunk;
      const used = yield* cut(data);
      offset += used;
      if (isJoined && used === 0) return;
      pending = new ByteGatherer();
      if (used < data.length) pending.append(data.subarray(used), expected);
    },
    *finish() {
      if (pending.length === 0) return;
      if (delimiter !== "line") {
        const size = expected === undefined ? "of its length" : `of ${expected} with its length`;
        throw new UsageError(`${where(0)}: the input ends after ${pending.length} bytes ${size}`);
      }
      line++;
      if (!isBlank(pending.bytes)) yield message(pending.bytes, offset);
    },
  };
}

/** A message as it stands in a stream. */
export function delimit(bytes: Uint8Array, delimiter: Delimiter): Uint8Array {
  if (delimiter === "line") return Buffer.concat([bytes, LINE_END]);
  return Buffer.concat([delimiter === "framed" ? writeU32(bytes.length) : writeVarint(bytes.length), bytes]);
}

const LINE_END = Buffer.from("\n");

function isBlank(line: Uint8Array): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}

interface Head {
  readonly length: number;
  readonly end: number;
}

function readU32(data: Uint8Array, at: number): Head | undefined {
  if (data.length - at < 4) return undefined;
  const view = new DataView(data.buffer, data.byteOffset + at, 4);
  return { length: view.getUint32(0), end: at + 4 };
}

function readVarint(data: Uint8Array, at: number): Head | undefined {
  let length = 0;
  for (let i = 0; i < 10; i++) {
    const byte = data[at + i];
    if (byte === undefined) return undefined;
    length += (byte & 127) * 2 ** (7 * i);
    if (byte < 128) return { length, end: at + i + 1 };
  }
  return undefined;
}

function writeU32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function writeVarint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Uint8Array.from([...bytes, rest]);
}

// Frames by hand, and a connection whose events and output a test can look at.
import { createHttp2Connection, type Http2Connection } from "../../../../src/protocol/http2/connection.ts";
import type { StreamReset } from "../../../../src/protocol/http2/events.ts";
import { FLAG, FRAME, PREFACE } from "../../../../src/protocol/http2/frame.ts";
import { HpackDecoder } from "../../../../src/protocol/http2/hpack-decoder.ts";
import type { Http2Options } from "../../../../src/protocol/http2/options.ts";
import type { Http2Stream } from "../../../../src/protocol/http2/stream.ts";
import type { Role } from "../../../../src/protocol/http2/stream-table.ts";

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly payload: Buffer;
}

/** `u24 length | type | flags | u32 stream | payload`. */
export function frame(type: number, flags: number, id: number, payload: Uint8Array | string = ""): Buffer {
  const body = typeof payload === "string" ? Buffer.from(payload, "hex") : payload;
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, body]);
}

export function readFrames(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 9 + bytes.readUIntBE(at, 3);
    frames.push({
      type: bytes[at + 3]!,
      flags: bytes[at + 4]!,
      id: bytes.readUInt32BE(at + 5),
      payload: bytes.subarray(at + 9, end),
    });
    at = end;
  }
  return frames;
}

export function uint32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [i, value] of values.entries()) bytes.writeUInt32BE(value, 4 * i);
  return bytes;
}

export function settings(...pairs: (readonly [id: number, value: number])[]): Buffer {
  return frame(
    FRAME.SETTINGS,
    0,
    0,
    Buffer.concat(pairs.map(([id, value]) => Buffer.concat([Buffer.of(0, id), uint32(value)]))),
  );
}

export const SETTINGS_ACK: Buffer = frame(FRAME.SETTINGS, FLAG.ACK, 0);

/** A field that enters no table. */
export function literal(name: string, value: string): Buffer {
  const string = (text: string) => {
    const length = text.length;
    const head = length < 127 ? [length] : [127, ((length - 127) & 127) | 128, ((length - 127) >> 7) & 127];
    if (length >= 127 + 128 * 128) throw new Error("too long for this fixture");
    return Buffer.concat([Buffer.from(head), Buffer.from(text, "latin1")]);
  };
  return Buffer.concat([Buffer.of(0), string(name), string(value)]);
}

/** A header block without tables. */
export function blockOf(list: readonly string[]): Buffer {
  const fields: Buffer[] = [];
  for (let i = 0; i < list.length; i += 2) fields.push(literal(list[i]!, list[i + 1]!));
  return Buffer.concat(fields);
}

export const REQUEST: readonly string[] = [":method", "POST", ":scheme", "http", ":path", "/s/m", ":authority", "a"];
export const RESPONSE: readonly string[] = [":status", "200", "content-type", "application/grpc"];

export function headers(id: number, list: readonly string[], endStream = false, extra = 0): Buffer {
  return frame(FRAME.HEADERS, FLAG.END_HEADERS | (endStream ? FLAG.END_STREAM : 0) | extra, id, blockOf(list));
}

export function request(id: number, endStream = false): Buffer {
  return headers(id, REQUEST, endStream);
}

export function data(id: number, bytes: Uint8Array | string, endStream = false): Buffer {
  return frame(FRAME.DATA, endStream ? FLAG.END_STREAM : 0, id, typeof bytes === "string" ? Buffer.from(bytes) : bytes);
}

/** A connection under test, its time, what it told its owner, and what it said. */
export interface Subject {
  readonly connection: Http2Connection<string>;
  /** One line per event, such as `data 1 "abc" end`. */
  readonly events: string[];
  readonly streams: Map<number, Http2Stream<string>>;
  readonly resets: Map<number, StreamReset>;
  /** What its clock says. */
  readonly time: { nowMs: number };
  /** Receives bytes. */
  hear(...chunks: Buffer[]): void;
  /** The frames that it has said since last asked. */
  said(): Frame[];
  /** The frames as text: `HEADERS 1 end :status=200`. */
  saidText(): string[];
  /** Called with each stream's data; by default it is consumed. */
  onData: (stream: Http2Stream<string>, bytes: Buffer) => void;
}

const FRAME_NAMES = Object.keys(FRAME);

export function createSubject(role: Role, options: Partial<Http2Options> = {}, begin = true): Subject {
  const events: string[] = [];
  const streams = new Map<number, Http2Stream<string>>();
  const resets = new Map<number, StreamReset>();
  const decoder = new HpackDecoder(1_000_000);
  const time = { nowMs: 0 };
  const log = (...words: (string | number | false)[]) =>
    void events.push(words.filter((word) => word !== "" && word !== false).join(" "));
  const connection = createHttp2Connection<string>(
    role,
    { maxFrameBytes: 65_536, ...options, nowMs: () => time.nowMs },
    {
      onHeaders(stream, list, endStream) {
        streams.set(stream.id, stream);
        log("headers", stream.id, list.join(","), endStream && "end");
      },
      onData(stream, bytes, endStream) {
        log(
          "data",
          stream.id,
          bytes.length > 40 ? `${bytes.length} bytes` : JSON.stringify(bytes.toString("latin1")),
          endStream && "end",
        );
        subject.onData(stream, bytes);
      },
      onTrailers: (stream, list) => log("trailers", stream.id, list.join(",")),
      onReset(stream, reset) {
        resets.set(stream.id, reset);
        log("reset", stream.id, reset.code, reset.by, !reset.processed && "unprocessed");
      },
      onClose: (stream) => log("close", stream.id),
      onDrain: (stream) => log("drain", stream.id),
      onSettings: () => log("settings"),
      onGoAway: ({ lastStreamId, code, debug }) => log("goaway", lastStreamId, code, debug),
      onPong: (ping) => log("pong", ping),
      onOutput: () => {},
      onFinished: () => log("finished"),
      onFailed: (error) => log("failed", error.code, error.message),
    },
  );
  const subject: Subject = {
    connection,
    events,
    streams,
    resets,
    time,
    hear(...chunks) {
      for (const chunk of chunks) connection.receive(chunk);
    },
    said() {
      const chunks: Buffer[] = [];
      for (let bytes = connection.takeOutput(); bytes; bytes = connection.takeOutput()) {
        chunks.push(Buffer.from(bytes));
        connection.reuseOutput();
      }
      const all = Buffer.concat(chunks);
      return readFrames(all.subarray(0, PREFACE.length).equals(PREFACE) ? all.subarray(PREFACE.length) : all);
    },
    saidText() {
      return subject.said().map(({ type, flags, id, payload }) => {
        const words = [FRAME_NAMES[type]!, id];
        if (type === FRAME.HEADERS) words.push(...decoder.decode(payload, 0, payload.length).list);
        else if (type === FRAME.DATA) words.push(payload.length > 40 ? payload.length : payload.toString("latin1"));
        else if (type === FRAME.RST_STREAM || type === FRAME.WINDOW_UPDATE) words.push(payload.readUInt32BE(0));
        else if (type === FRAME.GOAWAY)
          words.push(payload.readUInt32BE(0), payload.readUInt32BE(4), payload.toString("latin1", 8));
        if ((type === FRAME.HEADERS || type === FRAME.DATA) && flags & FLAG.END_STREAM) words.push("end");
        if ((type === FRAME.SETTINGS || type === FRAME.PING) && flags & FLAG.ACK) words.push("ack");
        return words.filter((word) => word !== "").join(" ");
      });
    },
    onData: (stream, bytes) => connection.consume(stream, bytes.length),
  };
  if (!begin) return subject;
  if (role === "server") subject.hear(PREFACE);
  subject.hear(settings(), SETTINGS_ACK);
  subject.said();
  events.length = 0;
  return subject;
}

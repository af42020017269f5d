// A Thrift client that knows nothing: it writes what it is given, and reads messages as the specification has them.
import { connect, type Socket } from "node:net";
import { expectClear } from "./clear.ts";
import { type Bounds, type Found, type Header, readHeader, structEnd } from "./thrift-reader.ts";

/** How a connection's messages are dressed. */
export interface Dialect {
  readonly framed: boolean;
  readonly strict: boolean;
}

export const BOUNDS: Bounds = { maxBytes: 16_384_000, maxDepth: 64 };
/** What the sidecar says may be nested as deep as it wants. */
const ANY: Bounds = { maxBytes: 2 ** 31, maxDepth: 1_000 };

/** A message that was read, from its header on. */
export interface Message {
  readonly header: Header;
  readonly body: Buffer;
}

export class ThriftWire {
  readonly #socket: Socket;
  readonly #framed: boolean;
  readonly #opaque: boolean;
  #received: Buffer = Buffer.alloc(0);
  #closed = false;
  #wake: () => void = () => {};

  /** With opaque bodies, which only frames can have, what stands behind a header is whatever the frame holds. */
  constructor(path: string, { framed }: Dialect, bodies: "structs" | "opaque bodies" = "structs") {
    this.#framed = framed;
    this.#opaque = bodies === "opaque bodies";
    this.#socket = connect(path);
    this.#socket.on("error", () => {});
    this.#socket.on("data", (chunk) => {
      this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    this.#socket.on("close", () => {
      this.#closed = true;
      this.#wake();
    });
  }

  write(bytes: Buffer): void {
    if (bytes.length > 0) this.#socket.write(bytes);
  }

  /** Ends this side. */
  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** The next message; undefined when the other side has closed behind its last whole one. */
  async next(): Promise<Message | undefined> {
    for (;;) {
      const message = this.#take();
      if (message) return message;
      if (this.#closed) {
        if (this.#received.length > 0) throw new Error(`closed inside a message: ${this.#received.toString("hex")}`);
        return undefined;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #take(): Message | undefined {
    const bytes = this.#received;
    const start = this.#framed ? 4 : 0;
    if (bytes.length < start) return undefined;
    const header = readHeader(bytes, start);
    if (header.kind === "broken") throw new Error(`the sidecar wrote no message: ${bytes.toString("hex")}`);
    if (header.kind === "partial") return undefined;
    const end = this.#opaque ? frameEnd(bytes) : structEnd(bytes, header.value.bodyAt, ANY, start);
    if (end.kind === "broken") throw new Error(`the sidecar wrote a broken struct: ${bytes.toString("hex")}`);
    if (end.kind === "partial") return undefined;
    if (this.#framed && bytes.readUInt32BE(0) !== end.value - 4) {
      throw new Error(`the sidecar wrote a frame that is not its message's: ${bytes.toString("hex")}`);
    }
    this.#received = bytes.subarray(end.value);
    return { header: header.value, body: bytes.subarray(header.value.bodyAt, end.value) };
  }
}

function frameEnd(bytes: Buffer): Found<number> {
  const end = 4 + bytes.readUInt32BE(0);
  return end <= bytes.length ? { kind: "whole", value: end } : { kind: "partial" };
}

/**
 * Holds a message to being an answer: a result, or an exception that helps. Returns its kind. What a server says of its
 * error may be anything.
 */
export function checkAnswer(
  { header, body }: Message,
  text: "our text" | "peer's text" = "our text",
): "reply" | "exception" {
  if (header.type === 2) return "reply";
  if (header.type !== 3) throw new Error(`an answer of type ${header.type}`);
  // {1: string message, 2: i32 type}
  const length = body[0] === 11 && body[2] === 1 ? body.readInt32BE(3) : -1;
  if (length < 0 || body.length !== 7 + length + 8)
    throw new Error(`no TApplicationException: ${body.toString("hex")}`);
  const type = body.readInt32BE(7 + length + 3);
  if (text === "our text" && (type < 0 || type > 10)) throw new Error(`a TApplicationException of type ${type}`);
  if (text === "our text") expectClear(body.toString("utf8", 7, 7 + length));
  return "exception";
}

/** A Thrift struct with one string. */
export function thriftText(id: number, text: string): Buffer {
  const bytes = Buffer.from(text);
  const head = Buffer.from([11, 0, id, 0, 0, 0, 0]);
  head.writeInt32BE(bytes.length, 3);
  return Buffer.concat([head, bytes, Buffer.of(0)]);
}

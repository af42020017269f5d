// HTTP/2 frames by hand (RFC 9113), for what node:http2 would never send; and a client that reads them.
import type { OutgoingHttpHeaders } from "node:http2";
import { connect, type Socket } from "node:net";

export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");
const [DATA, HEADERS, SETTINGS, PING] = [0, 1, 4, 6] as const;
const ACK = 1;
export const END_STREAM = 1;
const END_HEADERS = 4;

/** u24 length, type, flags, u32 stream, payload. */
export function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export const SETTINGS_FRAME = frame(SETTINGS, 0, 0, Buffer.alloc(0));
export const SETTINGS_ACK_FRAME = frame(SETTINGS, ACK, 0, Buffer.alloc(0));

/** Headers as HPACK literals without tables or Huffman coding (RFC 7541 section 6.2.2), so that each byte is itself. */
export function headersFrame(stream: number, headers: OutgoingHttpHeaders, flags: number): Buffer {
  const block = Object.entries(headers).flatMap(([name, value]) => {
    const bytes = Buffer.from(String(value));
    return [Buffer.of(0, name.length), Buffer.from(name), Buffer.of(bytes.length), bytes];
  });
  return frame(HEADERS, flags | END_HEADERS, stream, Buffer.concat(block));
}

export function dataFrame(stream: number, data: Buffer, flags: number): Buffer {
  return frame(DATA, flags, stream, data);
}

/** The length of the frame at the start, with its head; undefined until that is there. */
export function frameEnd(bytes: Buffer): number | undefined {
  return bytes.length < 9 ? undefined : 9 + bytes.readUIntBE(0, 3);
}

const PING_DATA = Buffer.alloc(8, 0xff);

/** A connection that writes what it is given. */
export class Http2Wire {
  readonly #socket: Socket;
  readonly closed: Promise<void>;
  #received: Buffer = Buffer.alloc(0);
  #wake: () => void = () => {};
  #isClosed = false;

  constructor(path: string) {
    this.#socket = connect(path);
    this.#socket.on("error", () => {});
    this.#socket.on("data", (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    this.closed = new Promise((resolve) => {
      this.#socket.on("close", () => {
        this.#isClosed = true;
        this.#wake();
        resolve();
      });
    });
  }

  write(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  /** Whether this frame comes; false when the connection closes without it. */
  async received(wanted: Buffer): Promise<boolean> {
    while (!this.#received.includes(wanted)) {
      if (this.#isClosed) return false;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return true;
  }

  /** Whether the other side has read everything up to now and goes on; false when it closes instead. */
  ping(): Promise<boolean> {
    this.write(frame(PING, 0, 0, PING_DATA));
    return this.received(frame(PING, ACK, 0, PING_DATA));
  }

  end(): void {
    this.#socket.end();
  }

  /** Throws unless all that was received is frames; the last one may have been cut by the end. */
  checkFrames(): void {
    let rest = this.#received;
    if (rest.length >= 9 && rest[3] !== SETTINGS)
      throw new Error(`no HTTP/2 server speaks like this: ${rest.toString("hex")}`);
    for (let end = frameEnd(rest); end !== undefined && end <= rest.length; end = frameEnd(rest)) {
      if (rest[3]! > 9) throw new Error(`a frame of type ${rest[3]}`);
      rest = rest.subarray(end);
    }
  }
}

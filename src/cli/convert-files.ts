// Where `causeway convert` reads from and writes to: files and the standard streams, in pieces.
import { createReadStream, statSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { UsageError } from "./convert-codec.ts";

/** The name of standard input and standard output in place of a file's. */
export const STANDARD_STREAM = "-";

const PIECE_BYTES = 256 * 1024;

export interface Input {
  readonly chunks: AsyncIterable<Buffer>;
  /** All bytes there will be; undefined where that is not known. */
  readonly totalBytes: number | undefined;
}

/** The input at `path`, - for standard input. */
export function openInput(path: string): Input {
  if (path === STANDARD_STREAM) return { chunks: process.stdin, totalBytes: undefined };
  const stat = statSync(path);
  return {
    chunks: createReadStream(path, { highWaterMark: PIECE_BYTES }),
    totalBytes: stat.isFile() ? stat.size : undefined,
  };
}

/** All of an input. Throws a UsageError when it has more than `maxBytes`. */
export async function readAll({ chunks }: Input, maxBytes: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of chunks) {
    pieces.push(piece);
    length += piece.length;
    if (length > maxBytes) {
      throw new UsageError(`the input has more than ${maxBytes} bytes; read a stream of messages with --delimited`);
    }
  }
  return Buffer.concat(pieces);
}

/** Output that is gathered to large pieces. */
export interface Output {
  /** Whether `flush` is due. */
  readonly isFull: boolean;
  write(bytes: Uint8Array | string): void;
  /** Resolves when all is with the system, so that a slow reader slows us down. */
  flush(): Promise<void>;
  /** Ends the output. A file that got nothing is made empty if the output `isWhole`, and is left as it was if it is not. */
  close(isWhole: boolean): Promise<void>;
}

/** The output to `path`, - for standard output; the file is made when there is something in it. */
export function createOutput(path: string): Output {
  const piece = Buffer.allocUnsafeSlow(PIECE_BYTES);
  let filled = 0;
  /** What does not fit into the piece that is being filled, and what was filled before it. */
  let waiting: Uint8Array[] = [];
  let file: FileHandle | undefined;

  async function make(): Promise<void> {
    if (path !== STANDARD_STREAM) file ??= await open(path, "w");
  }

  async function send(bytes: Uint8Array): Promise<void> {
    if (file) await file.writeFile(bytes);
    else await new Promise<void>((resolve) => process.stdout.write(bytes, () => resolve()));
  }

  return {
    get isFull() {
      return waiting.length > 0;
    },
    write(content) {
      const bytes = typeof content === "string" ? Buffer.from(content) : content;
      if (waiting.length === 0 && filled + bytes.length <= PIECE_BYTES) {
        piece.set(bytes, filled);
        filled += bytes.length;
      } else waiting.push(bytes);
    },
    async flush() {
      if (filled + waiting.length > 0) await make();
      const rest = waiting;
      const first = piece.subarray(0, filled);
      waiting = [];
      filled = 0;
      if (first.length > 0) await send(first);
      // Many small pieces come from one large message, as the rows that explain it do.
      if (rest.length > 0) await send(rest.length === 1 && rest[0] ? rest[0] : Buffer.concat(rest));
    },
    async close(isWhole) {
      await this.flush();
      if (isWhole) await make();
      await file?.close();
    },
  };
}

/** Says how far it is, on a terminal only. */
export interface Progress {
  update(doneBytes: number, messages: number): void;
  /** Takes the line away. */
  clear(): void;
}

const EVERY_MS = 200;

/** Shows on a terminal how much of `totalBytes` is done, at most five times a second; elsewhere nothing. */
export function createProgress(totalBytes: number | undefined, stream: NodeJS.WriteStream = process.stderr): Progress {
  if (!stream.isTTY) return { update: () => {}, clear: () => {} };
  let lastMs = performance.now();
  let isShown = false;
  return {
    update(doneBytes, messages) {
      const nowMs = performance.now();
      if (nowMs - lastMs < EVERY_MS) return;
      lastMs = nowMs;
      isShown = true;
      const share = totalBytes ? ` of ${megabytes(totalBytes)} (${Math.floor((100 * doneBytes) / totalBytes)} %)` : "";
      stream.write(`\r\x1b[K${megabytes(doneBytes)}${share}, ${messages} messages`);
    },
    clear() {
      if (isShown) stream.write("\r\x1b[K");
      isShown = false;
    },
  };
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

// As little of FastCGI's client side as a test needs (fastcgi-archives.github.io, FastCGI_Specification): one request on one
// connection to PHP-FPM.
import { connect } from "node:net";

const TYPE = { BEGIN: 1, END: 3, PARAMS: 4, STDIN: 5, STDOUT: 6 } as const;
const RESPONDER = Buffer.from([0, 1, 0, 0, 0, 0, 0, 0]);

export interface FastCgiAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** Sends a request to the unix socket `path` and reads its whole answer. */
export function requestFastCgi(
  path: string,
  params: Readonly<Record<string, string>>,
  body: Uint8Array = new Uint8Array(0),
): Promise<FastCgiAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const chunks: Buffer[] = [];
    socket.on("error", reject).on("data", (chunk) => chunks.push(chunk));
    socket.on("close", () => resolve(parseAnswer(outputOf(Buffer.concat(chunks)))));
    const pairs = Object.entries(params).map(([name, value]) => pair(Buffer.from(name), Buffer.from(value)));
    socket.write(Buffer.concat([record(TYPE.BEGIN, RESPONDER), ...stream(TYPE.PARAMS, Buffer.concat(pairs))]));
    socket.write(Buffer.concat(stream(TYPE.STDIN, Buffer.from(body))));
  });
}

function pair(name: Buffer, value: Buffer): Buffer {
  return Buffer.concat([lengthOf(name), lengthOf(value), name, value]);
}

function lengthOf({ length }: Buffer): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE((length | 0x80000000) >>> 0);
  return bytes;
}

/** Records of at most 32 KiB, and an empty one behind. */
function stream(type: number, content: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let at = 0; at < content.length; at += 0x8000) records.push(record(type, content.subarray(at, at + 0x8000)));
  return [...records, record(type, Buffer.alloc(0))];
}

function record(type: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([1, type, 0, 1, content.length >> 8, content.length & 0xff, 0, 0]), content]);
}

function outputOf(records: Buffer): Buffer {
  const output: Buffer[] = [];
  for (let at = 0; at + 8 <= records.length; ) {
    const length = records.readUInt16BE(at + 4);
    if (records[at + 1] === TYPE.STDOUT) output.push(records.subarray(at + 8, at + 8 + length));
    at += 8 + length + records[at + 6]!;
  }
  return Buffer.concat(output);
}

function parseAnswer(output: Buffer): FastCgiAnswer {
  const end = output.indexOf("\r\n\r\n");
  const lines = output.toString("latin1", 0, end).split("\r\n");
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
  const status = Number.parseInt(headers.get("status") ?? "200", 10);
  return { status, headers, body: output.subarray(end + 4) };
}

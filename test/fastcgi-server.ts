// A FastCGI application for tests, by hand, so that the client is not held against its own idea of the records: it answers
// requests with whatever answers HTTP's.
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { Metadata } from "../src/base/metadata.ts";
import type { HttpHandler, HttpResponse } from "../src/protocol/http/http.ts";

const TYPE = { BEGIN: 1, END: 3, PARAMS: 4, STDIN: 5, STDOUT: 6, STDERR: 7 } as const;

export interface FastCgiServer {
  readonly port: number;
  /** The variables of every request so far. */
  readonly requests: ReadonlyMap<string, string>[];
  /** Connections that were accepted so far. */
  connections(): number;
  close(): Promise<void>;
}

/** Serves until it is closed; `mutate` changes the bytes of every answer, `errors` goes to the error log. */
export async function serveFastCgi(
  handler: HttpHandler,
  { mutate = (bytes: Buffer): Buffer => bytes, errors = "" } = {},
): Promise<FastCgiServer> {
  const requests: ReadonlyMap<string, string>[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    const gone = new AbortController();
    let rest = Buffer.alloc(0);
    let keep = false;
    let params: Buffer[] = [];
    let body: Buffer[] = [];
    socket.on("error", () => {}).on("close", () => gone.abort());
    socket.on("data", async (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 8 && rest.length >= 8 + rest.readUInt16BE(4) + rest[6]!) {
        const type = rest[1]!;
        const content = rest.subarray(8, 8 + rest.readUInt16BE(4));
        rest = rest.subarray(8 + content.length + rest[6]!);
        if (type === TYPE.BEGIN) keep = (content[2]! & 1) === 1;
        else if (type === TYPE.PARAMS) params.push(content);
        else if (content.length > 0) body.push(content);
        else {
          const variables = readVariables(Buffer.concat(params));
          const whole = Buffer.concat(body);
          [params, body] = [[], []];
          requests.push(variables);
          const response = await handler(requestOf(variables, whole, gone.signal));
          const log = errors === "" ? [] : [record(TYPE.STDERR, Buffer.from(errors))];
          socket.write(mutate(Buffer.concat([...log, ...answer(response)])));
          if (!keep) socket.end();
        }
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    connections: () => connections,
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function readVariables(bytes: Buffer): Map<string, string> {
  const variables = new Map<string, string>();
  let at = 0;
  const length = (): number => {
    const first = bytes[at]!;
    at += first < 128 ? 1 : 4;
    return first < 128 ? first : bytes.readUInt32BE(at - 4) & 0x7fff_ffff;
  };
  while (at < bytes.length) {
    const [name, value] = [length(), length()];
    variables.set(bytes.toString("utf8", at, at + name), bytes.toString("utf8", at + name, at + name + value));
    at += name + value;
  }
  return variables;
}

function requestOf(
  variables: ReadonlyMap<string, string>,
  body: Buffer,
  signal: AbortSignal,
): Parameters<HttpHandler>[0] {
  const flat = ["content-type", variables.get("CONTENT_TYPE") ?? ""];
  for (const [name, value] of variables) {
    if (!name.startsWith("HTTP_")) continue;
    const header = name.slice(5).toLowerCase().replaceAll("_", "-");
    flat.push(header === "client-timeout" ? "client_timeout" : header, value);
  }
  const path = variables.get("REQUEST_URI") ?? "";
  const method = variables.get("REQUEST_METHOD") ?? "";
  return { method, path, query: "", headers: Metadata.fromFlat(flat), body, peer: "fastcgi", signal };
}

function answer({ status, headers, body }: HttpResponse): Buffer[] {
  const lines = [`Status: ${status} Whatever`, ...[...headers].map(([name, value]) => `${name}: ${value}`), "", ""];
  const output = Buffer.concat([Buffer.from(lines.join("\r\n"), "latin1"), Buffer.from(body)]);
  const records: Buffer[] = [];
  // Odd sizes and padding, as the specification allows them.
  for (let at = 0; at < output.length; at += 40_001) {
    records.push(record(TYPE.STDOUT, output.subarray(at, at + 40_001), at % 8));
  }
  return [...records, record(TYPE.STDOUT, Buffer.alloc(0)), record(TYPE.END, Buffer.alloc(8))];
}

function record(type: number, content: Buffer, padding = 0): Buffer {
  const head = Buffer.from([1, type, 0, 1, content.length >> 8, content.length & 0xff, padding, 0]);
  return Buffer.concat([head, content, Buffer.alloc(padding, 0xff)]);
}

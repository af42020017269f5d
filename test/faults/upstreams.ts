// The servers behind the sidecar: they give every caller its own arguments back, unless a test says what to answer.
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer as createHttp2Server, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Header, readHeader } from "./thrift-reader.ts";

export interface Upstream {
  /** As an endpoint of a config has it. */
  readonly endpoint: string;
  stop(): Promise<void>;
}

/** Opens the server on a unix socket of its own; `stop` cuts the connections that are left. */
export async function open(server: Server): Promise<Upstream> {
  const folder = mkdtempSync(join(tmpdir(), "causeway-upstream-"));
  const path = join(folder, "s");
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  server.listen(path);
  await once(server, "listening");
  return {
    endpoint: `unix:${path}`,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What a Thrift server writes, and whether it then ends the connection. */
export interface ThriftAnswer {
  readonly bytes: Buffer;
  readonly end: boolean;
}

/** A message with its frame's length. */
export function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(message.length);
  return Buffer.concat([length, message]);
}

/** A Thrift message, strict or old. */
export function thriftMessage({ strict, name, type, sequenceId }: Omit<Header, "bodyAt">, body: Buffer): Buffer {
  const nameBytes = Buffer.from(name);
  const head = Buffer.alloc((strict ? 12 : 9) + nameBytes.length);
  const lengthAt = strict ? head.writeUInt32BE((0x80010000 | type) >>> 0) : 0;
  let at = head.writeInt32BE(nameBytes.length, lengthAt);
  at += nameBytes.copy(head, at);
  if (!strict) at = head.writeUInt8(type, at);
  head.writeInt32BE(sequenceId, at);
  return Buffer.concat([head, body]);
}

/** Argument 1 as the result. */
function echoed(header: Header, body: Buffer): ThriftAnswer {
  const result = Buffer.from(body);
  if (result.length > 3 && result[1] === 0 && result[2] === 1) result[2] = 0;
  return { bytes: framed(thriftMessage({ ...header, strict: true, type: 2 }, result)), end: false };
}

/** A framed Thrift server. `answer` may leave a call to the echo. */
export function startThriftUpstream(
  answer: (header: Header, body: Buffer) => ThriftAnswer | undefined = () => undefined,
): Promise<Upstream> {
  const server = createServer((socket) => {
    let pending: Buffer = Buffer.alloc(0);
    socket.on("data", (chunk) => {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      while (pending.length >= 4 && pending.length >= 4 + pending.readUInt32BE(0)) {
        const message = pending.subarray(4, 4 + pending.readUInt32BE(0));
        pending = pending.subarray(4 + message.length);
        const header = readHeader(message);
        if (header.kind !== "whole") throw new Error(`the sidecar sent no message: ${message.toString("hex")}`);
        if (header.value.type === 4) continue;
        const body = message.subarray(header.value.bodyAt);
        const { bytes, end } = answer(header.value, body) ?? echoed(header.value, body);
        if (end) socket.end(bytes);
        else socket.write(bytes);
      }
    });
  });
  return open(server);
}

/** What a gRPC server answers; `reset` ends the stream by that code once the body is written. */
export interface GrpcAnswer {
  readonly headers: OutgoingHttpHeaders;
  readonly body?: Buffer;
  readonly trailers?: OutgoingHttpHeaders;
  readonly reset?: number;
}

/** A gRPC server. `answer` may leave a call to the echo. */
export function startGrpcUpstream(
  answer: (path: string, body: Buffer) => GrpcAnswer | undefined = () => undefined,
): Promise<Upstream> {
  const server = createHttp2Server();
  server.on("sessionError", () => {});
  server.on("stream", (stream: ServerHttp2Stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on("error", () => {});
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      if (stream.destroyed) return;
      const body = Buffer.concat(chunks);
      respond(
        stream,
        answer(String(headers[":path"]), body) ?? {
          headers: { ":status": 200, "content-type": "application/grpc" },
          body,
          trailers: { "grpc-status": "0" },
        },
      );
    });
  });
  // An HTTP/2 server is a net.Server, whatever the types say.
  return open(server as unknown as Server);
}

function respond(stream: ServerHttp2Stream, { headers, body, trailers, reset }: GrpcAnswer): void {
  stream.respond(headers, { endStream: body === undefined && trailers === undefined, waitForTrailers: true });
  stream.on("wantTrailers", () => {
    if (reset !== undefined) stream.close(reset);
    else stream.sendTrailers(trailers ?? {});
  });
  if (body !== undefined || trailers !== undefined) stream.end(body);
}

// A framed Thrift server as a process of its own, to be killed or stopped by a test, or told to misbehave: it gives each caller
// its argument back. It listens on the unix socket that its first argument names, and says so; then it says the argument of each
// echoBinary that it runs, for the test to see that none runs twice.
import { createHash } from "node:crypto";
import { renameSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { type Header, readHeader } from "./thrift-reader.ts";
import { framed, thriftMessage } from "./upstreams.ts";

/** What the parent tells by IPC. */
export type Manner = "healthy" | "slow" | "garbage" | "resetting" | "refusing";

/** How long an answer takes. */
const SERVICE_MS = 10;
/** Long enough for a call to come, which makes the end of its connection a reset. */
const RESET_AFTER_MS = 20;

const [path = "", seed = "", slowMs = ""] = process.argv.slice(2);
const sockets = new Set<Socket>();
let manner: Manner = "healthy";
let answers = 0;

const server = createServer((socket) => {
  sockets.add(socket);
  socket.on("error", () => {});
  socket.on("close", () => sockets.delete(socket));
  if (manner === "resetting") resetSoon(socket);
  else read(socket);
});

function read(socket: Socket): void {
  let pending = Buffer.alloc(0);
  socket.on("data", (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 4 && pending.length >= 4 + pending.readUInt32BE(0)) {
      const message = pending.subarray(4, 4 + pending.readUInt32BE(0));
      pending = pending.subarray(4 + message.length);
      const header = readHeader(message);
      if (header.kind !== "whole") throw new Error("no message");
      const result = Buffer.from(message.subarray(header.value.bodyAt));
      // {1: string} has its length at 3.
      if (header.value.name === "echoBinary")
        process.stdout.write(`${result.toString("utf8", 7, result.length - 1)}\n`);
      setTimeout(() => answer(socket, header.value, result), manner === "slow" ? Number(slowMs) : SERVICE_MS);
    }
  });
}

function answer(socket: Socket, header: Header, result: Buffer): void {
  if (manner === "garbage") {
    socket.write(garbage(header, answers++));
    return;
  }
  // Argument 1 is the result, field 0.
  result[2] = 0;
  socket.write(framed(thriftMessage({ ...header, strict: true, type: 2 }, result)));
}

/** Bytes that answer nothing: no frame, no message in a frame, another protocol, a reply to another call. */
function garbage(header: Header, number: number): Buffer {
  const random = createHash("sha256").update(`${seed} ${number}`).digest();
  const kinds = [
    () => random,
    () => framed(random),
    () => Buffer.from("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"),
    () =>
      framed(
        thriftMessage({ ...header, sequenceId: header.sequenceId ^ 1, strict: true, type: 2 }, Buffer.of(11, 0, 0, 0)),
      ),
  ];
  return kinds[random[0]! % kinds.length]!();
}

/** A connection that ends with something unread is reset. */
function resetSoon(socket: Socket): void {
  socket.pause();
  setTimeout(() => socket.destroy(), RESET_AFTER_MS);
}

/** Stops listening and leaves its socket's file, as a process that has died does. */
function refuse(): void {
  if (!server.listening) return;
  renameSync(path, `${path}.kept`);
  server.close();
  renameSync(`${path}.kept`, path);
  for (const socket of sockets) socket.destroy();
}

function listen(): void {
  if (server.listening) return;
  rmSync(path, { force: true });
  server.listen(path);
}

process.on("message", (next: Manner) => {
  manner = next;
  if (manner === "refusing") refuse();
  else listen();
  if (manner === "resetting") for (const socket of sockets) resetSoon(socket);
});
// It does not outlive who started it.
process.on("disconnect", () => process.exit());
server.once("listening", () => process.stdout.write("listening\n"));
listen();

// Memory of idle connections: `node bench/idle-connections.ts [COUNT]`. Opens COUNT connections (10,000 unless told) of
// each kind to a sidecar of its own, the one of `npm run build`, each after one exchange, and prints its resident memory as
// JSON lines.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

const MAIN = resolve(import.meta.dirname, "../dist/src/cli/main.js");
const COUNT = Number(process.argv[2] ?? 10_000);
/** How long the sidecar may settle before it is measured, in milliseconds. */
const SETTLE_MS = 12_000;

/** HTTP/2's preface, empty SETTINGS, and the answer to the sidecar's. */
const GRPC = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  Buffer.from("000000040000000000000000040100000000", "hex"),
]);
/** A framed call of a method that there is not: answered with an exception, and the connection goes on. */
const THRIFT = Buffer.from("0000001180010001000000046e6f6e650000000100", "hex");

const KINDS = { grpc: GRPC, thrift: THRIFT } as const;

function rssOf(pid: number): number {
  const [, kibibytes = "0"] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kibibytes) / 1024;
}

async function measure(kind: keyof typeof KINDS): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "causeway-idle-"));
  const path = join(folder, "s");
  const config = `listeners: [{ kind: local, address: "unix:${path}", maxConnections: ${COUNT + 1} }]\n`;
  writeFileSync(join(folder, "causeway.yaml"), config);
  const args = [MAIN, "serve", "-c", join(folder, "causeway.yaml"), "--log-level", "info"];
  const sidecar = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const sockets: Socket[] = [];
  try {
    for await (const line of createInterface({ input: sidecar.stdout })) if (line.includes('"listening"')) break;
    const pid = sidecar.pid ?? 0;
    const before = rssOf(pid);
    for (let i = 0; i < COUNT; i++) {
      const socket = connect(path);
      sockets.push(socket);
      socket.write(KINDS[kind]);
      await once(socket, "data");
    }
    await new Promise((settled) => setTimeout(settled, SETTLE_MS));
    const after = rssOf(pid);
    const result = { kind, connections: COUNT, rssBeforeMb: Math.round(before), rssMb: Math.round(after) };
    process.stdout.write(`${JSON.stringify(result)}\n`);
  } finally {
    for (const socket of sockets) socket.destroy();
    sidecar.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
}

for (const kind of ["thrift", "grpc"] as const) await measure(kind);

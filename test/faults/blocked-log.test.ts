// Whoever reads the log stops reading: calls go on, memory stays bounded, the lines that are lost are counted, and the
// process still ends, whether its output is a socket or a pipe.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, createReadStream, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { KINDS } from "./kinds.ts";
import { ThriftWire, thriftText } from "./thrift-wire.ts";
import { framed, startThriftUpstream, thriftMessage } from "./upstreams.ts";

const MAIN = resolve(import.meta.dirname, "../../src/cli/main.ts");
const CALLS = 30_000;
const AT_ONCE = 500;

/** Answers whoever asks, and leaves the log unread. */
async function callThrough(path: string): Promise<void> {
  const wire = new ThriftWire(path, { framed: true, strict: true });
  const text = thriftText(1, "x".repeat(20));
  for (let from = 0; from < CALLS; from += AT_ONCE) {
    const batch = Array.from({ length: AT_ONCE }, (_, i) =>
      framed(thriftMessage({ strict: true, name: "echoString", type: 1, sequenceId: from + i }, text)),
    );
    wire.write(Buffer.concat(batch));
    const ids = new Set<number>();
    while (ids.size < AT_ONCE) ids.add((await wire.next())!.header.sequenceId);
    expect(Math.min(...ids)).toBe(from);
  }
  wire.destroy();
}

async function measured(admin: string): Promise<{ readonly dropped: number; readonly rssMiB: number }> {
  const text = await (await fetch(`http://${admin}/metrics`)).text();
  const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
  return {
    dropped: value("causeway_log_lines_dropped_total"),
    rssMiB: value("process_resident_memory_bytes") / 2 ** 20,
  };
}

/** Reads lines until the admin listener's address has come, and then nothing any more. */
function readAddress(stream: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    stream.on("data", (chunk) => {
      text += String(chunk);
      const address = /"kind":"admin","address":"([^"]+)"/.exec(text)?.[1];
      if (address === undefined) return;
      stream.pause();
      resolve(address);
    });
    stream.on("end", () => reject(new Error(`no address in ${text}`)));
  });
}

test.each(["socket", "pipe"])("a log that nobody reads any more holds up no call: its %s is full", async (kind) => {
  const upstream = await startThriftUpstream();
  onTestFinished(upstream.stop);
  const folder = mkdtempSync(join(tmpdir(), "causeway-blocked-log-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "local.sock");
  const config = join(folder, "causeway.yaml");
  writeFileSync(
    config,
    `
schema: { files: [${KINDS}], include: [${resolve(import.meta.dirname, "../../idl")}] }
accessLog: all
listeners:
  - { kind: local, address: "unix:${path}", defaultService: kinds.Kinds }
  - { kind: admin, address: "127.0.0.1:0" }
upstreams: { kinds: { protocol: thrift-framed, endpoints: ["${upstream.endpoint}"], services: [kinds.Kinds] } }
`,
  );
  const args = [MAIN, "serve", "-c", config];
  let child: ChildProcess;
  let output: NodeJS.ReadableStream;
  if (kind === "socket") {
    const spawned = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    [child, output] = [spawned, spawned.stdout];
  } else {
    const fifo = join(folder, "log");
    expect(spawnSync("mkfifo", [fifo]).status).toBe(0);
    // Opened for both, it waits for no other side.
    const writing = openSync(fifo, constants.O_RDWR);
    const reading = openSync(fifo, constants.O_RDONLY);
    child = spawn(process.execPath, args, { stdio: ["ignore", writing, "inherit"] });
    closeSync(writing);
    output = createReadStream("", { fd: reading });
  }
  onTestFinished(() => void child.kill("SIGKILL"));
  const admin = await readAddress(output);
  const exited = once(child, "exit");

  await callThrough(path);
  const { dropped, rssMiB } = await measured(admin);
  // A line of the access log has some 300 bytes; 4 MiB of them may wait.
  expect(dropped).toBeGreaterThan(5_000);
  expect(dropped).toBeLessThan(CALLS);
  expect(rssMiB).toBeLessThan(400);

  child.kill("SIGTERM");
  // Nothing but a kill ends a process with a write that its reader holds up; of a pipe it can be taken back.
  expect(await exited).toEqual(kind === "socket" ? [null, "SIGKILL"] : [0, null]);
});

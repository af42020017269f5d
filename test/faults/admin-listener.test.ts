// Random bytes and mutated requests at the admin listener, while a probe goes on asking whether the process is alive.
import { connect } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { KINDS } from "./kinds.ts";
import { runMutations } from "./run.ts";
import { type AttackedSidecar, startAttackedSidecar } from "./sidecar.ts";

let sidecar: AttackedSidecar;

beforeEach(async () => {
  sidecar = await startAttackedSidecar(`schema: { files: ["${KINDS}"] }\n`);
});

afterEach(async () => {
  await sidecar.stop();
});

const REQUESTS: readonly Buffer[] = [
  "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n",
  "GET /metrics?x=%41 HTTP/1.1\r\nhost: localhost\r\naccept: text/plain\r\nconnection: close\r\n\r\n",
  "POST /readyz HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\n\r\nabcde",
  "POST /readyz HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
  "PUT /nowhere HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 999999\r\n\r\nabc",
  "GET / HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  `GET /healthz HTTP/1.1\r\nhost: localhost\r\ncookie: ${"c".repeat(2_000)}\r\n\r\n`,
  "HEAD /healthz HTTP/1.1\r\nhost: localhost\r\n\r\nGET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n",
].map((text) => Buffer.from(text));

/** Writes, ends, and waits for the other side to close. */
function converse(address: string, bytes: Buffer): Promise<Buffer> {
  const [host, port] = address.split(":");
  return new Promise((resolve) => {
    const received: Buffer[] = [];
    const socket = connect(Number(port), host);
    socket.on("error", () => {});
    socket.on("data", (chunk) => received.push(chunk));
    socket.on("close", () => resolve(Buffer.concat(received)));
    socket.end(bytes);
  });
}

test("admin requests: whatever comes, the connection is answered in HTTP or closed, and probes go on", async () => {
  let stopping = false;
  let probes = 0;
  const probing = (async () => {
    for (; !stopping; probes++) {
      const response = await fetch(`http://${sidecar.admin}/readyz`);
      expect([response.status, await response.text()]).toEqual([200, "ready\n"]);
    }
  })();
  probing.catch(() => {});
  const seen = new Map<string, number>();
  await runMutations({
    entry: "admin requests",
    messages: REQUESTS,
    workers: 16,
    memory: sidecar.memory,
    async exchange({ bytes, random, index }) {
      const noise = Buffer.from(Array.from({ length: 1 + random.below(300) }, () => random.below(256)));
      const answer = (await converse(sidecar.admin, index % 5 === 0 ? noise : bytes)).toString("latin1");
      const status = /^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1];
      if (answer !== "" && status === undefined) throw new Error(`no HTTP: ${JSON.stringify(answer.slice(0, 200))}`);
      seen.set(status ?? "closed", (seen.get(status ?? "closed") ?? 0) + 1);
    },
  });
  stopping = true;
  await probing;
  expect(probes).toBeGreaterThan(0);
  expect([...seen.keys()]).toEqual(expect.arrayContaining(["200", "404", "closed"]));
});

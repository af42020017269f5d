// Mutated THeader, TTHeader and compact messages at the local port: each connection is answered in whole frames and closed,
// and the callers beside notice nothing.
import { connect } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { codecOf, type Envelope, type Framing } from "../../src/protocol/thrift/dialect.ts";
import { dressMessage } from "../../src/protocol/thrift/dress.ts";
import { startHealthyCallers } from "./healthy.ts";
import { goodMethods, KINDS, loadKinds } from "./kinds.ts";
import { runMutations } from "./run.ts";
import { type AttackedSidecar, startAttackedSidecar } from "./sidecar.ts";
import { startGrpcUpstream, type Upstream } from "./upstreams.ts";

let upstream: Upstream;
let sidecar: AttackedSidecar;

beforeEach(async () => {
  upstream = await startGrpcUpstream();
  sidecar = await startAttackedSidecar(`
schema: { files: ["${KINDS}"] }
upstreams:
  kinds: { protocol: grpc, endpoints: ["${upstream.endpoint}"], services: [kinds.Kinds] }
`);
});

afterEach(async () => {
  await sidecar.stop();
  await upstream.stop();
});

/** Two compact structs that methods of Kinds take: a bool, and a string. */
const COMPACT = [
  { name: "echoBool", body: Buffer.from("1100", "hex") },
  { name: "echoString", body: Buffer.from("18047465787400", "hex") },
];

function calls(framing: Framing, envelope: Envelope, zlib: boolean): Buffer[] {
  const bodies =
    envelope === "compact"
      ? COMPACT
      : goodMethods(loadKinds()).flatMap(({ name, requests }) =>
          requests.map((each) => ({ name, body: codecOf(envelope) === "protobuf" ? each.protobuf : each.thrift })),
        );
  return bodies.map(({ name, body }, i) => {
    const pairs = ["cw", "1", "isn", "kinds.Kinds", "tenant", "a", "key-bin", "AQI"];
    const head = { flags: 0, sequenceId: i + 1, zlib, pairs, numbered: new Map([[12, "5000"]]) };
    return Buffer.from(dressMessage(framing, head, { envelope, name, type: 1, sequenceId: i + 1 }, body));
  });
}

/** What comes back for the bytes until the other side closes. */
function exchange(bytes: Buffer): Promise<Buffer> {
  return new Promise((resolve) => {
    const received: Buffer[] = [];
    const socket = connect(sidecar.path);
    socket.on("error", () => {});
    socket.on("data", (chunk) => received.push(chunk));
    socket.on("close", () => resolve(Buffer.concat(received)));
    socket.end(bytes);
  });
}

function expectWholeFrames(bytes: Buffer): void {
  let at = 0;
  while (at + 4 <= bytes.length) at += 4 + bytes.readUInt32BE(at);
  expect(at).toBe(bytes.length);
}

test.each([
  ["THeader", "theader", "strict", false],
  ["THeader, compact", "theader", "compact", false],
  ["THeader, zlib", "theader", "strict", true],
  ["TTHeader", "ttheader", "strict", false],
  ["TTHeader, Kitex-Protobuf", "ttheader", "kitex-protobuf", false],
  ["compact, framed", "framed", "compact", false],
  ["compact, unframed", "unframed", "compact", false],
] as const)("%s: no mutated message fails another call", async (entry, framing, envelope, zlib) => {
  const messages = calls(framing, envelope, zlib);
  const healthy = startHealthyCallers(sidecar.path);
  let answered = 0;
  await runMutations({
    entry,
    messages,
    workers: 32,
    memory: sidecar.memory,
    async exchange({ bytes, origin }) {
      const answer = await exchange(bytes);
      if (answer.length > 0) answered++;
      // What still begins as it did is taken for the same protocol.
      const same = bytes.length > 6 && bytes.subarray(4, 6).equals(messages[origin]!.subarray(4, 6));
      if (framing !== "unframed" && same && bytes[0] === 0) expectWholeFrames(answer);
    },
  });
  await healthy.stop();
  // Otherwise the mutations say nothing.
  expect(answered).toBeGreaterThan(0);
});

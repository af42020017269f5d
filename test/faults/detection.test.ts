// Random and mutated first bytes at the local port: every connection ends, told why or not, and nobody else notices.
import { connect } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startHealthyCallers } from "./healthy.ts";
import { PREFACE, SETTINGS_FRAME } from "./http2-wire.ts";
import { KINDS } from "./kinds.ts";
import { runMutations } from "./run.ts";
import { type AttackedSidecar, startAttackedSidecar } from "./sidecar.ts";
import { readHeader } from "./thrift-reader.ts";
import { thriftText } from "./thrift-wire.ts";
import { framed, startGrpcUpstream, thriftMessage, type Upstream } from "./upstreams.ts";

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

const call = (strict: boolean) =>
  thriftMessage({ strict, name: "echoString", type: 1, sequenceId: 9 }, thriftText(1, "x"));

/** How connections begin, of what is served and what is not. */
const BEGINNINGS: readonly Buffer[] = [
  call(true),
  framed(call(true)),
  call(false),
  framed(call(false)),
  Buffer.concat([PREFACE, SETTINGS_FRAME]),
  PREFACE.subarray(0, 10),
  Buffer.from("POST /kinds.Kinds/echoString HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc"),
  Buffer.from("GET / HTTP/1.0\r\n\r\n"),
  Buffer.from("16030100c8010000c4", "hex"),
  Buffer.from("8221010465636f", "hex"),
  Buffer.from("000000160fff00000000000100020000", "hex"),
  Buffer.from("0000001610000000000000010002", "hex"),
  Buffer.from("0000002090010001", "hex"),
  Buffer.alloc(12),
];

/** Says what was heard, or throws when no protocol of ours speaks like that. */
function heard(bytes: Buffer): string {
  if (bytes.length === 0) return "nothing";
  if (bytes.subarray(0, 12).toString("latin1") === "HTTP/1.1 400") return "HTTP/1.1";
  if (bytes.length >= 9 && bytes[3] === 4 && bytes.readUInt32BE(5) === 0) return "HTTP/2";
  if (bytes[0] === 0x82 && [2, 3].includes(bytes[1]! >> 5) && (bytes[1]! & 31) === 1) return "unframed compact Thrift";
  if (isWholeFrames(bytes)) {
    const magic = bytes.readUInt16BE(4);
    if (magic === 0x0fff) return "THeader";
    if (magic === 0x1000) return "TTHeader";
    if (magic === 0x9001) return "framed Kitex-Protobuf";
    if (magic >> 8 === 0x82 && [2, 3].includes((magic & 0xff) >> 5)) return "framed compact Thrift";
  }
  for (const [at, name] of [
    [4, "framed Thrift"],
    [0, "unframed Thrift"],
  ] as const) {
    const header = readHeader(bytes, at);
    const fits = at === 0 || bytes.readUInt32BE(0) <= bytes.length - 4;
    if (fits && header.kind === "whole" && [2, 3].includes(header.value.type)) return name;
  }
  throw new Error(`the sidecar spoke no protocol: ${bytes.toString("hex")}`);
}

/** Whether the bytes are frames, each with its length, of at least two bytes, and nothing is left over. */
function isWholeFrames(bytes: Buffer): boolean {
  let at = 0;
  while (at + 6 <= bytes.length) at += 4 + bytes.readUInt32BE(at);
  return at === bytes.length;
}

/** Writes, ends, and waits for the other side to close. */
function converse(path: string, bytes: Buffer): Promise<Buffer> {
  return new Promise((resolve) => {
    const received: Buffer[] = [];
    const socket = connect(path);
    socket.on("error", () => {});
    socket.on("data", (chunk) => received.push(chunk));
    socket.on("close", () => resolve(Buffer.concat(received)));
    socket.end(bytes);
  });
}

test("first bytes: whatever they are, the connection is answered in a protocol or closed", async () => {
  const healthy = startHealthyCallers(sidecar.path);
  const seen = new Map<string, number>();
  await runMutations({
    entry: "first bytes",
    messages: BEGINNINGS,
    workers: 32,
    memory: sidecar.memory,
    async exchange({ bytes, random, index }) {
      const noise = Buffer.from(Array.from({ length: 1 + random.below(300) }, () => random.below(256)));
      const what = heard(await converse(sidecar.path, index % 3 === 0 ? noise : bytes));
      seen.set(what, (seen.get(what) ?? 0) + 1);
    },
  });
  await healthy.stop();
  expect([...seen.keys()]).toEqual(expect.arrayContaining(["nothing", "HTTP/1.1"]));
});

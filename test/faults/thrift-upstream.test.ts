// A Thrift server whose replies are mutated: each call gets its result or an error, and the calls to its good methods
// notice nothing.
import { resolve } from "node:path";
import type { ServiceDefinition } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { afterEach, beforeEach, expect, test } from "vitest";
import { callHeaders, checkGrpc, exchangeStream, openSession, prefixed } from "./grpc-wire.ts";
import { startHealthyCallers } from "./healthy.ts";
import { goodMethods, IDL, KINDS, loadKinds } from "./kinds.ts";
import { runMutations } from "./run.ts";
import { type AttackedSidecar, startAttackedSidecar } from "./sidecar.ts";
import { checkAnswer, ThriftWire, thriftText } from "./thrift-wire.ts";
import { createTurns } from "./turns.ts";
import { framed, startThriftUpstream, thriftMessage, type Upstream } from "./upstreams.ts";

/** Where a mutated reply shall have the sequence id of its call: four bytes that no message has by chance. */
const SEQUENCE_ID = 0x5e9d1e57;

// The healthy callers call echoString; a oneway method has no reply.
const methods = goodMethods(loadKinds()).filter(({ name }) => name !== "echoString" && name !== "note");
const exception = Buffer.concat([
  thriftText(1, "the server fell over").subarray(0, -1),
  Buffer.from("08000200000006" + "00", "hex"),
]);
const replies = methods.flatMap((method) => {
  const message = (type: number, body: Buffer) =>
    thriftMessage({ strict: true, name: method.name, type, sequenceId: SEQUENCE_ID }, body);
  // A result that is the exception of id 1, where the method has one.
  const declared = Buffer.concat([Buffer.from("0c0001", "hex"), thriftText(1, "no such thing"), Buffer.of(0)]);
  const bodies = [...method.responses.map(({ thrift }) => thrift), declared];
  return [...bodies.map((body) => ({ method, bytes: message(2, body) })), { method, bytes: message(3, exception) }];
});

// What the official library reads, whatever the sidecar takes for a message.
const TWINS = resolve(import.meta.dirname, "../golden/twins/kinds");
const service = loadSync("kinds.proto", { includeDirs: [TWINS, IDL] })["kinds.Kinds"] as ServiceDefinition;

/** What each method answers next. */
const turns = createTurns<{ readonly bytes: Buffer; readonly end: boolean }>();
let upstream: Upstream;
let sidecar: AttackedSidecar;

beforeEach(async () => {
  upstream = await startThriftUpstream(({ name, sequenceId }) => {
    const answer = turns.current(name);
    return answer && { ...answer, bytes: withSequenceId(answer.bytes, sequenceId) };
  });
  sidecar = await startAttackedSidecar(`
schema: { files: ["${KINDS}"] }
upstreams:
  kinds: { protocol: thrift-framed, endpoints: ["${upstream.endpoint}"], services: [kinds.Kinds] }
`);
});

afterEach(async () => {
  await sidecar.stop();
  await upstream.stop();
});

function withSequenceId(bytes: Buffer, sequenceId: number): Buffer {
  const marker = Buffer.alloc(4);
  marker.writeUInt32BE(SEQUENCE_ID);
  const patched = Buffer.from(bytes);
  for (let at = patched.indexOf(marker); at >= 0; at = patched.indexOf(marker, at + 4)) {
    patched.writeInt32BE(sequenceId, at);
  }
  return patched;
}

test("replies of a Thrift server: a caller gets its one answer, whatever the server says", async () => {
  const session = openSession(sidecar.path);
  const dialect = { framed: true, strict: true };
  const wires: ThriftWire[] = [];
  const healthy = startHealthyCallers(sidecar.path);
  const seen = new Map<number, number>();
  await runMutations({
    entry: "Thrift replies",
    // In a frame of the right length, and with a frame that is mutated as well.
    messages: [...replies, ...replies.map(({ method, bytes }) => ({ method, bytes: framed(bytes) }))].map(
      ({ bytes }) => bytes,
    ),
    workers: 24,
    memory: sidecar.memory,
    async exchange({ bytes, origin, index, random }, worker) {
      const { method } = replies[origin % replies.length]!;
      const sent = origin < replies.length ? framed(bytes) : bytes;
      const whole = sent.length >= 4 && sent.readUInt32BE(0) === sent.length - 4;
      const request = random.pick(method.requests);
      // What is not one frame is followed by the end, so that nothing has to wait for a deadline.
      await turns.take(method.name, { bytes: sent, end: !whole }, async () => {
        if (index % 4 > 0) {
          const outcome = await exchangeStream(session, callHeaders(method.name), [prefixed(request.protobuf)]);
          const status = checkGrpc(outcome, "peer's text");
          seen.set(status, (seen.get(status) ?? 0) + 1);
          if (status === 0) service[method.name]!.responseDeserialize(outcome.body.subarray(5));
          return;
        }
        // Towards a Thrift caller the result's bytes pass as they are, so only what is around them can be held to anything.
        const wire = wires[worker] ?? new ThriftWire(sidecar.path, dialect, "opaque bodies");
        wires[worker] = wire;
        wire.write(
          framed(thriftMessage({ strict: true, name: method.name, type: 1, sequenceId: index }, request.thrift)),
        );
        const answer = await wire.next();
        if (!answer) throw new Error("closed without an answer");
        expect(answer.header).toMatchObject({ name: method.name, sequenceId: index, strict: true });
        checkAnswer(answer, "peer's text");
      });
    },
  });
  await healthy.stop();
  for (const wire of wires) wire?.destroy();
  await new Promise<void>((resolve) => session.close(resolve));
  expect([...seen.keys()]).toEqual(expect.arrayContaining([0, 13, 14]));
});

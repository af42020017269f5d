// Mutated Thrift messages at the local port, in each of its dialects, beside and between healthy calls.
import { afterEach, beforeEach, expect, test } from "vitest";
import { callThrift, startHealthyCallers } from "./healthy.ts";
import { goodMethods, KINDS, loadKinds } from "./kinds.ts";
import { runMutations } from "./run.ts";
import { type AttackedSidecar, startAttackedSidecar } from "./sidecar.ts";
import { type Header, readHeader, structEnd } from "./thrift-reader.ts";
import { BOUNDS, checkAnswer, type Dialect, type Message, ThriftWire } from "./thrift-wire.ts";
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

/** The answer that a message must get; undefined: none. */
interface Due {
  readonly name: string;
  readonly sequenceId: number;
  readonly strict: boolean;
  readonly exception: boolean;
}

/** What must become of the bytes: the answers, and then. */
interface Plan {
  readonly answers: readonly Due[];
  /** `open`: they were whole messages. `partial`: more bytes are waited for. `broken`: nobody can read on. */
  readonly then: "open" | "partial" | "broken";
  /** When broken: whether an exception says so before the end. */
  readonly toldWhy: boolean;
}

const ONEWAY_NAMES = new Set(["note", "Kinds:note", "kinds.Kinds:note"]);
const bareName = (name: string): string => name.slice(name.indexOf(":") + 1);

function dueOf({ name, type, sequenceId, strict }: Header): Due | undefined {
  if (type === 4 || (type === 1 && ONEWAY_NAMES.has(name))) return undefined;
  return { name: bareName(name), sequenceId, strict, exception: type !== 1 };
}

function planOf(bytes: Buffer, dialect: Dialect): Plan {
  const answers: Due[] = [];
  const ended = (then: Plan["then"], toldWhy = true): Plan => ({ answers, then, toldWhy });
  const add = (due: Due | undefined): void => void (due && answers.push(due));
  for (let at = 0; at < bytes.length; ) {
    if (dialect.framed) {
      if (bytes.length < at + 4) return ended("partial");
      const end = at + 4 + bytes.readUInt32BE(at);
      const header = readHeader(bytes.subarray(0, end), at + 4);
      if (end - at - 4 > BOUNDS.maxBytes) return ended("broken", header.kind !== "whole" || header.value.type !== 4);
      if (end > bytes.length) return ended("partial");
      if (header.kind === "whole") add(dueOf(header.value));
      else answers.push({ name: "", sequenceId: 0, strict: dialect.strict, exception: true });
      at = end;
    } else {
      const header = readHeader(bytes, at);
      if (header.kind !== "whole") return ended(header.kind);
      const end = structEnd(bytes, header.value.bodyAt, BOUNDS, at);
      if (end.kind !== "whole") return ended(end.kind, header.value.type !== 4);
      add(dueOf(header.value));
      at = end.value;
    }
  }
  return ended("open");
}

function checkDue(message: Message | undefined, due: Due): void {
  if (!message) throw new Error(`closed without an answer to ${JSON.stringify(due)}`);
  const { name, sequenceId, strict } = message.header;
  expect({ name, sequenceId, strict }).toEqual({ name: due.name, sequenceId: due.sequenceId, strict: due.strict });
  const kind = checkAnswer(message);
  if (due.exception) expect(kind).toBe("exception");
}

/** Every method's good calls. */
function calls(strict: boolean): readonly Buffer[] {
  return goodMethods(loadKinds()).flatMap(({ name, requests }, i) =>
    requests.map(({ thrift }) => thriftMessage({ strict, name, type: 1, sequenceId: 1_000 + i }, thrift)),
  );
}

test.each([
  ["framed, strict", { framed: true, strict: true }],
  ["framed, old-style", { framed: true, strict: false }],
  ["unframed, strict", { framed: false, strict: true }],
  ["unframed, old-style", { framed: false, strict: false }],
] as const)("Thrift %s: each mutated message gets its one answer, and no other call fails", async (name, dialect) => {
  const plain = calls(dialect.strict);
  // In a frame of the right length, and with a frame that is mutated as well.
  const messages = dialect.framed ? [...plain, ...plain.map(framed)] : plain;
  const wires: (ThriftWire | undefined)[] = [];
  const ends = { open: 0, partial: 0, broken: 0 };
  const healthy = startHealthyCallers(sidecar.path);
  await runMutations({
    entry: `Thrift ${name}`,
    messages,
    workers: 32,
    memory: sidecar.memory,
    async exchange({ bytes, origin }, worker) {
      let wire = wires[worker];
      if (!wire) {
        wire = new ThriftWire(sidecar.path, dialect);
        wires[worker] = wire;
        await callThrift(wire, dialect);
      }
      const sent = dialect.framed && origin < plain.length ? framed(bytes) : bytes;
      const plan = planOf(sent, dialect);
      wire.write(sent);
      for (const due of plan.answers) checkDue(await wire.next(), due);
      ends[plan.then]++;
      if (plan.then === "open") {
        await callThrift(wire, dialect);
        return;
      }
      wires[worker] = undefined;
      if (plan.then === "partial") wire.end();
      const rest: Message[] = [];
      for (let message = await wire.next(); message; message = await wire.next()) rest.push(message);
      for (const message of rest) expect(checkAnswer(message)).toBe("exception");
      if (plan.then === "broken") expect(rest.length).toBe(plan.toldWhy ? 1 : 0);
      else expect(rest.length).toBeLessThanOrEqual(1);
    },
  });
  await healthy.stop();
  for (const wire of wires) wire?.destroy();
  // Otherwise the mutations say nothing of one of them.
  expect(Math.min(ends.open, ends.partial, ends.broken)).toBeGreaterThan(0);
});

// Every wire in, every wire out: one table of cases over all pairs, with both ends of a call in Protobuf.
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { Canceller } from "../../src/base/cancel.ts";
import { systemClock } from "../../src/base/clock.ts";
import { RpcError } from "../../src/base/errors.ts";
import { Metadata } from "../../src/base/metadata.ts";
import type { Call, Handler, Reply } from "../../src/rpc/call.ts";
import { facts, lookup, openPorts, type Ports, through, WIRES, type Wire } from "./all-wires.ts";

/** A message with a string field 1 of any length. */
function message(text: string): Uint8Array {
  const bytes = Buffer.from(text);
  const length: number[] = [];
  for (let rest = bytes.length; ; rest >>>= 7) {
    length.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
    if (rest <= 0x7f) break;
  }
  return Buffer.concat([Buffer.from([0x0a, ...length]), bytes]);
}

function textOf(bytes: Uint8Array): string {
  let at = 1;
  while (at < bytes.length && bytes[at]! > 0x7f) at++;
  return Buffer.from(bytes).toString("utf8", at + 1);
}

const DETAIL = { typeUrl: "type.googleapis.com/test.Why", value: Buffer.of(1, 2, 255) };
/** It comes within a turn or two of the event loop. */
const SOON = { interval: 1 };
const notes: string[] = [];
const seen: Call[] = [];
const cancelled: string[] = [];

/** The server, in Protobuf whatever its wire. */
const server: Handler = async (call) => {
  const text = textOf(call.payload.bytes);
  const headers = Metadata.from([["served-by", "echo"]]);
  const trailers = Metadata.from([["cost", "7"]]);
  const payload = { type: call.method.response, codec: "protobuf", bytes: message(text) } as const;
  seen.push(call);
  if (call.method.oneway) notes.push(text);
  if (text === "missing") {
    const field = call.method.throws[0]!;
    return { kind: "exception", field, payload: { ...payload, bytes: message("shelf") }, headers, trailers };
  }
  if (text === "fail") throw new RpcError("ABORTED", "zwei: 100 % ü", { details: [DETAIL] });
  if (text.startsWith("hang")) {
    return new Promise((_, reject) =>
      call.signal.addEventListener("abort", () => {
        cancelled.push(text);
        reject(call.signal.reason);
      }),
    );
  }
  return {
    kind: "result",
    payload: call.method.oneway ? { ...payload, bytes: new Uint8Array(0) } : payload,
    headers,
    trailers,
  };
};

/** A server's handler before which every codec becomes Protobuf. */
const inProtobuf = (handle: Handler) => through({ codec: "protobuf" } as Wire, { handle, close: async () => {} });

function callOf(name: "echo" | "note", text: string, changes: Partial<Call> = {}): Call {
  const method = lookup.grpc("test.Echo", name);
  return {
    method,
    payload: { type: method.request, codec: "protobuf", bytes: message(text) },
    headers: Metadata.EMPTY,
    expiresAtMs: Number.POSITIVE_INFINITY,
    signal: new Canceller(),
    facts: facts(),
    ...changes,
  };
}

async function failureOf(reply: Promise<Reply>): Promise<RpcError> {
  const outcome = await reply.catch((error: unknown) => error);
  expect(outcome).toBeInstanceOf(RpcError);
  return outcome as RpcError;
}

describe.each(["hyper-express", "node:http"])("with %s", (http) => {
  let servers: Ports;
  /** By outbound wire. */
  const sidecars = new Map<Wire, Ports>();

  beforeAll(async () => {
    if (http === "node:http") vi.stubEnv("CAUSEWAY_HTTP", "node");
    servers = await openPorts(inProtobuf(server));
    for (const wire of WIRES) sidecars.set(wire, await openPorts(through(wire, servers.client(wire))));
    vi.unstubAllEnvs();
  });

  afterAll(async () => {
    await Promise.all([...sidecars.values()].map((sidecar) => sidecar.close()));
    await servers.close();
  });

  // The wires of the local port do not meet the HTTP server at all.
  const pairs = WIRES.flatMap((from) => WIRES.map((to) => ({ from, to }))).filter(
    ({ from, to }) => http === "hyper-express" || from.port === "http" || to.port === "http",
  );

  test.each(pairs.map(({ from, to }) => ({ title: `${from.name} → ${to.name}`, from, to })))(
    "$title",
    async ({ title, from, to }) => {
      const echo = through(from, sidecars.get(to)!.client(from));
      const say = async (text: string) => textOf((await echo(callOf("echo", text))).payload.bytes);
      const carriesAll = from.hasMetadata && to.hasMetadata;

      expect(await say("hello ✓")).toBe("hello ✓");
      expect(await say("")).toBe("");
      const missing = await echo(callOf("echo", "missing"));
      expect(missing).toMatchObject({ kind: "exception", field: { name: "missing" } });
      expect(textOf(missing.payload.bytes)).toBe("shelf");

      const failure = await failureOf(echo(callOf("echo", "fail")));
      expect(failure).toMatchObject({ code: "ABORTED", message: "zwei: 100 % ü", origin: "peer" });
      if (carriesAll) expect(failure.details.map(({ typeUrl }) => typeUrl)).toEqual([DETAIL.typeUrl]);

      expect((await echo(callOf("note", title))).kind).toBe("result");
      await expect.poll(() => notes, SOON).toContain(title);

      const headers = Metadata.from([
        ["tenant", "a"],
        ["key-bin", "AQID/w"],
      ]);
      const soon = systemClock.nowMs() + 20_000;
      const reply = await echo(callOf("echo", `metadata ${title}`, { headers, expiresAtMs: soon }));
      const call = seen.find(({ payload }) => textOf(payload.bytes) === `metadata ${title}`)!;
      expect(call.expiresAtMs).toBeLessThanOrEqual(systemClock.nowMs() + 30_000);
      if (carriesAll) {
        expect([call.headers.get("tenant"), call.headers.get("key-bin")]).toEqual(["a", "AQID/w"]);
        expect([reply.headers.get("served-by"), reply.trailers.get("cost") ?? reply.headers.get("cost")]).toEqual([
          "echo",
          "7",
        ]);
        expect(call.expiresAtMs).toBeLessThanOrEqual(soon + 1_000);
      }

      const canceller = new Canceller();
      const hanging = failureOf(echo(callOf("echo", `hang ${title}`, { signal: canceller })));
      await expect.poll(() => seen.some(({ payload }) => textOf(payload.bytes) === `hang ${title}`), SOON).toBe(true);
      canceller.abort(new RpcError("CANCELLED", "enough"));
      expect((await hanging).code).toBe("CANCELLED");
      await expect.poll(() => cancelled, SOON).toContain(`hang ${title}`);
      notes.length = seen.length = cancelled.length = 0;
    },
  );

  test("a message of 10 MB, from each wire and to each", async () => {
    const text = "y".repeat(10_000_000);
    for (const [i, from] of WIRES.entries()) {
      const to = WIRES[(i + 7) % WIRES.length]!;
      const reply = await through(from, sidecars.get(to)!.client(from))(callOf("echo", text));
      expect(textOf(reply.payload.bytes) === text, `${from.name} → ${to.name}`).toBe(true);
      seen.length = 0;
    }
  });
});

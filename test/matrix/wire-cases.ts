// What is tried on every way from a wire to a wire: one table.
import { expect } from "vitest";
import { Canceller } from "../../src/base/cancel.ts";
import { systemClock } from "../../src/base/clock.ts";
import { CODE_NUMBERS, RpcError } from "../../src/base/errors.ts";
import { Metadata } from "../../src/base/metadata.ts";
import type { Call, Handler, Reply } from "../../src/rpc/call.ts";
import { facts, lookup, POLICY_MS, SERVICE, type Wire } from "./all-wires.ts";
import {
  type Arrival,
  DETAILS,
  fromJson,
  linkOf,
  NOT_FOUND,
  PLAIN,
  REFUSAL,
  REFUSED,
  toJson,
  type WireServer,
} from "./wire-server.ts";
import { VALUES } from "./wire-values.ts";

/** A way from a caller to the server, through a sidecar. */
export interface Way {
  /** What no other way is called. */
  readonly title: string;
  readonly from: Wire;
  readonly to: Wire;
  /** Calls over it, without a deadline of their own. */
  readonly handle: Handler;
  readonly server: WireServer;
}

/** Throws what is wrong. */
export type Case = (way: Way) => Promise<void>;

/** How a call is not like any other. */
type Changes = Partial<Pick<Call, "headers" | "expiresAtMs" | "signal">>;

function send(way: Way, name: string, args: object, changes: Changes = {}): Promise<Reply> {
  const method = lookup.grpc(SERVICE, name);
  const bytes = fromJson(linkOf(method).request.link, args);
  return way.handle({
    method,
    payload: { type: method.request, codec: "protobuf", bytes },
    headers: Metadata.EMPTY,
    expiresAtMs: Number.POSITIVE_INFINITY,
    signal: new Canceller(),
    facts: facts(),
    ...changes,
  });
}

/** The result in JSON. */
async function resultOf(way: Way, name: string, args: object, changes?: Changes): Promise<unknown> {
  const reply = await send(way, name, args, changes);
  expect(reply.kind).toBe("result");
  return toJson(linkOf(lookup.grpc(SERVICE, name)).response.link, reply.payload.bytes);
}

/** The exception's field and its message in JSON. */
async function exceptionOf(way: Way, name: string, args: object): Promise<unknown> {
  const reply = await send(way, name, args);
  if (reply.kind !== "exception") throw new Error("the reply is no exception");
  const { link } = linkOf(lookup.grpc(SERVICE, name)).exceptions.get(reply.field.id)!;
  return { [reply.field.name]: toJson(link, reply.payload.bytes) };
}

async function failureOf(outcome: Promise<unknown>): Promise<RpcError> {
  const error = await outcome.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(RpcError);
  return error as RpcError;
}

const carriesAll = ({ from, to }: Way): boolean => from.hasMetadata && to.hasMetadata;

/** Longer than a turn of the event loop with hundreds of calls, and much shorter than what deadlines differ by. */
const TURN_MS = 2_000;

/** How long the server knew that it had, at most: what the caller has said if it could, or else the sidecar, or nobody. */
function expectLeft({ to }: Way, { leftMs }: Arrival, mostMs: number): void {
  // A deadline is told as the time that was left when the turn of the event loop began.
  if (to.hasMetadata) expect(leftMs).toBeLessThanOrEqual(mostMs + TURN_MS);
  else expect(leftMs).toBe(Number.POSITIVE_INFINITY);
}

async function echoes(way: Way, name: string, value: unknown): Promise<void> {
  const { request } = linkOf(lookup.grpc(SERVICE, name));
  // Enums have other names in Protobuf, and what is not set may be left out.
  const sent = toJson(request.link, fromJson(request.link, { value })) as { readonly value?: unknown };
  const got = (await resultOf(way, name, { value })) as { readonly success?: unknown };
  expect(got.success).toEqual(sent.value);
}

/** A call without arguments. */
export async function sayHello(way: Way): Promise<void> {
  expect(await resultOf(way, "who", {})).toEqual({ success: "谁 🤷" });
}

let waits = 0;

const valueCases = VALUES.map(({ name, method, values }): [string, Case] => [
  `values: ${name}`,
  async (way) => void (await Promise.all(values.map((value) => echoes(way, method, value)))),
]);

/** By name; all can run at once. */
export const CASES: ReadonlyMap<string, Case> = new Map([
  ...valueCases,
  [
    "several arguments",
    async (way) => {
      const args = { first: -1, second: "9007199254740993", others: ["7", "8"] };
      expect(await resultOf(way, "sum", args)).toEqual({ success: "9007199254741007" });
    },
  ],
  ["no argument", sayHello],
  [
    "void",
    async (way) => {
      expect(await resultOf(way, "nothing", {})).toEqual({});
      expect(await resultOf(way, "ping", {})).toEqual({});
      expect(await resultOf(way, "check", { good: true })).toEqual({});
    },
  ],
  [
    "exceptions",
    async (way) => {
      expect(await resultOf(way, "fail", { how: "NONE" })).toEqual({ success: "FAILURE_NONE" });
      expect(await exceptionOf(way, "fail", { how: "NOT_FOUND" })).toEqual({ notFound: NOT_FOUND });
      const refused = { ...REFUSED, color: "COLOR_BLUE" };
      expect(await exceptionOf(way, "fail", { how: "REFUSED" })).toEqual({ refused });
      expect(await exceptionOf(way, "fail", { how: "PLAIN" })).toEqual({ plain: PLAIN });
      expect(await exceptionOf(way, "check", { good: false })).toEqual({ refused });
    },
  ],
  [
    "errors of every code, with details",
    async (way) => {
      const codes = Object.keys(CODE_NUMBERS);
      const failures = await Promise.all(codes.map((code) => failureOf(send(way, "refuse", { code }))));
      expect(failures.map(({ code }) => code)).toEqual(codes);
      for (const { message, origin, details } of failures) {
        expect({ message, origin }).toEqual({ message: REFUSAL, origin: "peer" });
        if (carriesAll(way)) expect(details.map(plainDetail)).toEqual(DETAILS.map(plainDetail));
      }
    },
  ],
  [
    "oneway",
    async (way) => {
      const reply = await send(way, "note", { text: `note ${way.title}` });
      expect(reply.kind).toBe("result");
      await way.server.arrival(`note ${way.title}`);
    },
  ],
  [
    "metadata and the deadline",
    async (way) => {
      const key = `meet ${way.title}`;
      const headers = Metadata.from([
        ["tenant", "a"],
        ["key-bin", "AQID/w"],
      ]);
      const patienceMs = 20_000;
      const reply = await send(way, "meet", { key }, { headers, expiresAtMs: systemClock.nowMs() + patienceMs });
      const arrival = await way.server.arrival(key);
      expectLeft(way, arrival, way.from.hasMetadata ? patienceMs : POLICY_MS.other);
      if (!carriesAll(way)) return;
      const sent = arrival.call.headers;
      expect([sent.get("tenant"), sent.get("key-bin")]).toEqual(["a", "AQID/w"]);
      expect([reply.headers.get("served-by"), reply.headers.get("seal-bin")]).toEqual(["echo", "AAEC/w"]);
      expect(reply.trailers.get("cost") ?? reply.headers.get("cost")).toBe("7");
    },
  ],
  [
    "a deadline of the caller's that passes",
    async (way) => {
      if (!way.from.hasMetadata) return;
      const key = `late ${way.title}`;
      const late = await failureOf(send(way, "hang", { key }, { expiresAtMs: systemClock.nowMs() + POLICY_MS.wait }));
      expect(late).toMatchObject({ code: "DEADLINE_EXCEEDED", origin: "peer" });
    },
  ],
  [
    "a deadline of the sidecar's that passes",
    async (way) => {
      const key = `wait ${++waits}.`;
      const late = await failureOf(send(way, "wait", { key }));
      expect(late).toMatchObject({ code: "DEADLINE_EXCEEDED", origin: "peer" });
      const arrival = await way.server.arrival(key);
      expectLeft(way, arrival, POLICY_MS.wait);
      await arrival.over;
    },
  ],
  [
    "cancellation",
    async (way) => {
      const key = `hang ${way.title}`;
      const signal = new Canceller();
      const hanging = failureOf(send(way, "hang", { key }, { signal }));
      const { over } = await way.server.arrival(key);
      signal.abort(new RpcError("CANCELLED", "enough"));
      expect(await hanging).toMatchObject({ code: "CANCELLED", origin: "here" });
      await over;
    },
  ],
]);

const plainDetail = ({ typeUrl, value }: (typeof DETAILS)[number]) => [typeUrl, Buffer.from(value).toString("hex")];

const LARGE = "y".repeat(10_000_000);
const large = lookup.grpc(SERVICE, "echoString");
const largeBytes = fromJson(linkOf(large).request.link, { value: LARGE });

/** Too much for many at a time. */
export const sendsTenMegabytes: Case = async ({ handle }) => {
  const { payload } = await handle({
    method: large,
    payload: { type: large.request, codec: "protobuf", bytes: largeBytes },
    headers: Metadata.EMPTY,
    expiresAtMs: Number.POSITIVE_INFINITY,
    signal: new Canceller(),
    facts: facts(),
  });
  // The argument has the number of the result.
  expect(Buffer.compare(payload.bytes, largeBytes)).toBe(0);
};

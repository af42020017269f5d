import { expect, test } from "vitest";
import { type Code, RpcError, type RpcErrorOptions } from "../../../src/base/errors.ts";
import { Metadata } from "../../../src/base/metadata.ts";
import { attemptTimeout } from "../../../src/governance/attempt-timeout.ts";
import { createEndpointState } from "../../../src/governance/endpoint-state.ts";
import { createJudge, failuresOptions, type Outcome } from "../../../src/governance/failure.ts";
import { observe } from "../../../src/governance/observe.ts";
import type { Call, Reply } from "../../../src/rpc/call.ts";
import { createFakeClock } from "../../fake-clock.ts";
import { messageField, messageOf } from "../../model.ts";
import { callOf, exceptionOf, rejection, resultOf } from "./calls.ts";

const judge = createJudge(failuresOptions.parse({}));

test.each<[Code, RpcErrorOptions, Outcome]>([
  ["UNAVAILABLE", {}, "failure"],
  ["UNAVAILABLE", { origin: "peer", sent: true }, "failure"],
  ["DEADLINE_EXCEEDED", { sent: true }, "failure"],
  ["INTERNAL", { origin: "peer", sent: true }, "failure"],
  ["UNKNOWN", { origin: "peer", sent: true }, "failure"],
  ["DATA_LOSS", { sent: true }, "failure"],
  ["INTERNAL", {}, "neither"],
  ["RESOURCE_EXHAUSTED", {}, "neither"],
  ["CANCELLED", { sent: true }, "neither"],
  ["INVALID_ARGUMENT", { origin: "peer", sent: true }, "success"],
  ["NOT_FOUND", { origin: "peer", sent: true }, "success"],
  ["RESOURCE_EXHAUSTED", { origin: "peer", sent: true }, "success"],
  ["INTERNAL", { origin: "peer", sent: true, trailers: Metadata.from([["biz-status", "404"]]) }, "success"],
  ["INTERNAL", { origin: "peer", sent: true, trailers: Metadata.from([["biz-status", "0"]]) }, "failure"],
])("%s with %o speaks for its endpoint as a %s", (code, options, outcome) => {
  expect(judge.error(new RpcError(code, "", options))).toBe(outcome);
});

test("a declared exception is an answer, unless the policy names it", () => {
  const gone = exceptionOf(messageField(1, "gone", messageOf("thrift", "shop.Gone")), Uint8Array.of(0));
  expect(judge.reply(resultOf())).toBe("success");
  expect(judge.reply(gone)).toBe("success");
  const strict = createJudge(failuresOptions.parse({ exceptions: ["shop.Gone"] }));
  expect(strict.reply(gone)).toBe("failure");
  expect(strict.reply(resultOf())).toBe("success");
});

test("the policy may name other codes", () => {
  const strict = createJudge(failuresOptions.parse({ codes: ["NOT_FOUND"] }));
  expect(strict.error(new RpcError("NOT_FOUND", "", { origin: "peer", sent: true }))).toBe("failure");
  expect(strict.error(new RpcError("UNAVAILABLE", ""))).toBe("success");
  expect(failuresOptions.safeParse({ codes: ["BUSY"] }).success).toBe(false);
});

test("attempts in flight are counted, and each one's end is told with its time", async () => {
  const clock = createFakeClock(0);
  const state = createEndpointState();
  const seen: unknown[] = [];
  const tracker = { began: () => seen.push("began"), ended: (...end: unknown[]) => seen.push(end) };
  const answers: PromiseWithResolvers<Reply>[] = [];
  const handle = observe(
    state,
    [tracker],
    judge,
    clock,
  )(() => {
    const answer = Promise.withResolvers<Reply>();
    answers.push(answer);
    return answer.promise;
  });
  const [good, bad] = [handle(callOf()), rejection(handle(callOf()))];
  expect(state.inFlight).toBe(2);
  clock.advance(10);
  answers[0]?.resolve(resultOf());
  answers[1]?.reject(new RpcError("UNAVAILABLE", "no"));
  await Promise.all([good, bad]);
  expect(state.inFlight).toBe(0);
  expect(seen).toEqual(["began", "began", ["success", 0, 10], ["failure", 0, 10]]);
});

/** A client that waits for its abort, and says that it had sent the call. */
function hang({ signal }: Call): Promise<Reply> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}

test("an attempt ends after its time with DEADLINE_EXCEEDED, and the call goes on", async () => {
  const clock = createFakeClock();
  const call = callOf();
  call.facts.endpoint = "127.0.0.1:9";
  const pending = rejection(attemptTimeout(50, clock)(hang)(call));
  clock.advance(50);
  expect(await pending).toMatchObject({
    code: "DEADLINE_EXCEEDED",
    message: "no reply from 127.0.0.1:9 within 50 ms, the upstream's attemptTimeoutMs",
    sent: true,
  });
  expect(call.signal.aborted).toBe(false);
  expect(clock.pending).toBe(0);
});

test("an attempt in time leaves no timer, and one that outlasts its call has none", async () => {
  const clock = createFakeClock();
  await attemptTimeout(50, clock)(() => Promise.resolve(resultOf()))(callOf());
  expect(clock.pending).toBe(0);
  void attemptTimeout(50, clock)(() => new Promise(() => {}))(callOf({ expiresAtMs: clock.nowMs() + 50 }));
  expect(clock.pending).toBe(0);
});

test("a caller that goes away ends the attempt with its reason", async () => {
  const clock = createFakeClock();
  const caller = new AbortController();
  const pending = rejection(attemptTimeout(50, clock)(hang)(callOf({ signal: caller.signal })));
  const reason = new RpcError("CANCELLED", "gone");
  caller.abort(reason);
  expect(await pending).toBe(reason);
  expect(clock.pending).toBe(0);
});

import { expect, test } from "vitest";
import { RpcError } from "../../../src/base/errors.ts";
import { deadline, timeoutMsOption } from "../../../src/governance/deadline.ts";
import type { Call, Reply } from "../../../src/rpc/call.ts";
import { createFakeClock } from "../../fake-clock.ts";
import { callOf, rejection, resultOf } from "./calls.ts";

/** A handler whose calls wait for the test. */
function createServer() {
  const calls: Call[] = [];
  const answers: PromiseWithResolvers<Reply>[] = [];
  return {
    calls,
    answers,
    handle: (call: Call) => {
      calls.push(call);
      const answer = Promise.withResolvers<Reply>();
      answers.push(answer);
      return answer.promise;
    },
  };
}

test("the policy's timeout fails the call, aborts its signal and names the limit", async () => {
  const clock = createFakeClock();
  const server = createServer();
  const pending = rejection(deadline({ timeoutMs: 100 }, clock)(server.handle)(callOf()));
  clock.advance(99);
  expect(server.calls[0]?.signal.aborted).toBe(false);
  clock.advance(1);
  expect(await pending).toMatchObject({
    code: "DEADLINE_EXCEEDED",
    message: "no reply within 100 ms, the upstream's timeoutMs",
    sent: false,
  });
  expect(server.calls[0]?.signal.aborted).toBe(true);
  expect(server.calls[0]?.signal.reason).toBeInstanceOf(RpcError);
  expect(clock.pending).toBe(0);
});

test("a caller's earlier deadline goes before the policy's, and the layers below see it", async () => {
  const clock = createFakeClock(1_000);
  const server = createServer();
  const pending = rejection(deadline({ timeoutMs: 100 }, clock)(server.handle)(callOf({ expiresAtMs: 1_040 })));
  expect(server.calls[0]?.expiresAtMs).toBe(1_040);
  clock.advance(40);
  expect(await pending).toMatchObject({ code: "DEADLINE_EXCEEDED", message: expect.stringContaining("caller") });
});

test("a caller cannot wait longer than the policy allows", () => {
  const clock = createFakeClock(1_000);
  const server = createServer();
  void deadline({ timeoutMs: 100 }, clock)(server.handle)(callOf({ expiresAtMs: 9_000 }));
  expect(server.calls[0]?.expiresAtMs).toBe(1_100);
});

test("a call whose deadline has passed is not sent", async () => {
  const clock = createFakeClock(1_000);
  const server = createServer();
  const error = await rejection(deadline({ timeoutMs: 100 }, clock)(server.handle)(callOf({ expiresAtMs: 1_000 })));
  expect(error).toMatchObject({ code: "DEADLINE_EXCEEDED", sent: false });
  expect(server.calls).toEqual([]);
  expect(clock.pending).toBe(0);
});

test("a reply in time passes and leaves no timer behind", async () => {
  const clock = createFakeClock();
  const server = createServer();
  const caller = new AbortController();
  const pending = deadline({ timeoutMs: 100 }, clock)(server.handle)(callOf({ signal: caller.signal }));
  const reply = resultOf();
  server.answers[0]?.resolve(reply);
  expect(await pending).toBe(reply);
  expect(clock.pending).toBe(0);
  caller.abort();
  expect(server.calls[0]?.signal.aborted).toBe(false);
});

test("an error of the layers below passes and leaves no timer behind", async () => {
  const clock = createFakeClock();
  const server = createServer();
  const pending = rejection(deadline({ timeoutMs: 100 }, clock)(server.handle)(callOf()));
  const error = new RpcError("UNAVAILABLE", "refused");
  server.answers[0]?.reject(error);
  expect(await pending).toBe(error);
  expect(clock.pending).toBe(0);
});

test("a caller that goes away cancels the call at once", async () => {
  const clock = createFakeClock();
  const server = createServer();
  const caller = new AbortController();
  const pending = rejection(deadline({ timeoutMs: 100 }, clock)(server.handle)(callOf({ signal: caller.signal })));
  caller.abort();
  expect(await pending).toMatchObject({ code: "CANCELLED" });
  expect(server.calls[0]?.signal.aborted).toBe(true);
  expect(clock.pending).toBe(0);
});

test("a caller that is gone already is not served", async () => {
  const server = createServer();
  const handle = deadline({ timeoutMs: 100 }, createFakeClock())(server.handle);
  expect(await rejection(handle(callOf({ signal: AbortSignal.abort() })))).toMatchObject({ code: "CANCELLED" });
  expect(server.calls).toEqual([]);
});

test("what was attempted counts as sent, and the error names the endpoint", async () => {
  const clock = createFakeClock();
  const handle = deadline(
    { timeoutMs: 100 },
    clock,
  )((call) => {
    call.facts.attempts = 1;
    call.facts.endpoint = "127.0.0.1:9090";
    return new Promise(() => {});
  });
  const pending = rejection(handle(callOf()));
  clock.advance(100);
  expect(await pending).toMatchObject({ sent: true, message: expect.stringContaining("from 127.0.0.1:9090") });
});

test("the timeout is 15 seconds unless the config says otherwise, and must be positive and whole", () => {
  expect(timeoutMsOption.parse(undefined)).toBe(15_000);
  expect(timeoutMsOption.safeParse(0).success).toBe(false);
  expect(timeoutMsOption.safeParse(1.5).success).toBe(false);
});

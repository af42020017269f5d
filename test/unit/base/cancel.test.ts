import { expect, test } from "vitest";
import { Canceller, type CancelSignal, NEVER_CANCELLED } from "../../../src/base/cancel.ts";

test("listeners are told once, in the order they came, with the reason there", () => {
  const canceller = new Canceller();
  const heard: unknown[] = [];
  for (const name of ["a", "b", "c"]) {
    canceller.addEventListener("abort", () => heard.push([name, canceller.aborted, canceller.reason]));
  }
  canceller.abort("enough");
  canceller.abort("again");
  expect(heard).toEqual(["a", "b", "c"].map((name) => [name, true, "enough"]));
  expect(canceller.reason).toBe("enough");
});

test("a listener that was removed hears nothing, the first as well as the others", () => {
  const canceller = new Canceller();
  const heard: string[] = [];
  const listeners = ["a", "b", "c"].map((name) => () => void heard.push(name));
  for (const listener of listeners) canceller.addEventListener("abort", listener);
  canceller.removeEventListener("abort", listeners[0]!);
  canceller.removeEventListener("abort", listeners[2]!);
  canceller.abort("enough");
  expect(heard).toEqual(["b"]);
});

test("a listener that is added twice is called once", () => {
  const canceller = new Canceller();
  let calls = 0;
  const listener = () => void calls++;
  for (let i = 0; i < 3; i++) canceller.addEventListener("abort", listener);
  canceller.addEventListener("abort", () => {});
  canceller.addEventListener("abort", listener);
  canceller.abort("enough");
  expect(calls).toBe(1);
});

test("who listens to what was called off hears nothing, as with an AbortSignal", () => {
  const canceller = new Canceller();
  canceller.abort("enough");
  canceller.addEventListener("abort", () => expect.unreachable());
  canceller.abort("again");
});

test("an AbortSignal is a CancelSignal", () => {
  const controller = new AbortController();
  const signal: CancelSignal = controller.signal;
  let heard: unknown;
  signal.addEventListener("abort", () => {
    heard = signal.reason;
  });
  controller.abort("enough");
  expect(heard).toBe("enough");
});

test("what nobody can call off takes listeners and forgets them", () => {
  NEVER_CANCELLED.addEventListener("abort", () => expect.unreachable());
  expect(NEVER_CANCELLED).toMatchObject({ aborted: false, reason: undefined });
});

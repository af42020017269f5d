import { expect, test } from "vitest";
import { RpcError } from "../../../src/base/errors.ts";
import { replyFailure } from "../../../src/outbound/reply-failure.ts";

test("a reply that means nothing is INTERNAL and no fault of the caller", () => {
  const thrown = new RpcError("INVALID_ARGUMENT", "a Thrift message begins with 80 01");
  expect(replyFailure(thrown)).toMatchObject({ code: "INTERNAL", message: thrown.message, sent: true, origin: "here" });
});

test("other reasons keep their code, and say that bytes were sent", () => {
  const thrown = new RpcError("RESOURCE_EXHAUSTED", "a frame of 200 bytes");
  expect(replyFailure(thrown)).toMatchObject({ code: "RESOURCE_EXHAUSTED", sent: true });
});

test("what the peer says of a call stays as it is", () => {
  const thrown = new RpcError("INVALID_ARGUMENT", "no such order", { origin: "peer", sent: false });
  expect(replyFailure(thrown)).toBe(thrown);
});

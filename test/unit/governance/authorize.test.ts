import { expect, test } from "vitest";
import { Metadata } from "../../../src/base/metadata.ts";
import { authorize, authorizeOptions } from "../../../src/governance/authorize.ts";
import { methodOf } from "../../model.ts";
import { callOf, factsOf, getMethod, rejection, resultOf } from "./calls.ts";

const twin = methodOf("protobuf", "shop.v1.Stock", "Get");
const pairs = new Map([getMethod, twin].map((method) => [method, { thrift: getMethod, protobuf: twin }]));

/** Whether a call by the named caller passes; `verified` by its certificate. */
async function passes(options: unknown, caller?: string, verified = false, method = getMethod): Promise<boolean> {
  const { calls } = authorize(authorizeOptions.parse(options), pairs);
  let passed = false;
  const call = callOf({
    method,
    ...(caller !== undefined && !verified && { headers: Metadata.from([["cw-from", caller]]) }),
    facts: { ...factsOf(), caller: verified ? caller : undefined },
  });
  const done = calls(() => {
    passed = true;
    return Promise.resolve(resultOf());
  })(call);
  if (
    await done.then(
      () => true,
      () => false,
    )
  )
    return true;
  expect(passed).toBe(false);
  return false;
}

test("without rules the default holds", async () => {
  expect(await passes({})).toBe(true);
  expect(await passes({ default: "deny" }, "web")).toBe(false);
});

test("the first rule that fits caller and method counts", async () => {
  const options = {
    default: "deny",
    rules: [
      { effect: "deny", callers: ["web-old"], methods: ["shop.Inventory/get"] },
      { effect: "allow", callers: ["web*"] },
    ],
  };
  expect(await passes(options, "web-old")).toBe(false);
  expect(await passes(options, "web-new")).toBe(true);
  expect(await passes(options, "batch")).toBe(false);
  expect(await passes(options)).toBe(false);
});

test("what is denied by the name of one wire cannot be called by the other's", async () => {
  const options = { rules: [{ effect: "deny", methods: ["shop.Inventory/get"] }] };
  expect(await passes(options, "web", false, twin)).toBe(false);
});

test("by certificate alone, cw-from is not believed", async () => {
  const options = { identity: "certificate", default: "deny", rules: [{ effect: "allow", callers: ["web"] }] };
  expect(await passes(options, "web")).toBe(false);
  expect(await passes(options, "web", true)).toBe(true);
});

test("a refusal is PERMISSION_DENIED, and says who may not call what", async () => {
  const { calls } = authorize(authorizeOptions.parse({ default: "deny" }), pairs);
  const handle = calls(() => Promise.resolve(resultOf()));
  expect(await rejection(handle(callOf()))).toMatchObject({
    code: "PERMISSION_DENIED",
    message:
      "a caller without a name (a client certificate or cw-from gives one) may not call shop.Inventory/get (authorize)",
  });
  expect(await rejection(handle(callOf({ headers: Metadata.from([["cw-from", "web"]]) })))).toMatchObject({
    message: "the caller web may not call shop.Inventory/get (authorize)",
  });
});

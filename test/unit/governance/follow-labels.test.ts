import { describe, expect, test } from "vitest";
import { RpcError } from "../../../src/base/errors.ts";
import { Metadata } from "../../../src/base/metadata.ts";
import { followLabels } from "../../../src/governance/follow-labels.ts";
import type { Handler } from "../../../src/rpc/call.ts";
import { callOf, resultOf } from "./calls.ts";

const TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const OTHER_TRACE = "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const V2 = { "cw-hops": "1", "cw-label-version": "v2", traceparent: TRACE };

/** The layer, with what has come through it; calls that come from a sidecar end when they are told to. */
function setUp() {
  const seen: Record<string, string>[] = [];
  const served: { answer(): void; fail(): void }[] = [];
  const handle: Handler = followLabels().calls(({ headers }) => {
    seen.push(Object.fromEntries(headers));
    if (headers.get("cw-hops") === undefined) return Promise.resolve(resultOf());
    return new Promise((resolve, reject) => {
      served.push({
        answer: () => resolve(resultOf()),
        fail: () => reject(new RpcError("UNAVAILABLE", "gone")),
      });
    });
  });
  const call = (headers: Record<string, string>) => handle(callOf({ headers: Metadata.from(Object.entries(headers)) }));
  return { seen, served, call };
}

describe("while a call with labels is served", () => {
  test("the application's calls of the same trace have them, those of other traces and of none have not", async () => {
    const { seen, call } = setUp();
    void call(V2);
    await call({ traceparent: TRACE.replace("b7ad", "c7ad"), tenant: "t" });
    await call({ traceparent: OTHER_TRACE });
    await call({ b3: "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0" });
    await call({});
    expect(seen.slice(1).map((headers) => headers["cw-label-version"])).toEqual(["v2", undefined, "v2", undefined]);
    expect(seen[1]).toMatchObject({ tenant: "t" });
    expect(seen[1]).not.toHaveProperty("cw-hops");
  });

  test("a call that a sidecar sends with the same trace, and no labels, has none", async () => {
    const { seen, call } = setUp();
    void call(V2);
    void call({ "cw-hops": "1", traceparent: TRACE });
    expect(seen[1]).not.toHaveProperty("cw-label-version");
  });
});

test.each(["answer", "fail"] as const)(
  "when its calls with labels have ended (%s), the trace has none any more",
  async (end) => {
    const { seen, served, call } = setUp();
    const calls = [call(V2), call({ ...V2, "cw-label-version": "v3" })].map((each) => each.catch(() => {}));
    await call({ traceparent: TRACE });
    served[1]?.[end]();
    await calls[1];
    await call({ traceparent: TRACE });
    served[0]?.[end]();
    await calls[0];
    await call({ traceparent: TRACE });
    expect(seen.slice(2).map((headers) => headers["cw-label-version"])).toEqual(["v3", "v3", undefined]);
  },
);

test("labels without a trace are remembered by nobody", async () => {
  const { seen, call } = setUp();
  void call({ "cw-hops": "1", "cw-label-version": "v2" });
  await call({});
  expect(seen[1]).toEqual({});
});

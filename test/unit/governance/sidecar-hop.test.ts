import { describe, expect, test } from "vitest";
import { Metadata } from "../../../src/base/metadata.ts";
import { type IdentityOptions, MAX_HOPS, sidecarHop } from "../../../src/governance/sidecar-hop.ts";
import type { Call } from "../../../src/rpc/call.ts";
import { callOf, rejection, resultOf } from "./calls.ts";

/** What the next sidecar is told of a call. */
async function told(call: Call, options: IdentityOptions = {}): Promise<Metadata> {
  let headers = Metadata.EMPTY;
  await sidecarHop(options).calls((next) => {
    headers = next.headers;
    return Promise.resolve(resultOf());
  })(call);
  return headers;
}

const said = (pairs: Record<string, string>) => callOf({ headers: Metadata.from(Object.entries(pairs)) });

describe("at the sidecar of the caller", () => {
  test("a call says that one sidecar has sent it on, who calls, and then what it said itself", async () => {
    const options = { name: "shop-web" };
    expect([...(await told(said({ tenant: "t" }), options))]).toEqual([
      ["cw-hops", "1"],
      ["cw-from", "shop-web"],
      ["tenant", "t"],
    ]);
  });

  test("the name in the caller's certificate stands in for one that is not configured", async () => {
    const call = callOf();
    call.facts.caller = "spiffe://shop/web";
    expect((await told(call)).get("cw-from")).toBe("spiffe://shop/web");
    expect(call.facts.from).toBe("spiffe://shop/web");
    expect((await told(call, { name: "web" })).get("cw-from")).toBe("web");
    expect((await told(callOf())).get("cw-from")).toBeUndefined();
  });

  test("calls whose metadata is the same object still have one afterwards", async () => {
    const hop = sidecarHop({ name: "web" });
    const seen: Metadata[] = [];
    const handle = hop.calls(({ headers }) => {
      seen.push(headers);
      return Promise.resolve(resultOf());
    });
    const call = said({ tenant: "t" });
    await handle(call);
    await handle({ ...call });
    await handle(said({ tenant: "u" }));
    expect(seen[1]).toBe(seen[0]);
    expect(seen[2]?.get("tenant")).toBe("u");
  });

  test("calls that say nothing themselves all have the very same metadata", async () => {
    const seen: Metadata[] = [];
    const handle = sidecarHop({ name: "web" }).calls((call) => {
      seen.push(call.headers);
      return Promise.resolve(resultOf());
    });
    await handle(callOf());
    await handle(callOf());
    expect(seen[0]).toBe(seen[1]);
  });
});

describe("at a sidecar behind another", () => {
  test("the count goes up, and who called stays", async () => {
    const call = said({ "cw-from": "web", "cw-hops": "2", "cw-attempt": "2", own: "x" });
    expect([...(await told(call, { name: "inventory" }))]).toEqual([
      ["cw-hops", "3"],
      ["cw-from", "web"],
      ["cw-attempt", "2"],
      ["own", "x"],
    ]);
    expect(call.facts.from).toBe("web");
  });

  test("a call that has passed as many sidecars as it may goes round, and is refused", async () => {
    const { calls, streams } = sidecarHop({});
    const refused = {
      code: "FAILED_PRECONDITION",
      sent: false,
      message: expect.stringContaining("has passed 8 sidecars"),
    };
    const never = () => Promise.reject(new Error("it was sent on"));
    const call = said({ "cw-hops": String(MAX_HOPS) });
    expect(await rejection(calls(never)(call))).toMatchObject(refused);
    const { payload: _, ...rest } = call;
    async function* nothing() {}
    await expect(streams(never)({ ...rest, messages: nothing() })).rejects.toMatchObject(refused);
    await told(said({ "cw-hops": String(MAX_HOPS - 1) }));
  });

  test.each(["", "-1", "x", "1.5", "0", "99999"])("the count %j is INVALID_ARGUMENT", async (hops) => {
    const { calls } = sidecarHop({});
    const failed = await rejection(calls(() => Promise.resolve(resultOf()))(said({ "cw-hops": hops })));
    expect(failed).toMatchObject({ code: "INVALID_ARGUMENT", message: expect.stringContaining("cw-hops") });
  });
});

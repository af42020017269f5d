import { describe, expect, test } from "vitest";
import { Metadata } from "../../../src/base/metadata.ts";

const of = (...flat: string[]) => Metadata.fromFlat(flat);

describe("metadata", () => {
  test("behind other metadata is the same object each time that it is asked for", () => {
    const [first, other, tenant] = [of("cw-hops", "1"), of("cw-hops", "2"), of("tenant", "a")];
    const joined = tenant.behind(first);
    expect([...joined]).toEqual([
      ["cw-hops", "1"],
      ["tenant", "a"],
    ]);
    expect(tenant.behind(first)).toBe(joined);
    expect(tenant.behind(other).get("cw-hops")).toBe("2");
    expect(Metadata.EMPTY.behind(first)).toBe(first);
    expect([...tenant]).toEqual([["tenant", "a"]]);
  });

  test("that is shared is one object for all that say the same", () => {
    const first = of("user-agent", "shop", "tenant", "shared").shared();
    expect(of("user-agent", "shop", "tenant", "shared").shared()).toBe(first);
    expect(of("user-agent", "shop", "tenant", "other").shared()).not.toBe(first);
    expect(of("user-agent", "shop tenant shared").shared()).not.toBe(first);
    expect(of().shared()).toBe(Metadata.EMPTY);
  });

  test.each([
    ["says who somebody is", ["authorization", "Bearer x"]],
    ["is long", ["tenant", "x".repeat(600)]],
  ])("that %s is not kept", (_name, flat) => {
    const first = of(...flat);
    expect(first.shared()).toBe(first);
    const second = of(...flat);
    expect(second.shared()).toBe(second);
  });

  test("is forgotten when too much of it is different", () => {
    const first = of("tenant", "forgotten").shared();
    for (let i = 0; i < 1_024; i++) of("tenant", `number ${i}`).shared();
    const second = of("tenant", "forgotten");
    expect(second.shared()).toBe(second);
    expect(second).toEqual(first);
  });
});

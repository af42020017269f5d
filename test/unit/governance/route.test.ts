import { expect, test } from "vitest";
import { route } from "../../../src/governance/route.ts";
import { methodOf } from "../../model.ts";
import { callOf, rejection, resultOf } from "./calls.ts";

test("a call goes to the upstream that has its service, and the facts name it", async () => {
  const reply = resultOf();
  const routes = new Map([["shop.Inventory", { upstream: "inventory", handle: () => Promise.resolve(reply) }]]);
  const handle = route(routes, "caller");
  const call = callOf();
  expect(await handle(call)).toBe(reply);
  expect(call.facts.upstream).toBe("inventory");
});

test("a service without a route is UNIMPLEMENTED, and the error names the config key", async () => {
  expect(await rejection(route(new Map(), "caller")(callOf()))).toMatchObject({
    code: "UNIMPLEMENTED",
    message: "no upstream has the service shop.Inventory: expected it in upstreams.<name>.services",
  });
});

test("a service that is not local is UNIMPLEMENTED to other sidecars, and the error names the config key", async () => {
  expect(await rejection(route(new Map(), "provider")(callOf()))).toMatchObject({
    code: "UNIMPLEMENTED",
    message: expect.stringContaining("no local upstream with the service shop.Inventory: expected local: true"),
  });
});

test("an opaque service without a route is told where its IDL goes", async () => {
  const method = methodOf("protobuf", "other.S", "m", { request: undefined });
  expect(await rejection(route(new Map(), "caller")(callOf({ method })))).toMatchObject({
    code: "UNIMPLEMENTED",
    message: expect.stringContaining("schema.files"),
  });
});

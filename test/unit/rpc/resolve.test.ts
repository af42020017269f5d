import { expect, test } from "vitest";
import { RpcError } from "../../../src/base/errors.ts";
import { createLookup } from "../../../src/rpc/resolve.ts";
import { methodOf, serviceOf } from "../../model.ts";

const base = serviceOf("thrift", "shared.Base", ["ping"]);
const inventory = serviceOf("thrift", "shop.Inventory", ["get", "put"], base);
const depot = serviceOf("thrift", "depot.Inventory", ["get", "count"]);
const orders = {
  ...serviceOf("protobuf", "shop.v1.Orders", ["Place"]),
  methods: [
    methodOf("protobuf", "shop.v1.Orders", "Place"),
    methodOf("protobuf", "shop.v1.Orders", "Watch", { streaming: "server" }),
  ],
};
const lookup = createLookup([base, inventory, depot, orders]);

function failure(run: () => unknown): RpcError {
  try {
    run();
  } catch (error) {
    if (error instanceof RpcError) return error;
  }
  throw new Error("expected a RpcError");
}

test("a gRPC path finds the method by full names", () => {
  expect(lookup.grpc("shop.v1.Orders", "Place")).toBe(orders.methods[0]);
});

test("gRPC does not find a Thrift service: each wire has its own names", () => {
  expect(lookup.grpc("shop.Inventory", "get").request).toBeUndefined();
});

test("a multiplexed name finds the method by the service's full name or its unambiguous bare name", () => {
  const only = createLookup([inventory]);
  expect(lookup.thrift("shop.Inventory:get", undefined)).toBe(inventory.methods[0]);
  expect(only.thrift("Inventory:get", undefined)).toBe(inventory.methods[0]);
});

test("a multiplexed name goes before the listener's default service", () => {
  expect(lookup.thrift("depot.Inventory:get", "shop.Inventory")).toBe(depot.methods[0]);
});

test("a multiplexed name is split at its first colon", () => {
  expect(failure(() => lookup.thrift("shop.Inventory:a:b", undefined)).message).toContain('"a:b"');
});

test("a header or default service finds the method of a plain name", () => {
  expect(lookup.thrift("get", "depot.Inventory")).toBe(depot.methods[0]);
});

test("an inherited method is found under the service that inherits it", () => {
  expect(lookup.thrift("ping", "shop.Inventory").name).toBe("ping");
});

test("without any service the only one that has the method is taken", () => {
  expect(lookup.thrift("count", undefined)).toBe(depot.methods[1]);
});

test("a method of several services is ambiguous, and the error says who has it and how to say which", () => {
  const error = failure(() => lookup.thrift("get", undefined));
  expect(error.code).toBe("UNIMPLEMENTED");
  expect(error.message).toContain("depot.Inventory, shop.Inventory");
  expect(error.message).toContain("Service:get");
  expect(error.message).toContain("defaultService");
});

test("an ambiguous bare service name is an error that lists the full names", () => {
  const error = failure(() => lookup.thrift("Inventory:get", undefined));
  expect(error.code).toBe("UNIMPLEMENTED");
  expect(error.message).toContain("depot.Inventory, shop.Inventory");
});

test("an unknown method of a loaded service is an error that lists its methods", () => {
  expect(failure(() => lookup.thrift("frob", "depot.Inventory")).message).toBe(
    'the service depot.Inventory has no method "frob", expected one of count, get',
  );
  expect(failure(() => lookup.grpc("shop.v1.Orders", "Frob")).code).toBe("UNIMPLEMENTED");
});

test("a method that nobody has is an error", () => {
  expect(failure(() => lookup.thrift("frob", undefined)).message).toContain('no loaded service has a method "frob"');
});

test("a streaming method is found as any other: whether it can be carried is the way's business", () => {
  expect(lookup.grpc("shop.v1.Orders", "Watch").streaming).toBe("server");
});

test("a method of a service that is not loaded is opaque, and the same object each time", () => {
  const method = lookup.grpc("other.Service", "Do");
  expect(method).toMatchObject({ wire: "protobuf", service: "other.Service", name: "Do", request: undefined });
  expect(lookup.grpc("other.Service", "Do")).toBe(method);
  expect(lookup.thrift("other.Service:Do", undefined).wire).toBe("thrift");
});

test("opaque methods that peers invent are forgotten again", () => {
  const first = lookup.grpc("other.Service", "m0");
  for (let i = 1; i <= 2_000; i++) lookup.grpc("other.Service", `m${i}`);
  expect(lookup.grpc("other.Service", "m0")).not.toBe(first);
});

test("no name of a peer makes an error long", () => {
  expect(failure(() => lookup.thrift("x".repeat(10_000), undefined)).message.length).toBeLessThan(500);
});

test("an empty service or method name is an error, not an opaque method", () => {
  expect(failure(() => lookup.grpc("", "Do")).code).toBe("UNIMPLEMENTED");
  expect(failure(() => lookup.thrift(":get", undefined)).code).toBe("UNIMPLEMENTED");
});

test("a Kitex-Protobuf message finds a method of the Protobuf services by name alone, or by a bare or full service", () => {
  expect(lookup.kitexProtobuf("Place", undefined)).toBe(orders.methods[0]);
  expect(lookup.kitexProtobuf("Place", "Orders")).toBe(orders.methods[0]);
  expect(lookup.kitexProtobuf("Place", "shop.v1.Orders")).toBe(orders.methods[0]);
  expect(failure(() => lookup.kitexProtobuf("get", undefined)).code).toBe("UNIMPLEMENTED");
});

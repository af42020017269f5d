// Which member of a response that is a oneof of a method's result and exceptions came.
import { expect, test } from "vitest";
import { createJudge, failuresOptions } from "../../../src/governance/failure.ts";
import { readReply } from "../../../src/protocol/grpc/read-reply.ts";
import { exceptionInResponse } from "../../../src/rpc/response-oneof.ts";
import type { Method } from "../../../src/schema/model.ts";
import { link } from "../schema/schema-fixture.ts";

const PROTO = `syntax = "proto3"; package t; import "causeway/options.proto";
message P { optional int32 a = 1; }
message X { optional int32 a = 1; }
message Result { oneof outcome { P success = 32768; X x = 1; X again = 3; } }
message Own { oneof outcome { P fine = 2 [(causeway.rules).field = 0]; X x = 32768 [(causeway.rules).field = 1]; } }
service S {
  rpc Get(P) returns (Result) { option (causeway.method_rules).oneof = "outcome"; }
  rpc Own(P) returns (Own) { option (causeway.method_rules).oneof = "outcome"; }
  rpc Plain(P) returns (Result);
}`;

const { method } = link({ "t.proto": PROTO });
const methods: Record<string, Method> = Object.fromEntries(
  ["Get", "Own", "Plain"].map((name) => [name, method("protobuf", "t.S", name)]),
);

test.each([
  ["the success 32768", "Get", "828010020807", undefined],
  ["an exception by its id", "Get", "0a020807", "x"],
  ["another exception of its type", "Get", "1a020807", "again"],
  ["a success that says so", "Own", "12020807", undefined],
  ["an exception at 32768", "Own", "828010020807", "x"],
  ["a method without the rule", "Plain", "0a020807", undefined],
  ["a number that is none of them", "Get", "5a00", undefined],
  ["an empty response", "Get", "", undefined],
  ["a key that does not end", "Get", "ffffffffff", undefined],
])("%s", (_name, name, hex, expected) => {
  const given = methods[name];
  expect(given && exceptionInResponse(given, Buffer.from(hex, "hex"))?.name).toBe(expected);
});

test("the rule may stand in Thrift alone", () => {
  const apart = link({
    "t.thrift": `namespace * t
      struct P { 1: optional i32 a }
      exception X { 1: optional i32 a }
      service S { P Get(1: P p) throws (1: X x) (pb.oneof = "outcome", pb.unwrap = "true") }`,
    "t.proto": `syntax = "proto3"; package t;
      message P { optional int32 a = 1; }
      message X { optional int32 a = 1; }
      message Result { oneof outcome { P success = 32768; X x = 1; } }
      service S { rpc Get(P) returns (Result); }`,
  });
  const get = apart.method("thrift", "t.S", "Get");
  const partner = apart.linked.methods.get(get)?.protobuf;
  expect(partner && exceptionInResponse(partner, Buffer.from("0a020807", "hex"))?.name).toBe("x");
});

test("a gRPC response with an exception in it is a result that names it, and counts against the endpoint where a policy names it", () => {
  const received = (hex: string) => ({
    headers: [":status", "200", "content-type", "application/grpc"],
    message: { bytes: Buffer.from(hex, "hex"), compression: undefined },
    trailers: ["grpc-status", "0"],
  });
  const get = methods["Get"] as Method;
  const judge = createJudge(failuresOptions.parse({ exceptions: ["t.X"] }));
  const thrown = readReply(received("1a020807"), get);
  expect(thrown).toMatchObject({ kind: "result", exception: { name: "again" } });
  expect(judge.reply(thrown)).toBe("failure");
  const fine = readReply(received("828010020807"), get);
  expect(fine).not.toHaveProperty("exception");
  expect(judge.reply(fine)).toBe("success");
});

// The opt-in per method: result and exceptions are members of one oneof of the response, instead of a status.
import { expect, test } from "vitest";
import type { Codec } from "../../../src/codec/codec.ts";
import { compileInterpreter } from "../../../src/codec/interpret.ts";
import { compileTranscoder } from "../../../src/codec/transcode.ts";
import type { MethodLink } from "../../../src/schema/link.ts";
import { complaintsOf, derive, link } from "./schema-fixture.ts";

const THRIFT = `namespace * t

struct P {
  1: optional i32 a
}

exception X {
  1: optional i32 a
} (pb.code = "NOT_FOUND")

service S {
  P get(1: P p) throws (1: X x, 3: X again) (pb.oneof = "result")
  void put(1: P p) throws (1: X x) (pb.oneof = "result")
  list<P> all() throws (1: X x) (pb.oneof = "result")
}
`;

const GIVEN = `syntax = "proto3"; package t; import "causeway/options.proto";
message P { optional int32 a = 1; }
message X { optional int32 a = 1; }
message Result { oneof outcome { P success = 32768; X x = 1; X again = 3; } }
service S { rpc Get(P) returns (Result) { option (causeway.method_rules).oneof = "outcome"; } }`;

const LIMITS = { maxBytes: 1_000, maxDepth: 8, maxElements: 100 };

function translate({ response }: MethodLink, from: Codec, to: Codec, hex: string): string {
  const results = [compileInterpreter, compileTranscoder].map((compile) => {
    const bytes = compile(response, from, to, LIMITS)(Buffer.from(hex, "hex"), { unknownFields: 0, duplicates: 0 });
    return Buffer.from(bytes).toString("hex");
  });
  expect(results[0]).toBe(results[1]);
  return results[0] ?? "";
}

/** The Thrift result and the Protobuf response of `get`: by success, and by the exception `again`. */
const PAIRS = [
  ["0c0000080001000000070000", "8280100208 07".replace(" ", "")],
  ["0c0003080001000000070000", "1a020807"],
] as const;

test("derived, success is 32768 beside the exceptions by their ids, and the way back gives the same file", (context) => {
  const { texts, found } = derive({ "t.thrift": THRIFT });
  expect(found).toEqual([]);
  expect(texts["t.proto"]).toContain(`  oneof result {
    .t.P success = 32768 [(causeway.rules).field = 0];
    .t.X x = 1;
    .t.X again = 3;
  }`);
  expect(texts["t.proto"]).toContain("  oneof result {\n    .t.X x = 1;\n  }");
  expect(texts["t.proto"]).toContain(".t.S_all_result.SuccessList success = 32768");
  expect(derive(texts).texts["t.thrift"]).toBe(THRIFT);
  const complaints = complaintsOf("protoc", texts);
  if (complaints === undefined) context.skip("needs protoc: npm run setup");
  expect(complaints).toBe("");
});

test("linked, the response holds the exceptions, and none is looked for among status details", () => {
  const { linked, method, found } = link({ "t.thrift": THRIFT });
  expect(found).toEqual([]);
  const get = linked.methods.get(method("thrift", "t.S", "get"));
  expect(get).toMatchObject({ oneof: true, response: { kind: "whole", link: { union: true } } });
  expect(get?.exceptions.size).toBe(0);
  expect(get?.protobuf.throws).toEqual([]);
  expect(get?.response.link.fields.map(({ thrift, protobuf }) => [thrift.id, protobuf.id])).toEqual([
    [0, 32_768],
    [1, 1],
    [3, 3],
  ]);
  expect(linked.methods.get(method("thrift", "t.S", "put"))?.response.link.union).toBe(false);
});

test("success and every exception pass both ways", () => {
  const { linked, method } = link({ "t.thrift": THRIFT });
  const get = linked.methods.get(method("thrift", "t.S", "get"));
  if (!get) throw new Error("expected a link");
  for (const [thrift, protobuf] of PAIRS) {
    expect(translate(get, "thrift-binary", "protobuf", thrift)).toBe(protobuf);
    expect(translate(get, "protobuf", "thrift-binary", protobuf)).toBe(thrift);
  }
});

test("a void method without an exception is an empty message, and a missing result is an error", () => {
  const { linked, method } = link({ "t.thrift": THRIFT });
  const [get, put] = ["get", "put"].map((name) => linked.methods.get(method("thrift", "t.S", name)));
  if (!get || !put) throw new Error("expected links");
  expect(translate(put, "thrift-binary", "protobuf", "00")).toBe("");
  expect(translate(put, "protobuf", "thrift-binary", "")).toBe("00");
  expect(() => translate(get, "protobuf", "thrift-binary", "")).toThrow();
});

test("two IDLs written apart link the same way when either method says so", () => {
  const thrift = THRIFT.replace('X again) (pb.oneof = "result")', 'X again) (pb.unwrap = "true")');
  const { linked, method } = link({ "a.thrift": thrift, "b.proto": GIVEN });
  const get = linked.methods.get(method("thrift", "t.S", "get"));
  expect(get?.request.kind).toBe("field");
  expect(get?.oneof).toBe(true);
  if (!get) throw new Error("expected a link");
  for (const [bytes, protobuf] of PAIRS) expect(translate(get, "thrift-binary", "protobuf", bytes)).toBe(protobuf);
});

test("derived from Protobuf, the members beside success are exceptions", (context) => {
  const { texts, found } = derive({ "b.proto": GIVEN });
  expect(found).toEqual([]);
  expect(texts["b.thrift"]).toContain("exception X {");
  expect(texts["b.thrift"]).toContain("P Get(1: P request) throws (1: X x, 3: X again)");
  const complaints = complaintsOf("thrift", texts);
  if (complaints === undefined) context.skip("needs the Thrift compiler: npm run setup");
  expect(complaints).toBe("");
});

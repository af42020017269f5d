import protobuf from "protobufjs";
import { FileDescriptorProto } from "protobufjs/ext/descriptor.js";
import { expect, test } from "vitest";
import { createDescriptorIndex } from "../../../src/admin/descriptor-index.ts";
import { HEALTH_PROTO, REFLECTION_PROTOS } from "../../../src/admin/grpc-protos.ts";
import { createReflection } from "../../../src/admin/reflection.ts";
import { RpcError } from "../../../src/base/errors.ts";
import type { SchemaFile } from "../../../src/schema/model.ts";
import { link, schemaOf, type Texts } from "../schema/schema-fixture.ts";
import { methodIn, streamCall } from "./streams.ts";

/** The messages of reflection as protobufjs reads them, apart from our own reading and writing. */
const { root } = protobuf.parse(`syntax = "proto3";
message Request {
  string host = 1;
  oneof q { string file = 3; string symbol = 4; Ext ext = 5; string numbers = 6; string list = 7; }
}
message Ext { string type = 1; int32 number = 2; }
message Response {
  string host = 1; Request original = 2;
  oneof a { Files files = 4; Numbers numbers = 5; Services services = 6; Failure error = 7; }
}
message Files { repeated bytes file = 1; }
message Numbers { string type = 1; repeated int32 number = 2; }
message Services { repeated Name service = 1; }
message Name { string name = 1; }
message Failure { int32 code = 1; string message = 2; }
`);
const Request = root.lookupType("Request");
const Response = root.lookupType("Response");

interface Answer {
  readonly host?: string;
  readonly original?: object;
  readonly files?: { readonly file: readonly Uint8Array[] };
  readonly numbers?: { readonly type: string; readonly number?: readonly number[] };
  readonly services?: { readonly service: readonly { readonly name: string }[] };
  readonly error?: { readonly code: number; readonly message: string };
}

const [REFLECTION_V1] = REFLECTION_PROTOS;
const INFO = methodIn(REFLECTION_V1!, "ServerReflectionInfo");

async function ask(files: readonly SchemaFile[], questions: readonly object[]): Promise<readonly Answer[]> {
  const reflect = createReflection({ index: createDescriptorIndex(files), services: ["b.Later", "a.First"] });
  const requests = questions.map((question) => Request.encode(Request.fromObject(question)).finish());
  const { messages } = await reflect(streamCall(INFO, requests));
  const answers: Answer[] = [];
  for await (const { bytes } of messages) answers.push(Response.toObject(Response.decode(bytes)));
  return answers;
}

/** The names of the files in an answer, in its order. */
function names({ files, error }: Answer): readonly string[] {
  if (!files) throw new Error(`expected files, got ${JSON.stringify(error)}`);
  return files.file.map((bytes) => String(FileDescriptorProto.decode(bytes).toJSON()["name"]));
}

const PROTO: Texts = {
  "shop/orders.proto": `syntax = "proto2";
package shop.v1;
import "shop/common.proto";
import "google/protobuf/timestamp.proto";
message Order {
  optional Money total = 1;
  optional google.protobuf.Timestamp at = 2;
  oneof by { string mail = 3; string phone = 4; }
  map<string, int32> counts = 5;
  enum State { NEW = 0; DONE = 1; }
  message Line { optional string sku = 1; extend Money { optional string note = 102; } }
  extensions 100 to 200;
}
extend Money { optional bool rounded = 101; }
service Orders { rpc Get(Order) returns (Order); }
`,
  "shop/common.proto": `syntax = "proto2"; package shop.v1; message Money { optional int64 units = 1; extensions 100 to 200; }`,
};
const FILES = schemaOf(PROTO).files;
const ORDERS = ["shop/orders.proto", "shop/common.proto", "google/protobuf/timestamp.proto"];

test("all services are listed by name, whatever the client writes beside the question", async () => {
  const [answer] = await ask(FILES, [{ host: "shop", list: "*" }]);
  expect(answer?.services?.service.map(({ name }) => name)).toEqual(["a.First", "b.Later"]);
  expect(answer).toMatchObject({ host: "shop", original: { host: "shop", list: "*" } });
});

test("a file is found by its import path and comes with all that it imports", async () => {
  const [answer] = await ask(FILES, [{ file: "shop/orders.proto" }]);
  expect(names(answer!)).toEqual(ORDERS);
  const [root] = answer!.files!.file;
  expect(FileDescriptorProto.decode(root!).toJSON()).toMatchObject({ package: "shop.v1" });
});

test("the same stream gets an imported file once, and the file that it asks for each time", async () => {
  const answers = await ask(FILES, [
    { file: "shop/orders.proto" },
    { symbol: "shop.v1.Orders" },
    { symbol: "shop.v1.Money" },
  ]);
  expect(answers.map(names)).toEqual([ORDERS, ["shop/orders.proto"], ["shop/common.proto"]]);
});

test.each([
  "shop.v1.Orders",
  "shop.v1.Orders.Get",
  "shop.v1.Order",
  ".shop.v1.Order",
  "shop.v1.Order.total",
  "shop.v1.Order.by",
  "shop.v1.Order.State",
  "shop.v1.Order.DONE",
  "shop.v1.Order.Line.sku",
  "shop.v1.Order.Line.note",
  "shop.v1.rounded",
])("the file that declares %s is found", async (symbol) => {
  const [answer] = await ask(FILES, [{ symbol }]);
  expect(names(answer!)[0]).toBe("shop/orders.proto");
});

test("an extension is found by the message it extends and its number, and so are all their numbers", async () => {
  const [one, all, none] = await ask(FILES, [
    { ext: { type: "shop.v1.Money", number: 102 } },
    { numbers: "shop.v1.Money" },
    { numbers: "shop.v1.Order" },
  ]);
  expect(names(one!)[0]).toBe("shop/orders.proto");
  expect(all?.numbers).toEqual({ type: "shop.v1.Money", number: [101, 102] });
  expect(none?.numbers?.number ?? []).toEqual([]);
});

test("what is not there is NOT_FOUND, and the stream goes on", async () => {
  const answers = await ask(FILES, [
    { file: "none.proto" },
    { symbol: "shop.v1.None" },
    { ext: { type: "shop.v1.Money", number: 199 } },
    { numbers: "shop.v1.None" },
    {},
    { symbol: "shop.v1.Order" },
  ]);
  expect(answers.map(({ error }) => error?.code)).toEqual([5, 5, 5, 5, 3, undefined]);
  expect(answers[1]?.error?.message).toBe("there is no symbol shop.v1.None");
  expect(answers[1]?.original).toEqual({ symbol: "shop.v1.None" });
});

test("bytes that are no request end the stream with INVALID_ARGUMENT, for trailers too", async () => {
  const reflect = createReflection({ index: createDescriptorIndex(FILES), services: [] });
  for (const bytes of [Uint8Array.of(0x22, 9, 1), Uint8Array.of(0x2a, 9, 1), Uint8Array.of(0x0f)]) {
    const { messages, trailers } = await reflect(streamCall(INFO, [bytes]));
    await expect(messages[Symbol.asyncIterator]().next()).rejects.toThrow(RpcError);
    await expect(trailers).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  }
});

test("the derived twin of a Thrift file is there like any other file, with the well-known files that it needs", async () => {
  const { linked } = link({
    "stock.thrift": `namespace * shop
enum Size { SMALL = 1 }
exception Gone { 1: string why }
service Stock { Size find(1: string sku, 2: i64 (pb.time = "ms") at) throws (1: Gone gone) }`,
  });
  const { files } = linked.schema;
  const symbols = ["shop.Stock", "shop.Stock.find", "shop.Stock_find_args", "shop.SIZE_SMALL", "shop.Gone"];
  const answers = await ask(
    files,
    [...symbols, "google.protobuf.Timestamp"].map((symbol) => ({ symbol })),
  );
  expect(answers.slice(0, 5).map((answer) => names(answer)[0])).toEqual(symbols.map(() => "stock.proto"));
  expect(names(answers[0]!)).toContain("google/protobuf/timestamp.proto");
  expect(names(answers[5]!)).toEqual(["google/protobuf/timestamp.proto"]);
});

test("a derived file whose name a given one has gets another, and importers know it by that", async () => {
  const { linked } = link({
    "common.proto": 'syntax = "proto3"; package a; message M { int32 n = 1; }',
    "common.thrift": "namespace * b\nstruct S { 1: i32 n }",
    "user.thrift": 'namespace * c\ninclude "common.thrift"\nservice U { common.S get() }',
  });
  const [given, derived, user] = await ask(
    linked.schema.files,
    ["a.M", "b.S", "c.U"].map((symbol) => ({ symbol })),
  );
  expect(names(given!)).toEqual(["common.proto"]);
  expect(names(derived!)).toEqual(["common_2.proto"]);
  expect(names(user!)).toContain("user.proto");
  const descriptor = FileDescriptorProto.decode(user!.files!.file[0]!).toJSON();
  expect(descriptor["dependency"]).toEqual(["common_2.proto"]);
});

test("health and both versions of reflection describe themselves", async () => {
  const answers = await ask(
    [HEALTH_PROTO, ...REFLECTION_PROTOS],
    ["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"].map(
      (symbol) => ({ symbol }),
    ),
  );
  expect(answers.map(names)).toEqual([
    ["grpc/health/v1/health.proto"],
    ["grpc/reflection/v1/reflection.proto"],
    ["grpc/reflection/v1alpha/reflection.proto"],
  ]);
});

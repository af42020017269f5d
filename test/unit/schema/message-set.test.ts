// A MessageSet loads and is described, and has no translation: what that means for everything that has one.
import { expect, test } from "vitest";
import { isMessageSet } from "../../../src/schema/model.ts";
import { protoFile, readProto } from "./proto-text.ts";
import { complaintsOf, derive, link, schemaOf } from "./schema-fixture.ts";

const SET = "message Set { option message_set_wire_format = true; extensions 4 to max; }";
const FILE = `syntax = "proto2"; package t; import "causeway/options.proto";
${SET}
message Extra {
  extend Set { optional Extra extra = 1545008; }
  optional int32 i = 1;
}
extend Set { optional Extra high = 2147483646; }
message Holder {
  optional Set set = 1;
  repeated Set sets = 2;
  optional string name = 3;
  optional Set quiet = 4 [(causeway.rules).lossy = true];
}
service S {
  rpc Get(Holder) returns (Holder);
  rpc Raw(Set) returns (Holder);
}
`;

test("a MessageSet loads, with extensions up to the number 2147483646", () => {
  const [set] = schemaOf({ "t.proto": FILE }).messages.get("t.Set") ?? [];
  expect(set && isMessageSet(set)).toBe(true);
  expect(set?.extensionRanges).toEqual([{ from: 4, to: 2_147_483_646, annotations: [] }]);
  expect(set?.extensions?.map(({ fullName }) => fullName)).toEqual(["t.high", "t.Extra.extra"]);
  const plain = protoFile(
    'syntax = "proto2"; message M { option message_set_wire_format = false; extensions 4 to max; }',
  );
  expect(plain.messages.map(isMessageSet)).toEqual([false]);
  expect(plain.messages[0]?.extensionRanges?.[0]?.to).toBe(536_870_911);
});

test.each([
  [
    "fields in a MessageSet",
    "message M { option message_set_wire_format = true; extensions 4 to max; optional int32 a = 1; }",
    '1:107 "M" is a MessageSet, which has extensions instead of fields',
  ],
  [
    "a MessageSet without room for extensions",
    "message M { option message_set_wire_format = true; }",
    '1:28 "M" is a MessageSet without extension ranges; expected "extensions 4 to max"',
  ],
  [
    "a scalar as an extension of a MessageSet",
    `${SET} extend Set { optional int32 a = 5; }`,
    "1:124 Set is a MessageSet; its extensions are single messages",
  ],
  [
    "a repeated extension of a MessageSet",
    `${SET} message E {} extend Set { repeated E a = 5; }`,
    "1:133 Set is a MessageSet; its extensions are single messages",
  ],
  [
    "an extension range above what other messages take",
    "message M { extensions 4 to 536870912; }",
    "1:43 the extension range 4 to 536870912 is out of range; expected 1 to 536870911",
  ],
  [
    "an extension above what other messages take",
    "message M { extensions 4 to max; } extend M { optional int32 a = 536870912; }",
    "1:81 M leaves the number 536870912 to no extension; its ranges are 4 to 536870911",
  ],
])("%s is an error at its place", (_rule, text, said) => {
  expect(readProto(`syntax = "proto2"; ${text}`).said).toEqual([said]);
});

test("towards Thrift a MessageSet is left out, with its fields and methods, and each is reported with file and line", (context) => {
  const { texts, found } = derive({ "t.proto": FILE });
  expect(found).toEqual([
    't.proto:2:9 lossy: message "Set" is a MessageSet, which has no translation: it is left out, with its extensions and all fields that have it',
    't.proto:9:16 lossy: field "set" has t.Set, a MessageSet, which has no translation: it is left out',
    't.proto:10:16 lossy: field "sets" has t.Set, a MessageSet, which has no translation: it is left out',
    't.proto:16:7 lossy: method "Raw" has t.Set, a MessageSet, which has no translation; it is left out of the translation',
  ]);
  expect(texts["t.thrift"]).toContain("struct Holder {\n  3: optional string name\n}");
  expect(texts["t.thrift"]).not.toContain("Raw");
  const complaints = complaintsOf("thrift", texts);
  if (complaints === undefined) return context.skip("needs thrift: npm run setup");
  expect(complaints).toBe("");
});

test("a required MessageSet is an error: no message from Thrift could have it", () => {
  const { found } = derive({ "t.proto": `syntax = "proto2"; package t; ${SET} message M { required Set s = 1; }` });
  expect(found).toContain(
    't.proto:1:132 error: field "s" has t.Set, a MessageSet, which has no translation, and is required; make it optional',
  );
});

test("a MessageSet is linked with nothing, whatever stands beside it in Thrift", () => {
  const texts = {
    "t.thrift": `namespace * t
struct Set { 1: optional i32 a }
struct Holder { 1: optional Set set }
service S { Holder Raw(1: Set set) }`,
    "t.proto": `syntax = "proto2"; package t; ${SET} message Holder { optional Set set = 1; }
service S { rpc Raw(Set) returns (Holder); }`,
  };
  const { found, linked } = link(texts);
  expect(found.flatMap((line) => (line.includes("MessageSet") ? [line.replace(/ \(declared at .*/, "")] : []))).toEqual(
    [
      't.proto:1:39 lossy: message "Set" is a MessageSet, which has no translation: it is left out, with its extensions and all fields that have it',
      't.proto:1:137 lossy: field "set" has t.Set, a MessageSet, which has no translation: it is left out',
      't.proto:2:17 lossy: method "Raw" has t.Set, a MessageSet, which has no translation; it is left out of the translation',
      't.thrift:3:33 error: field "set" (1) cannot be translated: t.Set is a MessageSet, which has no translation',
    ],
  );
  const [method] = linked.schema.services.get("t.S")?.find(({ wire }) => wire === "protobuf")?.methods ?? [];
  expect(method && linked.methods.get(method)).toBeUndefined();
});

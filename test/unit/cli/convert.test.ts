import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { convert as convertFile } from "./convert-fixture.ts";

let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "causeway-convert-"));
  const idl =
    "struct Item { 1: string sku, 2: i32 price }\nstruct Order { 1: i64 id, 2: list<Item> items }\nservice Shop { Order getOrder(1: i64 id) }";
  writeFileSync(join(folder, "shop.thrift"), idl);
  writeFileSync(join(folder, "bad.thrift"), "struct Item { 1: strng sku }");
});

afterAll(() => rmSync(folder, { recursive: true }));

function convert(args: readonly string[], input: string | Uint8Array = "", idl = "shop.thrift") {
  return convertFile(["--idl", join(folder, idl), ...args], input);
}

const JSON_ORDER = '{"id":"12","items":[{"sku":"mug","price":5}]}';

test("a message goes from JSON to Thrift to Protobuf and back to JSON, as files, hexadecimal and base64", async () => {
  const type = ["--type", "Order"];
  const file = join(folder, "order.bin");
  expect(await convert([...type, "--from", "json", "--to", "thrift-binary", "--out", file], JSON_ORDER)).toMatchObject({
    status: 0,
    stdout: "",
  });
  expect(readFileSync(file).toString("hex")).toBe(
    "0a0001000000000000000c0f00020c000000010b0001000000036d756708000200000005" + "0000",
  );
  const protobuf = (await convert([...type, "--from", "thrift-binary", "--to", "protobuf", "--in", file])).bytes;
  expect(protobuf.toString("hex")).toBe("080c12070a036d75671005");
  const json = await convert(
    [...type, "--from", "protobuf", "--to", "json", "--encoding", "base64"],
    `${protobuf.toString("base64")}\n`,
  );
  expect(json.stdout).toBe(`${JSON_ORDER}\n`);
  expect(json.stderr).toBe("");
  const pretty = await convert(
    [...type, "--from", "protobuf", "--to", "json", "--encoding", "hex", "--pretty"],
    "08 0c",
  );
  expect(pretty.stdout).toBe('{\n  "id": "12"\n}\n');
});

test("a wrong message exits 1 with the field path and the byte offset, or the line and column", async () => {
  const binary = await convert(
    ["--type", "Order", "--from", "protobuf", "--to", "thrift-binary", "--encoding", "hex"],
    "1203 0a01ff",
  );
  expect(binary).toMatchObject({ status: 1, stdout: "" });
  expect(binary.stderr).toContain("items[0].sku: the text is not valid UTF-8, at byte 4");
  const json = await convert(["--type", "Order", "--from", "json", "--to", "protobuf"], '{\n"id": "x"}');
  expect(json).toMatchObject({ status: 1, stdout: "" });
  expect(json.stderr).toContain("id: expected an integer (int64), at line 2, column 7");
});

test("wrong IDL, an unknown type, a missing file and input that is no hexadecimal exit 1 and say what", async () => {
  const codecs = ["--from", "protobuf", "--to", "json"];
  expect(await convert(["--type", "Item", ...codecs], "", "bad.thrift")).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/bad\.thrift:1:\d+: error: /),
  });
  expect(await convert(["--type", "Odrer", ...codecs])).toMatchObject({
    status: 1,
    stderr: expect.stringContaining("Odrer"),
  });
  expect(await convert(["--type", "Order", ...codecs, "--in", join(folder, "none")])).toMatchObject({
    status: 1,
    stderr: expect.stringContaining("ENOENT"),
  });
  expect(await convert(["--type", "Order", ...codecs, "--encoding", "hex"], "08 0g")).toMatchObject({
    status: 1,
    stderr: expect.stringContaining("the input is not hex: expected two hexadecimal digits, at line 1, column 5"),
  });
});

test("members that the type does not have are refused with the nearest name, or with --ignore-unknown counted", async () => {
  const args = ["--type", "Order", "--from", "json", "--to", "json"];
  const refused = await convert(args, '{"id":1,\n "itms":[]}');
  expect(refused).toMatchObject({ status: 1, stdout: "" });
  expect(refused.stderr).toContain("itms: there is no such field; did you mean items?, at line 2, column 2");
  const far = await convert(args, '{"items":[{"weight":1}]}');
  expect(far.stderr).toContain(
    "items[0].weight: there is no such field; expected one of sku, price, at line 1, column 12",
  );
  const { status, stdout, stderr } = await convert([...args, "--ignore-unknown"], '{"id":1,"nope":2}');
  expect({ status, stdout }).toEqual({ status: 0, stdout: '{"id":"1"}\n' });
  expect(stderr).toContain("1 unknown or mistyped field was left out");
});

test("thrift-json and thrift-simplejson are text, each message a line; simple JSON is not read", async () => {
  const args = ["--type", "Order", "--from", "json", "--to"];
  const thriftJson = await convert([...args, "thrift-json", "--encoding", "hex"], JSON_ORDER);
  expect(thriftJson.stdout).toBe('{"1":{"i64":12},"2":{"lst":["rec",1,{"1":{"str":"mug"},"2":{"i32":5}}]}}\n');
  const back = await convert(["--type", "Order", "--from", "thrift-json", "--to", "json"], thriftJson.stdout);
  expect(back.stdout).toBe(`${JSON_ORDER}\n`);
  const simple = await convert([...args, "thrift-simplejson"], JSON_ORDER);
  expect(simple.stdout).toBe('{"id":12,"items":[{"sku":"mug","price":5}]}\n');
  const read = await convert(["--type", "Order", "--from", "thrift-simplejson", "--to", "json"], simple.stdout);
  expect(read).toMatchObject({ status: 2, stderr: expect.stringContaining("thrift-simplejson is only written") });
});

test("--type names the request or response of a method, and says what it could have been", async () => {
  const args = ["--from", "json", "--to", "thrift-binary", "--encoding", "hex", "--type"];
  expect((await convert([...args, "Shop/getOrder:request"], '{"id":5}')).stdout).toBe("0a0001000000000000000500\n");
  expect((await convert([...args, "shop.Shop/getOrder:response"], '{"success":{"id":5}}')).stdout).toBe(
    "0c00000a000100000000000000050f00020c000000000000\n",
  );
  const wrong = async (name: string) => (await convert([...args, name], "{}")).stderr;
  expect(await wrong("Shop/getOrdr:request")).toContain('Shop has no method "getOrdr"; did you mean getOrder?');
  expect(await wrong("Shp/getOrder:request")).toContain('there is no service "Shp"; did you mean shop.Shop?');
  expect(await wrong("Shop/getOrder")).toContain("expected Shop/getOrder:request or Shop/getOrder:response");
  expect(await wrong("Ordr")).toContain("did you mean Order?");
});

test("what comes in and what goes out may be encoded in two ways, and what comes in may be a dump", async () => {
  const args = ["--type", "Order", "--from", "protobuf", "--to", "protobuf"];
  expect((await convert([...args, "--in-encoding", "hex", "--out-encoding", "base64"], "080c")).stdout).toBe("CAw=\n");
  expect((await convert([...args, "--encoding", "hex"], "00000000: 080c                 ..\n")).stdout).toBe("080c\n");
});

test("wrong usage exits 2, and --help shows an example", async () => {
  expect((await convert(["--type", "Order", "--from", "xml", "--to", "json"])).status).toBe(2);
  expect(await convert(["--type", "Order", "--to", "json"])).toMatchObject({
    status: 2,
    stderr: expect.stringContaining("say what comes in with --from"),
  });
  const help = await convert(["--help"]);
  expect(help.status).toBe(0);
  for (const use of ["--delimited", "--message", "--explain", "thrift-binary --encoding hex"]) {
    expect(help.stdout).toMatch(new RegExp(`\\$ .*causeway convert .*${use}`));
  }
});

test("--rules states overrides in a file, as for check and idl", async () => {
  writeFileSync(
    join(folder, "rules.yaml"),
    "rules: { shop.Order.id: { field: 7 } }\npackages: { shop.thrift: shop }\n",
  );
  writeFileSync(join(folder, "wrong.yaml"), "rules: { shop.Order.ids: { field: 7 } }\n");
  const args = ["--type", "Order", "--from", "json", "--to", "protobuf", "--out-encoding", "hex", "--rules"];
  const ruled = await convert([...args, join(folder, "rules.yaml")], '{"id":5}');
  expect(ruled).toMatchObject({ status: 0, stdout: "3805\n", stderr: "" });
  const wrong = await convert([...args, join(folder, "wrong.yaml")], '{"id":5}');
  expect(wrong.status).toBe(1);
  expect(wrong.stderr).toContain("wrong.yaml:1:10: error: shop.Order.ids: unknown name, did you mean shop.Order.id?");
  const alone = await convertFile(["--rules", "r.yaml", "--explain", "--from", "protobuf"]);
  expect(alone.stderr).toContain("--rules needs --idl");
});

test("a message with a MessageSet converts without it, and a MessageSet itself is explained only", async () => {
  writeFileSync(
    join(folder, "set.proto"),
    `syntax = "proto2"; package t;
    message Set { option message_set_wire_format = true; extensions 4 to max; }
    message Holder { optional Set set = 1; optional int32 a = 2; }
    message Extra { extend Set { optional Extra extra = 1545008; } optional int32 i = 15; }`,
  );
  const item = "0b10b0a65e1a02780c0c";
  const hex = ["--from", "protobuf", "--to", "json", "--encoding", "hex"];
  const holder = await convert(["--type", "Holder", ...hex], `0a0a${item}1001`, "set.proto");
  expect(holder).toMatchObject({ status: 0, stdout: '{"a":1}\n' });
  expect(holder.stderr).toContain("1 unknown or mistyped field was left out");
  const set = await convert(["--type", "Set", ...hex], item, "set.proto");
  expect(set.status).toBe(1);
  expect(set.stderr).toContain("t.Set is a MessageSet, which has no translation; --explain shows its bytes");
  const explained = await convert(
    ["--type", "Set", "--explain", "--from", "protobuf", "--encoding", "hex"],
    item,
    "set.proto",
  );
  expect(explained.stdout).toContain("item[0].message.i");
});

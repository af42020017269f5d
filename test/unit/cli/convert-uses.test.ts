// The uses of `causeway convert` beyond one message: streams, RPC messages and explanations, on the command line.
import { spawnSync } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { convert as convertFile } from "./convert-fixture.ts";

const MAIN = fileURLToPath(new URL("../../../src/cli/main.ts", import.meta.url));
let folder = "";

const IDL = `namespace * shop
exception NotFound { 1: string what }
struct Item { 1: string sku, 2: i32 price }
struct Order { 1: i64 id, 2: list<Item> items }
service Shop { Order getOrder(1: i64 id) throws (1: NotFound notFound), oneway void ping(1: string text) }
service Other { void ping(1: i64 count) }`;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "causeway-convert-"));
  writeFileSync(join(folder, "shop.thrift"), IDL);
});

afterAll(() => rmSync(folder, { recursive: true }));

/** In a process of its own, over its standard streams. */
function spawn(args: readonly string[], input: string, node: readonly string[] = []) {
  const all = [...node, MAIN, "convert", "--idl", join(folder, "shop.thrift"), ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, all, { input });
  return { status, stdout: stdout.toString(), stderr: stderr.toString() };
}

function convert(args: readonly string[], input: string | Uint8Array = "") {
  return convertFile(["--idl", join(folder, "shop.thrift"), ...args], input);
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ""), "hex");

describe("--delimited", () => {
  const lines = '{"id":"1"}\n{"id":"2","items":[{"sku":"mug"}]}\n{}\n';
  const type = ["--type", "Order", "--delimited"];

  test("JSON lines become varint-delimited Protobuf, u32-framed Thrift, and lines again", async () => {
    const protobuf = await convert([...type, "--from", "json", "--to", "protobuf"], lines);
    expect(protobuf.bytes.toString("hex")).toBe("02080109080212050a036d756700");
    const framed = ["--type", "Order", "--delimited=framed"];
    const thrift = await convert([...framed, "--from", "json", "--to", "thrift-binary"], lines);
    expect(thrift.bytes.readUInt32BE(0)).toBe(20);
    const back = await convert([...framed, "--from", "thrift-binary", "--to", "json"], thrift.bytes);
    expect(back.stdout).toBe(lines);
    expect((await convert([...type, "--from", "protobuf", "--to", "json"], protobuf.bytes)).stdout).toBe(lines);
  });

  test("streams may be standard input and output", () => {
    const there = spawn([...type, "--from", "json", "--to", "protobuf", "--encoding", "base64"], lines);
    expect(there.stdout).toBe("AggB\nCQgCEgUKA211Zw==\nAA==\n");
    const back = spawn([...type, "--from", "protobuf", "--to", "json", "--encoding", "base64"], there.stdout);
    expect(back).toEqual({ status: 0, stdout: lines, stderr: "" });
  });

  test("in hexadecimal each message is a line", async () => {
    const encoded = await convert([...type, "--from", "json", "--to", "protobuf", "--encoding", "hex"], lines);
    expect(encoded.stdout).toBe("020801\n09080212050a036d7567\n00\n");
    const back = await convert([...type, "--from", "protobuf", "--to", "json", "--encoding", "hex"], encoded.stdout);
    expect(back.stdout).toBe(lines);
  });

  test("an error names the message and its offset, or its line, and what came before it is written", async () => {
    const bad = await convert([...type, "--from", "protobuf", "--to", "json"], hex("020801 05 1203 0a01ff"));
    expect(bad).toMatchObject({ status: 1, stdout: '{"id":"1"}\n' });
    expect(bad.stderr).toContain(
      "message 2, whose bytes begin at byte 4: items[0].sku: the text is not valid UTF-8, at byte 2",
    );
    const json = await convert([...type, "--from", "json", "--to", "protobuf"], '{"id":1}\n\n{"id":"x"}\n');
    expect(json.stderr).toContain("message 2: id: expected an integer (int64), at line 3, column 7");
    const cut = await convert([...type, "--from", "protobuf", "--to", "json"], hex("020801 0508"));
    expect(cut.stderr).toContain("message 2, at byte 3: the input ends after 2 bytes of 6 with its length");
  });

  test("a file of any size takes the memory of a small one, and no progress is shown but on a terminal", async () => {
    const file = async (name: string, megabytes: number): Promise<string> => {
      const path = join(folder, name);
      const text = { id: "12345678901", items: [{ sku: "mug with a long name of its own", price: 5 }] };
      const one = (await convert([...type, "--from", "json", "--to", "protobuf"], JSON.stringify(text))).bytes;
      const piece = Buffer.concat(Array.from({ length: Math.floor(2 ** 20 / one.length) }, () => one));
      const out = openSync(path, "w");
      for (let i = 0; i < megabytes; i++) writeSync(out, piece);
      return path;
    };
    const report = 'process.on("exit",()=>process.stderr.write("RSS "+process.resourceUsage().maxRSS))';
    const peakOf = (path: string): number => {
      const args = [...type, "--from", "protobuf", "--to", "thrift-binary", "--in", path, "--out", `${path}.out`];
      const { status, stderr } = spawn(args, "", ["--import", `data:text/javascript,${report}`]);
      expect(status).toBe(0);
      expect(stderr).toMatch(/^RSS \d+$/);
      return Number(stderr.slice(4)) / 1024;
    };
    const [small, large] = [await file("small.pb", 1), await file("large.pb", 8)];
    const difference = peakOf(large) - peakOf(small);
    expect(statSync(`${large}.out`).size).toBeGreaterThan(8e6);
    expect(difference).toBeLessThan(60);
  });
});

test("thrift-compact is read and written as every codec is", async () => {
  const args = ["--type", "Order", "--encoding", "hex"];
  const written = await convert(
    [...args, "--from", "json", "--to", "thrift-compact"],
    '{"id":"12","items":[{"price":5}]}',
  );
  expect(written.stdout).toBe("1618191c250a0000\n");
  const read = await convert([...args, "--from", "thrift-compact", "--to", "json"], written.stdout);
  expect(read.stdout).toBe('{"id":"12","items":[{"price":5}]}\n');
});

describe("--message", () => {
  const toJson = ["--message", "--to", "json"];
  const strict = (type: number, name: string, body: string): Buffer =>
    Buffer.concat([
      hex(`80010 0 0${type} 000000${Buffer.from([name.length]).toString("hex")}`),
      Buffer.from(name),
      hex(`00000007 ${body}`),
    ]);
  const framed = (message: Buffer): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(message.length);
    return Buffer.concat([length, message]);
  };
  const id5 = "0a0001 0000000000000005 00";

  test.each<[string, () => Buffer, string]>([
    [
      "a strict call",
      () => strict(1, "getOrder", id5),
      '{"message":{"protocol":"thrift-binary","framed":false,"strict":true,"name":"getOrder","type":"call","sequenceId":7},"body":{"id":"5"}}',
    ],
    [
      "an old, framed and multiplexed call",
      () => framed(Buffer.concat([hex("0000000d"), Buffer.from("Shop:getOrder"), hex(`01 ffffffff ${id5}`)])),
      '{"message":{"protocol":"thrift-binary","framed":true,"strict":false,"name":"Shop:getOrder","type":"call","sequenceId":-1},"body":{"id":"5"}}',
    ],
    [
      "a reply",
      () => strict(2, "getOrder", `0c0000 ${id5} 00`),
      '{"message":{"protocol":"thrift-binary","framed":false,"strict":true,"name":"getOrder","type":"reply","sequenceId":7},"body":{"success":{"id":"5"}}}',
    ],
    [
      "a reply with a declared exception",
      () => strict(2, "getOrder", "0c0001 0b0001 00000001 61 00 00"),
      '{"message":{"protocol":"thrift-binary","framed":false,"strict":true,"name":"getOrder","type":"reply","sequenceId":7,"exception":"NotFound"},"body":{"what":"a"}}',
    ],
    [
      "a TApplicationException",
      () => framed(strict(3, "getOrder", "0b0001 00000001 61 080002 00000006 00")),
      '{"message":{"protocol":"thrift-binary","framed":true,"strict":true,"name":"getOrder","type":"exception","sequenceId":7,"exception":"TApplicationException"},"body":{"message":"a","type":6}}',
    ],
    [
      "a thrift-json call",
      () => Buffer.from(' [1,"getOrder",1,7,{"1":{"i64":5}}]\n'),
      '{"message":{"protocol":"thrift-json","name":"getOrder","type":"call","sequenceId":7},"body":{"id":"5"}}',
    ],
    [
      "a compact message",
      () => hex("82 21 07 08 6765744f72646572 16 0a 00"),
      '{"message":{"protocol":"thrift-compact","framed":false,"name":"getOrder","type":"call","sequenceId":7},"body":{"id":"5"}}',
    ],
    [
      "a framed compact message",
      () => framed(hex("82 21 ffffffff0f 08 6765744f72646572 16 0a 00")),
      '{"message":{"protocol":"thrift-compact","framed":true,"name":"getOrder","type":"call","sequenceId":-1},"body":{"id":"5"}}',
    ],
  ])("%s is detected, shown and translated by its method", async (_, message, expected) => {
    expect(await convert(toJson, message())).toMatchObject({ status: 0, stdout: `${expected}\n`, stderr: "" });
  });

  test("gRPC messages, one after the other, are translated by the type that is named", async () => {
    const args = [...toJson, "--type", "Shop/getOrder:request"];
    expect((await convert(args, hex("00 00000002 0805  00 00000000"))).stdout).toBe(
      '{"message":{"protocol":"grpc"},"body":{"id":"5"}}\n{"message":{"protocol":"grpc"},"body":{}}\n',
    );
    const lookalike = hex(`00 00000082 21 ${"00".repeat(8)} 0805 ${"2100000000000000 00".repeat(13)} 0805`);
    expect((await convert(args, lookalike)).stdout).toBe('{"message":{"protocol":"grpc"},"body":{"id":"5"}}\n');
    expect((await convert(toJson, hex("00 00000002 0805"))).stderr).toContain(
      "a gRPC message does not name its method",
    );
    expect((await convert(args, hex("01 00000002 0805"))).stderr).toContain("compressed");
  });

  test("the body alone goes to a binary codec, and the header to standard error", async () => {
    const { stdout, stderr } = await convert(
      ["--message", "--to", "protobuf", "--out-encoding", "hex"],
      strict(1, "getOrder", id5),
    );
    expect(stdout).toBe("0805\n");
    expect(stderr).toBe('causeway convert: call "getOrder", sequence id 7, thrift-binary\n');
  });

  test("--service says which of two methods is meant", async () => {
    const ping = strict(1, "ping", id5);
    expect((await convert(toJson, ping)).stderr).toContain("is in several services: shop.Shop/ping, shop.Other/ping");
    expect((await convert([...toJson, "--service", "Other"], ping)).stdout).toContain('"body":{"count":"5"}');
  });

  test.each<[string, Buffer, string]>([
    ["no message", Buffer.from("hello"), "no RPC message begins at byte 0 (68 65 6c 6c 6f); expected a Thrift message"],
    [
      "a frame that is cut",
      framed(strict(1, "getOrder", id5)).subarray(0, 30),
      "the frame says that 32 bytes follow, but 26 do",
    ],
    ["a compact header that is cut", hex("82 21 07 08 6765"), "the message ends inside its header, at byte 6"],
    ["a compact message of no type", hex("82 01 07 01 61 00"), "0 is no type of a Thrift message"],
    ["a header that is cut", strict(1, "getOrder", "").subarray(0, 10), "the message ends inside its header"],
    ["an unknown method", strict(1, "getOrders", id5), 'no service has a method "getOrders"; did you mean getOrder?'],
    [
      "bytes behind a message",
      Buffer.concat([framed(strict(1, "getOrder", id5)), hex("ff")]),
      "no RPC message begins at byte 36",
    ],
  ])("%s exits 1 and says what was expected", async (_, message, expected) => {
    expect(await convert(toJson, message)).toMatchObject({ status: 1, stderr: expect.stringContaining(expected) });
  });
});

describe("--explain", () => {
  test("prints a table with offsets, bytes, fields, types and values", async () => {
    const args = ["--explain", "--type", "Order", "--from", "protobuf", "--encoding", "hex"];
    expect(await convert(args, "080c 1207 0a036d7567 1005")).toMatchObject({
      status: 0,
      stdout: [
        "at  bytes           field           wire              type       value",
        " 0  08 0c           id              varint            int64      12",
        " 2  12 07           items[0]        length-delimited  shop.Item  message of 7 bytes",
        ' 4  0a 03 6d 75 67  items[0].sku    length-delimited  string     "mug"',
        " 9  10 05           items[0].price  varint            int32      5",
        "",
      ].join("\n"),
    });
  });

  test("needs no IDL, and gives JSON to programs", async () => {
    const { stdout } = await convertFile(
      ["--explain", "--json", "--from", "thrift-compact", "--in-encoding", "hex"],
      "150400",
    );
    expect(JSON.parse(stdout)).toEqual({
      ranges: [
        { at: 0, length: 2, hex: "1504", depth: 0, path: "1", wire: "i32", value: "2" },
        { at: 2, length: 1, hex: "00", depth: 0, path: "", wire: "stop" },
      ],
    });
  });

  test("explains a malformed message up to the byte that is wrong, and exits 1", async () => {
    const { status, stdout } = await convert(
      ["--explain", "--type", "Order", "--from", "protobuf", "--encoding", "hex"],
      "080c 1207 0a55",
    );
    expect(status).toBe(1);
    expect(stdout).toContain(" 0  08 0c  id");
    expect(stdout).toContain("error: items[0]: the length 7 is more than what is left, 2 bytes, at byte 3");
  });

  test("shows the header of an RPC message, and each message of a stream", async () => {
    const call = hex(
      "00000014 80010001 00000004 70696e67 00000007 0b0001 00 00".slice(0, 0) +
        "00000011 8001000100000004 70696e67 00000007 00",
    );
    const one = await convert(["--explain", "--message", "--service", "Shop"], call);
    expect(one.stdout).toContain('call "ping", sequence id 7, thrift-binary framed');
    const stream = await convert(
      ["--explain", "--type", "Order", "--from", "protobuf", "--delimited"],
      hex("020801 020802"),
    );
    expect(stream.stdout).toContain("message 2, at byte 4, 2 bytes\nat  bytes");
  });

  test("text is explained too, with the IDL or without it", async () => {
    const json = await convert(["--explain", "--from", "json", "--type", "Order"], '{"id":"5"}');
    expect(json.stdout.split("\n").slice(1, 3)).toEqual([
      " 0  7b                                    object  shop.Order  1 member",
      ' 1  22 69 64 22 3a 22 35 22 … (9)  id     string  int64       "5"',
    ]);
    const thrift = await convert(["--explain", "--message"], '[1,"getOrder",1,7,{"1":{"i64":5}}]');
    expect(thrift).toMatchObject({ status: 0, stderr: "" });
    expect(thrift.stdout).toContain('call "getOrder", sequence id 7, thrift-json');
    expect(thrift.stdout).toMatch(/ id +i64 +i64 +5\n/);
  });
});

test("a file that was there is kept when the message is wrong, and is made empty by an empty message", async () => {
  const path = join(folder, "kept.bin");
  writeFileSync(path, "before");
  const args = ["--type", "Order", "--from", "json", "--to", "protobuf", "--out", path];
  expect((await convert(args, '{"id":"x"}')).status).toBe(1);
  expect(readFileSync(path, "utf8")).toBe("before");
  expect((await convert(args, "{}")).status).toBe(0);
  expect(readFileSync(path, "utf8")).toBe("");
});

test("a file that cannot be written or read is named", async () => {
  const args = ["--type", "Order", "--from", "json", "--to", "json", "--out", join(folder, "no", "where")];
  expect(await convert(args, "{}")).toMatchObject({ status: 1, stderr: expect.stringContaining("ENOENT") });
  expect(readFileSync(join(folder, "shop.thrift"), "utf8")).toBe(IDL);
});

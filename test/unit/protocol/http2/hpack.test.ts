// HPACK by the examples of RFC 7541, and its bounds.
import { describe, expect, test } from "vitest";
import { markNeverIndexed, neverIndexedOf } from "../../../../src/protocol/http2/header-list.ts";
import { HpackDecoder } from "../../../../src/protocol/http2/hpack-decoder.ts";
import { HpackEncoder } from "../../../../src/protocol/http2/hpack-encoder.ts";
import { decodeHuffman, encodeHuffman, huffmanBytes } from "../../../../src/protocol/http2/huffman.ts";
import { blockOf } from "./http2-fixture.ts";

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");

function decode(decoder: HpackDecoder, block: Buffer) {
  return decoder.decode(block, 0, block.length);
}

const REQUESTS: readonly (readonly [list: string, tableBytes: number])[] = [
  [":method GET :scheme http :path / :authority www.example.com", 57],
  [":method GET :scheme http :path / :authority www.example.com cache-control no-cache", 110],
  [":method GET :scheme https :path /index.html :authority www.example.com custom-key custom-value", 164],
];

const DATE_1 = "Mon, 21 Oct 2013 20:13:21 GMT";
const DATE_2 = "Mon, 21 Oct 2013 20:13:22 GMT";
const SITE = "https://www.example.com";
const COOKIE = "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1";
const RESPONSES: readonly (readonly [list: readonly string[], tableBytes: number])[] = [
  [[":status", "302", "cache-control", "private", "date", DATE_1, "location", SITE], 222],
  [[":status", "307", "cache-control", "private", "date", DATE_1, "location", SITE], 222],
  [
    [":status", "200", "cache-control", "private", "date", DATE_2, "location", SITE, "content-encoding", "gzip"].concat(
      ["set-cookie", COOKIE],
    ),
    215,
  ],
];

const RESPONSE_BLOCKS = [
  `4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768
   7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d`,
  "4803 3330 37c1 c0bf",
  `88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153
   444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31`,
];
const HUFFMAN_RESPONSE_BLOCKS = [
  `4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8
   e9ae 82ae 43d3`,
  "4883 640e ffc1 c0bf",
  `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b
   3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07`,
];

describe("the examples of RFC 7541, appendix C", () => {
  test.each([
    ["C.2.1", "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572", "custom-key custom-header", 55],
    ["C.2.2", "040c 2f73 616d 706c 652f 7061 7468", ":path /sample/path", 0],
    ["C.2.3", "1008 7061 7373 776f 7264 0673 6563 7265 74", "password secret", 0],
    ["C.2.4", "82", ":method GET", 0],
  ])("%s", (_name, block, list, tableBytes) => {
    const decoder = new HpackDecoder(1_000);
    expect(decode(decoder, hex(block)).list).toEqual(list.split(" "));
    expect(decoder.tableBytes).toBe(tableBytes);
  });

  test.each([
    [
      "C.3, without Huffman coding",
      [
        "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "8286 84be 5808 6e6f 2d63 6163 6865",
        "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
      ],
    ],
    [
      "C.4, with Huffman coding",
      [
        "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
        "8286 84be 5886 a8eb 1064 9cbf",
        "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
      ],
    ],
  ])("%s: three requests on a connection", (_name, blocks) => {
    const decoder = new HpackDecoder(1_000);
    for (const [i, block] of blocks.entries()) {
      const [list, tableBytes] = REQUESTS[i]!;
      expect(decode(decoder, hex(block)).list).toEqual(list.split(" "));
      expect(decoder.tableBytes).toBe(tableBytes);
    }
  });

  test.each([
    ["C.5, without Huffman coding", RESPONSE_BLOCKS],
    ["C.6, with Huffman coding", HUFFMAN_RESPONSE_BLOCKS],
  ])("%s: three responses evict each other's fields from a table of 256 bytes", (_name, blocks) => {
    const decoder = new HpackDecoder(1_000);
    decode(decoder, hex("3fe101"));
    for (const [i, block] of blocks.entries()) {
      const [list, tableBytes] = RESPONSES[i]!;
      expect(decode(decoder, hex(block.replaceAll(/\s/g, ""))).list).toEqual(list);
      expect(decoder.tableBytes).toBe(tableBytes);
    }
  });
});

describe("Huffman's code", () => {
  const all = String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i));

  test("carries every byte", () => {
    const coded = Buffer.alloc(huffmanBytes(all));
    expect(encodeHuffman(all, coded, 0)).toBe(coded.length);
    const decoded = Buffer.alloc(2 * coded.length);
    expect(decodeHuffman(coded, 0, coded.length, decoded)).toBe(256);
    expect(decoded.toString("latin1", 0, 256)).toBe(all);
  });

  test.each([
    ["EOS inside", "ffffffff"],
    ["padding of zeros", "f1e3c2e5f23a6ba0ab90f400"],
    ["padding of eight ones", "1fff"],
  ])("%s is refused", (_name, coded) => {
    expect(decodeHuffman(hex(coded), 0, coded.length / 2, Buffer.alloc(64))).toBe(-1);
  });
});

describe("the decoder", () => {
  test("remembers two blocks that would stand in the same place", () => {
    // Their hashes end in the same five bits.
    const headers = Buffer.concat([hex("88 0f10 10"), Buffer.from("application/grpc")]);
    const trailers = Buffer.concat([hex("00 0b"), Buffer.from("grpc-status"), hex("0130")]);
    const decoder = new HpackDecoder(1_000);
    const lists = [headers, trailers, headers, trailers].map((block) => decode(decoder, block).list);
    expect(lists[2]).toBe(lists[0]);
    expect(lists[3]).toBe(lists[1]);
    expect(decoder.recognised).toBe(true);
    decode(decoder, blockOf(["grpc-status", "1"]));
    expect(decoder.recognised).toBe(false);
  });

  test("gives the same list again for the same bytes, until the table changes", () => {
    const decoder = new HpackDecoder(1_000);
    decode(decoder, hex("400a6375737 46f6d2d6b65790d637573746f6d2d686561646572"));
    const first = decode(decoder, hex("82be"));
    expect(first.list).toEqual([":method", "GET", "custom-key", "custom-header"]);
    expect(decode(decoder, Buffer.concat([hex("82be")]))).toBe(first);
    decode(decoder, hex("400161 0162"));
    expect(decode(decoder, hex("82be")).list).toEqual([":method", "GET", "a", "b"]);
  });

  test("keeps in mind what must never be indexed", () => {
    const { list } = decode(new HpackDecoder(1_000), hex("1008 7061 7373 776f 7264 0673 6563 7265 74"));
    expect([...(neverIndexedOf(list) ?? [])]).toEqual(["password"]);
  });

  test("cuts a list above the limit, and reads on for the table's sake", () => {
    const decoder = new HpackDecoder(100);
    const bomb = Buffer.concat([
      hex("4001617e"),
      Buffer.alloc(126, 0x78),
      Buffer.alloc(10_000, 0xbe),
      hex("4001620163"),
    ]);
    const { tooLarge, list } = decode(decoder, bomb);
    expect(tooLarge).toBe(true);
    expect(list.length).toBe(0);
    expect(decode(decoder, hex("be")).list).toEqual(["b", "c"]);
  });

  test.each([
    ["index 0", "80"],
    ["an index behind the tables", "be"],
    ["a name's index behind the tables", "7f0001 61"],
    ["a string past the block", "0001610561"],
    ["a name without a value", "000161"],
    ["an integer that does not end", "ffffff"],
    ["an integer of more than four further bytes", "ff8080808001"],
    ["a resize above the limit", "3fe21f"],
    ["a resize behind a field", "8220"],
  ])("%s is a COMPRESSION_ERROR", (_name, block) => {
    expect(() => decode(new HpackDecoder(1_000), hex(block))).toThrow(expect.objectContaining({ errorCode: 9 }));
  });

  test("insists on the resize that a smaller limit asks for", () => {
    const decoder = new HpackDecoder(1_000);
    decoder.limitTable(100);
    expect(() => decode(decoder, hex("82"))).toThrow(expect.objectContaining({ errorCode: 9 }));
    const obedient = new HpackDecoder(1_000);
    obedient.limitTable(100);
    expect(decode(obedient, hex("3f4582")).list).toEqual([":method", "GET"]);
  });

  test.each([
    ["upper case in a name", ["X-A", "1"]],
    ["an empty name", ["", "1"]],
    ["a pseudo header that does not exist", [":proto", "1"]],
    ["a field of one connection", ["connection", "close"]],
    ["te other than trailers", ["te", "gzip"]],
    ["a line break in a value", ["a", "b\nc"]],
    ["a NUL in a value", ["a", "b\0"]],
    ["a value that ends in a space", ["a", "b "]],
    ["a repeated pseudo header", [":path", "/", ":path", "/"]],
    ["a pseudo header behind others", ["a", "b", ":path", "/"]],
    ["two content-lengths", ["content-length", "1", "content-length", "2"]],
    ["a content-length that is no number", ["content-length", "1e3"]],
    ["a path that is no path", [":path", "s/m"]],
  ])("says that %s may stand in no message", (_name, list) => {
    expect(decode(new HpackDecoder(1_000), blockOf(list)).fault).toBeDefined();
  });
});

describe("the encoder", () => {
  const encode = (encoder: HpackEncoder, list: readonly string[]) => {
    const length = encoder.encode(list, 1_000_000);
    return Buffer.from(encoder.block.subarray(0, length));
  };

  test("refers to fields that repeat, and never fills the table with others", () => {
    const encoder = new HpackEncoder();
    const list = (timeout: string) => [":path", "/shop.Orders/Get", "te", "trailers", "grpc-timeout", timeout];
    const first = encode(encoder, list("1S"));
    const second = encode(encoder, list("999m"));
    const third = encode(encoder, list("998m"));
    expect(second.length).toBeLessThan(first.length / 2);
    expect(third.subarray(0, 2)).toEqual(second.subarray(0, 2));
    const decoder = new HpackDecoder(1_000);
    expect([first, second, third].map((block) => decode(decoder, block).list[5])).toEqual(["1S", "999m", "998m"]);
  });

  test("does not look at a list again that it sends again, while the table stands still", () => {
    const list = [":status", "200", "content-type", "application/grpc+again"];
    const encoder = new HpackEncoder();
    const decoder = new HpackDecoder(1_000);
    const send = () => decode(decoder, encode(encoder, list)).list;
    expect(send()).toEqual(list);
    expect(send()).toEqual(list);
    encode(encoder, list);
    const { block } = encoder;
    encode(encoder, list);
    expect(encoder.block).toBe(block);
  });

  test("writes what changes from call to call behind a list that does not", () => {
    const list = [":path", "/shop.Orders/Get", "te", "trailers", "tenant", "a"];
    const encoder = new HpackEncoder();
    const decoder = new HpackDecoder(1_000);
    for (const timeout of ["1S", "999m", "998m", "997m"]) {
      const changing = ["grpc-timeout", timeout];
      const length = encoder.encode(list, 1_000, changing);
      expect(decode(decoder, Buffer.from(encoder.block.subarray(0, length))).list).toEqual([...list, ...changing]);
    }
    expect(decode(decoder, encode(encoder, list)).list).toEqual(list);
    expect(() => encoder.encode(list, 160, ["grpc-timeout", "996m"])).toThrow("of 182 bytes pass the peer's limit");
    expect(() => encoder.encode(list, 1_000, ["grpc-timeout", "1\n"])).toThrow("cannot carry");
  });

  test("encodes a list anew when the table has moved since, or has become smaller", () => {
    const encoder = new HpackEncoder();
    const decoder = new HpackDecoder(1_000);
    const list = [":authority", "a.example", ":path", "/b", "te", "trailers"];
    const other = (path: string) => [":authority", "b.example", ":path", path];
    const send = (each: readonly string[]) => expect(decode(decoder, encode(encoder, [...each])).list).toEqual(each);
    const sendAgain = () => expect(decode(decoder, encode(encoder, list)).list).toEqual(list);
    for (let i = 0; i < 3; i++) sendAgain();
    send(other("/c"));
    sendAgain();
    sendAgain();
    encoder.limitTable(120);
    sendAgain();
    sendAgain();
    encoder.limitTable(0);
    for (let i = 0; i < 3; i++) sendAgain();
    for (let i = 0; i < 20; i++) send(other(`/${i}`));
    sendAgain();
  });

  test("follows a table that becomes smaller and larger again", () => {
    const encoder = new HpackEncoder();
    const decoder = new HpackDecoder(1_000);
    const list = () => [":authority", "a.example", ":path", "/b", "te", "trailers"];
    decode(decoder, encode(encoder, list()));
    encoder.limitTable(60);
    encoder.limitTable(100);
    const block = encode(encoder, list());
    expect(block.subarray(0, 2)).toEqual(hex("3f1d"));
    expect(decode(decoder, block).list).toEqual(list());
    encoder.limitTable(1_000_000);
    expect(decode(decoder, encode(encoder, list())).list).toEqual(list());
    expect(decode(decoder, encode(encoder, list())).list).toEqual(list());
    expect(decoder.tableBytes).toBeGreaterThan(60);
  });

  test("never indexes secrets, nor what came never indexed", () => {
    const list = ["authorization", "Bearer x", "te", "trailers"];
    markNeverIndexed(list, new Set(["te"]));
    const decoder = new HpackDecoder(1_000);
    const again = decode(decoder, encode(new HpackEncoder(), list)).list;
    expect([...(neverIndexedOf(again) ?? [])]).toEqual(["authorization", "te"]);
    expect(decoder.tableBytes).toBe(0);
  });

  test.each([
    ["upper case", ["A", "b"]],
    ["a line break", ["a", "b\r\n"]],
    ["a character beyond one byte", ["a", "€"]],
  ])("refuses %s before it changes anything", (_name, list) => {
    const encoder = new HpackEncoder();
    expect(() => encoder.encode(["te", "trailers", ...list], 1_000)).toThrow(
      expect.objectContaining({ code: "INTERNAL" }),
    );
    expect(encode(encoder, ["te", "trailers"])[0]! & 0x40).toBe(0x40);
  });

  test("refuses a list above the peer's limit", () => {
    const list = ["a", "x".repeat(100)];
    for (let i = 0; i < 3; i++) {
      expect(() => new HpackEncoder().encode(list, 100)).toThrow(
        expect.objectContaining({ code: "RESOURCE_EXHAUSTED" }),
      );
    }
  });
});

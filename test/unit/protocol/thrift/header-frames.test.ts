import { deflateSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RpcError } from "../../../../src/base/errors.ts";
import { readSignalFrame, undress, writeCancel } from "../../../../src/protocol/thrift/dress.ts";
import { readTHeader, writeTHeader } from "../../../../src/protocol/thrift/theader.ts";
import { readTTHeader, writeTTHeader } from "../../../../src/protocol/thrift/ttheader.ts";

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(" ", ""), "hex");
}

function errorOf(run: () => unknown): RpcError {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(RpcError);
    return error as RpcError;
  }
  throw new Error("nothing was thrown");
}

const NO_NUMBERS = new Map<number, string>();
const PAYLOAD = hex("80010001 00000000 00000007 00");
const room = (roomBytes: number) => Buffer.concat([Buffer.alloc(roomBytes, 0xee), PAYLOAD]);

/** Each layout as it stands in the specification, without the length of the frame. */
const THEADER = hex(
  [
    "0fff 0001 00000007 0004", // magic, flags, sequence id, 16 bytes of headers
    "00 00", // binary, no transforms
    "01 02", // two pairs
    "03 6b6579 01 76", // key: v
    "01 61 02 c3a9", // a: é
    "00", // padding
    "80010001 00000000 00000007 00",
  ].join(""),
);
const TTHEADER = hex(
  [
    "1000 0000 00000007 0007", // magic, flags, sequence id, 28 bytes of headers
    "00 00", // protocol id, no transforms
    "01 0001 0003 69736e 0004 4563686f", // isn: Echo
    "10 0001 000c 0003 313530", // 12: 150
    "0000", // padding
    "80010001 00000000 00000007 00",
  ].join(""),
);

describe("THeader", () => {
  test("is read as the specification has it", () => {
    expect(readTHeader(THEADER, 1_000)).toMatchObject({
      flags: 1,
      sequenceId: 7,
      protocolId: 0,
      zlib: false,
      pairs: ["key", "v", "a", "é"],
      payload: PAYLOAD,
    });
  });

  test("is written as it is read, behind its length", () => {
    const head = { flags: 1, sequenceId: 7, protocolId: 0, zlib: false, pairs: ["key", "v"], numbered: NO_NUMBERS };
    expect(writeTHeader(head, room).toString("hex")).toBe(
      hex("00000023 0fff 0001 00000007 0003 00 00 01 01 03 6b6579 01 76 0000 80010001 00000000 00000007 00").toString(
        "hex",
      ),
    );
  });

  test("a payload is compressed and comes back", () => {
    const head = { flags: 0, sequenceId: -1, protocolId: 2, zlib: true, pairs: ["k", "v"], numbered: NO_NUMBERS };
    const frame = writeTHeader(head, room);
    expect(frame.readUInt32BE(0)).toBe(frame.length - 4);
    expect(readTHeader(frame.subarray(4), 1_000)).toMatchObject({ ...head, payload: PAYLOAD });
  });

  test("transforms are undone in turn", () => {
    const twice = deflateSync(deflateSync(PAYLOAD));
    const frame = Buffer.concat([hex("0fff 0000 00000007 0001 00 02 01 01"), twice]);
    expect(readTHeader(frame, 1_000).payload).toEqual(PAYLOAD);
  });

  test("an unknown kind of headers ends the reading, and what is behind it is no error", () => {
    const frame = Buffer.concat([hex("0fff 0000 00000007 0002 00 00 05 ff ff ff ff ff"), PAYLOAD]);
    expect(readTHeader(frame, 1_000)).toMatchObject({ pairs: [], payload: PAYLOAD });
  });

  test.each([
    ["HMAC", "0fff 0000 00000007 0001 00 01 02 00", "UNIMPLEMENTED"],
    ["snappy behind zlib", "0fff 0000 00000007 0001 00 02 01 03", "UNIMPLEMENTED"],
    ["five times zlib", "0fff 0000 00000007 0002 00 05 01 01 01 01 01 00", "UNIMPLEMENTED"],
    ["no zlib stream", "0fff 0000 00000007 0001 00 01 01 00 deadbeef", "INVALID_ARGUMENT"],
    ["headers behind the frame's end", "0fff 0000 00000007 0002 00 00", "INVALID_ARGUMENT"],
    ["a value behind the headers' end", "0fff 0000 00000007 0002 00 00 01 01 01 61 09 61 61 61", "INVALID_ARGUMENT"],
    ["more pairs than there are", "0fff 0000 00000007 0002 00 00 01 ffffffff0f 00", "INVALID_ARGUMENT"],
    ["headers above 32 KiB", "0fff 0000 00000007 2001", "RESOURCE_EXHAUSTED"],
    ["nothing behind the magic", "0fff", "INVALID_ARGUMENT"],
  ])("with %s is an error", (_name, frame, code) => {
    expect(errorOf(() => readTHeader(hex(frame), 1_000))).toMatchObject({ code });
  });

  test("a payload that inflates to more than the limit is refused, however small it came", () => {
    const bomb = Buffer.concat([hex("0fff 0000 00000007 0001 00 01 01 00"), deflateSync(Buffer.alloc(5_000_000))]);
    expect(errorOf(() => readTHeader(bomb, 1_000_000))).toMatchObject({ code: "RESOURCE_EXHAUSTED" });
    expect(readTHeader(bomb, 5_000_000).payload.length).toBe(5_000_000);
  });
});

describe("TTHeader", () => {
  test("is read with its string and integer keys", () => {
    expect(readTTHeader(TTHEADER)).toMatchObject({
      flags: 0,
      sequenceId: 7,
      protocolId: 0,
      pairs: ["isn", "Echo"],
      numbered: new Map([[12, "150"]]),
      payload: PAYLOAD,
    });
  });

  test("is written as it is read, behind its length", () => {
    const head = {
      flags: 0,
      sequenceId: 7,
      protocolId: 0,
      zlib: false,
      pairs: ["isn", "Echo"],
      numbered: new Map([[12, "150"]]),
    };
    const length = Buffer.alloc(4);
    length.writeUInt32BE(TTHEADER.length);
    expect(writeTTHeader(head, room).toString("hex")).toBe(Buffer.concat([length, TTHEADER]).toString("hex"));
  });

  test("an ACL token is stepped over, and padding may stand between", () => {
    const frame = Buffer.concat([hex("1000 0000 00000007 0004 00 00 11 0002 6162 00 01 0001 0000 0000 00"), PAYLOAD]);
    expect(readTTHeader(frame)).toMatchObject({ pairs: ["", ""], payload: PAYLOAD });
  });

  test.each([
    ["a transform", "1000 0000 00000007 0001 00 01 01 00", "UNIMPLEMENTED"],
    ["an unknown kind of headers", "1000 0000 00000007 0001 00 00 05 00", "INVALID_ARGUMENT"],
    ["a value behind the headers' end", "1000 0000 00000007 0002 00 00 01 0001 0004 61", "INVALID_ARGUMENT"],
    ["more pairs than there are", "1000 0000 00000007 0002 00 00 10 ffff 0001 00", "INVALID_ARGUMENT"],
    ["headers above 32 KiB", "1000 0000 00000007 ffff", "RESOURCE_EXHAUSTED"],
  ])("with %s is an error", (_name, frame, code) => {
    expect(errorOf(() => readTTHeader(hex(frame)))).toMatchObject({ code });
  });

  test("headers above 32 KiB are not written either", () => {
    const head = { flags: 0, sequenceId: 7, protocolId: 0, zlib: false, numbered: NO_NUMBERS };
    const pairs = ["k", "v".repeat(33_000)];
    expect(errorOf(() => writeTTHeader({ ...head, pairs }, room))).toMatchObject({ code: "RESOURCE_EXHAUSTED" });
    expect(errorOf(() => writeTHeader({ ...head, pairs }, room))).toMatchObject({ code: "RESOURCE_EXHAUSTED" });
  });

  test("a message may stand in a frame of its own, whose length must be right", () => {
    const inner = (length: string) => Buffer.concat([hex("1000 0000 00000007 0001 00 00 0000"), hex(length), PAYLOAD]);
    expect(undress(inner("0000000d"), "ttheader", 0).payload).toEqual(PAYLOAD);
    expect(errorOf(() => undress(inner("0000000e"), "ttheader", 0))).toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  test("a protocol id that is not known is INVALID_PROTOCOL", () => {
    const frame = Buffer.concat([hex("1000 0000 00000007 0001 05 00 0000"), PAYLOAD]);
    expect(errorOf(() => undress(frame, "ttheader", 0))).toMatchObject({ code: "UNIMPLEMENTED", cause: { type: 9 } });
  });

  test("a frame without payload is a signal", () => {
    expect(readSignalFrame(writeCancel(5).subarray(4))).toEqual({ sequenceId: 5, signal: "cancel" });
    const ping = hex("1000 0000 00000000 0005 00 00 01 0001 0007 63772d70696e67 0001 31 000000");
    expect(readSignalFrame(ping)).toEqual({ sequenceId: 0, signal: "ping" });
    expect(readSignalFrame(TTHEADER)).toBeUndefined();
    expect(readSignalFrame(THEADER)).toBeUndefined();
  });
});

test.each([
  ["THeader", THEADER, (frame: Buffer) => readTHeader(frame, 10_000)],
  ["TTHeader", TTHEADER, (frame: Buffer) => readTTHeader(frame)],
] as const)("%s changed anywhere is a frame or a RpcError, and nothing else", (_name, original, read) => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(original.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
      fc.nat(original.length),
      (changes, length) => {
        const bytes = Buffer.from(original);
        for (const [at, byte] of changes) bytes[at] = byte;
        try {
          read(bytes.subarray(0, length));
        } catch (error) {
          expect(error).toBeInstanceOf(RpcError);
        }
      },
    ),
    { numRuns: 3_000 },
  );
});

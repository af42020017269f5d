// Thrift binary messages for tests: one struct that holds every type, in every dialect.
import type { Envelope } from "../../../../src/protocol/thrift/dialect.ts";
import { MESSAGE, writeMessage } from "../../../../src/protocol/thrift/message.ts";

/** A struct with every wire type, nested both ways, and a field that is unknown everywhere. */
export const EVERYTHING = Buffer.from(
  [
    "02 0001 01", // bool
    "03 0002 7f", // i8
    "06 0003 1234", // i16
    "08 0004 ffffffff", // i32
    "0a 0005 0123456789abcdef", // i64
    "04 0006 3ff0000000000000", // double
    "0b 0007 00000005 68656c6c6f", // string
    "10 0008 00112233445566778899aabbccddeeff", // uuid
    "0f 0009 08 00000002 00000001 00000002", // list<i32>
    "0e 000a 0b 00000002 00000001 61 00000000", // set<string>
    "0d 000b 0b 0c 00000001 00000001 6b 02 0001 01 00", // map<string, struct>
    "0d 000c 08 0a 00000001 00000001 0000000000000002", // map<i32, i64>
    "0d 000d 00 00 00000000", // an empty map without types
    "0f 000e 0f 00000002 02 00000003 01 00 01 0c 00000001 00", // list<list<…>> of bools and structs
    "0c 000f 0c 0001 00 00", // struct in struct
    "00",
  ]
    .join("")
    .replaceAll(" ", ""),
  "hex",
);

/** The same values as compact has them, by the specification. */
export const COMPACT_EVERYTHING = Buffer.from(
  [
    "11", // bool true
    "13 7f", // i8
    "14 e848", // i16 0x1234
    "15 01", // i32 -1
    "16 de9bd7beedb5e28e02", // i64, any varint
    "17 000000000000f03f", // double 1, little-endian
    "18 05 68656c6c6f", // string
    "1d 00112233445566778899aabbccddeeff", // uuid
    "19 25 02 04", // list<i32>
    "1a 28 01 61 00", // set<string>
    "1b 01 8c 01 6b 11 00", // map<string, struct>
    "1b 01 56 02 04", // map<i32, i64>
    "1b 00", // an empty map
    "19 29 31 01 02 01 1c 00", // list<list<…>> of bools and structs
    "1c 1c 00 00", // struct in struct
    "0c c801 00", // a field whose id is written out: 100
    "1b 01 1d 01 00112233445566778899aabbccddeeff", // map<bool, uuid>
    `19 f7 0f${"00".repeat(8 * 15)}`, // a list of fifteen doubles
    "00",
  ]
    .join("")
    .replaceAll(" ", ""),
  "hex",
);

/** An envelope around a struct, without a frame length. */
export function messageOf(strict: boolean, body: Uint8Array = EVERYTHING, sequenceId = 7): Uint8Array {
  return envelopeOf(strict ? "strict" : "old", body, sequenceId);
}

export function envelopeOf(envelope: Envelope, body: Uint8Array, sequenceId = 7): Uint8Array {
  return writeMessage({ envelope, name: "echo", type: MESSAGE.CALL, sequenceId }, 0, body);
}

export function framed(message: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(message.length);
  return Buffer.concat([length, message]);
}

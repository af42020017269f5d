import fc from "fast-check";
import protobuf from "protobufjs";
import { describe, expect, test } from "vitest";
import { CODE_NUMBERS, type Code } from "../../../../src/base/errors.ts";
import { headerOf } from "../../../../src/protocol/grpc/header-list.ts";
import {
  codeOfReset,
  decodeMessage,
  encodeMessage,
  readStatus,
  writeStatus,
} from "../../../../src/protocol/grpc/status.ts";

const { root } = protobuf.parse(`syntax = "proto3";
  message Any { string type_url = 1; bytes value = 2; }
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }`);
const Status = root.lookupType("Status");

test.each([
  ["plain text", "plain text"],
  ["100 %", "100 %25"],
  ["é", "%C3%A9"],
  ["a\nb\u007f", "a%0Ab%7F"],
  ["😀", "%F0%9F%98%80"],
])("the message %j is written %s and read back", (text, encoded) => {
  expect(encodeMessage(text)).toBe(encoded);
  expect(decodeMessage(encoded)).toBe(text);
});

test("any text of reasonable length comes back; broken encodings stay as they are", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 100 }), (text) => {
      expect(decodeMessage(encodeMessage(text))).toBe(text.toWellFormed());
    }),
  );
  expect(decodeMessage("50% of %zz %4")).toBe("50% of %zz %4");
});

test("a long message is cut, so that headers stay small", () => {
  expect(encodeMessage("é".repeat(100_000)).length).toBeLessThanOrEqual(3 * 1024);
});

describe("details", () => {
  const details = [{ typeUrl: "type.googleapis.com/test.Missing", value: Buffer.from([10, 1, 97]) }];

  test("are a google.rpc.Status that protobufjs reads, and are read back", () => {
    const headers: string[] = [];
    writeStatus({ code: "NOT_FOUND", message: "no é", details }, headers);
    const base64 = headerOf(headers, "grpc-status-details-bin")!;
    expect(base64).not.toContain("=");
    expect(Status.toObject(Status.decode(Buffer.from(base64, "base64")))).toMatchObject({
      code: 5,
      message: "no é",
      details: [{ typeUrl: details[0]!.typeUrl, value: details[0]!.value }],
    });
    expect(readStatus(headers, 200)).toEqual({ code: "NOT_FOUND", message: "no é", details });
  });

  test("above 6 KiB are left out, and the message names their types", () => {
    const headers: string[] = [];
    const large = [{ typeUrl: "type.googleapis.com/test.Large", value: Buffer.alloc(5_000) }];
    writeStatus({ code: "UNKNOWN", message: "m", details: large }, headers);
    expect(headers).toEqual(["grpc-status", "2", "grpc-message", "m (truncated: test.Large)"]);
  });

  test("that are malformed are none, and the status stands", () => {
    const good = Buffer.from(Status.encode({ code: 5, message: "m", details }).finish());
    fc.assert(
      fc.property(
        fc.nat(good.length - 1),
        fc.integer({ min: 0, max: 255 }),
        fc.nat(good.length),
        (at, byte, length) => {
          const bytes = Buffer.from(good).subarray(0, length);
          if (at < length) bytes[at] = byte;
          const headers = ["grpc-status", "5", "grpc-status-details-bin", bytes.toString("base64")];
          expect(readStatus(headers, 200)).toMatchObject({ code: "NOT_FOUND" });
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

test.each(Object.entries(CODE_NUMBERS) as [Code, number][])("%s is grpc-status %i", (code, number) => {
  expect(readStatus(["grpc-status", String(number)], 200)?.code).toBe(code);
});

test.each(["17", "-1", "abc", "", "00000000000005"])("grpc-status %j is UNKNOWN", (text) => {
  expect(readStatus(["grpc-status", text], 200)?.code).toBe("UNKNOWN");
});

test("grpc-status 0 is no failure, whatever the HTTP status", () => {
  expect(readStatus(["grpc-status", "0"], 503)).toBeUndefined();
});

test.each([
  [400, "INTERNAL"],
  [401, "UNAUTHENTICATED"],
  [403, "PERMISSION_DENIED"],
  [404, "UNIMPLEMENTED"],
  [429, "UNAVAILABLE"],
  [502, "UNAVAILABLE"],
  [503, "UNAVAILABLE"],
  [504, "UNAVAILABLE"],
  [200, "UNKNOWN"],
  [500, "UNKNOWN"],
  [undefined, "UNKNOWN"],
])("HTTP status %s without grpc-status is %s", (httpStatus, code) => {
  expect(readStatus([], httpStatus)?.code).toBe(code);
});

test.each([
  [0, "INTERNAL"],
  [2, "INTERNAL"],
  [7, "UNAVAILABLE"],
  [8, "CANCELLED"],
  [11, "RESOURCE_EXHAUSTED"],
  [12, "PERMISSION_DENIED"],
])("HTTP/2 error code %i is %s", (errorCode, code) => {
  expect(codeOfReset(errorCode)).toBe(code);
});

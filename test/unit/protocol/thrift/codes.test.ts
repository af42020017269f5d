import { describe, expect, test } from "vitest";
import { CODE_NUMBERS, type Code, RpcError } from "../../../../src/base/errors.ts";
import { fromApplicationException, toApplicationException } from "../../../../src/protocol/thrift/codes.ts";

const codes = Object.keys(CODE_NUMBERS) as Code[];

test.each([
  ["UNKNOWN", 0],
  ["UNIMPLEMENTED", 1],
  ["INTERNAL", 6],
  ["DATA_LOSS", 6],
  ["INVALID_ARGUMENT", 7],
  ["OUT_OF_RANGE", 7],
  ["UNAVAILABLE", 6],
  ["NOT_FOUND", 6],
] as const)("%s is type %i to a Thrift caller", (code, type) => {
  expect(toApplicationException(new RpcError(code, "text"))).toEqual({
    type,
    message: `[grpc:${CODE_NUMBERS[code]} ${code}] text`,
  });
});

test.each([
  [0, "UNKNOWN"],
  [1, "UNIMPLEMENTED"],
  [2, "INTERNAL"],
  [3, "INTERNAL"],
  [4, "INTERNAL"],
  [5, "INTERNAL"],
  [6, "INTERNAL"],
  [7, "INVALID_ARGUMENT"],
  [8, "UNIMPLEMENTED"],
  [9, "UNIMPLEMENTED"],
  [10, "UNIMPLEMENTED"],
  [11, "UNKNOWN"],
  [20, "UNIMPLEMENTED"],
  [21, "UNIMPLEMENTED"],
  [-1, "UNKNOWN"],
] as const)("type %i of a peer is %s", (type, code) => {
  expect(fromApplicationException({ type, message: "text" })).toMatchObject({
    code,
    message: "text",
    origin: "peer",
    sent: true,
  });
});

describe("there and back", () => {
  test.each(codes)("%s is the exact code again, and its text", (code) => {
    const back = fromApplicationException(toApplicationException(new RpcError(code, "[a] text")));
    expect(back).toMatchObject({ code, message: "[a] text" });
  });

  test.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 21])(
    "type %i of a Thrift peer stays itself to a Thrift caller",
    (type) => {
      expect(toApplicationException(fromApplicationException({ type, message: "text" })).type).toBe(type);
    },
  );
});

test.each(["[grpc:14 INTERNAL] text", "[grpc:0 OK] text", "[grpc:99 NEW] text", "grpc:14 UNAVAILABLE"])(
  "%s is not taken for a code",
  (message) => {
    expect(fromApplicationException({ type: 6, message })).toMatchObject({ code: "INTERNAL", message });
  },
);

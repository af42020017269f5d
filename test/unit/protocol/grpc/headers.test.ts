import { describe, expect, test } from "vitest";
import { Metadata } from "../../../../src/base/metadata.ts";
import { readMetadata, writeMetadata } from "../../../../src/protocol/grpc/header-list.ts";
import { formatTimeout, parseTimeout } from "../../../../src/protocol/grpc/timeout.ts";

describe("metadata", () => {
  test("is read without pseudo headers, gRPC's own and those of one hop; binary values are unpadded and parted", () => {
    const list = [":path", "/a/b", "te", "trailers", "content-type", "application/grpc", "grpc-timeout", "1S"];
    const metadata = readMetadata([...list, "tenant", "a", "tenant", "b", "key-bin", "AQI=,Aw==", "user-agent", "x"]);
    expect([...metadata]).toEqual([
      ["tenant", "a"],
      ["tenant", "b"],
      ["key-bin", "AQI"],
      ["key-bin", "Aw"],
      ["user-agent", "x"],
    ]);
  });

  test("is written without what is reserved or cannot be carried, which is counted", () => {
    const headers: string[] = [];
    const metadata = Metadata.from([
      ["good", "value"],
      ["grpc-status", "0"],
      ["content-type", "text/html"],
      [":path", "/x"],
      ["connection", "close"],
      ["bad name", "x"],
      ["split", "a\r\nb"],
      ["accent", "é"],
      ["empty", ""],
    ]);
    expect(writeMetadata(metadata, headers)).toBe(7);
    expect(headers).toEqual(["good", "value", "empty", ""]);
  });
});

test.each([
  ["1H", 3_600_000],
  ["2M", 120_000],
  ["3S", 3_000],
  ["4m", 4],
  ["5000u", 5],
  ["6000000n", 6],
  ["99999999H", 99_999_999 * 3_600_000],
  ["0m", 0],
])("grpc-timeout %s is %d ms", (text, timeoutMs) => {
  expect(parseTimeout(text)).toBeCloseTo(timeoutMs);
});

test.each(["", "1", "m", "123456789m", "-1m", "1.5S", "1s", "1 S", "1Sx"])("%j is no grpc-timeout", (text) => {
  expect(parseTimeout(text)).toBeUndefined();
});

test.each([
  [0.5, "500u"],
  [99.9999, "100000u"],
  [100, "100m"],
  [1_000.001, "1001m"],
  [99_999_998.5, "99999999m"],
  [99_999_999.5, "100000S"],
  [100_000, "100000m"],
  [3_600_000_000, "3600000S"],
  [0, "0u"],
  [-5, "0u"],
  [1e30, "99999999H"],
])("%d ms is written as %s", (timeoutMs, text) => {
  expect(formatTimeout(timeoutMs)).toBe(text);
});

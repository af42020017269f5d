import { expect, test } from "vitest";
import { readRetryInfo, retryInfo } from "../../../src/rpc/retry-info.ts";

const detail = (hex: string) => ({
  typeUrl: "type.googleapis.com/google.rpc.RetryInfo",
  value: Buffer.from(hex, "hex"),
});

test("RetryInfo is Google's message with a duration", () => {
  // {1: {1: 2, 2: 500000000}}
  expect(Buffer.from(retryInfo(2_500).value).toString("hex")).toBe("0a0808021080cab5ee01");
});

test.each([0, 1, 999.5, 1_000, 86_400_000])("%d milliseconds are read as they were written", (ms) => {
  expect(readRetryInfo([{ typeUrl: "a/b.C", value: Buffer.of(1) }, retryInfo(ms)])).toBe(ms);
});

test.each([
  ["", 0],
  ["0a00", 0],
  ["0a02", undefined],
  ["0a0408", undefined],
  ["ff", undefined],
  // Minus one second.
  ["0a0b08ffffffffffffffffff01", undefined],
])("the detail %s says %s", (hex, ms) => {
  expect(readRetryInfo([detail(hex)])).toBe(ms);
});

test("other details say nothing", () => {
  expect(readRetryInfo([])).toBeUndefined();
  expect(readRetryInfo([{ typeUrl: "type.googleapis.com/shop.Busy", value: retryInfo(5).value }])).toBeUndefined();
});

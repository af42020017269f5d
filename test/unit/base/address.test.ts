import { expect, test } from "vitest";
import { formatAddress, parseAddress } from "../../../src/base/address.ts";

test.each([
  ["127.0.0.1:7420", { kind: "tcp", host: "127.0.0.1", port: 7420 }],
  ["localhost:0", { kind: "tcp", host: "localhost", port: 0 }],
  ["[::1]:80", { kind: "tcp", host: "::1", port: 80 }],
  ["unix:/run/causeway.sock", { kind: "unix", path: "/run/causeway.sock" }],
])("%s is an address and prints as it was", (text, address) => {
  expect(parseAddress(text)).toEqual(address);
  expect(formatAddress(parseAddress(text)!)).toBe(text);
});

test.each(["", "unix:", "7420", "host", "host:", "host:65536", "a b:1", "::1:80"])("%j is no address", (text) => {
  expect(parseAddress(text)).toBeUndefined();
});

import { expect, test } from "vitest";
import { Metadata } from "../../../../src/base/metadata.ts";
import { readRequestMetadata, writeResponseMetadata } from "../../../../src/protocol/http/http-metadata.ts";

test.each([
  ["content-type", "application/json"],
  ["content-encoding", "gzip"],
  ["accept-encoding", "gzip"],
  ["host", "127.0.0.1"],
  ["te", "trailers"],
  ["origin", "https://shop.example"],
  ["sec-fetch-site", "none"],
  ["connect-timeout-ms", "1"],
  ["grpc-timeout", "1S"],
  ["client_timeout", "1"],
  ["cw", "1"],
  ["cw-hops", "1"],
  ["proxy-authorization", "Basic x"],
])("the header %s is no metadata", (name, value) => {
  expect(readRequestMetadata(Metadata.from([[name, value]])).size).toBe(0);
});

test("what the application sends is metadata, in order and repeated, binary values one by one and unpadded", () => {
  const pairs = [
    ["x-many", "1"],
    ["authorization", "Bearer t"],
    ["x-many", "2"],
    ["x-data-bin", "AQI=, Aw=="],
  ] as const;
  expect([...readRequestMetadata(Metadata.from(pairs))]).toEqual([
    ...pairs.slice(0, 3),
    ["x-data-bin", "AQI"],
    ["x-data-bin", "Aw"],
  ]);
});

test("what connection names is of one hop", () => {
  const headers = Metadata.from([
    ["x-hop", "1"],
    ["x-end", "1"],
    ["Connection", "keep-alive, X-Hop"],
  ]);
  expect([...readRequestMetadata(headers)]).toEqual([["x-end", "1"]]);
});

test("a response carries what HTTP can, behind a prefix, and nothing that it says itself", () => {
  const headers: string[] = [];
  const metadata = Metadata.from([
    ["x-a", "1"],
    ["x-a", "2"],
    ["x-line", "a\nb"],
    ["x name", "a"],
    ["content-length", "7"],
    ["content-encoding", "gzip"],
    ["access-control-allow-origin", "*"],
    ["cw-code", "0"],
  ]);
  writeResponseMetadata(metadata, headers, "trailer-");
  expect(headers).toEqual(["trailer-x-a", "1", "trailer-x-a", "2"]);
});

// The one case of the table of all wires that is too large to run beside others: a message of 10 MB on every way.
import { describe, test } from "vitest";
import { sendsTenMegabytes } from "./wire-cases.ts";
import { openWays, pairsOf } from "./wire-ways.ts";

describe("10 MB with hyper-express", () => {
  const wayOf = openWays("hyper-express");
  test.each(pairsOf("hyper-express"))("$title", (pair) => sendsTenMegabytes(wayOf(pair)));
});

describe("10 MB with node:http", () => {
  const wayOf = openWays("node:http");
  const pairs = pairsOf("node:http");
  // What is between the servers of HTTP and the wires has met above.
  const once = pairs.filter(({ from, to }) => from.name === to.name || (from.port === "http" && to.name === "grpc"));
  test.each(once)("$title", (pair) => sendsTenMegabytes(wayOf(pair)));
});

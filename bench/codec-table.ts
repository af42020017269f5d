// The table of bench/README.md, written from results.
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import type { ThriftCodec } from "./libraries.ts";

/** One case, one way. */
export interface Result {
  readonly case: string;
  readonly codec: ThriftCodec;
  readonly direction: "thrift-to-protobuf" | "protobuf-to-thrift";
  /** Of the Thrift message. */
  readonly bytes: number;
  readonly messagesPerSecond: number;
  /** Of Thrift bytes, in millions. */
  readonly mbPerSecond: number;
  readonly ratioToLibraries: number;
  /** To a plain copy of the input's bytes to an array of its own. */
  readonly ratioToCopy: number;
  /** To Go's official libraries. */
  readonly ratioToNative?: number;
}

const README = fileURLToPath(new URL("README.md", import.meta.url));
const BEGIN = "<!-- codec: written by `npm run bench -- codec --write` -->";
const END = "<!-- /codec -->";

/** Replaces the table between its marks. */
export function writeTable(results: readonly Result[]): void {
  const before = readFileSync(README, "utf8");
  const [head, rest] = before.split(BEGIN);
  const tail = rest?.split(END)[1];
  if (head === undefined || tail === undefined)
    throw new Error("bench/README.md has lost the marks of its codec table");
  const rows = results.map((each) =>
    [
      each.case,
      each.codec,
      each.direction,
      each.bytes,
      each.messagesPerSecond.toLocaleString("en"),
      each.mbPerSecond.toFixed(0),
      each.ratioToLibraries.toFixed(1),
      each.ratioToCopy.toFixed(2),
      each.ratioToNative?.toFixed(1) ?? "",
    ].join(" | "),
  );
  const place = `${cpus()[0]?.model ?? "unknown processor"}, Node ${process.versions.node}`;
  const table = [
    `Measured on ${place}.`,
    "",
    "| case | codec | direction | bytes | messages/s | MB/s | × npm libraries | × copy | × Go libraries |",
    "|---|---|---|--:|--:|--:|--:|--:|--:|",
    ...rows.map((row) => `| ${row} |`),
  ];
  writeFileSync(README, `${head}${BEGIN}\n${table.join("\n")}\n${END}${tail}`);
}

// Prints what explain.ts finds: a table for people, JSON for programs.
import { styleText } from "node:util";
import type { Codec } from "../codec/codec.ts";
import { type ByteRange, type ExplainError, explain } from "../codec/explain.ts";
import type { MessageType } from "../schema/model.ts";
import { LIMITS } from "./convert-codec.ts";
import type { Output } from "./convert-files.ts";

/** One message to explain. */
export interface Explained {
  readonly bytes: Buffer;
  readonly codec: Codec;
  readonly type: MessageType | undefined;
  /** Where the message begins in what is printed of it: behind the header that stands in front. */
  readonly bodyAt: number;
  /** What stands in front, if there is anything. */
  readonly header: string | undefined;
}

/** More are not printed: nobody reads them, and they take far more room than the message. */
const MAX_RANGES = 100_000;

const TOO_MANY = Symbol("more ranges than are printed");

/** Every range, the header's included, and what is wrong. */
interface Found {
  readonly ranges: readonly ByteRange[];
  readonly error: ExplainError | undefined;
  readonly isCut: boolean;
}

function find({ bytes, codec, type, bodyAt, header }: Explained): Found {
  const ranges: ByteRange[] = [];
  if (header !== undefined) {
    ranges.push({ at: 0, end: bodyAt, depth: 0, path: "", wire: "header", type: undefined, value: header });
  }
  try {
    const error = explain(bytes.subarray(bodyAt), codec, type, LIMITS.maxDepth, (range) => {
      if (ranges.length === MAX_RANGES) throw TOO_MANY;
      ranges.push({ ...range, at: range.at + bodyAt, end: range.end + bodyAt });
    });
    return { ranges, error: error && { ...error, at: error.at + bodyAt }, isCut: false };
  } catch (thrown) {
    if (thrown !== TOO_MANY) throw thrown;
    return { ranges, error: undefined, isCut: true };
  }
}

/** Prints one message; false when it is malformed. Colours are used only if `colors`. */
export function printExplained(message: Explained, json: boolean, colors: boolean, output: Output): boolean {
  const found = find(message);
  if (json) printJson(message.bytes, found, output);
  else printTable(message.bytes, found, colors, output);
  return found.error === undefined;
}

/** `{"ranges":[{"at","length","hex","depth","path","wire","type","value"}],"error"?:{"at","path","message"},"cut"?:true}` */
function printJson(bytes: Buffer, { ranges, error, isCut }: Found, output: Output): void {
  output.write('{"ranges":[');
  for (const [i, { at, end, ...range }] of ranges.entries()) {
    const hex = bytes.toString("hex", at, end);
    output.write(`${i === 0 ? "" : ","}${JSON.stringify({ at, length: end - at, hex, ...range })}`);
  }
  output.write(`]${error ? `,"error":${JSON.stringify(error)}` : ""}${isCut ? ',"cut":true' : ""}}\n`);
}

const SHOWN_BYTES = 8;
const MAX_VALUE = 120;
const MAX_COLUMN = 44;

function printTable(bytes: Buffer, { ranges, error, isCut }: Found, colors: boolean, output: Output): void {
  const paint = (style: "dim" | "red" | "bold", text: string): string =>
    colors ? styleText(style, text, { validateStream: false }) : text;
  const hasTypes = ranges.some(({ type }) => type !== undefined);
  const header = ["at", "bytes", "field", "wire", ...(hasTypes ? ["type"] : []), "value"];
  const rows = ranges.map(({ at, end, path, wire, type, value }) => [
    String(at),
    hexOf(bytes, at, end),
    path,
    wire,
    ...(hasTypes ? [type ?? ""] : []),
    clip(value ?? "", MAX_VALUE),
  ]);
  const widths = header.map((name, column) =>
    rows.reduce((widest, row) => Math.max(widest, Math.min(MAX_COLUMN, row[column]?.length ?? 0)), name.length),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) =>
        column === 0
          ? cell.padStart(widths[0] ?? 0)
          : column === cells.length - 1
            ? cell
            : cell.padEnd(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd();
  output.write(`${paint("bold", line(header))}\n`);
  for (const row of rows) {
    const text = line(row);
    const hexEnd = (widths[0] ?? 0) + 2 + (widths[1] ?? 0);
    output.write(`${paint("dim", text.slice(0, hexEnd))}${text.slice(hexEnd)}\n`);
  }
  if (isCut) output.write(`… only the first ${MAX_RANGES} ranges are shown\n`);
  if (error) {
    const rest = bytes.length > error.at ? `, where ${hexOf(bytes, error.at, bytes.length)} stand` : "";
    output.write(
      `${paint("red", "error")}: ${error.path || "message"}: ${error.message}, at byte ${error.at}${rest}\n`,
    );
  }
}

function hexOf(bytes: Buffer, at: number, end: number): string {
  const shown = bytes.toString("hex", at, Math.min(end, at + SHOWN_BYTES)).replace(/..(?=.)/g, "$& ");
  return end - at > SHOWN_BYTES ? `${shown} … (${end - at})` : shown;
}

function clip(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}… (${text.length} characters)` : text;
}

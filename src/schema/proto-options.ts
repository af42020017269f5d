// Reads options: `option name = value;`, `[name = value, ...]`, and the text format of aggregates. Options are kept as dotted
// names and printed values; what they mean is for those who know their types.
// protobuf.dev/reference/protobuf/textformat-spec
import { isUtf8 } from "node:buffer";
import type { ProtoCursor } from "./proto-cursor.ts";
import type { ProtoDefault, ProtoOption } from "./proto-document.ts";
import { parseProtoBigint } from "./proto-integer.ts";
import type { ProtoToken } from "./proto-lexer.ts";

/** Messages in messages in an option. */
const MAX_DEPTH = 32;
const MAX_OPTION_NAME_CHARS = 1_024;
/** The printed value of a message without fields, which has no scalar to stand for it. */
export const EMPTY_MESSAGE = "{}";

/** `option name = value;`, with the cursor at `option`. */
export function parseOption(cursor: ProtoCursor, into: ProtoOption[]): void {
  cursor.expect("option");
  const name = optionName(cursor);
  cursor.expect("=");
  optionValue(cursor, name, into);
  cursor.expect(";");
}

/** `[name = value, ...]` if it is there; a field's `default` is no option, and returned. */
export function parseInlineOptions(
  cursor: ProtoCursor,
  into: ProtoOption[],
  canDefault = false,
): ProtoDefault | undefined {
  if (!cursor.skip("[")) return undefined;
  let defaultValue: ProtoDefault | undefined;
  do {
    const token = cursor.peek();
    const name = optionName(cursor);
    cursor.expect("=");
    if (name !== "default" || !canDefault) optionValue(cursor, name, into);
    else if (defaultValue === undefined) defaultValue = parseDefault(cursor);
    else cursor.fail(token, "one default");
  } while (cursor.skip(","));
  cursor.expect("]");
  return defaultValue;
}

function parseDefault(cursor: ProtoCursor): ProtoDefault {
  if (cursor.peek().kind === "string") return { bytes: cursor.bytes("a default value") };
  const sign = cursor.skip("-") ? "-" : "";
  const token = cursor.next();
  if (!isWordOrNumber(token)) cursor.fail(token, "a default value");
  return { word: sign + token.text };
}

/** `(a.b).c.d`, as written but for blanks. */
function optionName(cursor: ProtoCursor): string {
  const first = cursor.peek();
  let name = "";
  do {
    if (cursor.skip("(")) {
      name += `.(${cursor.typeName("the full name of an option").text})`;
      cursor.expect(")");
    } else name += `.${cursor.name('an option\'s name, or "("').text}`;
  } while (cursor.skip("."));
  if (name.length > MAX_OPTION_NAME_CHARS) cursor.fail(first, `a name of at most ${MAX_OPTION_NAME_CHARS} characters`);
  return name.slice(1);
}

function optionValue(cursor: ProtoCursor, name: string, into: ProtoOption[]): void {
  if (cursor.looksAt("{")) message(cursor, name, into, 1);
  else into.push([name, scalar(cursor, "a valid value")]);
}

function message(cursor: ProtoCursor, name: string, into: ProtoOption[], depth: number): void {
  const open = cursor.next();
  if (depth > MAX_DEPTH) cursor.fail(open, `an option that nests at most ${MAX_DEPTH} deep`);
  const close = open.text === "{" ? "}" : ">";
  const before = into.length;
  while (!cursor.skip(close)) {
    field(cursor, name, into, depth);
    if (!cursor.skip(",")) cursor.skip(";");
  }
  if (into.length === before) push(cursor, open, name, EMPTY_MESSAGE, into);
}

function field(cursor: ProtoCursor, around: string, into: ProtoOption[], depth: number): void {
  const first = cursor.peek();
  const name = `${around}.${fieldName(cursor)}`;
  if (name.length > MAX_OPTION_NAME_CHARS) {
    cursor.fail(first, `a field whose path has at most ${MAX_OPTION_NAME_CHARS} characters`);
  }
  const colon = cursor.skip(":");
  if (cursor.looksAt("[")) list(cursor, name, into, depth);
  else if (isMessage(cursor)) message(cursor, name, into, depth + 1);
  else if (colon) push(cursor, first, name, scalar(cursor, "a valid value"), into);
  else cursor.fail(cursor.peek(), '":"');
}

/** `name`, `[extension.name]` printed as `(extension.name)`, or the `[domain/type.name]` of an Any. */
function fieldName(cursor: ProtoCursor): string {
  if (!cursor.skip("[")) return cursor.name("the name of a field, or a closing bracket").text;
  const parts = [cursor.typeName("the full name of an extension").text];
  while (cursor.skip("/")) parts.push(cursor.typeName("a type's name").text);
  cursor.expect("]");
  return parts.length === 1 ? `(${parts[0]})` : `[${parts.join("/")}]`;
}

function isMessage(cursor: ProtoCursor): boolean {
  return cursor.looksAt("{") || cursor.looksAt("<");
}

function list(cursor: ProtoCursor, name: string, into: ProtoOption[], depth: number): void {
  cursor.expect("[");
  if (cursor.skip("]")) return;
  do {
    const token = cursor.peek();
    if (isMessage(cursor)) message(cursor, name, into, depth + 1);
    else push(cursor, token, name, scalar(cursor, "a valid value"), into);
  } while (cursor.skip(","));
  cursor.expect("]");
}

function push(cursor: ProtoCursor, token: ProtoToken, name: string, value: string, into: ProtoOption[]): void {
  cursor.count(token);
  into.push([name, value]);
}

/** The printed value: text without quotes, integers in decimal and exact, the fewest digits of a double. */
function scalar(cursor: ProtoCursor, expected: string): string {
  const first = cursor.peek();
  if (first.kind === "string") return printBytes(cursor.bytes(expected));
  const sign = cursor.skip("-") ? "-" : "";
  const token = cursor.peek();
  if (!isWordOrNumber(token)) cursor.fail(token, expected);
  const printed = printWord(token, sign === "-");
  if (printed === undefined) cursor.fail(token, sign === "" ? expected : "a number");
  cursor.next();
  return sign + printed;
}

function printWord({ kind, text }: ProtoToken, negative: boolean): string | undefined {
  if (kind === "word") return negative && !/^(inf|infinity|nan)$/i.test(text) ? undefined : text;
  if (kind === "int") return parseProtoBigint(text)?.toString();
  const value = Number(text.replace(/[fF]$/, ""));
  return Number.isNaN(value) ? undefined : String(value);
}

function isWordOrNumber({ kind }: ProtoToken): boolean {
  return kind === "word" || kind === "int" || kind === "float";
}

/** Text as it is; bytes that are no UTF-8 as lone surrogates, U+DC80 to U+DCFF, which no text has. */
export function printBytes(bytes: Uint8Array): string {
  if (isUtf8(bytes)) return Buffer.from(bytes).toString("utf8");
  return Array.from(bytes, (byte) => String.fromCharCode(byte < 0x80 ? byte : 0xdc00 + byte)).join("");
}

/** The bytes that printBytes printed. */
export function readPrintedBytes(printed: string): Uint8Array {
  return Buffer.from(printed, printed.isWellFormed() ? "utf8" : "latin1");
}

// Bytes as text and back: hexadecimal, also as dumps print it, and base64.
import { UsageError } from "./convert-codec.ts";

/** How binary messages stand in files and streams. */
export type Encoding = "raw" | "hex" | "base64";

export const ENCODINGS: readonly Encoding[] = ["raw", "hex", "base64"];

/** As a line of text; raw bytes stay as they are. */
export function encodeText(bytes: Uint8Array, encoding: Encoding): Uint8Array {
  if (encoding === "raw") return bytes;
  return Buffer.from(`${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(encoding)}\n`);
}

/**
 * Bytes from text. Hexadecimal may have white space, commas, `0x` and `\x`, and be the output of xxd or hexdump -C, whose
 * offsets and text columns are left out. Base64 may have white space and be of either alphabet, padded or not. Throws a
 * UsageError with line and column.
 */
export function decodeText(text: string, encoding: "hex" | "base64"): Buffer {
  const lines = text.split("\n");
  if (encoding === "base64") return decodeBase64(lines, 1);
  const decode = createHexDecoder();
  return Buffer.concat(lines.map((line, i) => decode(line, i + 1)));
}

/** Decodes text that comes in pieces, whole lines at a time: each line is bytes of its own. */
export interface TextDecoding {
  push(chunk: Buffer): Buffer;
  /** What the last line held, if no line end was behind it. */
  finish(): Buffer;
}

const NOTHING = Buffer.alloc(0);

/** A decoder of lines of at most `maxLineBytes`. */
export function createTextDecoding(encoding: Encoding, maxLineBytes: number): TextDecoding {
  if (encoding === "raw") return { push: (chunk) => chunk, finish: () => NOTHING };
  const decodeHex = createHexDecoder();
  let rest = "";
  let next = 1;
  const decode = (lines: readonly string[]): Buffer =>
    Buffer.concat(
      lines.map((line) => {
        const number = next++;
        return encoding === "hex" ? decodeHex(line, number) : decodeBase64([line], number);
      }),
    );
  return {
    push(chunk) {
      const lines = (rest + chunk.toString("latin1")).split("\n");
      rest = lines.pop() ?? "";
      if (rest.length > maxLineBytes)
        throw new UsageError(`line ${next + lines.length} has over ${maxLineBytes} bytes`);
      return decode(lines);
    },
    finish: () => decode([rest]),
  };
}

/** As xxd prints it: an offset and a colon, bytes in groups, two spaces and the text. */
const XXD = /^\s*[0-9a-fA-F]{6,16}:\s*((?:[0-9a-fA-F]{2}\s?)*)(?:\s.*)?$/;
/** As hexdump -C prints it: an offset, bytes one by one, the text between bars; a last offset alone. */
const HEXDUMP = /^\s*[0-9a-fA-F]{6,16}(?:\s{2}((?:[0-9a-fA-F]{2}\s*)*)(?:\|.*)?)?\s*$/;

/** A function of one line and its number. The first line says whether it is a dump; a dump of hexdump -C begins at 0. */
function createHexDecoder(): (line: string, number: number) => Buffer {
  let dump: RegExp | undefined;
  let isFirst = true;
  return (text, number) => {
    const line = text.trimEnd();
    if (line === "") return NOTHING;
    if (isFirst) dump = XXD.test(line) ? XXD : /^\s*0{6,16}\s{2}\S/.test(line) ? HEXDUMP : undefined;
    isFirst = false;
    if (!dump) return decodeHex(line, number);
    // A star stands for lines like the one before, which cannot be told from here.
    const found = line.trim() === "*" ? undefined : dump.exec(line);
    if (!found)
      throw new UsageError(`the input is not a hex dump as its first line is, at line ${number}; dump with -v`);
    return decodeHex(found[1] ?? "", number);
  };
}

function decodeHex(line: string, number: number): Buffer {
  // The marks become spaces, so that columns stay.
  const plain = line.replace(/0x|\\x/gi, "  ").replace(/[\s,]/g, " ");
  const digits = plain.replaceAll(" ", "");
  const valid = /^(?:[0-9a-fA-F]{2})*/.exec(digits)?.[0].length ?? 0;
  if (valid < digits.length) {
    const places = [...plain.matchAll(/\S/g)].map(({ index }) => index + 1);
    const isHalf = valid === digits.length - 1 && /[0-9a-fA-F]$/.test(digits);
    const wrong = isHalf || !/^[0-9a-fA-F]/.test(digits.slice(valid)) ? valid : valid + 1;
    const reason = isHalf ? "half a byte is missing" : "expected two hexadecimal digits";
    throw new UsageError(`the input is not hex: ${reason}, at line ${number}, column ${places[wrong]}`);
  }
  return Buffer.from(digits, "hex");
}

function decodeBase64(lines: readonly string[], firstLine: number): Buffer {
  let isOver = false;
  for (const [i, line] of lines.entries()) {
    const wrong = (isOver ? /[^\s=]/ : /[^A-Za-z0-9+/_=\s-]|=(?!=?\s*$)/).exec(line);
    if (wrong) {
      const place = `line ${firstLine + i}, column ${wrong.index + 1}`;
      throw new UsageError(`the input is not base64: ${JSON.stringify(wrong[0])} at ${place}`);
    }
    isOver ||= line.includes("=");
  }
  const digits = lines.join("").replace(/[\s=]/g, "");
  if (digits.length % 4 === 1) throw new UsageError(`the input is not base64: line ${firstLine} lacks its end`);
  return Buffer.from(digits, "base64");
}

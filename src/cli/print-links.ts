// What was linked with what, for people: a block for each pair of types, a line for each pair of fields.
import { styleText } from "node:util";
import type {
  EnumPair,
  FieldPair,
  FieldSide,
  LinkReport,
  MessagePair,
  MethodPair,
  OpaqueMethod,
  TypePair,
} from "../schema/link-report.ts";
import type { ReportStream } from "./print-report.ts";

type Style = "bold" | "dim" | "yellow";

/** Writes the report in columns, Thrift left and Protobuf right; colours are used only if the stream is a terminal. */
export function printLinks({ messages, enums, methods, opaque }: LinkReport, stream: ReportStream): void {
  const paint: Paint = (style, text) => (stream.isTTY ? styleText(style, text, { stream }) : text);
  const blocks = [
    ...messages.map((pair) => messageBlock(pair, paint)),
    ...enums.map((pair) => enumBlock(pair, paint)),
    ...methods.map((pair) => methodBlock(pair, paint)),
    ...(opaque.length === 0 ? [] : [opaqueBlock(opaque, paint)]),
  ];
  for (const block of blocks) stream.write(`${block}\n\n`);
}

type Paint = (style: Style, text: string) => string;

const ARROW = "<->";
const NOTHING = "-";

function title(kind: string, { thrift, protobuf, derived }: TypePair, paint: Paint): string {
  const origin = derived === null ? "" : paint("dim", ` (${derived === "thrift" ? "Thrift" : "Protobuf"} derived)`);
  return `${kind} ${paint("bold", thrift)} ${ARROW} ${paint("bold", protobuf)}${origin}`;
}

function messageBlock(pair: MessagePair, paint: Paint): string {
  const rows = pair.fields.map((field) => [...cellsOf(field.thrift), ARROW, ...cellsOf(field.protobuf), endOf(field)]);
  const lines = aligned(rows).map((line, i) => {
    const { thrift, protobuf } = pair.fields[i] ?? {};
    return thrift && protobuf ? line : paint("yellow", line);
  });
  return [title(pair.shape, pair, paint), ...lines.map((line) => `  ${line}`)].join("\n");
}

function cellsOf(side: FieldSide | null): readonly [id: string, name: string, type: string] {
  if (!side) return [NOTHING, "", ""];
  const { id, name, type, presence } = side;
  const shown = presence === "required" || presence === "optional" ? `${presence} ` : "";
  return [String(id), name, shown + type];
}

function endOf({ thrift, protobuf, notes }: FieldPair): string {
  return thrift && protobuf ? notes.join(", ") : "not linked";
}

function enumBlock(pair: EnumPair, paint: Paint): string {
  const { onlyThrift, onlyProtobuf, unknown, syntheticZero } = pair;
  const lines = [
    ...(syntheticZero ? ["0 is not set"] : []),
    ...(unknown === "error" ? ["numbers that the other side does not name are errors"] : []),
    ...(onlyThrift.length > 0 ? [`only in Thrift: ${onlyThrift.join(", ")}`] : []),
    ...(onlyProtobuf.length > 0 ? [`only in Protobuf: ${onlyProtobuf.join(", ")}`] : []),
  ];
  return [title("enum", pair, paint), ...lines.map((line) => `  ${line}`)].join("\n");
}

function methodBlock({ thrift, protobuf, request, response, exceptions, oneway }: MethodPair, paint: Paint): string {
  const rows = [
    ["request", request.thrift, ARROW, request.protobuf],
    ...(oneway ? [] : [["response", response.thrift, ARROW, response.protobuf]]),
    ...exceptions.map((each) => [`throws ${each.id}`, each.thrift, ARROW, each.protobuf]),
  ];
  const head = `method ${paint("bold", thrift)} ${ARROW} ${paint("bold", protobuf)}${oneway ? " (oneway)" : ""}`;
  return [head, ...aligned(rows).map((line) => `  ${line}`)].join("\n");
}

function opaqueBlock(opaque: readonly OpaqueMethod[], paint: Paint): string {
  const rows = opaque.map(({ wire, method, reason }) => [wire, method, reason]);
  return ["methods that are never translated", ...aligned(rows).map((line) => `  ${paint("yellow", line)}`)].join("\n");
}

/** Cells below each other; numbers to the right, texts to the left. */
function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const widths: number[] = [];
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  return rows.map((row) =>
    row
      .map((cell, i) => (/^-?\d+$/.test(cell) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}

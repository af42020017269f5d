// A table for people: columns as wide as their widest cell, colours only where the terminal takes them.
import { styleText } from "node:util";

/**
 * Prints rows below a heading; a row with fewer cells is a remark, whose last cell may be of any width. `marks` says of
 * each row whether it is as it must be, or undefined for neither.
 */
export function printTable(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
  marks: readonly (boolean | undefined)[],
): void {
  const full = rows.filter((row) => row.length === heading.length);
  const widths = heading.map((title, i) => Math.max(title.length, ...full.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd();
  const stream = process.stdout;
  stream.write(`\n${styleText("bold", line(heading), { stream })}\n`);
  for (const [i, row] of rows.entries()) {
    const mark = marks[i];
    const text = line(row);
    stream.write(`${mark === undefined ? styleText("dim", text, { stream }) : text}`);
    if (mark === false) stream.write(`  ${styleText("red", "✗", { stream })}`);
    stream.write("\n");
  }
}

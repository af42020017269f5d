// Diagnostics for people and for programs, and the exit code that they mean.
import { styleText } from "node:util";
import { type Diagnostic, formatDiagnostic, type Severity } from "../base/diagnostic.ts";
import type { LinkReport } from "../schema/link-report.ts";

export interface ReportOptions {
  /** Whether lossy items and warnings count as errors. */
  readonly strict: boolean;
  /** One JSON object instead of lines. */
  readonly json: boolean;
  /** What was linked, which is part of the JSON object as `links`. */
  readonly links?: LinkReport;
}

/** Where the report goes. Colours are used only if it is a terminal that has them. */
export interface ReportStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
}

const COLORS: Readonly<Record<Severity, "red" | "yellow" | "cyan">> = {
  error: "red",
  lossy: "yellow",
  warning: "cyan",
};

/**
 * Writes each diagnostic as `file:line:column: severity: message` and a line with their numbers; with `json` one object
 * `{"diagnostics":[{"severity","file","line","column","message"}],"errors","lossy","warnings"}`. Returns the exit code: 1
 * if there is an error, or with `strict` anything at all, else 0.
 */
export function printReport(
  diagnostics: readonly Diagnostic[],
  { strict, json, links }: ReportOptions,
  stream: ReportStream = process.stdout,
): 0 | 1 {
  const count = (severity: Severity): number => diagnostics.filter((each) => each.severity === severity).length;
  const [errors, lossy, warnings] = [count("error"), count("lossy"), count("warning")];
  if (json) {
    const entries = diagnostics.map(({ severity, position, message }) => ({ severity, ...position, message }));
    stream.write(`${JSON.stringify({ ...(links && { links }), diagnostics: entries, errors, lossy, warnings })}\n`);
  } else {
    printDiagnostics(diagnostics, stream);
    const parts = [plural(errors, "error"), plural(lossy, "lossy item"), plural(warnings, "warning")];
    stream.write(diagnostics.length === 0 ? "no problems found\n" : `${parts.join(", ")}\n`);
  }
  return errors > 0 || (strict && diagnostics.length > 0) ? 1 : 0;
}

/** Writes each diagnostic on a line of its own. */
export function printDiagnostics(diagnostics: readonly Diagnostic[], stream: ReportStream): void {
  for (const diagnostic of diagnostics) stream.write(`${styled(diagnostic, stream)}\n`);
}

function styled(diagnostic: Diagnostic, stream: ReportStream): string {
  const text = formatDiagnostic(diagnostic);
  const { severity } = diagnostic;
  if (!stream.isTTY) return text;
  return text.replace(`: ${severity}: `, () => `: ${styleText(COLORS[severity], severity, { stream })}: `);
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

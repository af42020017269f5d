// Something to tell a person about a file they wrote: an IDL or a config.

/** A place in a text file; line and column count from 1, the column in UTF-16 units. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/**
 * `error`: the file cannot be used. `lossy`: it can, but some values will not survive translation. `warning`: it can, but
 * is likely not what was meant. `--strict` makes all three errors.
 */
export type Severity = "error" | "lossy" | "warning";

export interface Diagnostic {
  readonly severity: Severity;
  readonly position: Position;
  /** What is wrong and what was expected, one sentence without a full stop. */
  readonly message: string;
}

/** Where checks leave what they find. */
export type Report = (diagnostic: Diagnostic) => void;

/** `file:line:column: severity: message`, the form that editors and terminals link. */
export function formatDiagnostic({ severity, position, message }: Diagnostic): string {
  return `${position.file}:${position.line}:${position.column}: ${severity}: ${message}`;
}

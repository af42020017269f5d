// Text with indentation, and the imports that it turned out to need. Words are the target's.

/** A growing text. Blank lines never stand twice, nor at the start of a block. */
export interface Printer {
  /** Lines at the present indentation; one of several lines is split. An empty one is a blank line. */
  print(...lines: readonly string[]): void;
  /** `open`, what `body` prints one level deeper, `close`. */
  block(open: string, body: () => void, close: string): void;
  indented(body: () => void): void;
  /** Rows whose cells stand below each other, two spaces or more apart from none: each column as wide as its widest cell. */
  columns(rows: readonly (readonly string[])[]): void;
  /** A place for lines that are known only at the end; asked for once, by `text`. An empty list leaves no blank line. */
  later(lines: () => readonly string[]): void;
  text(): string;
}

type Part = string | (() => readonly string[]);

/** An empty text, indented by `indent` per level. */
export function createPrinter(indent: string): Printer {
  const parts: Part[] = [];
  let depth = 0;

  function print(...lines: readonly string[]): void {
    for (const line of lines.flatMap((each) => each.split("\n"))) {
      parts.push(line === "" ? "" : indent.repeat(depth) + line);
    }
  }

  function indented(body: () => void): void {
    depth++;
    body();
    depth--;
  }

  return {
    print,
    indented,
    block(open, body, close) {
      print(open);
      indented(body);
      print(close);
    },
    columns(rows) {
      const widths: number[] = [];
      for (const row of rows) {
        for (const [i, cell] of row.slice(0, -1).entries()) widths[i] = Math.max(widths[i] ?? 0, widthOf(cell));
      }
      for (const row of rows) {
        print(row.map((cell, i) => (i === row.length - 1 ? cell : cell + padding(cell, widths[i]!))).join(" "));
      }
    },
    later: (lines) => void parts.push(lines),
    text() {
      const lines = parts.flatMap((part) => (typeof part === "string" ? [part] : part()));
      return `${tidy(lines).join("\n")}\n`;
    },
  };
}

function padding(cell: string, width: number): string {
  return " ".repeat(width - widthOf(cell));
}

/** Characters, which is what formatters count. */
function widthOf(text: string): number {
  return [...text].length;
}

function tidy(lines: readonly string[]): string[] {
  const kept = lines.filter((line, i) => {
    if (line !== "") return true;
    const [before, after] = [lines[i - 1], lines.slice(i + 1).find((next) => next !== "")];
    return (
      before !== undefined &&
      before !== "" &&
      after !== undefined &&
      !/[{([]$/.test(before) &&
      !/^\s*[})\]]/.test(after)
    );
  });
  return kept;
}

/** The lines of a doc comment without markers, empty ones at either end left out; none for no doc. */
export function docLines(doc: string | undefined): readonly string[] {
  const lines = (doc ?? "").split(/\r?\n/).map((line) => line.trimEnd());
  while (lines[0] === "") lines.shift();
  while (lines.at(-1) === "") lines.pop();
  return lines;
}

/** The imports of one file, collected while it is printed. */
export interface Imports {
  /** Says that the file needs `path`; returns the name by which it has it. */
  use(path: string): string;
  /** What was used, path to name, by path. */
  readonly used: ReadonlyMap<string, string>;
}

/** `nameOf` is the name by which a path wants to be known; it gets a number behind it if another path has it. */
export function createImports(nameOf: (path: string) => string, taken: Iterable<string> = []): Imports {
  const names = new Set(taken);
  const used = new Map<string, string>();
  return {
    use(path) {
      const known = used.get(path);
      if (known !== undefined) return known;
      const wanted = nameOf(path);
      let name = wanted;
      for (let i = 2; names.has(name); i++) name = `${wanted}${i}`;
      names.add(name);
      used.set(path, name);
      return name;
    },
    used,
  };
}

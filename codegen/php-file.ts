// One file of PHP: its head, its imports, which collect themselves, and the printing of what PSR-12 wraps.
import { headerLine } from "./header.ts";
import type { PhpNames } from "./php-names.ts";
import { createImports, createPrinter, docLines, type Printer } from "./printer.ts";
import type { StubEnum, StubFile, StubMessage, StubNamed, StubOneof } from "./stub-model.ts";
import type { GeneratedFile } from "./target.ts";

const MAX_COLUMNS = 120;
const RUNTIME = "Causeway";

/** A file that is being printed. */
export interface PhpFile extends Printer {
  readonly names: PhpNames;
  /** The file of the IDL that it comes from. */
  readonly source: StubFile;
  /** The name by which the file has a class of the runtime. */
  runtime(name: string): string;
  classOf(type: StubMessage | StubEnum): string;
  oneofClassOf(oneof: StubOneof, file: StubFile): string;
  /** `before(items)after`, the items on lines of their own where one line would be too long, or where `isTall`. */
  list(before: string, items: readonly string[], after: string, isTall?: boolean): void;
  /** A doc comment of these lines, then tags; nothing when there are neither. */
  doc(lines: readonly string[], tags?: readonly string[]): void;
}

/** Prints the file of one class, by PSR-4. */
export function printPhpFile(
  names: PhpNames,
  source: StubFile,
  className: string,
  version: string,
  body: (file: PhpFile) => void,
): GeneratedFile {
  const namespace = names.namespaceOf(source);
  const printer = createPrinter("    ");
  const imports = createImports((path) => path.slice(path.lastIndexOf("\\") + 1), names.classesIn(namespace));
  let depth = 0;

  function use(inNamespace: string, name: string): string {
    return inNamespace === namespace ? name : imports.use(inNamespace === "" ? name : `${inNamespace}\\${name}`);
  }

  const file: PhpFile = {
    ...printer,
    names,
    source,
    block(open, inside, close) {
      depth++;
      printer.block(open, inside, close);
      depth--;
    },
    indented(inside) {
      depth++;
      printer.indented(inside);
      depth--;
    },
    runtime: (name) => use(RUNTIME, name),
    classOf: (type) => use(names.namespaceOf(type.file), names.classOf(type)),
    oneofClassOf: (oneof, from) => use(names.namespaceOf(from), names.oneofClassOf(oneof)),
    list(before, items, after, isTall = false) {
      const line = `${before}(${items.join(", ")})${after}`;
      if (!isTall && line.length + 4 * depth <= MAX_COLUMNS) {
        printer.print(line);
        return;
      }
      printer.print(`${before}(`);
      printer.indented(() => printer.print(...items.map((item) => `${item},`)));
      printer.print(`)${after}`);
    },
    doc(lines, tags = []) {
      const width = MAX_COLUMNS - 4 * depth - 4;
      const all = lines.flatMap((line) => wrapped(line.replaceAll("*/", "* /"), width));
      if (all.length > 0 && tags.length > 0) all.push("");
      all.push(...tags);
      const [only] = all;
      if (only === undefined) return;
      if (all.length === 1 && only.length <= width - 4) printer.print(`/** ${only} */`);
      else printer.print("/**", ...all.map((line) => ` * ${line}`.trimEnd()), " */");
    },
  };
  printer.print("<?php", "", `// ${headerLine(version, source.source)}`, "", "declare(strict_types=1);", "");
  if (namespace !== "") printer.print(`namespace ${namespace};`, "");
  // Types within types within types cannot be broken everywhere.
  let isWide = false;
  printer.later(() => (isWide ? ["// phpcs:disable Generic.Files.LineLength", ""] : []));
  printer.later(() => {
    const lines = [...imports.used]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([path, name]) => {
        return path.endsWith(`\\${name}`) || path === name ? `use ${path};` : `use ${path} as ${name};`;
      });
    return lines.length === 0 ? [] : [...lines, ""];
  });
  body(file);
  if (
    printer
      .text()
      .split("\n")
      .some((line) => line.length > MAX_COLUMNS)
  )
    isWide = true;
  return { path: `${names.folderOf(source)}${className}.php`, text: printer.text() };
}

/** The doc of a thing, and whether it is deprecated. */
export function docOf({ doc, deprecated }: StubNamed): { readonly lines: readonly string[]; readonly tags: string[] } {
  const lines = docLines(doc);
  return { lines, tags: deprecated && !lines.some((line) => line.includes("@deprecated")) ? ["@deprecated"] : [] };
}

function wrapped(line: string, width: number): string[] {
  const lines: string[] = [];
  let rest = line;
  while (rest.length > width) {
    const at = rest.lastIndexOf(" ", width);
    if (at <= 0) break;
    lines.push(rest.slice(0, at));
    rest = rest.slice(at + 1);
  }
  return [...lines, rest];
}

// One Java file while it is printed: its imports collect themselves, and a name that something else in sight has is
// written in full.
import { headerLine } from "./header.ts";
import type { ClassName, JavaNames } from "./java-names.ts";
import { createPrinter, docLines, type Printer } from "./printer.ts";
import type { StubFile, StubNamed } from "./stub-model.ts";
import type { GeneratedFile } from "./target.ts";

export interface JavaFile extends Printer {
  /** The name by which this file has a type, given as `package.Outer.Inner` with the length of its package. */
  use(type: ClassName): string;
  /** The same for a type of the runtime or of the JDK: `java.util.List`. */
  jdk(qualified: string): string;
  /** The name of a constant of a class of the runtime. */
  constant(qualified: string, name: string): string;
  /** Says that something deprecated of another file is named. */
  usesDeprecated(): void;
  readonly isDeprecationUsed: boolean;
  finish(): GeneratedFile;
}

/** The file of a top-level type; `declares` are the simple names of the types nested in it. */
export function createJavaFile(
  names: JavaNames,
  own: ClassName,
  declares: readonly string[],
  { source }: StubFile,
  version: string,
): JavaFile {
  const top = own.path[0]!;
  const inSight = new Set([top, ...declares]);
  const neighbours = names.declared.get(own.package) ?? new Set<string>();
  const used = new Map<string, string>([[top, `${own.package}.${top}`]]);
  const imports = new Set<string>();
  const constants = new Set<string>();
  let deprecation = false;

  function simple(packageName: string, name: string): string {
    const qualified = `${packageName}.${name}`;
    const known = used.get(name);
    if (known === qualified) return name;
    if (known !== undefined || inSight.has(name)) return qualified;
    used.set(name, qualified);
    const seen = packageName === own.package || (packageName === "java.lang" && !neighbours.has(name));
    if (!seen) imports.add(qualified);
    return name;
  }

  const printer = createPrinter("  ");
  const head = createPrinter("  ");
  return {
    ...printer,
    use: ({ package: packageName, path }) => [simple(packageName, path[0]!), ...path.slice(1)].join("."),
    jdk(qualified) {
      const dot = qualified.lastIndexOf(".");
      return simple(qualified.slice(0, dot), qualified.slice(dot + 1));
    },
    constant(qualified, name) {
      constants.add(`${qualified}.${name}`);
      return name;
    },
    usesDeprecated() {
      deprecation = true;
    },
    get isDeprecationUsed() {
      return deprecation;
    },
    finish() {
      head.print(`// ${headerLine(version, source)}`, `package ${own.package};`, "");
      head.print(...[...constants].sort().map((name) => `import static ${name};`), "");
      head.print(...[...imports].sort().map((name) => `import ${name};`), "");
      const text = `${head.text().trimEnd()}\n\n${printer.text()}`;
      return { path: `${own.package.replaceAll(".", "/")}/${top}.java`, text };
    },
  };
}

const MAX_COLUMNS = 110;

/** A list between two texts, in one line where it fits, else an element a line. */
export function printWrapped(file: JavaFile, open: string, list: readonly string[], close: string): void {
  const oneLine = `${open}${list.join(", ")}${close}`;
  if (oneLine.length <= MAX_COLUMNS) file.print(oneLine);
  else {
    file.print(open);
    file.indented(() => {
      file.indented(() => file.print(...list.map((each, i) => (i < list.length - 1 ? `${each},` : `${each}${close}`))));
    });
  }
}

/** The annotations of a top-level type: the runtime that it needs, and a suppression where the file names what is deprecated. */
export function printMarks(file: JavaFile): void {
  const version = file.jdk("causeway.Version");
  file.print(`@${version}(${version}.V0_1)`);
  file.later(() => (file.isDeprecationUsed ? ['@SuppressWarnings("deprecation")'] : []));
}

/** Text as it stands in a javadoc comment: nothing of it is markup, a tag, or the comment's end. */
function escapeDoc(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll("*/", "*&#47;")
    .replaceAll("\\", "&#92;")
    .replaceAll("@", "&#64;");
}

export interface DocOptions {
  /** Sentences behind the author's. */
  readonly notes?: readonly string[];
  /** Lines such as `@param name text`. */
  readonly tags?: readonly string[];
}

/** The doc comment of a thing; nothing where there is nothing to say. */
export function printDoc(file: Printer, named: Pick<StubNamed, "doc" | "deprecated">, options: DocOptions = {}): void {
  const { notes = [], tags = [] } = options;
  const own = docLines(named.doc).map(escapeDoc);
  const lines = [...own, ...(own.length > 0 && notes.length > 0 ? ["", "<p>"] : []), ...notes].flatMap(joinParagraph);
  const all = [...tags, ...(named.deprecated ? ["@deprecated in the IDL"] : [])];
  if (all.length > 0) lines.push(...(lines.length > 0 ? ["", ...all] : all));
  if (lines.length === 0) return;
  if (lines.length === 1) file.print(`/** ${lines[0]} */`);
  else file.print("/**", ...lines.map((line) => ` * ${line}`.trimEnd()), " */");
}

/** `<p>` stands before the text of its paragraph. */
function joinParagraph(line: string, i: number, all: readonly string[]): readonly string[] {
  if (line === "<p>") return [];
  return [all[i - 1] === "<p>" ? `<p>${line}` : line];
}

/** Doc text in one line, for a tag. */
export function inlineDoc(doc: string | undefined): string {
  return docLines(doc)
    .map((line) => escapeDoc(line.trim()))
    .filter((line) => line !== "")
    .join(" ");
}

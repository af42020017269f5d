// One Go file while it is printed: its imports, how types are written in it, comments and literals.
import type { Constant } from "../src/schema/model.ts";
import type { GoMessage, GoNames, GoPackage } from "./go-names.ts";
import { createImports, createPrinter, docLines, type Imports, type Printer } from "./printer.ts";
import type { ApiScalar, StubEnum, StubField, StubFile, StubMessage, StubNamed, StubType } from "./stub-model.ts";

/** The import path of the runtime that generated Go links against. */
export const RUNTIME = "causeway.dev/causeway";
const WIRE = "causeway.dev/causeway/wire";

export interface GoFile extends Printer {
  readonly names: GoNames;
  readonly file: StubFile;
  readonly imports: Imports;
  /** `wire.` with the import that it needs. */
  wire(name: string): string;
  runtime(name: string): string;
  standard(path: string, name: string): string;
  /** The name of a type of the schema, qualified where it is in another package. */
  messageName(type: StubMessage): string;
  enumName(type: StubEnum): string;
  /** What only belongs to a type, such as its constructor, qualified like it. */
  beside(type: StubMessage, name: string): string;
  /** The Go type of a value. */
  typeOf(type: StubType): string;
  fieldTypeOf(field: StubField): string;
  doc(given: StubNamed, fallback?: string): void;
  literal(type: StubType, value: Constant): string;
}

const SCALARS: Readonly<Record<Exclude<ApiScalar, "uuid">, string>> = {
  bool: "bool",
  i8: "int8",
  i16: "int16",
  i32: "int32",
  i64: "int64",
  u32: "uint32",
  u64: "uint64",
  float: "float32",
  double: "float64",
  string: "string",
  bytes: "[]byte",
};

/** Whether an optional field of this type is a pointer; the others are nil when they are absent. */
export function isPointer({ optional, oneof, type }: StubField): boolean {
  return optional && oneof === undefined && ((type.kind === "scalar" && type.api !== "bytes") || type.kind === "enum");
}

/** Whether a field of a new value is set to its default. */
export function isDefaulted({ optional, defaultValue, type, oneof }: StubField): boolean {
  return !optional && oneof === undefined && defaultValue !== undefined && type.kind !== "message";
}

/** Whether Go's maps can have keys of this type. */
export function isMapKey(type: StubType): boolean {
  return (type.kind === "scalar" && type.api !== "bytes") || type.kind === "enum";
}

/** Starts the file of an IDL file in its package. */
export function createGoFile(file: StubFile, own: GoPackage, names: GoNames): GoFile {
  const printer = createPrinter("\t");
  const packageNames = new Map([...names.packages.values()].map(({ importPath, name }) => [importPath, name]));
  const imports = createImports((path) => packageNames.get(path) ?? path.slice(path.lastIndexOf("/") + 1));

  const of = (path: string, name: string): string => `${imports.use(path)}.${name}`;
  const wire = (name: string): string => of(WIRE, name);
  const qualify = (place: StubFile, name: string): string => {
    const its = names.packages.get(place) ?? own;
    return its === own ? name : of(its.importPath, name);
  };
  const messageOf = (type: StubMessage): GoMessage => {
    const message = names.messages.get(type);
    if (!message) throw new Error(`${type.fullName} has no name`);
    return message;
  };
  const enumNameOf = (type: StubEnum): string => names.enums.get(type)?.name ?? type.name;

  function typeOf(type: StubType): string {
    switch (type.kind) {
      case "scalar":
        return type.api === "uuid" ? wire("UUID") : SCALARS[type.api];
      case "enum":
        return qualify(type.type.file, enumNameOf(type.type));
      case "message":
        return `*${qualify(type.type.file, messageOf(type.type).name)}`;
      case "list":
        return `[]${typeOf(type.element)}`;
      case "map":
        return isMapKey(type.key)
          ? `map[${typeOf(type.key)}]${typeOf(type.value)}`
          : `[]${wire("Entry")}[${typeOf(type.key)}, ${typeOf(type.value)}]`;
      case "wrapped":
        return typeOf(type.inner);
    }
  }

  function literal(type: StubType, value: Constant): string {
    if (type.kind === "wrapped") return literal(type.inner, value);
    if (type.kind === "list" && value.kind === "list") {
      return `${typeOf(type)}{${value.values.map((each) => literal(type.element, each)).join(", ")}}`;
    }
    if (type.kind === "map" && value.kind === "map") {
      const entries = value.entries.map(([key, each]): string => {
        const [k, v] = [literal(type.key, key), literal(type.value, each)];
        return isMapKey(type.key) ? `${k}: ${v}` : `{Key: ${k}, Value: ${v}}`;
      });
      return `${typeOf(type)}{${entries.join(", ")}}`;
    }
    if (type.kind === "enum" && value.kind === "int") {
      const i = type.type.values.findIndex(({ number }) => BigInt(number) === value.value);
      const name = names.enums.get(type.type)?.values[i];
      return name === undefined ? `${typeOf(type)}(${value.value})` : qualify(type.type.file, name);
    }
    if (type.kind === "message" && value.kind === "map") return messageLiteral(type.type, value.entries);
    if (type.kind !== "scalar") throw new Error(`no Go literal for a ${value.kind} as ${type.kind}`);
    return scalarLiteral(type.api, value);
  }

  /** The entries have the fields' names; other fields have their defaults. */
  function messageLiteral(type: StubMessage, entries: readonly (readonly [Constant, Constant])[]): string {
    const message = messageOf(type);
    const given = new Map(entries.map(([key, each]) => [key.kind === "string" ? key.value : "", each]));
    const fields = type.fields.flatMap((field): string[] => {
      const each =
        given.get(field.name) ?? (type.kind !== "union" && isDefaulted(field) ? field.defaultValue : undefined);
      if (each === undefined) return [];
      const text = literal(field.type, each);
      const holder = message.oneofs.find(({ members }) => members.includes(field));
      if (holder) return [`${holder.field}: ${qualify(type.file, message.members.get(field)!)}{Value: ${text}}`];
      const own = isPointer(field) ? `${wire("Ptr")}[${typeOf(field.type)}](${text})` : text;
      return [`${message.fields.get(field)}: ${own}`];
    });
    return `&${qualify(type.file, message.name)}{${fields.join(", ")}}`;
  }

  function scalarLiteral(api: ApiScalar, value: Constant): string {
    switch (value.kind) {
      case "bool":
        return String(value.value);
      case "int":
        return api === "bool" ? String(value.value !== 0n) : String(value.value);
      case "double":
        if (Number.isNaN(value.value)) return `${of("math", "NaN")}()`;
        if (Object.is(value.value, -0)) return `${of("math", "Copysign")}(0, -1)`;
        if (Number.isFinite(value.value)) return String(value.value);
        return `${of("math", "Inf")}(${value.value > 0 ? 1 : -1})`;
      case "string":
        if (api === "uuid") {
          const hex = value.value.replaceAll("-", "").match(/../g) ?? [];
          return `${wire("UUID")}{${hex.map((byte) => `0x${byte}`).join(", ")}}`;
        }
        return api === "bytes" ? `[]byte(${quoted(value.value)})` : quoted(value.value);
      case "bytes":
        return `[]byte("${[...value.value].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("")}")`;
      default:
        throw new Error(`no Go literal for a ${value.kind} as ${api}`);
    }
  }

  return {
    ...printer,
    names,
    file,
    imports,
    wire,
    runtime: (name) => of(RUNTIME, name),
    standard: of,
    messageName: (type) => qualify(type.file, messageOf(type).name),
    enumName: (type) => qualify(type.file, enumNameOf(type)),
    beside: (type, name) => qualify(type.file, name),
    typeOf,
    fieldTypeOf: (field) => (isPointer(field) ? `*${typeOf(field.type)}` : typeOf(field.type)),
    doc(given, fallback) {
      for (const line of commentLines(given, fallback)) printer.print(line);
    },
    literal,
  };
}

/** As a Go string: JSON's escapes are Go's. */
export function quoted(text: string): string {
  return JSON.stringify(text);
}

/** gofmt leaves these as they are: no indentation, which it would take for lists and code. */
export function commentLines({ doc, deprecated }: StubNamed, fallback?: string): readonly string[] {
  const lines = docLines(doc).map((line) => line.trim());
  if (lines.length === 0 && fallback !== undefined) lines.push(fallback);
  if (deprecated) lines.push(...(lines.length > 0 ? [""] : []), "Deprecated: its author says so in the IDL.");
  return lines
    .filter((line, i) => line !== "" || lines[i - 1] !== "")
    .map((line) => (line === "" ? "//" : `// ${line}`));
}

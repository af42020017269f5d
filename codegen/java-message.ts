// Structs and messages as records, exceptions as classes, and what writes and reads them; the builder is left to
// java-builder.ts.
import { printBuilder } from "./java-builder.ts";
import { type Component, componentsOf } from "./java-component.ts";
import type { JavaContext } from "./java-context.ts";
import { inlineDoc, printDoc, printMarks, printWrapped } from "./java-file.ts";
import { constantOf, isPrimitive, isZeroConstant, javaType, stringLiteral, unwrapped, zeroOf } from "./java-types.ts";
import { memberValue, printMembers } from "./java-union.ts";
import type { StubField, StubMessage, StubType } from "./stub-model.ts";

const MAX_SLOTS = 254;

/** How many parameters a record of a message has, as the JVM counts them; more than 254 are no method's. */
export function tooManyFields(message: StubMessage): boolean {
  const slots = message.fields.map(({ type, optional, required, oneof }) =>
    oneof === undefined && !optional && !required && isWide(type) ? 2 : 1,
  );
  return slots.reduce((sum, each) => sum + each, 0) > MAX_SLOTS;
}

function isWide(type: StubType): boolean {
  return type.kind === "scalar" && (type.api === "i64" || type.api === "u64" || type.api === "double");
}

/** A struct or an exception; `inner` prints what is nested in it. */
export function printMessage(context: JavaContext, message: StubMessage, inner: () => void): void {
  const { file, names, wire } = context;
  const name = names.types.get(message)!.path.at(-1)!;
  const components = componentsOf(context, message);
  const isException = message.kind === "exception";
  const isNested = message.path.length > 1;
  const tags = components.flatMap((component) => {
    const text = describe(component);
    return text === "" ? [] : [`@param ${component.name} ${text}`];
  });
  printDoc(file, message, { tags: isException ? [] : tags });
  if (message.deprecated) file.print(`@${file.jdk("java.lang.Deprecated")}`);
  const list = components.map((component) => `${component.type} ${component.name}`);
  if (!isNested) printMarks(file);
  if (isException) {
    const modifiers = isNested ? "public static final" : "public final";
    file.print(
      `${modifiers} class ${name} extends ${file.jdk("causeway.DeclaredException")} implements ${wire.message} {`,
    );
    file.indented(() => {
      file.print("private static final long serialVersionUID = 1L;", "");
      printExceptionFields(context, message, name, components);
      printBody(context, message, name, components);
      inner();
    });
  } else {
    if (components.length === 0) file.print(`public record ${name}() implements ${wire.message} {`);
    else {
      printWrapped(file, `public record ${name}(`, list, `) implements ${wire.message} {`);
    }
    file.indented(() => {
      printCanonical(context, name, components);
      printBody(context, message, name, components);
      inner();
    });
  }
  file.print("}");
}

/** The author's words, and what Java's types do not say. */
function describe({ field, oneof, nullable }: Component): string {
  const said = inlineDoc((field ?? oneof)?.doc);
  const notes = [said, ...noteUnsigned(field?.type), ...(nullable ? ["Null when absent."] : [])];
  return notes.filter((note) => note !== "").join(" ");
}

function noteUnsigned(type: StubType | undefined): readonly string[] {
  if (type?.kind !== "scalar") return [];
  if (type.api === "u32") return ["32 unsigned bits: see {@link Integer#toUnsignedLong}."];
  if (type.api === "u64") return ["64 unsigned bits: see {@link Long#toUnsignedString}."];
  return [];
}

/** Checks that nothing is null that must not be, and keeps containers from changing. */
function checks(
  { file }: JavaContext,
  components: readonly Component[],
  own: (name: string) => string,
): readonly string[] {
  return components.flatMap(({ name, nullable, field }) => {
    const type = field && unwrapped(field.type);
    if (type?.kind === "list" || type?.kind === "map") {
      const copy =
        type.kind === "map"
          ? `${file.jdk("causeway.Frozen")}.map`
          : type.set
            ? `${file.jdk("causeway.Frozen")}.set`
            : `${file.jdk("java.util.List")}.copyOf`;
      return [`${own(name)} = ${nullable ? `${name} == null ? null : ` : ""}${copy}(${name});`];
    }
    if (nullable || !type || isPrimitive(type)) return own(name) === name ? [] : [`${own(name)} = ${name};`];
    const check = `${file.jdk("java.util.Objects")}.requireNonNull(${name}, "${name}")`;
    return own(name) === name ? [`${check};`] : [`${own(name)} = ${check};`];
  });
}

function printCanonical(context: JavaContext, name: string, components: readonly Component[]): void {
  const { file } = context;
  const lines = checks(context, components, (each) => each);
  if (lines.length > 0) {
    file.block(`public ${name} {`, () => file.print(...lines), "}");
    file.print("");
  }
}

function printExceptionFields(
  context: JavaContext,
  message: StubMessage,
  name: string,
  components: readonly Component[],
): void {
  const { file } = context;
  for (const { name: each, type, field } of components) {
    // Java's own serialization takes no part in this, so what it could not take is left out.
    file.print(`private final ${field?.type.kind === "scalar" ? "" : "transient "}${type} ${each};`);
  }
  file.print("");
  const text = components.find(
    ({ field }) => field?.name === "message" && field.type.kind === "scalar" && field.type.api === "string",
  );
  const shown = components.map(({ name: each }, i) => `${i === 0 ? "" : ", "}${each}=" + ${each}`);
  const told = shown.length === 0 ? stringLiteral(name) : `"${name}[${shown.join(' + "')} + "]"`;
  const parameters = components.map(({ name: each, type }) => `${type} ${each}`);
  printWrapped(file, `public ${name}(`, parameters, ") {");
  file.indented(() => {
    file.print(`super(${text ? text.name : told});`, ...checks(context, components, (each) => `this.${each}`));
  });
  file.print("}");
  for (const component of components) {
    file.print("");
    printDoc(file, { doc: undefined, deprecated: false }, { notes: noteOf(describe(component)) });
    file.block(`public ${component.type} ${component.name}() {`, () => file.print(`return ${component.name};`), "}");
  }
  file.print("", "@Override");
  const code = file.jdk("causeway.Code");
  file.block(`public ${code} code() {`, () => file.print(`return ${code}.${message.code};`), "}");
  file.print("", "@Override");
  file.block(`public String wireName() {`, () => file.print(`return ${stringLiteral(message.wireName)};`), "}");
  file.print("");
}

function noteOf(text: string): readonly string[] {
  return text === "" ? [] : [text];
}

function printBody(context: JavaContext, message: StubMessage, name: string, components: readonly Component[]): void {
  const { file, names, wire } = context;
  if (components.length > 0) {
    file.block(`public static Builder builder() {`, () => file.print("return new Builder();"), "}");
    file.print("", "/** A builder that begins with the values of this one. */");
    file.block(
      "public Builder toBuilder() {",
      () => {
        file.print("Builder builder = new Builder();");
        for (const { name: each } of components) file.print(`builder.${each} = this.${each};`);
        file.print("return builder;");
      },
      "}",
    );
    file.print("");
  }
  for (const { field, name: own } of components) {
    const { optional, defaultValue, type } = field ?? {};
    if (!field || !optional || !type || defaultValue === undefined) continue;
    const value = constantOf(file, names, type, defaultValue);
    file.print(`/** The value of {@link #${own}}, or the default of the IDL when it is absent. */`);
    const result = javaType(file, names, type);
    file.block(
      `public ${result} ${own}OrDefault() {`,
      () => file.print(`return ${own} == null ? ${castFor(type, value)} : ${own};`),
      "}",
    );
    file.print("");
  }
  printWrite(context, message, components);
  file.print("");
  printRead(context, message, name, components);
  file.print(
    "",
    `/** The encoding of this, as ${wire.wire === "thrift" ? "Thrift's binary protocol" : "Protobuf"} has it. */`,
  );
  file.block(
    "public byte[] toBytes() {",
    () => file.print(`${wire.output} out = new ${wire.output}();`, "write(out);", "return out.toArray();"),
    "}",
  );
  if (components.length > 0) printBuilder(context, name, components);
  for (const oneof of message.oneofs) {
    file.print("");
    printMembers(context, oneof);
  }
}

/** In a conditional, a constant has to have its type said. */
function castFor(type: StubType, value: string): string {
  if (type.kind !== "scalar") return value;
  return type.api === "i8" ? `(byte) ${value}` : type.api === "i16" ? `(short) ${value}` : value;
}

function printWrite({ file, wire }: JavaContext, message: StubMessage, components: readonly Component[]): void {
  file.print("@Override");
  file.block(
    `public void write(${wire.output} out) {`,
    () => {
      if (message.thriftUnion && wire.wire === "thrift") {
        const only = components[0]!.name;
        const refused = `new ${file.jdk("causeway.RpcException")}(${file.jdk("causeway.Code")}.INVALID_ARGUMENT, "nothing is set in ${message.fullName}, which is a union on Thrift")`;
        file.print(`if (${only} == null) throw ${refused};`);
      }
      for (const { name, field, oneof, nullable } of components) {
        const value = name === "out" ? "this.out" : name;
        if (oneof) file.print(`if (${value} != null) ${value}.write(out);`);
        if (!field) continue;
        const condition = wire.writtenIf(field, value, nullable);
        const statement = wire.writeField(field, value);
        file.print(condition === undefined ? statement : `if (${condition}) ${statement}`);
      }
      if (wire.wire === "thrift") file.print("out.stop();");
    },
    "}",
  );
}

function printRead(context: JavaContext, message: StubMessage, name: string, components: readonly Component[]): void {
  const { file, names, wire } = context;
  const merging = wire.wire === "protobuf";
  const empty = components.length === 0;
  file.print("/** Reads what {@link #write} wrote. Throws a {@link causeway.RpcException} when it is malformed. */");
  if (merging) {
    file.block(`public static ${name} read(${wire.input} in) {`, () => file.print("return merge(in, null);"), "}");
    file.print("", "/** The same over what came before, which may be null: a message may come in pieces. */");
  }
  file.block(
    merging
      ? `public static ${name} merge(${wire.input} in, ${name} before) {`
      : `public static ${name} read(${wire.input} in) {`,
    () => {
      if (!empty) {
        file.print(
          merging ? "Builder b = before == null ? new Builder() : before.toBuilder();" : "Builder b = new Builder();",
        );
        const prepared = components.flatMap((component) => prepare(context, component));
        if (merging && prepared.length > 0) file.block("if (before == null) {", () => file.print(...prepared), "}");
        else file.print(...prepared);
      }
      const cases = message.fields.flatMap((field) => {
        const own = field.oneof === undefined ? names.fields.get(field)! : "";
        if (own !== "") return wire.readCases(field, `b.${own}`, (value) => `b.${own} = ${value}`);
        return oneofCases(context, message, field);
      });
      wire.readLoop(cases);
      for (const { field, name: own } of components) {
        if (field?.absent === "error") file.print(`in.required(b.${own}, "${field.name}");`);
        else if (field?.required) file.print(`if (b.${own} == null) b.${own} = ${requiredZero(context, field)};`);
      }
      file.print(empty ? `return new ${name}();` : "return b.build();");
    },
    "}",
  );
}

/** Where the wire has no presence, a required value that is not there is zero. */
function requiredZero({ file, names }: JavaContext, { type }: StubField): string {
  const zero = zeroOf(file, names, type);
  if (type.kind !== "scalar" || zero !== "0") return zero;
  const suffix: Readonly<Record<string, string>> = {
    i64: "0L",
    u64: "0L",
    float: "0f",
    double: "0.0",
    i8: "(byte) 0",
    i16: "(short) 0",
  };
  return suffix[type.api] ?? zero;
}

/** What a field is before anything was read, where that is not what a new value has. */
function prepare({ file, names, wire }: JavaContext, { field, name }: Component): readonly string[] {
  if (!field) return [];
  const { defaultValue, absent, required, optional, type } = field;
  if (defaultValue === undefined || optional) return [];
  if (required) return [`b.${name} = null;`];
  const container = type.kind === "list" || type.kind === "map";
  if (isZeroConstant(defaultValue)) return [];
  if (absent === "zero" || (container && wire.wire === "protobuf"))
    return [`b.${name} = ${zeroOf(file, names, type)};`];
  return [];
}

function oneofCases({ file, names, wire }: JavaContext, message: StubMessage, field: StubField): readonly string[] {
  const oneof = message.oneofs.find(({ name }) => name === field.oneof)!;
  const own = names.types.get(message)!;
  const target = `b.${names.fields.get(oneof)}`;
  const member = file.use({
    package: own.package,
    path: [...own.path, names.oneofs.get(oneof)!, names.members.get(field)!],
  });
  const before = field.type.kind === "message" ? `${target} instanceof ${member} was ? was.value() : null` : "null";
  return wire.readCases(field, before, (value) => `${target} = new ${member}(${memberValue(field, value)})`);
}

// Statements of PHP that read fields and values on either wire: one loop per message, one case per field.
import { protobufTag, runOf, scalarFromWire, thriftKey, thriftType, wireTypeOf } from "./php-coding.ts";
import type { PhpFile } from "./php-file.ts";
import type { Locals } from "./php-names.ts";
import { isArrayKey, keyType, zeroOf } from "./php-types.ts";
import type { StubField, StubType } from "./stub-model.ts";

/** What is read from, beside `$in`. */
export interface ReadContext {
  readonly file: PhpFile;
  readonly locals: Locals;
  /** Whether the wire is Thrift. */
  readonly thrift: boolean;
  /** The field that is being read; absent outside of one. */
  readonly field?: string;
}

/** What becomes of a field that is met; `print` reads its value and puts it where it belongs. */
export interface ReadCase {
  readonly field: StubField;
  /** The variable that the value is put into; of lists and maps on Protobuf, which they are added to. */
  readonly target: string;
  /** The expression of the value that the field had before, on Protobuf; undefined when there is none. */
  readonly before?: string;
  /** What is done with the value instead of putting it into `target`: a statement. */
  readonly done?: (value: string) => string;
}

/** The loop over the fields of a message, which is entered already on Protobuf. */
export function readFields(context: ReadContext, cases: readonly ReadCase[]): void {
  const { file, locals, thrift } = context;
  const variable = `$${locals.fresh(thrift ? "field" : "tag")}`;
  if (thrift) file.print("$in->enter();");
  file.block(
    `while ((${variable} = $in->${thrift ? "field" : "tag"}()) !== 0) {`,
    () => {
      if (cases.length === 0) {
        file.print(`$in->skip(${variable});`);
        return;
      }
      file.block(
        `switch (${variable}) {`,
        () => {
          for (const each of cases) {
            const inner = { ...context, locals: locals.inner(), field: each.field.name || context.field || "" };
            if (thrift) thriftCase(inner, each);
            else protobufCases(inner, each);
          }
          printCase(file, "default", () => file.print(`$in->skip(${variable});`));
        },
        "}",
      );
    },
    "}",
  );
}

function printCase(file: PhpFile, label: string, body: () => void, ends = false): void {
  file.print(label === "default" ? "default:" : `case ${label}:`);
  file.indented(() => {
    body();
    if (!ends) file.print("break;");
  });
}

function put(file: PhpFile, { target, done }: ReadCase, value: string): void {
  if (done) file.print(done(value));
  else if (value !== target) file.print(`${target} = ${value};`);
}

function ends({ done }: ReadCase): boolean {
  return done !== undefined && /^(?:throw|return) /.test(done(""));
}

function thriftCase(context: ReadContext, each: ReadCase): void {
  const { file } = context;
  const { field, target, done } = each;
  printCase(
    file,
    thriftKey(field.type, field.id),
    () => put(file, each, readThrift(context, field.type, done ? undefined : target)),
    ends(each),
  );
}

/** Prints what goes before, and gives the expression of the value; a container is put together in `target` if there is one. */
function readThrift(context: ReadContext, type: StubType, target?: string): string {
  const { file, locals, field = "" } = context;
  switch (type.kind) {
    case "scalar":
      return scalarFromWire(type, field);
    case "enum":
      return enumFromWire(context, type, "i32");
    case "message":
      return `${file.classOf(type.type)}::read($in)`;
    case "wrapped":
      return readThrift(context, type.inner, target);
    case "list": {
      const run = runOf(type);
      if (run !== undefined) return `$in->${run}()`;
      const items = target ?? `$${locals.fresh("items")}`;
      const count = `$${locals.fresh("count")}`;
      file.print(`${items} = [];`);
      file.block(
        `for (${count} = $in->list(${thriftType(file, type.element)}); ${count} > 0; ${count}--) {`,
        () => file.print(`${items}[] = ${readThrift(context, type.element)};`),
        "}",
      );
      return items;
    }
    case "map": {
      const entries = target ?? `$${locals.fresh("entries")}`;
      const count = `$${locals.fresh("count")}`;
      const types = `${thriftType(file, type.key)}, ${thriftType(file, type.value)}`;
      file.print(`${entries} = [];`);
      file.block(
        `for (${count} = $in->map(${types}); ${count} > 0; ${count}--) {`,
        () => {
          const key = `$${locals.fresh("key")}`;
          file.print(`${key} = ${asKey(type.key, readThrift(context, keyType(type.key, true)))};`);
          const value = readThrift(context, type.value);
          file.print(isArrayKey(type.key) ? `${entries}[${key}] = ${value};` : `${entries}[] = [${key}, ${value}];`);
        },
        "}",
      );
      return entries;
    }
  }
}

/** No false and true are keys of an array. */
function asKey(type: StubType, value: string): string {
  return type.kind === "scalar" && type.api === "bool" ? `(int) ${value}` : value;
}

function enumFromWire({ file, locals }: ReadContext, type: StubType & { kind: "enum" }, method: string): string {
  const number = `$${locals.fresh("number")}`;
  return `${file.classOf(type.type)}::tryFrom(${number} = $in->${method}()) ?? ${number}`;
}

function protobufCases(context: ReadContext, each: ReadCase): void {
  const { file } = context;
  const { field, target } = each;
  const { type, id } = field;
  if (type.kind === "list") {
    const { element } = type;
    const wireType = wireTypeOf(element);
    const addOne = () => file.print(`${target}[] = ${readProtobuf(context, element, wireType, id)};`);
    if (wireType !== 2 && wireType !== 3) {
      printCase(file, String(protobufTag(id, 2)), () => file.block("for ($in->enter(); $in->more();) {", addOne, "}"));
    }
    printCase(file, String(protobufTag(id, wireType)), addOne);
    return;
  }
  if (type.kind === "map") {
    printCase(file, String(protobufTag(id, 2)), () => readEntry(context, type, target));
    return;
  }
  const wireType = wireTypeOf(type);
  const syntheticZero = type.kind === "enum" && type.syntheticZero;
  printCase(
    file,
    String(protobufTag(id, wireType)),
    () => {
      const value = readProtobuf(context, type, wireType, id, each.before);
      // On this wire a zero says that there is no value.
      if (syntheticZero) {
        const number = `$${context.locals.fresh("value")}`;
        file.print(`${number} = ${value};`);
        file.block(`if (${number} !== 0) {`, () => put(file, each, number), "}");
      } else put(file, each, value);
    },
    ends(each),
  );
}

/** Reads an entry of a map, in which key and value may be missing. */
function readEntry(context: ReadContext, type: StubType & { kind: "map" }, target: string): void {
  const { file, locals } = context;
  const key = `$${locals.fresh("key")}`;
  const value = `$${locals.fresh("value")}`;
  const keyOf = keyType(type.key, false);
  file.print(`${key} = ${zeroOf(file, keyOf)};`, `${value} = ${zeroOf(file, type.value)};`, "$in->enter();");
  readFields(context, [
    { field: memberOf(keyOf, 1), target: key, before: key },
    { field: memberOf(type.value, 2), target: value, before: value },
  ]);
  const keyValue = type.key.kind === "message" ? orEmpty(file, type.key, key) : asKey(type.key, key);
  const read = type.value.kind === "message" ? orEmpty(file, type.value, value) : value;
  file.print(isArrayKey(type.key) ? `${target}[${keyValue}] = ${read};` : `${target}[] = [${keyValue}, ${read}];`);
}

function orEmpty(file: PhpFile, type: StubType & { kind: "message" }, value: string): string {
  return `${value} ?? ${file.classOf(type.type)}::decode('')`;
}

function memberOf(type: StubType, id: number): StubField {
  return {
    name: "",
    doc: undefined,
    deprecated: false,
    position: { file: "", line: 1, column: 1 },
    id,
    type,
    optional: false,
    required: false,
    write: "always",
    absent: "zero",
    defaultValue: undefined,
    oneof: undefined,
  };
}

/** Prints what goes before, and gives the expression of a value that is not repeated. */
function readProtobuf(context: ReadContext, type: StubType, wireType: number, id: number, before?: string): string {
  const { file, locals, field = "" } = context;
  switch (type.kind) {
    case "scalar":
      return scalarFromWire(type, field);
    case "enum":
      return enumFromWire(context, type, "int32");
    case "message": {
      const enter = wireType === 3 ? `$in->enterGroup(${protobufTag(id, 4)})` : "$in->enter()";
      return `${file.classOf(type.type)}::read(${enter}${before === undefined ? "" : `, ${before}`})`;
    }
    case "wrapped": {
      const inner = `$${locals.fresh("inner")}`;
      file.print(`${inner} = ${zeroOf(file, type.inner)};`, "$in->enter();");
      readFields(context, [{ field: memberOf(type.inner, 1), target: inner, before: inner }]);
      return inner;
    }
    default:
      return "null";
  }
}

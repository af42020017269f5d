// Statements of PHP that write fields and values on either wire.
import { methodOf, protobufTag, runOf, scalarToWire, thriftType, wireTypeOf } from "./php-coding.ts";
import type { PhpFile } from "./php-file.ts";
import type { Locals } from "./php-names.ts";
import { isArrayKey, isNullable, keyType } from "./php-types.ts";
import type { StubField, StubType } from "./stub-model.ts";

/** What is written into, beside `$out`. */
export interface WriteContext {
  readonly file: PhpFile;
  readonly locals: Locals;
  /** Whether the wire is Thrift. */
  readonly thrift: boolean;
}

/** A field, or one half of an entry of a map, by the name that errors have. */
interface Slot {
  readonly id: number;
  readonly name: string;
}

/** Writes a field whose value is `value`, if it is there to be written. */
export function writeField(context: WriteContext, field: StubField, value: string): void {
  const { file } = context;
  const condition = conditionOf(context, field, value);
  const write = () => writePresent(context, field, value);
  if (condition === undefined) write();
  else file.block(`if (${condition}) {`, write, "}");
}

function conditionOf(context: WriteContext, field: StubField, value: string): string | undefined {
  const { type } = field;
  const conditions: string[] = [];
  if (isNullable(field)) conditions.push(`${value} !== null`);
  // A repeated field of no elements has no bytes anyway.
  else if (field.write === "nonzero" && type.kind !== "list" && type.kind !== "map") {
    conditions.push(nonzero(context, type, value));
  }
  if (type.kind === "enum" && type.syntheticZero) conditions.push(`${value} !== 0`);
  return conditions.length === 0 ? undefined : [...new Set(conditions)].join(" && ");
}

function nonzero({ file }: WriteContext, type: StubType, value: string): string {
  if (type.kind === "enum") {
    const zero = type.type.values.find(({ number }) => number === 0);
    const unnamed = `${value} !== 0`;
    return zero ? `${unnamed} && ${value} !== ${file.classOf(type.type)}::${zero.name}` : unnamed;
  }
  if (type.kind !== "scalar") return `${value} !== null`;
  switch (type.api) {
    case "bool":
      return value;
    case "string":
    case "bytes":
      return `${value} !== ''`;
    case "uuid":
      return `${value} !== '00000000-0000-0000-0000-000000000000'`;
    case "float":
    case "double":
      return `!${file.runtime("ProtobufWriter")}::isZero(${value})`;
    default:
      return `${value} !== 0`;
  }
}

/** Writes a field that is there. */
export function writePresent(outer: WriteContext, field: StubField, value: string): void {
  const context = { ...outer, locals: outer.locals.inner() };
  if (context.thrift) writeThriftField(context, field, value);
  else writeProtobufField(context, field, field.type, value);
}

function writeThriftField(context: WriteContext, { id, name, type }: StubField, value: string): void {
  const head = `$out->field(${thriftType(context.file, type)}, ${id}, '${name}')`;
  writeThrift(context, type, value, head);
}

/** `target` is the writer, perhaps behind what announces the value. */
function writeThrift(context: WriteContext, type: StubType, value: string, target: string): void {
  const { file, locals } = context;
  switch (type.kind) {
    case "scalar":
      file.print(`${target}->${methodOf(type)}(${scalarToWire(type, value)});`);
      return;
    case "enum":
      file.print(`${target}->enum(${value});`);
      return;
    case "message":
      file.print(`${target}->struct(${value});`);
      return;
    case "list": {
      const run = runOf(type);
      if (run !== undefined) {
        file.print(`${target}->${run}(${value});`);
        return;
      }
      const item = `$${locals.fresh("item")}`;
      file.list(`${target}->list`, [thriftType(file, type.element), `\\count(${value})`], ";");
      file.block(`foreach (${value} as ${item}) {`, () => writeThrift(context, type.element, item, "$out"), "}");
      return;
    }
    case "map": {
      const types = [thriftType(file, type.key), thriftType(file, type.value)];
      file.list(`${target}->map`, [...types, `\\count(${value})`], ";");
      eachEntry(context, type, value, (key, item) => {
        writeThrift(context, keyType(type.key, true), key, "$out");
        writeThrift(context, type.value, item, "$out");
      });
      return;
    }
    case "wrapped":
      writeThrift(context, type.inner, value, target);
  }
}

/** Keys of arrays come back as integers where they look like some. */
function eachEntry(
  { file, locals }: WriteContext,
  { key: keyType }: StubType & { kind: "map" },
  value: string,
  write: (key: string, item: string) => void,
): void {
  const key = `$${locals.fresh("key")}`;
  const item = `$${locals.fresh("item")}`;
  const pair = isArrayKey(keyType) ? `${key} => ${item}` : `[${key}, ${item}]`;
  file.block(`foreach (${value} as ${pair}) {`, () => write(keyExpression(keyType, key), item), "}");
}

function keyExpression(type: StubType, key: string): string {
  if (type.kind !== "scalar") return key;
  if (type.api === "bool") return `(bool) ${key}`;
  return type.api === "string" || type.api === "bytes" || type.api === "uuid" ? `(string) ${key}` : key;
}

function writeProtobufField(context: WriteContext, slot: Slot, type: StubType, value: string): void {
  const { file, locals } = context;
  const { id, name } = slot;
  if (type.kind === "list") {
    const { element } = type;
    const item = `$${locals.fresh("item")}`;
    const isPacked = type.packed && wireTypeOf(element) !== 2 && wireTypeOf(element) !== 3;
    if (!isPacked) {
      file.block(`foreach (${value} as ${item}) {`, () => writeProtobufField(context, slot, element, item), "}");
      return;
    }
    file.block(
      `if (${value} !== []) {`,
      () => {
        const outer = `$${locals.fresh("outer")}`;
        file.print(`${outer} = $out->tag(${protobufTag(id, 2)}, '${name}')->begin();`);
        file.block(`foreach (${value} as ${item}) {`, () => file.print(`$out->${protobufValue(element, item)};`), "}");
        file.print(`$out->end(${outer});`);
      },
      "}",
    );
    return;
  }
  if (type.kind === "map") {
    eachEntry(context, type, value, (key, item) => {
      nested(context, slot, () => {
        writeProtobufField(context, { id: 1, name }, keyType(type.key, false), key);
        writeProtobufField(context, { id: 2, name }, type.value, item);
      });
    });
    return;
  }
  if (type.kind === "wrapped") {
    nested(context, slot, () => writeProtobufField(context, { id: 1, name }, type.inner, value));
    return;
  }
  const tag = protobufTag(id, wireTypeOf(type));
  const write = type.kind === "message" && type.delimited ? `group(${value}, ${tag + 1})` : protobufValue(type, value);
  file.print(`$out->tag(${tag}, '${name}')->${write};`);
}

/** What stands in a message of its own. */
function nested({ file, locals }: WriteContext, { id, name }: Slot, write: () => void): void {
  const outer = `$${locals.fresh("outer")}`;
  file.print(`${outer} = $out->tag(${protobufTag(id, 2)}, '${name}')->begin();`);
  write();
  file.print(`$out->end(${outer});`);
}

function protobufValue(type: StubType, value: string): string {
  if (type.kind === "scalar") return `${methodOf(type)}(${scalarToWire(type, value)})`;
  if (type.kind === "enum") {
    return `${type.syntheticZero ? "nonzero" : "enum"}(${value})`;
  }
  return `message(${value})`;
}

// Encoding and decoding of values in Thrift's binary protocol, as Go statements.
import { type GoFile, isDefaulted, isMapKey, isPointer } from "./go-file.ts";
import { fromWireInteger, isInteger, toWireInteger } from "./go-integers.ts";
import type { StubField, StubType } from "./stub-model.ts";

/** The constant of a value's Thrift type. */
export function thriftKind(go: GoFile, type: StubType): string {
  const names = { i8: "I8", i16: "I16", i32: "I32", i64: "I64", double: "Double", bool: "Bool", uuid: "Uuid" } as const;
  switch (type.kind) {
    case "scalar":
      return go.wire(names[type.coding as keyof typeof names] ?? "String");
    case "enum":
      return go.wire("I32");
    case "message":
      return go.wire("Struct");
    case "list":
      return go.wire(type.set ? "Set" : "List");
    case "map":
      return go.wire("Map");
    case "wrapped":
      return thriftKind(go, type.inner);
  }
}

/** Names of variables do not hide those around them. */
export function nested(name: string, depth: number): string {
  return depth === 0 ? name : `${name}${depth + 1}`;
}

/** Writes a field, header and all, under the condition that its presence asks for. */
export function writeThriftField(go: GoFile, field: StubField, value: string, what: string): void {
  const body = (): void => {
    go.print(`w.Field(${thriftKind(go, field.type)}, ${field.id})`);
    writeThrift(go, field.type, isPointer(field) ? `*${value}` : value, what);
  };
  const mayBeNil = field.write === "present" || (field.type.kind === "message" && !field.required);
  if (mayBeNil) go.block(`if ${value} != nil {`, body, "}");
  else body();
}

/** Writes a value. `what` is a Go expression of its path. */
export function writeThrift(go: GoFile, type: StubType, value: string, what: string, depth = 0): void {
  switch (type.kind) {
    case "scalar":
      go.print(`w.${writeScalar(go, type, value, what)}`);
      return;
    case "enum":
      go.print(`w.I32(int32(${value}))`);
      return;
    case "message":
      go.print(`${value}.MarshalWire(w)`);
      return;
    case "list": {
      const element = nested("value", depth);
      go.print(`w.List(${thriftKind(go, type.element)}, len(${value}))`);
      go.block(
        `for _, ${element} := range ${value} {`,
        () => writeThrift(go, type.element, element, what, depth + 1),
        "}",
      );
      return;
    }
    case "map": {
      const [key, each] = isMapKey(type.key)
        ? [nested("key", depth), nested("value", depth)]
        : [`${nested("entry", depth)}.Key`, `${nested("entry", depth)}.Value`];
      go.print(`w.Map(${thriftKind(go, type.key)}, ${thriftKind(go, type.value)}, len(${value}))`);
      const variables = isMapKey(type.key) ? `${key}, ${each}` : `_, ${nested("entry", depth)}`;
      const body = (): void => {
        writeThrift(go, type.key, key, what, depth + 1);
        writeThrift(go, type.value, each, what, depth + 1);
      };
      go.block(`for ${variables} := range ${value} {`, body, "}");
      return;
    }
    case "wrapped":
      writeThrift(go, type.inner, value, what, depth);
  }
}

function writeScalar(go: GoFile, type: StubType & { kind: "scalar" }, value: string, what: string): string {
  const { api, coding } = type;
  if (isInteger(api)) {
    const kind = coding.toUpperCase();
    return `${kind}(${toWireInteger(type, value, what, () => void go.standard("math", ""))})`;
  }
  switch (coding) {
    case "bool":
      return `Bool(${value})`;
    case "double":
      return `Double(${api === "float" ? `float64(${value})` : value})`;
    case "uuid":
      return `UUID(${value})`;
    case "string":
      return `String(${api === "bytes" ? `string(${value})` : value})`;
    default:
      return api === "string" ? `String(${value})` : `Binary(${value})`;
  }
}

/** Reads a field's value into `place`. */
export function readThriftField(go: GoFile, field: StubField, place: string, what: string): void {
  const { type } = field;
  if (isPointer(field)) go.print(`${place} = ${go.wire("Ptr")}(${readExpression(go, type, what)})`);
  else readThrift(go, type, place, what);
}

/** Reads a value into `place`, which can be assigned to. */
export function readThrift(go: GoFile, type: StubType, place: string, what: string, depth = 0): void {
  switch (type.kind) {
    case "message":
      go.print(`${place} = ${newMessage(go, type)}`, `${place}.UnmarshalWire(r)`);
      return;
    case "list": {
      const i = nested("i", depth);
      go.print(`${place} = make(${go.typeOf(type)}, r.List(${thriftKind(go, type.element)}))`);
      go.block(
        `for ${i} := range ${place} {`,
        () => readThrift(go, type.element, `${place}[${i}]`, what, depth + 1),
        "}",
      );
      return;
    }
    case "map":
      readMap(go, type, place, what, depth);
      return;
    case "wrapped":
      readThrift(go, type.inner, place, what, depth);
      return;
    default:
      go.print(`${place} = ${readExpression(go, type, what)}`);
  }
}

function readMap(go: GoFile, type: StubType & { kind: "map" }, place: string, what: string, depth: number): void {
  const header = `r.Map(${thriftKind(go, type.key)}, ${thriftKind(go, type.value)})`;
  if (!isMapKey(type.key)) {
    const i = nested("i", depth);
    go.print(`${place} = make(${go.typeOf(type)}, ${header})`);
    const body = (): void => {
      readThrift(go, type.key, `${place}[${i}].Key`, what, depth + 1);
      readThrift(go, type.value, `${place}[${i}].Value`, what, depth + 1);
    };
    go.block(`for ${i} := range ${place} {`, body, "}");
    return;
  }
  const [count, key, value] = [nested("count", depth), nested("key", depth), nested("value", depth)];
  go.print(`${count} := ${header}`, `${place} = make(${go.typeOf(type)}, ${count})`);
  const body = (): void => {
    go.print(`${key} := ${readExpression(go, type.key, what)}`);
    if (type.value.kind === "scalar" || type.value.kind === "enum") {
      go.print(`${place}[${key}] = ${readExpression(go, type.value, what)}`);
      return;
    }
    go.print(`var ${value} ${go.typeOf(type.value)}`);
    readThrift(go, type.value, value, what, depth + 1);
    go.print(`${place}[${key}] = ${value}`);
  };
  go.block(`for ; ${count} > 0; ${count}-- {`, body, "}");
}

/** A new value with its defaults. */
export function newMessage(go: GoFile, type: StubType & { kind: "message" }): string {
  const own = type.type;
  const name = go.messageName(own);
  if (!hasDefaults(own)) return `new(${name})`;
  return `${go.beside(own, `New${name.slice(name.lastIndexOf(".") + 1)}`)}()`;
}

/** Whether a new value is more than zeros. */
export function hasDefaults({
  fields,
  kind,
}: {
  readonly fields: readonly StubField[];
  readonly kind: string;
}): boolean {
  return kind !== "union" && fields.some(isDefaulted);
}

function readExpression(go: GoFile, type: StubType, what: string): string {
  if (type.kind === "enum") return `${go.typeOf(type)}(r.I32())`;
  if (type.kind !== "scalar") throw new Error(`a ${type.kind} is read by statements`);
  const { api, coding } = type;
  if (isInteger(api)) {
    return fromWireInteger(type, `r.${coding.toUpperCase()}()`, what, () => void go.standard("math", ""));
  }
  switch (coding) {
    case "bool":
      return "r.Bool()";
    case "double":
      return api === "float" ? "float32(r.Double())" : "r.Double()";
    case "uuid":
      return "r.UUID()";
    case "string":
      return api === "bytes" ? "r.Binary()" : "r.String()";
    default:
      return api === "string" ? "r.String()" : "r.Binary()";
  }
}

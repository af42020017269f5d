// Encoding and decoding of values in Protobuf, as Go statements.
import { type GoFile, isMapKey, isPointer } from "./go-file.ts";
import { fromWireInteger, goInteger, isInteger, toWireInteger } from "./go-integers.ts";
import { nested, newMessage } from "./go-thrift.ts";
import type { StubField, StubType } from "./stub-model.ts";

type Scalar = StubType & { readonly kind: "scalar" };
type WireType = "Varint" | "Fixed32" | "Fixed64" | "Delimited" | "Group";

/** The wire type of one occurrence that is not packed. */
function wireTypeOf(type: StubType): WireType {
  switch (type.kind) {
    case "scalar":
      if (/^s?fixed32$|^float$/.test(type.coding)) return "Fixed32";
      if (/^s?fixed64$|^double$/.test(type.coding)) return "Fixed64";
      return type.coding === "string" || type.coding === "bytes" ? "Delimited" : "Varint";
    case "enum":
      return "Varint";
    case "message":
      return type.delimited ? "Group" : "Delimited";
    case "list":
      return wireTypeOf(type.element);
    default:
      return "Delimited";
  }
}

function isPackable(type: StubType): boolean {
  return (type.kind === "scalar" || type.kind === "enum") && wireTypeOf(type) !== "Delimited";
}

function tag(go: GoFile, id: number, wireType: WireType | "GroupEnd"): string {
  return `${id}<<3 | ${go.wire(wireType)}`;
}

/** Writes a field under the condition that its presence asks for. */
export function writeProtobufField(go: GoFile, field: StubField, value: string, what: string): void {
  const { type } = field;
  const pointer = isPointer(field);
  const body = (): void => writeProtobuf(go, type, field.id, pointer ? `*${value}` : value, what);
  const condition = conditionOf(go, field, value);
  if (condition === undefined) body();
  else go.block(`if ${condition} {`, body, "}");
}

function conditionOf(go: GoFile, { write, type, required }: StubField, value: string): string | undefined {
  // Of these, each element is written, and so nothing when there is none.
  if (type.kind === "map" || (type.kind === "list" && !(type.packed && isPackable(type.element)))) return undefined;
  if (type.kind === "list") return `len(${value}) > 0`;
  if (write === "present" || (type.kind === "message" && !required)) return `${value} != nil`;
  if (write === "always" || type.kind === "message" || type.kind === "wrapped") return undefined;
  if (type.kind === "enum") return `${value} != 0`;
  switch (type.api) {
    case "bool":
      return value;
    case "string":
      return `${value} != ""`;
    case "bytes":
      return `len(${value}) > 0`;
    case "double":
      return `${go.standard("math", "Float64bits")}(${value}) != 0`;
    case "float":
      return `${go.standard("math", "Float32bits")}(${value}) != 0`;
    default:
      return `${value} != 0`;
  }
}

/** Writes a value as field `id`; each element of a list. */
export function writeProtobuf(go: GoFile, type: StubType, id: number, value: string, what: string, depth = 0): void {
  const start = nested("start", depth);
  const delimited = (body: () => void): void => {
    go.print(`w.Varint(${tag(go, id, "Delimited")})`, `${start} := w.Begin()`);
    body();
    go.print(`w.End(${start})`);
  };
  switch (type.kind) {
    case "scalar":
    case "enum":
      go.print(`w.Varint(${tag(go, id, wireTypeOf(type))})`, writeBare(go, type, value, what));
      return;
    case "message":
      if (type.delimited) {
        go.print(
          `w.Varint(${tag(go, id, "Group")})`,
          `${value}.MarshalWire(w)`,
          `w.Varint(${tag(go, id, "GroupEnd")})`,
        );
      } else scoped(go, depth, () => delimited(() => go.print(`${value}.MarshalWire(w)`)));
      return;
    case "list": {
      const element = nested("value", depth);
      const each = `for _, ${element} := range ${value} {`;
      if (type.packed && isPackable(type.element)) {
        delimited(() => go.block(each, () => go.print(writeBare(go, type.element, element, what)), "}"));
      } else go.block(each, () => writeProtobuf(go, type.element, id, element, what, depth + 1), "}");
      return;
    }
    case "map": {
      const entry = nested("entry", depth);
      const [key, each] = isMapKey(type.key)
        ? [nested("key", depth), nested("value", depth)]
        : [`${entry}.Key`, `${entry}.Value`];
      const variables = isMapKey(type.key) ? `${key}, ${each}` : `_, ${entry}`;
      const body = (): void => {
        writeProtobuf(go, type.key, 1, key, what, depth + 1);
        writeProtobuf(go, type.value, 2, each, what, depth + 2);
      };
      go.block(`for ${variables} := range ${value} {`, () => delimited(body), "}");
      return;
    }
    case "wrapped":
      scoped(go, depth, () =>
        delimited(() => {
          const write = (): void => writeProtobuf(go, type.inner, 1, value, what, depth + 1);
          const packed = type.inner.kind === "list" && type.inner.packed && isPackable(type.inner.element);
          if (packed) go.block(`if len(${value}) > 0 {`, write, "}");
          else write();
        }),
      );
  }
}

/** Variables of two fields in a row must not meet; within a condition or a loop they do not, but not all have one. */
function scoped(go: GoFile, depth: number, body: () => void): void {
  if (depth > 0) body();
  else go.block("{", body, "}");
}

function writeBare(go: GoFile, type: StubType, value: string, what: string): string {
  if (type.kind === "enum") return `w.Varint(uint64(${value}))`;
  if (type.kind !== "scalar") throw new Error(`a ${type.kind} is written by statements`);
  const { api, coding } = type;
  if (isInteger(api)) {
    const integer = toWireInteger(type, value, what, () => void go.standard("math", ""));
    const wide = goInteger(coding) === "uint64" ? integer : `uint64(${integer})`;
    if (coding === "sint32" || coding === "sint64")
      return `w.Zigzag(${goInteger(coding) === "int64" ? integer : `int64(${integer})`})`;
    if (coding === "fixed32" || coding === "sfixed32")
      return `w.Fixed32(${coding === "fixed32" ? integer : `uint32(${integer})`})`;
    if (coding === "fixed64" || coding === "sfixed64") return `w.Fixed64(${wide})`;
    return `w.Varint(${wide})`;
  }
  switch (coding) {
    case "bool":
      return `w.Bool(${value})`;
    case "double":
      return `w.Fixed64(${go.standard("math", "Float64bits")}(${api === "float" ? `float64(${value})` : value}))`;
    case "float":
      return `w.Fixed32(${go.standard("math", "Float32bits")}(${api === "double" ? `float32(${value})` : value}))`;
    case "string":
      if (api === "uuid") return `w.Text(${bare(value)}.String())`;
      return `w.Text(${api === "bytes" ? `string(${value})` : value})`;
    default:
      if (api === "uuid") return `w.Blob(${bare(value)}[:])`;
      return `w.Blob(${api === "string" ? `[]byte(${value})` : value})`;
  }
}

/** What a selector may follow: it goes through pointers by itself. */
function bare(value: string): string {
  return value.startsWith("*") ? value.slice(1) : value;
}

/** The clauses of the switch over tags that read a field into `place`; `seen` runs in each. */
export function readProtobufField(go: GoFile, field: StubField, place: string, what: string, seen: () => void): void {
  const { type, id } = field;
  if (type.kind === "enum" && type.syntheticZero) {
    go.print(`case ${tag(go, id, "Varint")}:`);
    const body = (): void => {
      go.print(`${place} = ${isPointer(field) ? `${go.wire("Ptr")}(value)` : "value"}`);
      seen();
    };
    go.indented(() => go.block(`if value := ${readBare(go, type, what)}; value != 0 {`, body, "}"));
    return;
  }
  if (isPointer(field)) {
    go.print(`case ${tag(go, id, wireTypeOf(type))}:`);
    go.indented(() => {
      go.print(`${place} = ${go.wire("Ptr")}(${readBare(go, type, what)})`);
      seen();
    });
    return;
  }
  readClauses(go, type, id, place, what, seen);
}

/** The clauses that read field `id` of any type; `begin` and `seen` stand first and last in each. */
export function readClauses(
  go: GoFile,
  type: StubType,
  id: number,
  place: string,
  what: string,
  seen: () => void = () => {},
  begin: () => void = () => {},
  depth = 0,
): void {
  const clause = (wireType: WireType, body: () => void): void => {
    go.print(`case ${tag(go, id, wireType)}:`);
    go.indented(() => {
      begin();
      body();
      seen();
    });
  };
  if (type.kind === "list" && isPackable(type.element)) {
    const append = `${place} = append(${place}, ${readBare(go, type.element, what)})`;
    const scope = nested("scope", depth);
    clause(wireTypeOf(type.element), () => go.print(`r.Grows(len(${place}))`, append));
    clause("Delimited", () => {
      go.print(`${scope} := r.Open()`);
      go.block("for r.More() {", () => go.print(`r.Grows(len(${place}))`, append), "}");
      go.print(`r.Close(${scope})`);
    });
  } else if (type.kind === "list") {
    const value = nested("value", depth);
    clause(wireTypeOf(type.element), () => {
      go.print(`r.Grows(len(${place}))`);
      if (type.element.kind === "scalar") {
        go.print(`${place} = append(${place}, ${readBare(go, type.element, what)})`);
        return;
      }
      go.print(`var ${value} ${go.typeOf(type.element)}`);
      readOne(go, type.element, value, what, depth + 1);
      go.print(`${place} = append(${place}, ${value})`);
    });
  } else clause(wireTypeOf(type), () => readOne(go, type, place, what, depth));
}

/** One occurrence, whose tag was read, into `place`. */
function readOne(go: GoFile, type: StubType, place: string, what: string, depth: number): void {
  const scope = nested("scope", depth);
  switch (type.kind) {
    case "scalar":
    case "enum":
      go.print(`${place} = ${readBare(go, type, what)}`);
      return;
    case "message":
      // A message may arrive in pieces.
      go.block(`if ${place} == nil {`, () => go.print(`${place} = ${newMessage(go, type)}`), "}");
      go.print(
        `${scope} := r.${type.delimited ? "OpenGroup" : "Open"}()`,
        `${place}.UnmarshalWire(r)`,
        `r.Close(${scope})`,
      );
      return;
    case "map":
      readEntry(go, type, place, what, depth);
      return;
    case "wrapped": {
      const empty = type.inner.kind === "list" || (type.inner.kind === "map" && !isMapKey(type.inner.key));
      if (empty || type.inner.kind === "map") go.print(`${place} = ${go.typeOf(type.inner)}{}`);
      readParts(go, scope, () => readClauses(go, type.inner, 1, place, what, undefined, undefined, depth + 1));
      return;
    }
    case "list":
      throw new Error("a list has occurrences, and is none");
  }
}

function readParts(go: GoFile, scope: string, clauses: () => void): void {
  go.print(`${scope} := r.Open()`);
  go.block(
    "for r.NextTag() {",
    () => {
      go.print("switch r.Tag() {");
      clauses();
      go.print("default:");
      go.indented(() => go.print("r.SkipTag()"));
      go.print("}");
    },
    "}",
  );
  go.print(`r.Close(${scope})`);
}

function readEntry(go: GoFile, type: StubType & { kind: "map" }, place: string, what: string, depth: number): void {
  const [key, value] = [nested("key", depth), nested("value", depth)];
  go.print(`r.Grows(len(${place}))`, `var ${key} ${go.typeOf(type.key)}`, `var ${value} ${go.typeOf(type.value)}`);
  for (const [part, name] of [
    [type.key, key],
    [type.value, value],
  ] as const) {
    if (part.kind === "message") go.print(`${name} = ${newMessage(go, part)}`);
  }
  readParts(go, nested("scope", depth), () => {
    readClauses(go, type.key, 1, key, what, undefined, undefined, depth + 1);
    readClauses(go, type.value, 2, value, what, undefined, undefined, depth + 1);
  });
  if (!isMapKey(type.key)) {
    go.print(`${place} = append(${place}, ${go.typeOf(type).slice(2)}{Key: ${key}, Value: ${value}})`);
    return;
  }
  go.block(`if ${place} == nil {`, () => go.print(`${place} = ${go.typeOf(type)}{}`), "}");
  go.print(`${place}[${key}] = ${value}`);
}

function readBare(go: GoFile, type: StubType, what: string): string {
  if (type.kind === "enum") return `${go.typeOf(type)}(r.Varint())`;
  if (type.kind !== "scalar") throw new Error(`a ${type.kind} is read by statements`);
  const { api, coding } = type;
  if (isInteger(api)) {
    return fromWireInteger(type, readInteger(type), what, () => void go.standard("math", ""));
  }
  switch (coding) {
    case "bool":
      return "r.Varint() != 0";
    case "double": {
      const real = `${go.standard("math", "Float64frombits")}(r.Fixed64())`;
      return api === "float" ? `float32(${real})` : real;
    }
    case "float": {
      const real = `${go.standard("math", "Float32frombits")}(r.Fixed32())`;
      return api === "double" ? `float64(${real})` : real;
    }
    case "string":
      if (api === "uuid") return "r.UUIDOfText(r.Text())";
      return api === "bytes" ? "[]byte(r.Text())" : "r.Text()";
    default:
      if (api === "uuid") return `r.UUIDOf(${what}, r.Blob())`;
      return api === "string" ? "r.Text()" : "r.Blob()";
  }
}

function readInteger({ coding }: Scalar): string {
  const wanted = goInteger(coding);
  const as = (is: string, value: string): string => (is === wanted ? value : `${wanted}(${value})`);
  if (coding === "sint32" || coding === "sint64") return as("int64", "r.Zigzag()");
  if (coding === "fixed32" || coding === "sfixed32") return as("uint32", "r.Fixed32()");
  if (coding === "fixed64" || coding === "sfixed64") return as("uint64", "r.Fixed64()");
  return as("uint64", "r.Varint()");
}

// What an absent field means on the other side, from the presence and the defaults that both sides declare.
import type { Absent, ValueLink } from "./link.ts";
import type { Constant, Field, FieldType, ThriftScalar } from "./model.ts";

const OMIT: Absent = { kind: "omit" };
const ERROR: Absent = { kind: "error" };

/** The parts of a FieldLink that presence decides. */
export interface PresenceLink {
  readonly absentInThrift: Absent;
  readonly absentInProtobuf: Absent;
  readonly implicit: boolean;
  readonly unwritable: "omit" | "error";
}

/**
 * Works out presence for a pair of fields, whose values stand for each other as `value` says; `exclusive` is whether at
 * most one field of the struct is there, as in a union.
 */
export function linkPresence(exclusive: boolean, thrift: Field, protobuf: Field, value: ValueLink): PresenceLink {
  const presence = exclusive ? "optional" : thrift.presence;
  const implicit = hasNoPresence(protobuf, value);
  const fallback = exclusive ? undefined : usableDefault(thrift);
  const zero = zeroOf(thrift.type);
  const unequal = fallback && protobuf.defaultValue && !isEqual(fallback, protobuf.defaultValue);
  const falls = fallback !== undefined && (!zero || !isEqual(fallback, zero));
  const unwritable = presence === "required" ? "error" : "omit";
  return { absentInThrift: absentInThrift(), absentInProtobuf: absentInProtobuf(), implicit, unwritable };

  function absentInThrift(): Absent {
    if (presence === "required") return ERROR;
    if (fallback && (unequal || (implicit && presence === "default" && falls)))
      return { kind: "value", value: fallback };
    return protobuf.presence === "required" ? ERROR : OMIT;
  }

  function absentInProtobuf(): Absent {
    if (unequal && protobuf.defaultValue) return { kind: "value", value: protobuf.defaultValue };
    if (!implicit) return presence === "required" ? ERROR : OMIT;
    // Absent means zero there. Without a zero, as for uuid and a synthetic one, it is like any other value that is missing.
    if (!zero || (value.kind === "enum" && value.syntheticZero)) return presence === "required" ? ERROR : OMIT;
    return presence === "optional" && !falls ? OMIT : { kind: "value", value: zero };
  }
}

function hasNoPresence({ presence }: Field, { kind }: ValueLink): boolean {
  if (kind === "list" || kind === "map") return true;
  return presence === "implicit" && (kind === "scalar" || kind === "enum" || kind === "octets");
}

function usableDefault({ defaultValue, type }: Field): Constant | undefined {
  return defaultValue && isUsableDefault(defaultValue, type) ? defaultValue : undefined;
}

/** Whether a default can be written in place of an absent field: scalars, enums, and lists and maps of them. */
export function isUsableDefault(value: Constant, type: FieldType): boolean {
  switch (type.kind) {
    case "message":
      return false;
    case "list":
    case "set":
      return value.kind === "list" && value.values.every((each) => isUsableDefault(each, type.element));
    case "map":
      return (
        value.kind === "map" &&
        value.entries.every(([key, each]) => isUsableDefault(key, type.key) && isUsableDefault(each, type.value))
      );
    default:
      return value.kind !== "list" && value.kind !== "map";
  }
}

const ZEROS: Readonly<Record<ThriftScalar, Constant | undefined>> = {
  bool: { kind: "bool", value: false },
  i8: { kind: "int", value: 0n },
  i16: { kind: "int", value: 0n },
  i32: { kind: "int", value: 0n },
  i64: { kind: "int", value: 0n },
  double: { kind: "double", value: 0 },
  string: { kind: "string", value: "" },
  binary: { kind: "bytes", value: new Uint8Array() },
  uuid: undefined,
};

/** What an absent Protobuf value without presence means in a Thrift type; undefined where nothing can. */
function zeroOf(type: FieldType): Constant | undefined {
  switch (type.kind) {
    case "scalar":
      return ZEROS[type.name as ThriftScalar];
    case "enum":
      return ZEROS.i32;
    case "list":
    case "set":
      return { kind: "list", values: [] };
    case "map":
      return { kind: "map", entries: [] };
    case "message":
      return undefined;
  }
}

/** Whether two constants are the same value; a string and the bytes of its UTF-8 are, and so are 0 and false. */
function isEqual(a: Constant, b: Constant): boolean {
  if (a.kind === "list" && b.kind === "list") {
    return a.values.length === b.values.length && a.values.every((value, i) => isEqual(value, b.values[i] as Constant));
  }
  if (a.kind === "map" && b.kind === "map") {
    if (a.entries.length !== b.entries.length) return false;
    return a.entries.every(([key, value]) =>
      b.entries.some((other) => isEqual(key, other[0]) && isEqual(value, other[1])),
    );
  }
  const [x, y] = [comparable(a), comparable(b)];
  return x !== undefined && x === y;
}

function comparable(value: Constant): string | undefined {
  switch (value.kind) {
    case "bool":
    case "int":
      return String(BigInt(value.value));
    case "double":
      return Object.is(value.value, -0) ? "-0" : String(value.value);
    case "string":
    case "bytes":
      return `"${Buffer.from(value.value).toString("hex")}`;
    default:
      return undefined;
  }
}

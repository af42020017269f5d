// The features of Protobuf editions that decide bytes and presence; proto2 and proto3 are two fixed sets of them.
// protobuf.dev/editions/features
import type { SchemaFile } from "./model.ts";
import type { ProtoOption } from "./proto-document.ts";
import { optionOf } from "./proto-validate.ts";

const UNSTABLE = "UNSTABLE";

/**
 * The editions that are known, with their number in google.protobuf.Edition. Those after 2023 change no bytes, but for UNSTABLE,
 * which tries what may come: there int32 and its like are of fixed width.
 */
export const EDITIONS: ReadonlyMap<string, number> = new Map([
  ["2023", 1000],
  ["2024", 1001],
  ["2026", 1002],
  [UNSTABLE, 9999],
]);

/** What the types of the edition UNSTABLE are elsewhere. */
const UNSTABLE_TYPES: ReadonlyMap<string, string> = new Map([
  ["int32", "sfixed32"],
  ["int64", "sfixed64"],
  ["uint32", "fixed32"],
  ["uint64", "fixed64"],
  ["varint32", "int32"],
  ["varint64", "int64"],
  ["uvarint32", "uint32"],
  ["uvarint64", "uint64"],
  ["zigzag32", "sint32"],
  ["zigzag64", "sint64"],
]);

/** Those that it took out, because others have their bytes. */
const UNSTABLE_LACKS: ReadonlySet<string> = new Set("fixed32 fixed64 sfixed32 sfixed64 sint32 sint64".split(" "));

/** The type that a name means in a file of that edition: itself but in UNSTABLE; undefined for one that is gone there. */
export function typeOfEdition(name: string, edition: string): string | undefined {
  if (edition !== UNSTABLE) return name;
  return UNSTABLE_LACKS.has(name) ? undefined : (UNSTABLE_TYPES.get(name) ?? name);
}

export interface ProtoFeatures {
  readonly fieldPresence: "EXPLICIT" | "IMPLICIT" | "LEGACY_REQUIRED";
  readonly enumType: "OPEN" | "CLOSED";
  readonly repeatedFieldEncoding: "PACKED" | "EXPANDED";
  readonly messageEncoding: "LENGTH_PREFIXED" | "DELIMITED";
}

/** What a file of that syntax or edition begins with. */
export function defaultFeatures(syntax: string): ProtoFeatures {
  return {
    fieldPresence: syntax === "proto3" ? "IMPLICIT" : "EXPLICIT",
    enumType: syntax === "proto2" ? "CLOSED" : "OPEN",
    repeatedFieldEncoding: syntax === "proto2" ? "EXPANDED" : "PACKED",
    messageEncoding: "LENGTH_PREFIXED",
  };
}

/** The features of a thing inside one that has `around`: its own options override. */
export function overrideFeatures(
  around: ProtoFeatures,
  node: { readonly options: readonly ProtoOption[] },
): ProtoFeatures {
  if (!node.options.some(([name]) => name.startsWith("features."))) return around;
  const choose = <T extends string>(name: string, values: readonly T[], inherited: T): T => {
    const written = optionOf(node, `features.${name}`);
    return values.find((value) => value === written) ?? inherited;
  };
  return {
    fieldPresence: choose("field_presence", ["EXPLICIT", "IMPLICIT", "LEGACY_REQUIRED"], around.fieldPresence),
    enumType: choose("enum_type", ["OPEN", "CLOSED"], around.enumType),
    repeatedFieldEncoding: choose("repeated_field_encoding", ["PACKED", "EXPANDED"], around.repeatedFieldEncoding),
    messageEncoding: choose("message_encoding", ["LENGTH_PREFIXED", "DELIMITED"], around.messageEncoding),
  };
}

/** Whether other files may not refer to a type that says nothing itself, by its file's default_symbol_visibility. */
export function isLocalByDefault({ syntax = "", annotations }: SchemaFile, nested: boolean): boolean {
  const written = annotations.findLast(([name]) => name === "features.default_symbol_visibility")?.[1];
  switch (written ?? VISIBILITY_DEFAULTS[syntax]) {
    case "LOCAL_ALL":
    case "STRICT":
      return true;
    case "EXPORT_TOP_LEVEL":
      return nested;
    default:
      return false;
  }
}

const VISIBILITY_DEFAULTS: Readonly<Record<string, string>> = {
  "2024": "EXPORT_TOP_LEVEL",
  "2026": "STRICT",
  [UNSTABLE]: "STRICT",
};

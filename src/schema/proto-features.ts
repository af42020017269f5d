// The features of Protobuf editions that decide bytes and presence; proto2 and proto3 are two fixed sets of them.
// protobuf.dev/editions/features
import type { ProtoOption } from "./proto-document.ts";
import { optionOf } from "./proto-validate.ts";

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

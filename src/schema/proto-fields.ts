// The types, presence and packing of fields and extensions, by the labels and features that stand on and around them.
import type { Extension, Field, FieldType, MessageType, Presence, ProtoScalar } from "./model.ts";
import { declarationOf, fail, join, messageNamed, type ProtoContext } from "./proto-context.ts";
import { parseProtoDefault } from "./proto-default.ts";
import type { ProtoField, ProtoTypeName } from "./proto-document.ts";
import { overrideFeatures, type ProtoFeatures } from "./proto-features.ts";
import { optionOf } from "./proto-validate.ts";

const SCALARS: ReadonlySet<string> = new Set<ProtoScalar>([
  "double",
  "float",
  "int32",
  "int64",
  "uint32",
  "uint64",
  "sint32",
  "sint64",
  "fixed32",
  "fixed64",
  "sfixed32",
  "sfixed64",
  "bool",
  "string",
  "bytes",
]);

/** Whether a type's name is one of the language's own. */
export function isProtoScalar(name: string): name is ProtoScalar {
  return SCALARS.has(name);
}

/** The field, or undefined after its type was reported as unknown. */
export function createField(
  node: ProtoField,
  scope: string,
  inherited: ProtoFeatures,
  context: ProtoContext,
): Field | undefined {
  const features = overrideFeatures(inherited, node);
  const type = fieldType(node, scope, features, context);
  if (!type) return undefined;
  const presence = presenceOf(node, type, features, context);
  const enumType = type.kind === "enum" ? type.type : undefined;
  if (presence === "implicit" && enumType?.closed) {
    const text = `"${node.name}" cannot have the closed enum "${enumType.fullName}" without presence; say "optional"`;
    fail(context, node.position, text);
  }
  const defaultValue = parseProtoDefault(node, type, (message) => fail(context, node.position, message));
  // A scalar's presence says it already.
  const silent = type.kind === "message" || node.extendee !== undefined;
  return {
    ...declarationOf(node, "field", context),
    id: node.number,
    type,
    presence,
    defaultValue,
    oneof: node.oneof,
    ...(context.syntax === "proto3" && node.label === "optional" && silent && { proto3Optional: true }),
  };
}

function presenceOf(node: ProtoField, type: FieldType, features: ProtoFeatures, context: ProtoContext): Presence {
  if (type.kind === "list" || type.kind === "map") return "implicit";
  if (node.label === "required") return "required";
  const explicit = node.label === "optional" || node.oneof !== undefined || node.extendee !== undefined;
  if (explicit) return "optional";
  if (features.fieldPresence === "LEGACY_REQUIRED") return "required";
  // In editions a message field always has presence too.
  if (type.kind === "message" || context.syntax === "proto2") return "optional";
  return features.fieldPresence === "IMPLICIT" ? "implicit" : "optional";
}

function fieldType(
  node: ProtoField,
  scope: string,
  features: ProtoFeatures,
  context: ProtoContext,
): FieldType | undefined {
  const value = valueType(node.type, scope, node.group, features, context);
  if (node.keyType !== undefined) {
    const key = node.keyType.text;
    // A key of another type is reported by the checks of the document.
    if (!value || !isProtoScalar(key)) return undefined;
    const entry: FieldType = value.kind === "message" ? { ...value, delimited: false } : value;
    return { kind: "map", key: { kind: "scalar", name: key }, value: entry };
  }
  if (!value || node.label !== "repeated") return value;
  return { kind: "list", element: value, packed: isPacked(node, value, features, context) };
}

function isPacked(node: ProtoField, element: FieldType, features: ProtoFeatures, context: ProtoContext): boolean {
  const packable =
    element.kind === "enum" || (element.kind === "scalar" && element.name !== "string" && element.name !== "bytes");
  const written = optionOf(node, "packed");
  if (written === "true" && !packable) {
    fail(context, node.position, `"${node.name}" cannot be packed; only numbers, bools and enums can`);
  }
  if (!packable) return false;
  return written === undefined ? features.repeatedFieldEncoding === "PACKED" : written === "true";
}

function valueType(
  { text, position }: ProtoTypeName,
  scope: string,
  group: boolean,
  features: ProtoFeatures,
  context: ProtoContext,
): FieldType | undefined {
  if (isProtoScalar(text)) return { kind: "scalar", name: text };
  const found = context.names.find(text, scope);
  if (typeof found === "string") {
    fail(context, position, found);
    return undefined;
  }
  if ("values" in found) return { kind: "enum", type: found };
  return { kind: "message", type: found, delimited: group || features.messageEncoding === "DELIMITED" };
}

/** The extension, declared in `scope` inside `parent`; undefined after a type of it was reported as unknown. */
export function createExtension(
  node: ProtoField,
  scope: string,
  parent: MessageType | undefined,
  features: ProtoFeatures,
  context: ProtoContext,
): Extension | undefined {
  const field = createField(node, scope, features, context);
  const extendee = node.extendee && messageNamed(node.extendee, scope, context);
  if (!field || !extendee) return undefined;
  return { ...field, fullName: join(scope, node.name), extendee, parent };
}

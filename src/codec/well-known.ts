// Which messages the Protobuf JSON mapping treats in a way of their own, and the parts of entries.
import type { FieldType, MessageType } from "../schema/model.ts";

const WRAPPER = /^google\.protobuf\.(?:Double|Float|U?Int64|U?Int32|Bool|String|Bytes)Value$/;

/** google.protobuf.Int64Value and its like: their JSON is the value alone. */
export function isWrapperType({ fullName }: MessageType): boolean {
  return WRAPPER.test(fullName);
}

/** The types of key and value of `repeated Entry`. */
export function entryTypes(type: FieldType): {
  readonly key: FieldType | undefined;
  readonly value: FieldType | undefined;
} {
  const entry = type.kind === "list" && type.element.kind === "message" ? type.element.type : undefined;
  return { key: entry?.fieldsById.get(1)?.type, value: entry?.fieldsById.get(2)?.type };
}

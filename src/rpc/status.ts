// google.rpc.Status as headers carry it, and how a declared exception stands in one: the same on every wire that has
// headers.
import { Reader, Writer } from "protobufjs/minimal.js";
import { CODE_NUMBERS, type Code, type Detail, RpcError, type Status } from "../base/errors.ts";
import type { Field, MessageType, Method } from "../schema/model.ts";

/** Most characters of base64 for a status in a header: peers cut calls whose metadata passes 8 KiB. */
const MAX_STATUS_CHARACTERS = 6 * 1024;

/**
 * What headers say of a status: its text, and all of it as unpadded base64 of google.rpc.Status, which is empty without
 * details. Details that do not fit in 6 KiB of base64 are left out, and the text then names their types with the mark
 * `truncated`.
 */
export function formatStatus(status: Status): { readonly message: string; readonly base64: string } {
  const { message, details } = status;
  if (details.length === 0) return { message, base64: "" };
  const bytes = details.reduce((sum, { typeUrl, value }) => sum + typeUrl.length + value.length, 0);
  // What is too large already is not encoded first.
  const base64 = bytes < MAX_STATUS_CHARACTERS ? encodeStatus(status) : "";
  if (base64 !== "" && base64.length <= MAX_STATUS_CHARACTERS) return { message, base64 };
  return { message: `${message} (truncated: ${details.map(typeName).join(", ").slice(0, 200)})`, base64: "" };
}

/** google.rpc.Status `{1: int32 code, 2: string message, 3: repeated Any {1: type_url, 2: value}}`. */
function encodeStatus({ code, message, details }: Status): string {
  const writer = Writer.create().uint32(0x08).int32(CODE_NUMBERS[code]).uint32(0x12).string(message.toWellFormed());
  for (const { typeUrl, value } of details) {
    writer.uint32(0x1a).fork().uint32(0x0a).string(typeUrl).uint32(0x12).bytes(value).ldelim();
  }
  return Buffer.from(writer.finish()).toString("base64").replace(/=+$/, "");
}

/** The details of a google.rpc.Status in base64; none when it is absent or malformed, because the status stands without. */
export function parseDetails(base64: string | undefined): readonly Detail[] {
  if (base64 === undefined) return [];
  try {
    const reader = Reader.create(Buffer.from(base64, "base64"));
    const details: Detail[] = [];
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag === 0x1a) details.push(readAny(reader, reader.uint32()));
      else reader.skipType(tag & 7);
    }
    return details;
  } catch {
    return [];
  }
}

function readAny(reader: Reader, length: number): Detail {
  const end = reader.pos + length;
  if (end > reader.len) throw new RpcError("INTERNAL", "a detail ends behind the status");
  let typeUrl = "";
  let value: Uint8Array = new Uint8Array(0);
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === 0x0a) typeUrl = reader.string();
    else if (tag === 0x12) value = reader.bytes();
    else reader.skipType(tag & 7);
  }
  return { typeUrl, value };
}

/** The type that a detail's URL names: what follows its last slash. */
export function typeName({ typeUrl }: Detail): string {
  return typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
}

/** A declared exception, encoded as protobuf, as a status: its code by annotation, itself as the detail. */
export function exceptionStatus(field: Field, bytes: Uint8Array): Status {
  const type = exceptionType(field);
  const fullName = type?.fullName ?? field.name;
  const code = type?.rules.code;
  return {
    code: isCode(code) ? code : "UNKNOWN",
    message: `declared exception ${fullName}`,
    details: [{ typeUrl: `type.googleapis.com/${fullName}`, value: bytes }],
  };
}

/** The exception of the method's `throws` that a status holds, by the type of the first detail that is one. */
export function thrownException(
  { throws }: Method,
  details: readonly Detail[],
): { readonly field: Field; readonly type: MessageType | undefined; readonly bytes: Uint8Array } | undefined {
  for (const detail of details) {
    const name = typeName(detail);
    const field = throws.find((thrown) => exceptionType(thrown)?.fullName === name);
    if (field) return { field, type: exceptionType(field), bytes: detail.value };
  }
  return undefined;
}

function exceptionType({ type }: Field): MessageType | undefined {
  return type.kind === "message" ? type.type : undefined;
}

function isCode(name: string | undefined): name is Code {
  return name !== undefined && Object.hasOwn(CODE_NUMBERS, name);
}

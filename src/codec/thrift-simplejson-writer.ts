// Writes Thrift's simple JSON, which is for scripts and logs and is never read back: fields by name, without types. The
// official libraries disagree: lists, maps and bools stand as in Java, Python and PHP, binary as in Python and Go.
import { RpcError } from "../base/errors.ts";
import type { ValueLink } from "../schema/link.ts";
import type { Session } from "./byte-reader.ts";
import type { Losses } from "./codec.ts";
import { fieldPath } from "./fault.ts";
import type { ThriftBody } from "./thrift-binary.ts";
import { encodeThriftBinary } from "./thrift-binary-writer.ts";
import { elementOf, type Fields, fieldsOfBody, fieldsOfValue, partsOf } from "./thrift-json.ts";
import { printScalar, ThriftCursor } from "./thrift-json-cursor.ts";
import type { MessageValue } from "./value.ts";
import { THRIFT_TYPES } from "./wire-types.ts";

/**
 * Encodes a message on one line, fields in the order of their ids. A map whose keys are structs or containers is an
 * INVALID_ARGUMENT, because no JSON object can have them.
 */
export function encodeThriftSimpleJson(
  message: MessageValue,
  body: ThriftBody,
  session: Session,
  losses: Losses,
): Uint8Array {
  const cursor = new ThriftCursor(encodeThriftBinary(message, body, session, losses));
  return Buffer.from(printStruct(cursor, fieldsOfBody(body), ""));
}

function printStruct(cursor: ThriftCursor, fields: Fields, path: string): string {
  const members: string[] = [];
  for (let field = cursor.field(); field; field = cursor.field()) {
    const { type, id } = field;
    const known = fields(id);
    const name = known?.name ?? String(id);
    members.push(`${JSON.stringify(name)}:${printValue(cursor, type, known?.value, fieldPath(path, name))}`);
  }
  return `{${members.join(",")}}`;
}

function printValue(cursor: ThriftCursor, type: number, declared: ValueLink | undefined, path: string): string {
  switch (type) {
    case THRIFT_TYPES.struct:
      return printStruct(cursor, fieldsOfValue(declared), path);
    case THRIFT_TYPES.list:
    case THRIFT_TYPES.set: {
      const { element, count } = cursor.list();
      const items: string[] = [];
      for (let i = 0; i < count; i++) items.push(printValue(cursor, element, elementOf(declared), `${path}[${i}]`));
      return `[${items.join(",")}]`;
    }
    case THRIFT_TYPES.map: {
      const { key, value, count } = cursor.map();
      const { key: keyDeclared, value: valueDeclared } = partsOf(declared);
      if (count > 0 && NO_NAMES.has(key)) {
        const reason = "a map whose keys are structs or containers cannot be written as simple JSON";
        throw new RpcError("INVALID_ARGUMENT", `${path}: ${reason}`);
      }
      const members: string[] = [];
      for (let i = 0; i < count; i++) {
        const name = printScalar(cursor, key, keyDeclared);
        const quoted = name.startsWith('"') ? name : `"${name}"`;
        members.push(`${quoted}:${printValue(cursor, value, valueDeclared, `${path}[${i}].value`)}`);
      }
      return `{${members.join(",")}}`;
    }
    default:
      return printScalar(cursor, type, declared);
  }
}

const NO_NAMES: ReadonlySet<number> = new Set([
  THRIFT_TYPES.struct,
  THRIFT_TYPES.map,
  THRIFT_TYPES.list,
  THRIFT_TYPES.set,
]);

// Writes TJSON, Thrift's JSON protocol, from the binary encoding of the message: every value with its type, fields by id.
import type { ValueLink } from "../schema/link.ts";
import type { Session } from "./byte-reader.ts";
import type { Losses } from "./codec.ts";
import type { ThriftBody } from "./thrift-binary.ts";
import { encodeThriftBinary } from "./thrift-binary-writer.ts";
import { elementOf, type Fields, fieldsOfBody, fieldsOfValue, partsOf, TYPE_NAMES } from "./thrift-json.ts";
import { printScalar, ThriftCursor } from "./thrift-json-cursor.ts";
import type { MessageValue } from "./value.ts";
import { THRIFT_TYPES } from "./wire-types.ts";

/** Encodes a message as a struct on one line, fields in the order of their ids. */
export function encodeThriftJson(
  message: MessageValue,
  body: ThriftBody,
  session: Session,
  losses: Losses,
): Uint8Array {
  const cursor = new ThriftCursor(encodeThriftBinary(message, body, session, losses));
  return Buffer.from(printStruct(cursor, fieldsOfBody(body)));
}

function printStruct(cursor: ThriftCursor, fields: Fields): string {
  const members: string[] = [];
  for (let field = cursor.field(); field; field = cursor.field()) {
    const { type, id } = field;
    members.push(`"${id}":{"${nameOf(type)}":${printValue(cursor, type, fields(id)?.value)}}`);
  }
  return `{${members.join(",")}}`;
}

function printValue(cursor: ThriftCursor, type: number, declared: ValueLink | undefined): string {
  switch (type) {
    case THRIFT_TYPES.struct:
      return printStruct(cursor, fieldsOfValue(declared));
    case THRIFT_TYPES.list:
    case THRIFT_TYPES.set: {
      const { element, count } = cursor.list();
      const parts = [`"${nameOf(element)}"`, String(count)];
      for (let i = 0; i < count; i++) parts.push(printValue(cursor, element, elementOf(declared)));
      return `[${parts.join(",")}]`;
    }
    case THRIFT_TYPES.map: {
      const { key, value, count } = cursor.map();
      const { key: keyDeclared, value: valueDeclared } = partsOf(declared);
      const members: string[] = [];
      for (let i = 0; i < count; i++) {
        const name = printValue(cursor, key, keyDeclared);
        // Numbers are quoted as names; structs and containers are not, which no other JSON has.
        const quoted = /^["{[]/.test(name) ? name : `"${name}"`;
        members.push(`${quoted}:${printValue(cursor, value, valueDeclared)}`);
      }
      return `["${nameOf(key)}","${nameOf(value)}",${count},{${members.join(",")}}]`;
    }
    default:
      return printScalar(cursor, type, declared);
  }
}

function nameOf(type: number): string {
  return TYPE_NAMES.get(type) ?? "";
}

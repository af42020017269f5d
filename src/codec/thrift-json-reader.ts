// Reads TJSON, Thrift's JSON protocol (lib/cpp/src/thrift/protocol/TJSONProtocol.h describes it), by writing its values in the
// binary encoding, whose reader has the rules.
import { RpcError } from "../base/errors.ts";
import type { ValueLink } from "../schema/link.ts";
import type { Session } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import type { Losses } from "./codec.ts";
import { faultError, fieldPath } from "./fault.ts";
import { type Parsed, parseScalar } from "./json-scalars.ts";
import { type JsonMember, type JsonNode, parseJson, placeIn, specialNumber } from "./json-text.ts";
import { checkText } from "./scalars.ts";
import { STOP, type ThriftBody } from "./thrift-binary.ts";
import { decodeThriftBinary } from "./thrift-binary-reader.ts";
import { elementOf, type Fields, fieldsOfBody, fieldsOfValue, isBinary, partsOf, TYPE_NAMES } from "./thrift-json.ts";
import { asBytes, asInteger, type MessageValue } from "./value.ts";
import { THRIFT_TYPES } from "./wire-types.ts";

/** Decodes a struct; errors name the path, the line and the column. */
export function decodeThriftJson(bytes: Uint8Array, body: ThriftBody, session: Session, losses: Losses): MessageValue {
  const { limits } = session;
  const text = checkText(bytes, session, 0, "").replace(/^\uFEFF/, "");
  const placeOf = (at: number): string => placeIn(text, at, session.json.firstLine);
  const errorAt = (at: number, reason: string, path = ""): RpcError =>
    new RpcError("INVALID_ARGUMENT", `${path || "message"}: ${reason}, at ${placeOf(at)}`);
  const fail = (at: number, reason: string): never => {
    throw errorAt(at, reason);
  };
  if (bytes.length > limits.maxBytes) fail(0, `the message is larger than ${limits.maxBytes} bytes`);
  // Each level of Thrift has at most two of JSON: an array or object, and the object that names a field's type.
  const root = parseJson(text, limits.maxDepth * 2 + 3, fail, { tjson: true });
  const writer = new BinaryWriter(errorAt);
  writer.struct(root, fieldsOfBody(body), "");
  const places = writer.places;
  const placed: Session = {
    ...session,
    fail(code, at, path, link, value = 0n) {
      const place = placeOf(places.textAt(at ?? 0));
      throw faultError({ code, at, path, link, value }, session.direction, limits, place);
    },
  };
  return decodeThriftBinary(writer.out.finish(), body, placed, losses);
}

/** Which place in the text each byte comes from. */
class Places {
  readonly #offsets: number[] = [];
  readonly #ats: number[] = [];

  add(offset: number, at: number): void {
    this.#offsets.push(offset);
    this.#ats.push(at);
  }

  textAt(offset: number): number {
    let [low, high] = [0, this.#offsets.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#offsets[middle] ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return this.#ats[low - 1] ?? 0;
  }
}

const TYPES: ReadonlyMap<string, number> = new Map([...TYPE_NAMES].map(([type, name]) => [name, type]));
const KNOWN_TYPES = [...TYPES.keys()].join(", ");
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const INTEGERS: ReadonlyMap<number, readonly [name: string, bytes: number]> = new Map([
  [THRIFT_TYPES.i8, ["i8", 1]],
  [THRIFT_TYPES.i16, ["i16", 2]],
  [THRIFT_TYPES.i32, ["i32", 4]],
  [THRIFT_TYPES.i64, ["i64", 8]],
]);

class BinaryWriter {
  readonly out = new ByteWriter();
  readonly places = new Places();
  readonly #error: (at: number, reason: string, path: string) => RpcError;

  constructor(error: (at: number, reason: string, path: string) => RpcError) {
    this.#error = error;
  }

  /** `{"1":{"i32":5},…}` */
  struct(node: JsonNode, fields: Fields, path: string): void {
    const members = node.kind === "object" ? node.members : undefined;
    for (const member of members ?? this.#fail(node.at, "expected an object of field ids", path)) {
      const id = this.#fieldId(member, path);
      const known = fields(id);
      const inside = fieldPath(path, known?.name ?? `${id}`);
      const only = this.#typed(member.value, inside);
      const type = this.#type(only.name, only.at, inside);
      this.places.add(this.out.length, member.at);
      this.out.u8(type);
      this.out.u16(id & 0xffff);
      this.#value(only.value, type, known?.value, inside);
    }
    this.places.add(this.out.length, node.at);
    this.out.u8(STOP);
  }

  /** `{"i32":5}` */
  #typed(node: JsonNode, path: string): JsonMember {
    const [only, ...others] = node.kind === "object" ? node.members : [];
    if (only && others.length === 0) return only;
    return this.#fail(node.at, `expected an object of the field's type and value, as in {"i32":5}`, path);
  }

  #fieldId({ name, at }: JsonMember, path: string): number {
    const id = /^-?\d{1,5}$/.test(name) ? Number(name) : Number.NaN;
    return id >= -32768 && id <= 32767 ? id : this.#fail(at, "expected a field id, from -32768 to 32767", path);
  }

  #type(name: string, at: number, path: string): number {
    return (
      TYPES.get(name) ?? this.#fail(at, `${JSON.stringify(name)} is no type; expected one of ${KNOWN_TYPES}`, path)
    );
  }

  #value(node: JsonNode, type: number, declared: ValueLink | undefined, path: string): void {
    this.places.add(this.out.length, node.at);
    switch (type) {
      case THRIFT_TYPES.struct:
        this.struct(node, fieldsOfValue(declared), path);
        break;
      case THRIFT_TYPES.list:
      case THRIFT_TYPES.set:
        this.#list(node, elementOf(declared), path);
        break;
      case THRIFT_TYPES.map:
        this.#map(node, declared, path);
        break;
      case THRIFT_TYPES.string:
        this.#string(node, isBinary(declared), path);
        break;
      case THRIFT_TYPES.uuid: {
        const text = node.kind === "string" ? node.text : "";
        if (!UUID.test(text)) this.#fail(node.at, "expected a UUID as in 00112233-4455-6677-8899-aabbccddeeff", path);
        this.out.raw(Buffer.from(text.replaceAll("-", ""), "hex"));
        break;
      }
      case THRIFT_TYPES.double:
        this.out.u64(asInteger(this.#take(parseScalar(withSpecial(node), "double"), node, path)));
        break;
      case THRIFT_TYPES.bool:
        this.out.u8(this.#bool(node, path) ? 1 : 0);
        break;
      default:
        this.#integer(node, type, path);
    }
  }

  /** `["i32",2,5,6]` */
  #list(node: JsonNode, element: ValueLink | undefined, path: string): void {
    const [name, size, ...elements] = node.kind === "array" ? node.items : [];
    if (name?.kind !== "string" || size === undefined) {
      throw this.#error(node.at, 'expected an array of type, size and elements, as in ["i32",2,5,6]', path);
    }
    this.#checkSize(size, elements.length, path);
    const type = elements.length === 0 ? (TYPES.get(name.text) ?? STOP) : this.#type(name.text, name.at, path);
    this.out.u8(type);
    this.out.u32(elements.length);
    for (const [i, item] of elements.entries()) this.#value(item, type, element, `${path}[${i}]`);
  }

  /** `["str","i32",1,{"a":5}]`; keys that are structs or containers stand before their colon as they are. */
  #map(node: JsonNode, declared: ValueLink | undefined, path: string): void {
    const [keyName, valueName, size, content] = node.kind === "array" ? node.items : [];
    if (
      keyName?.kind !== "string" ||
      valueName?.kind !== "string" ||
      size === undefined ||
      content?.kind !== "object"
    ) {
      const example = '["str","i32",1,{"a":5}]';
      throw this.#error(node.at, `expected an array of both types, size and an object, as in ${example}`, path);
    }
    const { members } = content;
    this.#checkSize(size, members.length, path);
    const typeOf = ({ text, at }: { readonly text: string; readonly at: number }): number =>
      members.length === 0 ? (TYPES.get(text) ?? STOP) : this.#type(text, at, path);
    const [keyType, valueType] = [typeOf(keyName), typeOf(valueName)];
    const { key: keyDeclared, value: valueDeclared } = partsOf(declared);
    this.out.u8(keyType);
    this.out.u8(valueType);
    this.out.u32(members.length);
    for (const [i, { name, at, key, value }] of members.entries()) {
      this.#value(key ?? { kind: "string", at, text: name }, keyType, keyDeclared, `${path}[${i}].key`);
      this.#value(value, valueType, valueDeclared, `${path}[${i}].value`);
    }
  }

  #checkSize(node: JsonNode, actual: number, path: string): void {
    const size = asInteger(this.#take(parseScalar(node, "int64"), node, path));
    if (size !== BigInt(actual)) this.#fail(node.at, `the size is said to be ${size}, but there are ${actual}`, path);
  }

  #string(node: JsonNode, isBase64: boolean, path: string): void {
    const bytes = asBytes(this.#take(parseScalar(node, isBase64 ? "bytes" : "string"), node, path));
    this.out.u32(bytes.length);
    this.out.raw(bytes);
  }

  #bool(node: JsonNode, path: string): boolean {
    if (node.kind === "boolean") return node.value;
    const text = node.kind === "number" || node.kind === "string" ? node.text : "";
    return text === "1" || (text !== "0" && this.#fail(node.at, "expected 1 or 0", path));
  }

  #integer(node: JsonNode, type: number, path: string): void {
    const [name, size] = INTEGERS.get(type) ?? ["i64", 8];
    const value = asInteger(this.#take(parseScalar(node, "int64"), node, path));
    if (BigInt.asIntN(size * 8, value) !== value) this.#fail(node.at, `${value} does not fit ${name}`, path);
    if (size === 1) this.out.u8(Number(BigInt.asUintN(8, value)));
    else if (size === 2) this.out.u16(Number(BigInt.asUintN(16, value)));
    else if (size === 4) this.out.u32(Number(BigInt.asUintN(32, value)));
    else this.out.u64(BigInt.asUintN(64, value));
  }

  #fail(at: number, reason: string, path: string): never {
    throw this.#error(at, reason, path);
  }

  #take<T>(parsed: Parsed<T>, { at }: JsonNode, path: string): T {
    return "value" in parsed ? parsed.value : this.#fail(at, parsed.expected, path);
  }
}

/** Keys have NaN and the infinities as strings, which each library writes in its own way. */
function withSpecial(node: JsonNode): JsonNode {
  const text = node.kind === "string" ? specialNumber(node.text) : undefined;
  return text === undefined ? node : { kind: "string", at: node.at, text };
}

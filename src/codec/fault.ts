// What a person is told of a message that cannot be translated: the same words from the engine and from the interpreter.
import { RpcError } from "../base/errors.ts";
import type { ValueLink } from "../schema/link.ts";
import type { Limits } from "./codec.ts";
import * as layout from "./layout.ts";

/** Which side's bytes are read. */
export type Direction = "to-protobuf" | "to-thrift";

/** One thing that is wrong with a message. */
export interface Fault {
  /** One of the FAULT constants of layout.ts. */
  readonly code: number;
  /** Bytes from the start of the message; undefined when the value was found unfit after it was read. */
  readonly at: number | undefined;
  /** What the code speaks of: a number, a length or a type. */
  readonly value: bigint;
  /** For example `order.items[3].price`; empty for the message itself. */
  readonly path: string;
  /** What stands at the path; undefined for a whole message. */
  readonly link: ValueLink | undefined;
}

/** A field within a path. */
export function fieldPath(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

const missingBodies = new WeakSet<object>();

/**
 * Whether a translation failed because the struct did not hold the one field that corresponds to the message: of a reply,
 * a missing result.
 */
export function isMissingBody(error: unknown): boolean {
  return typeof error === "object" && error !== null && missingBodies.has(error);
}

/** The fault as INVALID_ARGUMENT: the field path, what is wrong, and the place, which is the byte offset if it is not given. */
export function faultError(fault: Fault, direction: Direction, limits: Limits, givenPlace?: string): RpcError {
  const reason = reasonOf(fault, direction, limits);
  const at = fault.at === undefined ? undefined : `byte ${fault.at}`;
  const place = (givenPlace ?? at) === undefined ? "" : `, at ${givenPlace ?? at}`;
  const error = new RpcError("INVALID_ARGUMENT", `${fault.path || "message"}: ${reason}${place}`);
  if (fault.code === layout.FAULT_MISSING && fault.value === 1n) missingBodies.add(error);
  return error;
}

function reasonOf({ code, value, link }: Fault, direction: Direction, limits: Limits): string {
  switch (code) {
    case layout.FAULT_TRUNCATED:
      return "the message ends in the middle of a value";
    case layout.FAULT_LENGTH:
      return `the length ${value} is more than what is left of the message`;
    case layout.FAULT_DEPTH:
      return `messages and containers are nested deeper than ${limits.maxDepth}`;
    case layout.FAULT_ELEMENTS:
      return `more than ${limits.maxElements} elements`;
    case layout.FAULT_BYTES:
      return `the message is larger than ${limits.maxBytes} bytes`;
    case layout.FAULT_RANGE:
      return `${printed(value, link, direction)} does not fit ${targetName(link, direction)}`;
    case layout.FAULT_UTF8:
      return "the text is not valid UTF-8";
    case layout.FAULT_MISSING:
      return "missing, but required";
    case layout.FAULT_VARINT:
      return "a varint is longer than 10 bytes";
    case layout.FAULT_KEY:
      return `${value} is no field number and wire type`;
    case layout.FAULT_GROUP:
      return `the end of group ${value} stands where no such group is open`;
    case layout.FAULT_TYPE:
      return `${value} is no Thrift type`;
    case layout.FAULT_ELEMENT_TYPE:
      return `elements of the Thrift type ${value} where the IDL has another`;
    case layout.FAULT_MEMBERS:
      return "more than one member of a union or oneof is set";
    case layout.FAULT_NO_MEMBER:
      return "no member of the union is set, and Thrift cannot leave it out here";
    case layout.FAULT_SYNTHETIC_ZERO:
      return "the enum value 0 means unspecified, which Thrift cannot say here";
    case layout.FAULT_UNKNOWN_ENUM:
      return `${value} is not in the enum ${targetName(link, direction)}`;
    case layout.FAULT_UUID:
      return `expected a UUID, got ${value} bytes that are none`;
    case layout.FAULT_INEXACT:
      return `${printed(value, link, direction)} would be rounded by ${targetName(link, direction)}`;
    case layout.FAULT_TIME:
      return `the time is out of range, or has a remainder below the unit of the IDL (${link?.kind === "time" ? link.unit : ""})`;
    case layout.FAULT_TRAILING:
      return `${value} bytes stand behind the end of the message`;
    default:
      return "the message needs more memory than there is";
  }
}

function targetName(link: ValueLink | undefined, direction: Direction): string {
  if (link?.kind === "scalar") return direction === "to-protobuf" ? link.protobuf : link.thrift;
  if (link?.kind === "enum") return direction === "to-protobuf" ? link.protobuf.fullName : link.thrift.fullName;
  return "its type";
}

const scratch = new DataView(new ArrayBuffer(8));

/** Doubles come as their bits, unsigned integers of 64 bits as signed ones. */
function printed(value: bigint, link: ValueLink | undefined, direction: Direction): string {
  if (link?.kind !== "scalar") return String(value);
  if (link.thrift === "double") {
    scratch.setBigInt64(0, value);
    return String(scratch.getFloat64(0));
  }
  const unsigned = direction === "to-thrift" && (link.protobuf === "uint64" || link.protobuf === "fixed64");
  return String(unsigned ? BigInt.asUintN(64, value) : value);
}

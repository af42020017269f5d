// Finds what a message of `causeway convert` is by the name that a person gives: a type, or the request or response of a method.
import type { Diagnostic } from "../base/diagnostic.ts";
import { CODEC_WIRES, type Codec } from "../codec/codec.ts";
import { nearestName } from "../codec/json-names.ts";
import type { BodyLink, LinkedSchema, MethodLink } from "../schema/link.ts";
import { linkSchema } from "../schema/link-schema.ts";
import { findMessage } from "../schema/load.ts";
import {
  isMessageSet,
  type MessageType,
  type Method,
  methodsOf,
  type Schema,
  type Service,
  type Wire,
} from "../schema/model.ts";
import { UsageError } from "./convert-codec.ts";
import { type IdlOptions, loadIdl } from "./load-idl.ts";
import { printDiagnostics } from "./print-report.ts";

/** What bytes are, on both wires. */
export interface Target {
  /** Undefined for a MessageSet, which is explained only. */
  readonly body: BodyLink | undefined;
  /** The struct that a Thrift codec's bytes are: for a method its arguments or result. */
  readonly thrift: MessageType;
  readonly protobuf: MessageType;
}

/** The type of a codec's bytes; JSON is that of the Protobuf side. */
export function typeIn({ thrift, protobuf }: Target, codec: Codec): MessageType {
  return CODEC_WIRES[codec] === "thrift" ? thrift : protobuf;
}

/** The IDL that was given, loaded and linked. */
export interface LoadedIdl {
  /** As its authors wrote it. */
  readonly schema: Schema;
  readonly linked: LinkedSchema;
}

/** Loads and links IDL; undefined after its errors were printed. */
export function linkIdl(files: readonly string[], options: IdlOptions): LoadedIdl | undefined {
  const errors: Diagnostic[] = [];
  const report = (diagnostic: Diagnostic): void => {
    if (diagnostic.severity === "error") errors.push(diagnostic);
  };
  const schema = loadIdl(files, options, report);
  const linked = schema && linkSchema(schema, { pairs: [] }, report);
  printDiagnostics(errors, process.stderr);
  return schema && linked && errors.length === 0 ? { schema, linked } : undefined;
}

/**
 * The target of `Type`, `package.Type` or `Service/method:request` and `:response`. `wires` are tried in order, for a name
 * that stands on both. Throws a UsageError that says what the name could have been.
 */
export function findTarget(idl: LoadedIdl, name: string, wires: readonly (Wire | undefined)[]): Target {
  return name.includes("/") ? findPart(idl, name, wires) : findType(idl, name, wires);
}

function findType({ schema, linked }: LoadedIdl, name: string, wires: readonly (Wire | undefined)[]): Target {
  // Types on both wires that have one name are each other's twins, so either will do.
  const found = [...wires, undefined].map((wire) => findMessage(schema, name, wire));
  const message = found.find((each) => typeof each !== "string");
  if (message === undefined || typeof message === "string") {
    const nearest = nearestName(
      name,
      [...schema.messages.keys()].flatMap((full) => [full, bareName(full)]),
    );
    throw new UsageError(`${String(found.at(-1))}${nearest === undefined ? "" : `; did you mean ${nearest}?`}`);
  }
  return targetOfType(linked, message);
}

/** What a message type is converted as. */
export function targetOfType(linked: LinkedSchema, message: MessageType): Target {
  if (isMessageSet(message)) return { body: undefined, thrift: message, protobuf: message };
  const link = linked.messageLink(message);
  return { body: { kind: "whole", link }, thrift: link.thrift, protobuf: link.protobuf };
}

function findPart(idl: LoadedIdl, name: string, wires: readonly (Wire | undefined)[]): Target {
  const [path = "", part] = name.split(":", 2);
  const slash = path.lastIndexOf("/");
  if (part !== "request" && part !== "response") {
    throw new UsageError(`"${name}" is a method; expected ${path}:request or ${path}:response`);
  }
  const method = findMethod(idl, path.slice(slash + 1), path.slice(0, slash), wires);
  return targetOfPart(idl, method, part);
}

/** The request or response of a method. A streaming method has no link, but its messages are of types that do. */
export function targetOfPart({ linked }: LoadedIdl, method: Method, part: "request" | "response"): Target {
  const link = linked.methods.get(method);
  const own = method[part];
  if (!link && own && method.wire === "protobuf") return targetOfType(linked, own);
  const [thrift, protobuf] = [link?.thrift[part], link?.protobuf[part]];
  if (!link || !thrift || !protobuf) {
    throw new UsageError(`${method.service}/${method.name} has no ${part} that can be translated`);
  }
  return { body: link[part], thrift, protobuf };
}

/** A method by name, of the service if one is named (in full, or bare where that is clear). */
export function findMethod(
  { linked }: LoadedIdl,
  name: string,
  service: string | undefined,
  wires: readonly (Wire | undefined)[],
): Method {
  const all = [...linked.schema.services.values()].flat();
  const services = service === undefined ? all : servicesNamed(all, service);
  const found = services.flatMap((each) => methodsOf(each).filter((method) => method.name === name));
  const wire = wires.find((each) => each !== undefined && found.some((method) => method.wire === each));
  const fits = found.filter((method) => method.wire === (wire ?? found[0]?.wire));
  const [only] = fits;
  if (only && fits.length === 1) return only;
  if (only) {
    const places = fits.map((method) => `${method.service}/${method.name}`).join(", ");
    throw new UsageError(`the method "${name}" is in several services: ${places}; say which with --service`);
  }
  const names = [...new Set(services.flatMap((each) => methodsOf(each).map((method) => method.name)))];
  const where = service === undefined ? "no service has a method" : `${service} has no method`;
  throw new UsageError(`${where} "${name}"; ${expected(name, names)}`);
}

function servicesNamed(all: readonly Service[], name: string): readonly Service[] {
  const exact = all.filter(({ fullName }) => fullName === name);
  const found = exact.length > 0 ? exact : all.filter(({ fullName }) => bareName(fullName) === name);
  if (found.length > 0) return found;
  throw new UsageError(
    `there is no service "${name}"; ${expected(name, [...new Set(all.map((each) => each.fullName))])}`,
  );
}

/** The exceptions of a method's result that may be a reply. */
export function exceptionsOf({ linked }: LoadedIdl, method: Method): MethodLink["exceptions"] {
  return linked.methods.get(method)?.exceptions ?? new Map();
}

const MAX_LISTED = 20;

function expected(name: string, known: readonly string[]): string {
  const nearest = nearestName(bareName(name), known.map(bareName));
  if (nearest !== undefined) return `did you mean ${known.find((each) => bareName(each) === nearest) ?? nearest}?`;
  if (known.length === 0) return "the IDL has none";
  const more = known.length > MAX_LISTED ? ` and ${known.length - MAX_LISTED} more` : "";
  return `expected one of ${known.slice(0, MAX_LISTED).join(", ")}${more}`;
}

function bareName(fullName: string): string {
  return fullName.slice(fullName.lastIndexOf(".") + 1);
}

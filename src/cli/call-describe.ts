// `causeway call --list` and `--describe`: what a server has, by the IDL that it was written in or that reflection gives.
import {
  type EnumType,
  type FieldType,
  fieldsOf,
  type MessageType,
  methodsOf,
  type SchemaFile,
  type Service,
} from "../schema/model.ts";
import { printProto } from "../schema/print-proto.ts";
import { printThrift } from "../schema/print-thrift.ts";
import { UsageError } from "./convert-codec.ts";
import type { LoadedIdl } from "./convert-type.ts";

/** The full names of the services whose IDL was given, sorted. */
export function servicesOf({ schema }: LoadedIdl): readonly string[] {
  return [...schema.services.keys()].sort();
}

/** The IDL of a service with the types that it needs, or of a type with its own; by full name, or bare where that is clear. */
export function describe({ schema }: LoadedIdl, name: string): string {
  const found = schema.files.flatMap((file): Found[] => [
    ...file.services.filter(isNamed).map((service) => ({ file, service, roots: typesOf(service) })),
    ...file.messages.filter(isNamed).map((message) => ({ file, service: undefined, roots: [message] })),
    ...file.enums.filter(isNamed).map((each) => ({ file, service: undefined, roots: [each] })),
  ]);
  const [first] = found;
  const names = new Set(found.map(({ file, service, roots }) => service?.fullName ?? roots[0]?.fullName ?? file.path));
  if (!first) {
    throw new UsageError(`there is no service or type ${JSON.stringify(name)}: --list names the services`);
  }
  if (names.size > 1) throw new UsageError(`${JSON.stringify(name)} is one of ${[...names].join(", ")}: say which`);
  return print(first);

  function isNamed({ fullName }: { readonly fullName: string }): boolean {
    return fullName === name || (!name.includes(".") && fullName.endsWith(`.${name}`));
  }
}

type Type = MessageType | EnumType;

interface Found {
  readonly file: SchemaFile;
  readonly service: Service | undefined;
  readonly roots: readonly Type[];
}

/** What the methods of a service take, return and throw. Arguments and results of Thrift are no types of their own. */
function typesOf(service: Service): readonly Type[] {
  return methodsOf(service).flatMap(({ request, response, throws }) => [
    ...[request, response].filter((type) => type !== undefined),
    ...throws.flatMap(({ type }) => namedIn(type)),
  ]);
}

function namedIn(type: FieldType): readonly Type[] {
  switch (type.kind) {
    case "message":
      return [type.type];
    case "enum":
      return [type.type];
    case "list":
    case "set":
      return namedIn(type.element);
    case "map":
      return [...namedIn(type.key), ...namedIn(type.value)];
    default:
      return [];
  }
}

/** The file with nothing in it but the service and the types that it reaches. */
function print({ file, service, roots }: Found): string {
  const reached = new Set<Type>(roots);
  for (const type of reached) {
    if (!("fields" in type)) continue;
    for (const field of fieldsOf(type)) for (const named of namedIn(field.type)) reached.add(named);
  }
  const names = [...reached].map(({ fullName }) => fullName);
  // A nested type is printed inside the one around it.
  const isWanted = (type: Type): boolean =>
    reached.has(type) || names.some((name) => name.startsWith(`${type.fullName}.`));
  const part: SchemaFile = {
    ...file,
    services: service ? [service] : [],
    messages: file.messages.filter(isWanted),
    enums: file.enums.filter(isWanted),
    constants: [],
    extensions: [],
  };
  return file.wire === "thrift" ? printThrift(part) : printProto(part);
}

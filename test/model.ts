// Pieces of the schema model for tests that need no IDL file.
import type { Declaration, Field, FieldType, MessageType, Method, Service, Wire } from "../src/schema/model.ts";

function declaration(name: string): Declaration {
  return { name, doc: undefined, annotations: [], rules: {}, position: { file: "test.idl", line: 1, column: 1 } };
}

/** A message type of `wire` with the given fields. */
export function messageOf(wire: Wire, fullName: string, fields: readonly Field[] = []): MessageType {
  return {
    ...declaration(fullName.slice(fullName.lastIndexOf(".") + 1)),
    wire,
    fullName,
    shape: wire === "thrift" ? "struct" : "message",
    fields,
    fieldsById: new Map(fields.map((field) => [field.id, field])),
    parent: undefined,
  };
}

export function fieldOf(id: number, name: string, type: FieldType): Field {
  return { ...declaration(name), id, type, presence: "optional", defaultValue: undefined, oneof: undefined };
}

/** A field whose type is a message. */
export function messageField(id: number, name: string, type: MessageType): Field {
  return fieldOf(id, name, { kind: "message", type, delimited: false });
}

/** A method with an empty request and response, but for what `changes` says. */
export function methodOf(wire: Wire, service: string, name: string, changes: Partial<Method> = {}): Method {
  return {
    ...declaration(name),
    wire,
    service,
    request: messageOf(wire, `${service}_${name}_args`),
    response: messageOf(wire, `${service}_${name}_result`),
    throws: [],
    oneway: false,
    streaming: "none",
    idempotent: false,
    ...changes,
  };
}

/** A service with methods by name, inheriting from `base`. */
export function serviceOf(wire: Wire, fullName: string, methods: readonly string[], base?: Service): Service {
  return {
    ...declaration(fullName.slice(fullName.lastIndexOf(".") + 1)),
    wire,
    fullName,
    base,
    methods: methods.map((name) => methodOf(wire, fullName, name)),
  };
}

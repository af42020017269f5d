// A schema once more, with other rules on some of its things: declarations refer to each other by identity, so that all
// of them are made anew.
import type {
  EnumType,
  EnumValue,
  Extension,
  Field,
  FieldType,
  MessageType,
  Method,
  Rules,
  Schema,
  SchemaFile,
  Service,
} from "./model.ts";
import { createSchema } from "./schema.ts";

/** What can have rules. */
export type Ruled = SchemaFile | MessageType | Field | EnumType | EnumValue | Service | Method;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * `schema` with `overrides` added to the rules of the things that they are for, in place of those of the same name. The
 * given schema stays as it is.
 */
export function withOverrides(schema: Schema, overrides: ReadonlyMap<Ruled, Rules>): Schema {
  const copyOf = <T extends Ruled>(given: T): Writable<T> => {
    const own = overrides.get(given);
    return own === undefined
      ? { ...given }
      : { ...given, rules: { ...given.rules, ...own }, overrides: { ...given.overrides, ...own } };
  };
  /** Chains of messages may be longer than the stack is deep: their fields wait here. */
  const pending: (() => void)[] = [];

  const messageOf = memoized((given: MessageType): MessageType => {
    const copy = copyOf(given);
    copy.parent = given.parent && messageOf(given.parent);
    pending.push(() => {
      copy.fields = given.fields.map(fieldOf);
      copy.fieldsById = mapValues(given.fieldsById, fieldOf);
      if (given.extensions) copy.extensions = given.extensions.map(extensionOf);
    });
    return copy;
  });
  const fieldOf = memoized((given: Field): Field => {
    if (isExtension(given)) return extensionOf(given);
    return Object.assign(copyOf(given), { type: typeOf(given.type) });
  });
  const extensionOf = memoized((given: Extension): Extension => {
    const parent = given.parent && messageOf(given.parent);
    return {
      ...copyOf<Field>(given),
      ...{ fullName: given.fullName, parent },
      type: typeOf(given.type),
      extendee: messageOf(given.extendee),
    };
  });
  const enumOf = memoized((given: EnumType): EnumType => {
    const enumValueOf = memoized((value: EnumValue): EnumValue => copyOf(value));
    return Object.assign(copyOf(given), {
      values: given.values.map(enumValueOf),
      valuesByNumber: mapValues(given.valuesByNumber, enumValueOf),
      parent: given.parent && messageOf(given.parent),
    });
  });
  const methodOf = memoized((given: Method): Method => {
    return Object.assign(copyOf(given), {
      request: given.request && messageOf(given.request),
      response: given.response && messageOf(given.response),
      throws: given.throws.map(fieldOf),
    });
  });
  const serviceOf = memoized((given: Service): Service => {
    return Object.assign(copyOf(given), {
      base: given.base && serviceOf(given.base),
      methods: given.methods.map(methodOf),
    });
  });
  const fileOf = memoized((given: SchemaFile): SchemaFile => {
    return Object.assign(copyOf(given), {
      imports: given.imports.map(fileOf),
      ...(given.publicImports && { publicImports: given.publicImports.map(fileOf) }),
      ...(given.optionImports && { optionImports: given.optionImports.map(fileOf) }),
      messages: given.messages.map(messageOf),
      enums: given.enums.map(enumOf),
      services: given.services.map(serviceOf),
      constants: given.constants.map((constant) => ({ ...constant, type: typeOf(constant.type) })),
      ...(given.extensions && { extensions: given.extensions.map(extensionOf) }),
    });
  });

  function typeOf(type: FieldType): FieldType {
    switch (type.kind) {
      case "scalar":
        return type;
      case "enum":
        return { ...type, type: enumOf(type.type) };
      case "message":
        return { ...type, type: messageOf(type.type) };
      case "list":
      case "set":
        return { ...type, element: typeOf(type.element) };
      case "map":
        return { ...type, key: typeOf(type.key), value: typeOf(type.value) };
    }
  }

  const files = schema.files.map(fileOf);
  for (let next = pending.pop(); next; next = pending.pop()) next();
  return createSchema(files);
}

function isExtension(field: Field): field is Extension {
  return "extendee" in field;
}

function memoized<T extends object, R>(make: (given: T) => R): (given: T) => R {
  const made = new Map<T, R>();
  return (given) => {
    const known = made.get(given);
    if (known !== undefined) return known;
    const result = make(given);
    made.set(given, result);
    return result;
  };
}

function mapValues<K, V>(map: ReadonlyMap<K, V>, change: (value: V) => V): ReadonlyMap<K, V> {
  return new Map([...map].map(([key, value]) => [key, change(value)]));
}

// A file of the model as Thrift IDL that the Apache Thrift compiler 0.17 accepts.
import type {
  Annotations,
  Constant,
  Declaration,
  EnumType,
  Field,
  FieldType,
  MessageType,
  Method,
  NamedConstant,
  Rules,
  SchemaFile,
  Service,
} from "./model.ts";
import { commonOf, indent, inFileOrder, ruleEntries, spread } from "./print-parts.ts";
import { doubleLiteral, stringLiteral, textOf, uuidText } from "./thrift-literals.ts";

const MAX_LINE = 120;

/** How a thing of another file is referred to. */
type NameOf = (type: { readonly name: string }) => string;

/**
 * The text of a derived .thrift file, or of a given one without its typedefs. Fields whose ids are those that the compiler
 * counts by itself (-1, -2, …) are written without.
 */
export function printThrift(file: SchemaFile): string {
  const nameOf = createNameOf(file);
  const texts = new Map<Declaration, string>();
  for (const constant of file.constants)
    texts.set(constant, printDoc(constant.doc) + printConstantDeclaration(constant, nameOf));
  for (const message of file.messages) texts.set(message, printStruct(message, nameOf));
  for (const type of file.enums) texts.set(type, printEnum(type));
  for (const service of file.services) texts.set(service, printService(service, nameOf));
  const parts = [
    printDoc(file.doc).trimEnd(),
    file.imports.map(({ path }) => `include "${path}"`).join("\n"),
    file.annotations.map(([scope, namespace]) => `namespace ${scope} ${namespace}`).join("\n"),
    ...constantsFirst(inFileOrder([...texts.keys()]), file).map((declaration) => texts.get(declaration) ?? ""),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

/** Thrift types may be used above their declaration, but not the values of an enum: such enums move up to where they are used. */
function constantsFirst(declarations: readonly Declaration[], file: SchemaFile): readonly Declaration[] {
  const enums = new Set<Declaration>(file.enums);
  const fieldsOf = new Map<Declaration, readonly Field[]>(file.messages.map((message) => [message, message.fields]));
  for (const service of file.services) {
    fieldsOf.set(
      service,
      service.methods.flatMap(({ request }) => request?.fields ?? []),
    );
  }
  const ordered = new Set<Declaration>();
  for (const declaration of declarations) {
    for (const { type, defaultValue } of fieldsOf.get(declaration) ?? []) {
      if (defaultValue && type.kind === "enum" && enums.has(type.type)) ordered.add(type.type);
    }
    ordered.add(declaration);
  }
  return [...ordered];
}

/** `const TYPE NAME = VALUE`. */
export function printConstantDeclaration({ type, name, value }: NamedConstant, nameOf: NameOf = bareName): string {
  return `const ${printType(type, nameOf)} ${name} = ${printConstant(value, type, nameOf)}`;
}

const bareName: NameOf = ({ name }) => name;

function createNameOf(file: SchemaFile): NameOf {
  const bases = new Map<object, string>();
  for (const { path, messages, enums, services } of file.imports) {
    const base = path.replace(/^.*[/\\]/, "").replace(/\.[^.]*$/, "");
    for (const declaration of [...messages, ...enums, ...services]) bases.set(declaration, base);
  }
  return (type) => {
    const base = bases.get(type);
    return base === undefined ? type.name : `${base}.${type.name}`;
  };
}

function printStruct(message: MessageType, nameOf: NameOf): string {
  const { doc, shape, name, fields, annotations, rules } = withCommonRequiredness(message);
  const keyword = shape === "union" || shape === "exception" ? shape : "struct";
  const body = printFields(fields, "\n", nameOf, shape);
  return `${printDoc(doc)}${keyword} ${name} ${printBlock(body)}${printAnnotations(annotations, rules)}`;
}

/** Says once for the struct what most of its scalars would say each. */
function withCommonRequiredness(message: MessageType): MessageType {
  const singular = message.fields.filter(({ type }) => type.kind === "scalar" || type.kind === "enum");
  if (commonOf(singular, ({ rules }) => rules.requiredness) !== "implicit") return message;
  const fields = message.fields.map((field): Field => {
    if (!singular.includes(field)) return field;
    const { requiredness, ...rules } = field.rules;
    return {
      ...field,
      rules: requiredness === "implicit" ? rules : { ...rules, requiredness: requiredness ?? "optional" },
    };
  });
  return { ...message, fields, rules: { ...message.rules, requiredness: "implicit" } };
}

function printFields(fields: readonly Field[], separator: string, nameOf: NameOf, shape: MessageType["shape"]): string {
  const implicit = fields.every(({ id }, i) => id === -1 - i);
  return fields
    .map((field) => {
      const { doc, id, type, name, defaultValue, annotations, rules, presence } = field;
      const shown = shape !== "union" && (presence === "required" || presence === "optional");
      const value =
        defaultValue && isPrintable(defaultValue, type) ? ` = ${printConstant(defaultValue, type, nameOf)}` : "";
      const head = `${implicit ? "" : `${id}: `}${shown ? `${presence} ` : ""}${printType(type, nameOf)} ${name}`;
      const comment = separator === "\n" ? printDoc(doc) : "";
      return `${comment}${head}${value}${printAnnotations(annotations, rules)}`;
    })
    .join(separator);
}

function printType(type: FieldType, nameOf: NameOf): string {
  switch (type.kind) {
    case "scalar":
      return type.name;
    case "enum":
    case "message":
      return nameOf(type.type);
    case "list":
    case "set":
      return `${type.kind}<${printType(type.element, nameOf)}>`;
    case "map":
      return `map<${printType(type.key, nameOf)}, ${printType(type.value, nameOf)}>`;
  }
}

function printEnum({ doc, name, values, annotations, rules }: EnumType): string {
  const body = values.map(
    (value) =>
      `${printDoc(value.doc)}${value.name} = ${value.number}${printAnnotations(value.annotations, value.rules)}`,
  );
  return `${printDoc(doc)}enum ${name} ${printBlock(body.join("\n"))}${printAnnotations(annotations, rules)}`;
}

function printService(given: Service, nameOf: NameOf): string {
  const service = withCommonUnwrap(given);
  const body = spread(service.methods.map((method) => printMethod(method, nameOf)));
  const base = service.base ? ` extends ${nameOf(service.base)}` : "";
  const annotations = printAnnotations(service.annotations, service.rules);
  return `${printDoc(service.doc)}service ${service.name}${base} ${printBlock(body)}${annotations}`;
}

/** Says once for the service what all its methods would say each. */
function withCommonUnwrap(service: Service): Service {
  const { methods } = service;
  if (methods.length < 2 || !methods.every(({ rules }) => rules.unwrap)) return service;
  const restated = methods.map((method): Method => {
    const { unwrap: _, ...rules } = method.rules;
    return { ...method, rules };
  });
  return { ...service, rules: { ...service.rules, unwrap: true }, methods: restated };
}

function printMethod(method: Method, nameOf: NameOf): string {
  const { doc, name, request, response, throws, oneway, idempotent } = method;
  const success = response?.fieldsById.get(0);
  const result = success ? printType(success.type, nameOf) + printAnnotations([], success.rules) : "void";
  const head = `${oneway ? "oneway " : ""}${result} ${name}(`;
  const parameters = (separator: string): string => printFields(request?.fields ?? [], separator, nameOf, "arguments");
  const thrown = throws.map(({ id, type, name: field }) => `${id}: ${printType(type, nameOf)} ${field}`).join(", ");
  const annotations: Annotations = idempotent
    ? [...method.annotations.filter(([key]) => key !== "idempotent"), ["idempotent", "true"]]
    : method.annotations;
  const tail = `)${thrown === "" ? "" : ` throws (${thrown})`}${printAnnotations(annotations, method.rules)}`;
  const line = `${head}${parameters(", ")}${tail}`;
  const hasDocs = request?.fields.some((field) => field.doc !== undefined) ?? false;
  if (!hasDocs && line.length + 2 <= MAX_LINE) return printDoc(doc) + line;
  return `${printDoc(doc)}${head}\n${indent(indent(parameters("\n")))}${tail}`;
}

/** Annotations as they were, and rules under `pb.`. */
function printAnnotations(annotations: Annotations, rules: Rules): string {
  const own = annotations.filter(([key]) => !key.startsWith("pb.") && !key.startsWith("("));
  const all = [...own, ...ruleEntries(rules).map(([name, value]) => [`pb.${name}`, String(value)] as const)];
  if (all.length === 0) return "";
  return ` (${all.map(([key, value]) => `${key} = ${stringLiteral(value)}`).join(", ")})`;
}

/** Thrift has no word for infinity and NaN, and no text for bytes that are not UTF-8. */
/** Whether Thrift has a way to write this constant: not NaN, infinity, or bytes that are no text. */
export function isPrintable(value: Constant, type: FieldType): boolean {
  switch (value.kind) {
    case "double":
      return Number.isFinite(value.value);
    case "bytes":
      return isUuid(type) ? value.value.length === 16 : textOf(value.value) !== undefined;
    case "list":
      return value.values.every((each) => isPrintable(each, elementType(type)));
    case "map":
      return value.entries.every(([key, each]) => {
        const [keyType, valueType] = entryTypes(type, key);
        return isPrintable(key, keyType) && isPrintable(each, valueType);
      });
    default:
      return true;
  }
}

/** A constant that is printable; enum values by their names, or without `nameOf` by their numbers. */
export function printConstant(value: Constant, type: FieldType, nameOf?: NameOf): string {
  switch (value.kind) {
    case "bool":
      return String(value.value);
    case "int": {
      const member = type.kind === "enum" && nameOf ? type.type.valuesByNumber.get(Number(value.value)) : undefined;
      return member && nameOf && type.kind === "enum" ? `${nameOf(type.type)}.${member.name}` : String(value.value);
    }
    case "double":
      return doubleLiteral(value.value);
    case "string":
      return stringLiteral(value.value);
    case "bytes":
      return stringLiteral(isUuid(type) ? uuidText(value.value) : (textOf(value.value) ?? ""));
    case "list": {
      const element = elementType(type);
      return `[${value.values.map((each) => printConstant(each, element, nameOf)).join(", ")}]`;
    }
    case "map": {
      const entries = value.entries.map(([key, each]) => {
        const [keyType, valueType] = entryTypes(type, key);
        return `${printConstant(key, keyType, nameOf)}: ${printConstant(each, valueType, nameOf)}`;
      });
      return `{${entries.join(", ")}}`;
    }
  }
}

function isUuid(type: FieldType): boolean {
  return type.kind === "scalar" && type.name === "uuid";
}

function elementType(type: FieldType): FieldType {
  return type.kind === "list" || type.kind === "set" ? type.element : type;
}

/** A struct's constant is a map of field names. */
function entryTypes(type: FieldType, key: Constant): readonly [key: FieldType, value: FieldType] {
  if (type.kind === "map") return [type.key, type.value];
  const text: FieldType = { kind: "scalar", name: "string" };
  const field =
    type.kind === "message" && type.type.fields.find(({ name }) => key.kind === "string" && key.value === name);
  return [text, field ? field.type : text];
}

function printBlock(body: string): string {
  return body === "" ? "{}" : `{\n${indent(body)}\n}`;
}

function printDoc(doc: string | undefined): string {
  if (doc === undefined || doc === "") return "";
  const text = doc.replaceAll("*/", "* /");
  if (!text.includes("\n")) return `/** ${text} */\n`;
  return `/**\n${text.replace(/^/gm, " * ").replace(/[ \t]+$/gm, "")}\n */\n`;
}

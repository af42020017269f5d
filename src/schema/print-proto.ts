// A file of the model as .proto text that protoc accepts.
import type {
  Constant,
  Declaration,
  EnumType,
  EnumValue,
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
import { printConstantDeclaration } from "./print-thrift.ts";

const OPTIONS_IMPORT = "causeway/options.proto";
const MAX_LINE = 100;

/** The names that options.proto has for the rules of each kind of thing. */
const FILE_RULES = "(causeway.file_rules)";
const MESSAGE_RULES = "(causeway.message_rules)";
const FIELD_RULES = "(causeway.rules)";
const ENUM_RULES = "(causeway.enum_rules)";
const VALUE_RULES = "(causeway.value_rules)";
const SERVICE_RULES = "(causeway.service_rules)";
const METHOD_RULES = "(causeway.method_rules)";

type Option = readonly [name: string, value: string];

/**
 * The text of a derived .proto file, or of a given one as far as the model knows it: of options it has `deprecated`,
 * `allow_alias`, `idempotency_level`, `packed` and the rules; groups are written as such in editions and as messages elsewhere. Thrift constants stand as comments.
 */
export function printProto(given: SchemaFile): string {
  const file = withCommonRequiredness(given);
  const body = printDeclarations(file);
  const fileRules = ruleOptions(FILE_RULES, file.rules);
  const needsRules = body.includes("(causeway.") || fileRules.length > 0;
  const imports = [...new Set(file.imports.map((imported) => imported.importPath ?? imported.path))];
  if (needsRules && !imports.includes(OPTIONS_IMPORT)) imports.push(OPTIONS_IMPORT);
  const { syntax = "proto3" } = file;
  const head = [
    printDoc(file.doc).trimEnd(),
    syntax.startsWith("proto") ? `syntax = "${syntax}";` : `edition = "${syntax}";`,
    file.package === "" ? "" : `package ${file.package};`,
    imports
      .sort()
      .map((path) => `import ${quote(path)};`)
      .join("\n"),
    fileRules.map(printOption).join("\n"),
  ];
  const parts = [...head.filter((part) => part !== ""), body].filter((part) => part !== "");
  return `${parts.join("\n\n")}\n`;
}

/** Says once for the file what most of its fields would say each. */
function withCommonRequiredness(file: SchemaFile): SchemaFile {
  const plain = file.messages
    .filter(({ rules }) => !rules.wrap && !rules.args)
    .flatMap(({ fields }) => fields.filter(({ presence, oneof }) => presence === "optional" && oneof === undefined));
  const common = commonOf(plain, ({ rules }) => rules.requiredness);
  if (common === undefined || file.rules.requiredness !== undefined) return file;
  const fields = new Set(plain);
  const restate = (field: Field): Field => {
    if (!fields.has(field)) return field;
    const { requiredness = "optional", ...rules } = field.rules;
    return { ...field, rules: requiredness === common ? rules : { ...rules, requiredness } };
  };
  const messages = file.messages.map((message) => ({ ...message, fields: message.fields.map(restate) }));
  // Nested messages know their parent by identity.
  const parents = new Map(file.messages.map((message, i) => [message, messages[i] as MessageType]));
  const reparented = messages.map((message) => ({ ...message, parent: message.parent && parents.get(message.parent) }));
  return { ...file, rules: { ...file.rules, requiredness: common }, messages: reparented };
}

function printDeclarations(file: SchemaFile): string {
  const { syntax = "proto3" } = file;
  const texts = new Map<Declaration, string>();
  for (const constant of file.constants) texts.set(constant, printConstantComment(constant));
  for (const message of file.messages) if (!message.parent) texts.set(message, printMessage(message, file, syntax));
  for (const type of file.enums) if (!type.parent) texts.set(type, printEnum(type));
  for (const service of file.services) texts.set(service, printService(service));
  return inFileOrder([...texts.keys()])
    .map((declaration) => texts.get(declaration) ?? "")
    .join("\n\n");
}

/** Protobuf has no constants; a reader may still want to know. */
function printConstantComment(constant: NamedConstant): string {
  const text = printConstantDeclaration(constant);
  return printDoc(constant.doc === undefined ? text : `${constant.doc}\n\n${text}`).trimEnd();
}

function printMessage(message: MessageType, file: SchemaFile, syntax: string): string {
  const nested = [
    ...file.enums.filter(({ parent }) => isSame(parent, message)).map(printEnum),
    ...file.messages.filter(({ parent }) => isSame(parent, message)).map((inner) => printMessage(inner, file, syntax)),
  ];
  const options = [...deprecated(message), ...ruleOptions(MESSAGE_RULES, message.rules)].map(printOption).join("\n");
  const body = [options, ...nested, printFields(message.fields, syntax)].filter((part) => part !== "");
  return `${printDoc(message.doc)}message ${message.name} ${printBlock(body.join("\n\n"))}`;
}

function isSame(parent: MessageType | undefined, message: MessageType): boolean {
  return parent?.fullName === message.fullName;
}

function printFields(fields: readonly Field[], syntax: string): string {
  const parts: string[] = [];
  const oneofs = new Set<string>();
  for (const field of fields) {
    if (field.oneof === undefined) parts.push(printField(field, syntax));
    else if (!oneofs.has(field.oneof)) {
      oneofs.add(field.oneof);
      const members = fields.filter(({ oneof }) => oneof === field.oneof).map((member) => printField(member, syntax));
      parts.push(`oneof ${field.oneof} ${printBlock(members.join("\n"))}`);
    }
  }
  return parts.join("\n");
}

function printField(field: Field, syntax: string): string {
  const { doc, type, name, id } = field;
  const label = labelOf(field, syntax);
  const line = `${label}${printType(type)} ${name} = ${id}`;
  const options = [...fieldOptions(field, syntax), ...deprecated(field), ...ruleOptions(FIELD_RULES, field.rules)];
  return `${printDoc(doc)}${line}${printFieldOptions(line, options)};`;
}

function labelOf({ type, presence, oneof }: Field, syntax: string): string {
  if (type.kind === "list") return "repeated ";
  if (type.kind === "map" || oneof !== undefined) return "";
  if (syntax === "proto2") return presence === "required" ? "required " : "optional ";
  return syntax === "proto3" && presence === "optional" && type.kind !== "message" ? "optional " : "";
}

/** What the syntax does not say by itself. */
function fieldOptions({ type, presence, defaultValue }: Field, syntax: string): Option[] {
  const options: Option[] = [];
  const edition = !syntax.startsWith("proto");
  if (defaultValue && syntax !== "proto3") options.push(["default", printDefault(defaultValue, type)]);
  if (type.kind === "list" && isPackable(type.element) && type.packed !== (syntax !== "proto2")) {
    if (!edition) options.push(["packed", String(type.packed)]);
    else options.push(["features.repeated_field_encoding", type.packed ? "PACKED" : "EXPANDED"]);
  }
  if (edition && presence === "implicit" && (type.kind === "scalar" || type.kind === "enum")) {
    options.push(["features.field_presence", "IMPLICIT"]);
  }
  const element = type.kind === "list" ? type.element : type;
  if (edition && element.kind === "message" && element.delimited) {
    options.push(["features.message_encoding", "DELIMITED"]);
  }
  if (edition && presence === "required") options.push(["features.field_presence", "LEGACY_REQUIRED"]);
  return options;
}

function isPackable(type: FieldType): boolean {
  return type.kind === "enum" || (type.kind === "scalar" && type.name !== "string" && type.name !== "bytes");
}

function printType(type: FieldType): string {
  switch (type.kind) {
    case "scalar":
      return type.name;
    case "enum":
    case "message":
      return `.${type.type.fullName}`;
    case "map":
      return `map<${printType(type.key)}, ${printType(type.value)}>`;
    case "list":
    case "set":
      return printType(type.element);
  }
}

function printDefault(value: Constant, type: FieldType): string {
  switch (value.kind) {
    case "int":
      return type.kind === "enum"
        ? (type.type.valuesByNumber.get(Number(value.value))?.name ?? "")
        : String(value.value);
    case "double":
      return Number.isFinite(value.value)
        ? String(value.value)
        : Number.isNaN(value.value)
          ? "nan"
          : value.value < 0
            ? "-inf"
            : "inf";
    case "string":
      return quote(value.value);
    case "bytes":
      return quoteBytes(value.value);
    default:
      return "value" in value ? String(value.value) : "";
  }
}

function printEnum(type: EnumType): string {
  const aliased: Option[] = type.valuesByNumber.size < type.values.length ? [["allow_alias", "true"]] : [];
  const options = [...aliased, ...deprecated(type), ...ruleOptions(ENUM_RULES, type.rules)].map(printOption);
  const values = type.values.map((value) => printEnumValue(value, type.rules.prefix));
  const body = [options.join("\n"), values.join("\n")].filter((part) => part !== "");
  return `${printDoc(type.doc)}enum ${type.name} ${printBlock(body.join("\n\n"))}`;
}

function printEnumValue(value: EnumValue, prefix: string | undefined): string {
  const { name: former, ...rules } = value.rules;
  // What the enum says of all its values does not need to be said on each.
  const said = prefix !== undefined && value.name === prefix + former ? rules : value.rules;
  const line = `${value.name} = ${value.number}`;
  const options = [...deprecated(value), ...ruleOptions(VALUE_RULES, said)];
  return `${printDoc(value.doc)}${line}${printFieldOptions(line, options)};`;
}

function printService(service: Service): string {
  const options = [...deprecated(service), ...ruleOptions(SERVICE_RULES, service.rules)].map(printOption).join("\n");
  const methods = service.methods.map(printMethod);
  const body = [options, spread(methods)].filter((part) => part !== "").join("\n\n");
  return `${printDoc(service.doc)}service ${service.name} ${printBlock(body)}`;
}

function printMethod(method: Method): string {
  const { name, request, response, streaming } = method;
  const requestType = `${streaming === "client" || streaming === "bidi" ? "stream " : ""}.${request?.fullName ?? ""}`;
  const responseType = `${streaming === "server" || streaming === "bidi" ? "stream " : ""}.${response?.fullName ?? ""}`;
  const line = `rpc ${name}(${requestType}) returns (${responseType})`;
  const head = line.length <= MAX_LINE ? line : `rpc ${name}(${requestType})\n    returns (${responseType})`;
  const options = [...idempotency(method), ...deprecated(method), ...ruleOptions(METHOD_RULES, method.rules)];
  const body = options.length === 0 ? ";" : ` ${printBlock(options.map(printOption).join("\n"))}`;
  return `${printDoc(method.doc)}${head}${body}`;
}

function idempotency({ idempotent, annotations }: Method): Option[] {
  const level = annotations.find(([key]) => key === "idempotency_level")?.[1];
  return idempotent ? [["idempotency_level", level ?? "IDEMPOTENT"]] : [];
}

function deprecated({ annotations }: Declaration): Option[] {
  return annotations.some(([key, value]) => key === "deprecated" && value === "true") ? [["deprecated", "true"]] : [];
}

/** One rule as a path, several as one aggregate. */
function ruleOptions(extension: string, rules: Rules): Option[] {
  const entries = ruleEntries(rules);
  const [only] = entries;
  if (!only) return [];
  const print = (value: string | number | boolean): string =>
    typeof value === "string" ? quote(value) : String(value);
  if (entries.length === 1) return [[`${extension}.${only[0]}`, print(only[1])]];
  return [[extension, `{ ${entries.map(([name, value]) => `${name}: ${print(value)}`).join(", ")} }`]];
}

function printOption([name, value]: Option): string {
  return `option ${name} = ${value};`;
}

function printFieldOptions(line: string, options: readonly Option[]): string {
  if (options.length === 0) return "";
  const texts = options.map(([name, value]) => `${name} = ${value}`);
  const short = ` [${texts.join(", ")}]`;
  return line.length + short.length <= MAX_LINE ? short : ` [\n${indent(texts.join(",\n"))}\n]`;
}

function printBlock(body: string): string {
  return body === "" ? "{}" : `{\n${indent(body)}\n}`;
}

function printDoc(doc: string | undefined): string {
  if (doc === undefined || doc === "") return "";
  return `${doc.replace(/^/gm, "// ").replace(/[ \t]+$/gm, "")}\n`;
}

function quote(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must be escaped
  const escaped = text.replace(/[\\"]/g, "\\$&").replace(/[\x00-\x1f\x7f]/g, octal);
  return `"${escaped}"`;
}

function octal(character: string): string {
  return character === "\n" ? "\\n" : `\\${character.charCodeAt(0).toString(8).padStart(3, "0")}`;
}

function quoteBytes(bytes: Uint8Array): string {
  const plain = (byte: number): boolean => byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c;
  const parts = [...bytes].map((byte) =>
    plain(byte) ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, "0")}`,
  );
  return `"${parts.join("")}"`;
}

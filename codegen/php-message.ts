// The PHP class of a struct, message or exception: immutable, with its reading and writing on one wire.
import { docOf, type PhpFile } from "./php-file.ts";
import { createLocals } from "./php-names.ts";
import { type ReadCase, readFields } from "./php-read.ts";
import { arrayDoc, declaredType, defaultOf, isNullable, literal, nullableType, zeroOf } from "./php-types.ts";
import { printUnionCase } from "./php-union.ts";
import { writeField } from "./php-write.ts";
import type { StubField, StubMessage, StubOneof } from "./stub-model.ts";

/** One property: a plain field, or a oneof. */
type Member = { readonly field: StubField } | { readonly oneof: StubOneof };

/** Prints the class of a message that is no union. */
export function printMessage(file: PhpFile, message: StubMessage): void {
  const isThrift = message.file.wire === "thrift";
  const wire = isThrift ? "Thrift" : "Protobuf";
  const members = membersOf(message);
  const { lines, tags } = docOf(message);
  file.doc(lines, tags);
  const isException = message.kind === "exception";
  const parents = isException ? ` extends \\Exception` : "";
  const contracts = [...(isException ? ["DeclaredException"] : []), `${wire}Message`, "RuntimeVersion1"];
  file.print(
    `final class ${file.names.classOf(message)}${parents} implements ${contracts.map(file.runtime).join(", ")}`,
    "{",
  );
  file.indented(() => {
    file.print(`use ${file.runtime(`${wire}Coding`)};`, "");
    printConstructor(file, message, members);
    printDefaults(file, members);
    file.print("", `public function write(${file.runtime(`${wire}Writer`)} $out): void`, "{");
    file.indented(() => printWrite(file, message, members, isThrift));
    file.print("}", "");
    if (isThrift) printReadThrift(file, message, members);
    else printReadProtobuf(file, message, members);
  });
  file.print("}");
}

/** The required ones first, because PHP's parameters with a default stand behind those without. */
function membersOf({ fields, oneofs }: StubMessage): readonly Member[] {
  const plain = fields.filter(({ oneof }) => oneof === undefined);
  return [
    ...plain.filter(isNeeded).map((field) => ({ field })),
    ...plain.filter((field) => !isNeeded(field)).map((field) => ({ field })),
    ...oneofs.map((oneof) => ({ oneof })),
  ];
}

/** Messages are written in the order of their ids, as by every other library. */
function firstId(member: Member): number {
  return "field" in member ? member.field.id : Math.min(...member.oneof.fields.map(({ id }) => id));
}

function isNeeded({ required, defaultValue, type }: StubField): boolean {
  return required && (defaultValue === undefined || type.kind === "message");
}

function printConstructor(file: PhpFile, message: StubMessage, members: readonly Member[]): void {
  const isException = message.kind === "exception";
  if (members.length === 0 && !isException) return;
  const parameters = members.map((member) => parameterOf(file, message, member));
  if (parameters.length === 0) file.print("public function __construct()", "{");
  else file.list("public function __construct", parameters, " {", true);
  if (isException) {
    // PHP's own message says which exception it is, where the IDL has no text for it.
    const text = message.fields.find(
      ({ name, type }) => name === "message" && type.kind === "scalar" && type.api === "string",
    );
    const said = text
      ? `$this->${file.names.propertyOf(text)}${isNullable(text) ? " ?? ''" : ""}`
      : `'${message.fullName}'`;
    file.indented(() => file.print(`parent::__construct(${said});`));
  }
  file.print("}");
}

function parameterOf(file: PhpFile, { file: source }: StubMessage, member: Member): string {
  if ("oneof" in member) {
    const { oneof } = member;
    const property = file.names.propertyOf(oneof);
    return withDoc(oneof, undefined, `public readonly ?${file.oneofClassOf(oneof, source)} $${property} = null`);
  }
  const { field } = member;
  const { type } = field;
  const nullable = isNullable(field);
  const declared = nullable ? nullableType(file, type) : declaredType(file, type);
  const start = `public readonly ${declared} $${file.names.propertyOf(field)}`;
  const text = isNeeded(field) ? start : `${start} = ${defaultOf(file, field)}`;
  return withDoc(field, arrayDoc(file, type, nullable), text);
}

/** A doc comment on the line before. */
function withDoc(named: StubField | StubOneof, arrayType: string | undefined, text: string): string {
  const { lines, tags } = docOf(named);
  const all = [...lines.map((line) => line.replaceAll("*/", "* /"))];
  const allTags = [...(arrayType === undefined ? [] : [`@var ${arrayType}`]), ...tags];
  if (all.length > 0 && allTags.length > 0) all.push("");
  all.push(...allTags);
  if (all.length === 0) return text;
  if (all.length === 1 && all[0]!.length < 100) return `/** ${all[0]} */\n${text}`;
  return ["/**", ...all.map((line) => ` * ${line}`.trimEnd()), " */", text].join("\n");
}

/** Of optional fields with a default, what stands for a value that is absent. */
function printDefaults(file: PhpFile, members: readonly Member[]): void {
  for (const member of members) {
    if ("oneof" in member) continue;
    const { field } = member;
    const { type, defaultValue } = field;
    if (!isNullable(field) || !defaultValue || type.kind === "message") continue;
    const property = file.names.propertyOf(field);
    const array = arrayDoc(file, type, false);
    file.print("");
    file.doc([`The value of $${property}, or its default where it is absent.`], array ? [`@return ${array}`] : []);
    file.print(`public function ${property}OrDefault(): ${declaredType(file, type)}`, "{");
    file.indented(() => file.print(`return $this->${property} ?? ${literal(file, type, defaultValue)};`));
    file.print("}");
  }
}

function printWrite(file: PhpFile, message: StubMessage, members: readonly Member[], thrift: boolean): void {
  const context = { file, locals: createLocals("out"), thrift };
  for (const member of [...members].sort((a, b) => firstId(a) - firstId(b))) {
    if ("field" in member) {
      writeField(context, member.field, `$this->${file.names.propertyOf(member.field)}`);
      continue;
    }
    const property = file.names.propertyOf(member.oneof);
    if (thrift && message.thriftUnion) {
      const error = `throw $out->malformed('no member of the union ${message.fullName} is set')`;
      file.print(`($this->${property} ?? ${error})->writeTo($out);`);
    } else file.print(`$this->${property}?->writeTo($out);`);
  }
  if (thrift) file.print("$out->stop();");
}

function printReadThrift(file: PhpFile, message: StubMessage, members: readonly Member[]): void {
  file.print(`public static function read(${file.runtime("ThriftReader")} $in): self`, "{");
  file.indented(() => printRead(file, message, members, true));
  file.print("}");
}

function printReadProtobuf(file: PhpFile, message: StubMessage, members: readonly Member[]): void {
  file.print(
    `public static function read(${file.runtime("ProtobufReader")} $in, ?${file.runtime("ProtobufMessage")} $from = null): self`,
    "{",
  );
  file.indented(() => {
    printRead(file, message, members, false);
  });
  file.print("}");
}

function printRead(file: PhpFile, message: StubMessage, members: readonly Member[], thrift: boolean): void {
  const locals = createLocals("in", "from");
  const context = { file, locals, thrift };
  const variables = new Map<Member, string>();
  const cases: ReadCase[] = [];
  if (!thrift && members.length > 0) file.print(`\\assert($from === null || $from instanceof self);`);
  for (const member of members) {
    const property = "oneof" in member ? file.names.propertyOf(member.oneof) : file.names.propertyOf(member.field);
    const variable = `$${locals.fresh(property)}`;
    variables.set(member, variable);
    const start = "oneof" in member ? "null" : startOf(file, member.field, thrift);
    const before = `$from?->${property}`;
    file.print(`${variable} = ${thrift ? start : start === "null" ? before : `${before} ?? ${start}`};`);
    if ("oneof" in member) cases.push(...unionCases(file, message, member.oneof, variable));
    else cases.push({ field: member.field, target: variable, before: variable });
  }
  readFields(context, cases);
  const values = members.map((member) =>
    "oneof" in member ? variables.get(member)! : finalValue(file, message, member.field, variables.get(member)!),
  );
  if (message.kind === "exception" || values.length > 0) file.list("return new self", values, ";");
  else file.print("return new self();");
}

/** A oneof's members come apart, and the last one counts. */
function unionCases(file: PhpFile, { file: source }: StubMessage, oneof: StubOneof, variable: string): ReadCase[] {
  return oneof.fields.map((field) => printUnionCase(file, file.oneofClassOf(oneof, source), field, variable));
}

/** What a field has until it is met. */
function startOf(file: PhpFile, field: StubField, thrift: boolean): string {
  if (isNeededOnWire(field) || lateDefault(file, field, thrift) !== undefined) return "null";
  if (isNullable(field)) return "null";
  return field.absent === "zero" ? zeroOf(file, field.type) : defaultOf(file, field);
}

function isNeededOnWire({ absent, required, type }: StubField): boolean {
  return absent === "error" || (required && type.kind === "message");
}

/** The default of a repeated field of Protobuf is not what its elements are added to. */
function lateDefault(file: PhpFile, field: StubField, thrift: boolean): string | undefined {
  const { type, absent, defaultValue } = field;
  const isRepeated = type.kind === "list" || type.kind === "map";
  return !thrift && isRepeated && absent === "keep" && defaultValue && !isNullable(field)
    ? defaultOf(file, field)
    : undefined;
}

function finalValue(file: PhpFile, message: StubMessage, field: StubField, variable: string): string {
  if (isNeededOnWire(field)) {
    return `${variable} ?? throw $in->malformed('${message.fullName}.${field.name} is missing')`;
  }
  const late = lateDefault(file, field, message.file.wire === "thrift");
  return late === undefined ? variable : `${variable} ?? ${late}`;
}

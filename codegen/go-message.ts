// A message as a Go struct that encodes and decodes itself, with the interfaces that keep unions and oneofs to one member.

import type { Wire } from "../src/schema/model.ts";
import { commentLines, type GoFile, isDefaulted, isPointer, quoted } from "./go-file.ts";
import { type GoMessage, type GoOneof, hasGetter } from "./go-names.ts";
import { readClauses, readProtobufField, writeProtobuf, writeProtobufField } from "./go-protobuf.ts";
import { hasDefaults, readThrift, readThriftField, thriftKind, writeThrift, writeThriftField } from "./go-thrift.ts";
import type { StubField, StubMessage } from "./stub-model.ts";

/** Prints a message; `exported` is false for argument lists and results, which have no more than they need. */
export function printMessage(go: GoFile, type: StubMessage, wire: Wire, exported = true): void {
  const message = go.names.messages.get(type);
  if (!message) return;
  printStruct(go, type, message);
  if (hasDefaults(type)) printConstructor(go, type, message, exported);
  for (const [field, name] of message.fields) if (hasGetter(field)) printGetter(go, message, field, name);
  if (type.kind === "exception") printException(go, type, message);
  for (const oneof of message.oneofs) printOneof(go, message, oneof);
  printMarshal(go, type, message, wire);
  printUnmarshal(go, type, message, wire);
}

function printStruct(go: GoFile, type: StubMessage, message: GoMessage): void {
  const { name } = message;
  const isBody = !go.file.messages.includes(type);
  const fallback = isBody ? undefined : `${name} is the ${type.kind} ${type.fullName}.`;
  go.print("");
  go.doc(type, fallback);
  const rows: { readonly comment: readonly string[]; readonly row: readonly string[] }[] = [];
  const oneofs = new Set<string>();
  for (const field of type.fields) {
    const own = message.fields.get(field);
    const oneof = message.oneofs.find(({ members }) => members.includes(field));
    if (own !== undefined) rows.push({ comment: commentLines(field), row: [own, go.fieldTypeOf(field)] });
    else if (oneof && !oneofs.has(oneof.field)) {
      oneofs.add(oneof.field);
      const members = oneof.members.map((member) => message.members.get(member));
      const says = `// One of ${members.join(", ")}; nil when nothing is set.`;
      const doc = oneof.given === type ? [] : commentLines(oneof.given);
      rows.push({ comment: [...doc, ...wrapped(says)], row: [oneof.field, oneof.type] });
    }
  }
  if (rows.length === 0) go.print(`type ${name} struct{}`);
  else go.block(`type ${name} struct {`, () => printRows(go, rows), "}");
}

/** gofmt aligns what stands in a row without comments between; with them each stands alone. */
function printRows(
  go: GoFile,
  rows: readonly { readonly comment: readonly string[]; readonly row: readonly string[] }[],
): void {
  let group: (readonly string[])[] = [];
  for (const { comment, row } of rows) {
    if (comment.length > 0) {
      go.columns(group);
      group = [];
      go.print("", ...comment);
    }
    group.push(row);
    if (comment.length > 0) {
      go.columns(group);
      group = [];
      go.print("");
    }
  }
  go.columns(group);
}

/** A long comment over several lines. */
function wrapped(line: string): string[] {
  const lines: string[] = [];
  let current = "//";
  for (const word of line.slice(3).split(" ")) {
    if (current.length + word.length > 100) {
      lines.push(current);
      current = "//";
    }
    current += ` ${word}`;
  }
  return [...lines, current];
}

function printConstructor(go: GoFile, type: StubMessage, { name, fields }: GoMessage, exported: boolean): void {
  const create = exported ? `New${name}` : `new${name}`;
  go.print("", `// ${create} returns a ${name} with the defaults of its fields.`);
  const rows = type.fields.filter(isDefaulted).map((field) => {
    const value = field.defaultValue!;
    return [`${fields.get(field)}:`, `${go.literal(field.type, value)},`] as const;
  });
  const print = (): void => {
    for (const group of alignedTogether(rows)) go.columns(group);
  };
  go.block(`func ${create}() *${name} {`, () => go.block(`return &${name}{`, print, "}"), "}");
}

/** Keys as gofmt aligns them: not a long one with others that are 2.5 times as long or as short as those before on average. */
function alignedTogether(rows: readonly (readonly [string, string])[]): (readonly [string, string])[][] {
  const groups: (readonly [string, string])[][] = [];
  let logSum = 0;
  let previous = 0;
  for (const row of rows) {
    const size = row[0].length - 1;
    const group = groups.at(-1);
    const ratio = group ? size / Math.exp(logSum / group.length) : 1;
    const isShort = size <= 40 && previous <= 40;
    if (group && (isShort || (ratio > 0.4 && ratio < 2.5))) group.push(row);
    else {
      groups.push([row]);
      logSum = 0;
    }
    logSum += Math.log(size);
    previous = size;
  }
  return groups;
}

function printGetter(go: GoFile, { name }: GoMessage, field: StubField, own: string): void {
  const fallback = go.literal(field.type, field.defaultValue!);
  go.print("", `// Get${own} gives ${own}, or its default when it is absent.`);
  go.block(
    `func (x *${name}) Get${own}() ${go.typeOf(field.type)} {`,
    () => {
      if (!isPointer(field)) {
        go.block(`if x.${own} == nil {`, () => go.print(`return ${fallback}`), "}");
        go.print(`return x.${own}`);
      } else go.print(`return ${go.wire("Value")}(x.${own}, ${fallback})`);
    },
    "}",
  );
}

function printException(go: GoFile, type: StubMessage, { name, fields }: GoMessage): void {
  const plain = [...fields].filter(
    ([{ type: t, optional }]) => !optional && (t.kind === "scalar" || t.kind === "enum"),
  );
  const shown = plain.map(([field, own]) => ({ format: `${field.name} %v`, value: `x.${own}` }));
  go.print("");
  const text = quoted(`${type.fullName}${shown.length > 0 ? ": " : ""}${shown.map(({ format }) => format).join(", ")}`);
  const values = shown.map(({ value }) => value);
  const body = values.length === 0 ? text : `${go.standard("fmt", "Sprintf")}(${[text, ...values].join(", ")})`;
  go.block(`func (x *${name}) Error() string {`, () => go.print(`return ${body}`), "}");
  go.print("", "// CausewayException gives the name and the code by which the exception travels.");
  const code = codeName(type.code);
  go.block(
    `func (x *${name}) CausewayException() (string, ${go.runtime("Code")}) {`,
    () => go.print(`return ${quoted(type.wireName)}, ${go.runtime(code)}`),
    "}",
  );
}

/** `NotFound` of NOT_FOUND, `Canceled` of CANCELLED. */
function codeName(code: string): string {
  if (code === "OK") return "Unknown";
  const name = code
    .split("_")
    .map((word) => word.charAt(0) + word.slice(1).toLowerCase())
    .join("");
  return name === "Cancelled" ? "Canceled" : name;
}

function printOneof(go: GoFile, message: GoMessage, { type, members }: GoOneof): void {
  const names = members.map((member) => message.members.get(member)!);
  go.print("", `// ${type} is what ${message.name} holds: at most one of its members.`);
  go.block(`type ${type} interface {`, () => go.print(`is${type}()`), "}");
  for (const [i, member] of members.entries()) {
    go.print("");
    go.doc(member, `${names[i]} is the member ${member.name} of ${message.name}.`);
    go.print(`type ${names[i]} struct{ Value ${go.typeOf(member.type)} }`);
  }
  const rows = names.map((name) => [`func (${name}) is${type}()`, "{}"]);
  go.print("");
  go.columns(rows);
}

function isMember(message: GoMessage, field: StubField): boolean {
  return message.members.has(field);
}

function printMarshal(go: GoFile, type: StubMessage, message: GoMessage, wire: Wire): void {
  go.print("", "// MarshalWire writes the encoding of x.");
  go.block(
    `func (x *${message.name}) MarshalWire(w *${go.wire("Writer")}) {`,
    () => {
      go.block("if x == nil {", () => go.print(`w.Missing(${quoted(type.fullName)})`, "return"), "}");
      const oneofs = new Set<GoOneof>();
      for (const field of type.fields) {
        const oneof = message.oneofs.find(({ members }) => members.includes(field));
        if (oneof) {
          if (!oneofs.has(oneof)) printOneofSwitch(go, type, message, oneof, wire);
          oneofs.add(oneof);
          continue;
        }
        const own = message.fields.get(field)!;
        const what = quoted(`${type.fullName}.${field.name}`);
        if (wire === "thrift") writeThriftField(go, field, `x.${own}`, what);
        else writeProtobufField(go, field, `x.${own}`, what);
      }
      if (wire === "thrift") go.print("w.Stop()");
    },
    "}",
  );
}

function printOneofSwitch(go: GoFile, type: StubMessage, message: GoMessage, oneof: GoOneof, wire: Wire): void {
  const { field, members } = oneof;
  const must = type.kind === "union" || (type.thriftUnion && wire === "thrift");
  go.print(`switch member := x.${field}.(type) {`);
  go.print("case nil:");
  if (must) go.indented(() => go.print(`w.Missing(${quoted(`a member of ${type.fullName}`)})`));
  for (const member of members) {
    const what = quoted(`${type.fullName}.${member.name}`);
    go.print(`case ${message.members.get(member)}:`);
    go.indented(() => {
      if (wire === "thrift") {
        go.print(`w.Field(${thriftKind(go, member.type)}, ${member.id})`);
        writeThrift(go, member.type, "member.Value", what);
      } else writeProtobuf(go, member.type, member.id, "member.Value", what, 1);
    });
  }
  go.print("default:");
  go.indented(() => go.print(`w.Fail(${go.standard("fmt", "Errorf")}("%T is no member of ${type.fullName}", member))`));
  go.print("}");
}

function printUnmarshal(go: GoFile, type: StubMessage, message: GoMessage, wire: Wire): void {
  const required = type.fields.filter((field) => field.absent === "error" && !isMember(message, field));
  const thrift = wire === "thrift";
  const seen = (field: StubField): void => {
    const i = required.indexOf(field);
    if (i >= 0) go.print(`seen[${i}] = true`);
  };
  const body = (): void => {
    if (thrift) go.block("if !r.Enter() {", () => go.print("return"), "}");
    for (const field of type.fields) {
      if (field.absent === "zero" && isDefaulted(field)) go.print(`x.${message.fields.get(field)} = nil`);
    }
    if (required.length > 0) go.print(`var seen [${required.length}]bool`);
    const loop = (): void => {
      if (type.fields.length === 0) {
        go.print(thrift ? "r.Skip()" : "r.SkipTag()");
        return;
      }
      go.print(`switch r.${thrift ? "Field" : "Tag"}() {`);
      for (const field of type.fields) printRead(go, type, message, field, thrift, () => seen(field));
      go.print("default:");
      go.indented(() => go.print(thrift ? "r.Skip()" : "r.SkipTag()"));
      go.print("}");
    };
    go.block(`for r.${thrift ? "Next" : "NextTag"}() {`, loop, "}");
    if (thrift) go.print("r.Leave()");
    for (const [i, field] of required.entries()) {
      const missing = (): void => go.print(`r.Missing(${quoted(`${type.fullName}.${field.name}`)})`);
      go.block(`if !seen[${i}] {`, missing, "}");
    }
  };
  go.print("", "// UnmarshalWire reads the encoding of x.");
  go.block(`func (x *${message.name}) UnmarshalWire(r *${go.wire("Reader")}) {`, body, "}");
}

function printRead(
  go: GoFile,
  type: StubMessage,
  message: GoMessage,
  field: StubField,
  thrift: boolean,
  seen: () => void,
): void {
  const what = quoted(`${type.fullName}.${field.name}`);
  const member = message.members.get(field);
  if (member !== undefined) {
    const { field: holder } = message.oneofs.find(({ members }) => members.includes(field))!;
    printReadMember(go, field, `x.${holder}`, member, what, thrift);
    return;
  }
  const place = `x.${message.fields.get(field)}`;
  if (!thrift) {
    readProtobufField(go, field, place, what, seen);
    return;
  }
  go.print(`case ${fieldId(field.id)}<<8 | ${thriftKind(go, field.type)}:`);
  go.indented(() => {
    readThriftField(go, field, place, what);
    seen();
  });
}

function printReadMember(
  go: GoFile,
  field: StubField,
  holder: string,
  member: string,
  what: string,
  thrift: boolean,
): void {
  if (!thrift) {
    // The last of several members wins, and pieces of one message are merged.
    const begin = (): void => go.print(`member, _ := ${holder}.(${member})`);
    readClauses(go, field.type, field.id, "member.Value", what, () => go.print(`${holder} = member`), begin);
    return;
  }
  go.print(`case ${fieldId(field.id)}<<8 | ${thriftKind(go, field.type)}:`);
  go.indented(() => {
    go.print(`var member ${member}`);
    readThrift(go, field.type, "member.Value", what);
    go.print(`${holder} = member`);
  });
}

/** As the unsigned 16 bits that it is on the wire. */
function fieldId(id: number): number {
  return id & 0xffff;
}

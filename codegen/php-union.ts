// The PHP class of a union, or of a oneof of a message: one named constructor per member, so that it never holds two.
import { docOf, type PhpFile } from "./php-file.ts";
import { createLocals } from "./php-names.ts";
import { type ReadCase, readFields } from "./php-read.ts";
import { arrayDoc, declaredType, nullableType } from "./php-types.ts";
import { writePresent } from "./php-write.ts";
import type { StubField, StubMessage, StubNamed, StubOneof } from "./stub-model.ts";

/** Prints the class of a Thrift union. */
export function printUnion(file: PhpFile, message: StubMessage): void {
  const isThrift = message.file.wire === "thrift";
  const wire = isThrift ? "Thrift" : "Protobuf";
  const contracts = `${file.runtime(`${wire}Message`)}, ${file.runtime("RuntimeVersion1")}`;
  printClass(
    file,
    message,
    `final class ${file.names.classOf(message)} implements ${contracts}`,
    message.fields,
    () => {
      file.print("", `public function write(${file.runtime(`${wire}Writer`)} $out): void`, "{");
      file.indented(() => {
        printMembers(file, message.fields, isThrift);
        const error = `throw $out->malformed('no member of the union ${message.fullName} is set');`;
        if (message.fields.length === 0) file.print(error);
        else file.block("} else {", () => file.print(error), "}");
        if (isThrift && message.fields.length > 0) file.print("$out->stop();");
      });
      file.print("}", "");
      if (isThrift) file.print(`public static function read(${file.runtime("ThriftReader")} $in): self`, "{");
      else {
        const from = `?${file.runtime("ProtobufMessage")} $from = null`;
        file.print(`public static function read(${file.runtime("ProtobufReader")} $in, ${from}): self`, "{");
      }
      file.indented(() => printRead(file, message, isThrift));
      file.print("}");
    },
    `${wire}Coding`,
  );
}

/** Prints the class of a oneof: its members are read with their message, and written by `writeTo`. */
export function printOneof(file: PhpFile, message: StubMessage, oneof: StubOneof): void {
  const isThrift = message.file.wire === "thrift";
  const name = file.names.oneofClassOf(oneof);
  printClass(file, oneof, `final class ${name} implements ${file.runtime("RuntimeVersion1")}`, oneof.fields, () => {
    file.print("");
    file.doc(["@internal for the message that it belongs to"]);
    file.print(`public function writeTo(${file.runtime(`${isThrift ? "Thrift" : "Protobuf"}Writer`)} $out): void`, "{");
    file.indented(() => {
      printMembers(file, oneof.fields, isThrift);
      if (oneof.fields.length > 0) file.print("}");
    });
    file.print("}");
  });
}

function printClass(
  file: PhpFile,
  named: StubNamed,
  head: string,
  fields: readonly StubField[],
  rest: () => void,
  trait?: string,
): void {
  const { lines, tags } = docOf(named);
  file.doc(lines, tags);
  file.print(head, "{");
  file.indented(() => {
    if (trait !== undefined) file.print(`use ${file.runtime(trait)};`, "");
    const parameters = fields.map((field) => {
      const array = arrayDoc(file, field.type, true);
      const text = `public readonly ${nullableType(file, field.type)} $${file.names.propertyOf(field)} = null`;
      return array === undefined ? text : `/** @var ${array} */\n${text}`;
    });
    if (parameters.length === 0) file.print("private function __construct()", "{");
    else file.list("private function __construct", parameters, " {", true);
    file.print("}");
    for (const field of fields) printNamedConstructor(file, field);
    printWhich(file, fields);
    rest();
  });
  file.print("}");
}

function printNamedConstructor(file: PhpFile, field: StubField): void {
  const property = file.names.propertyOf(field);
  const { lines, tags } = docOf(field);
  const array = arrayDoc(file, field.type, false);
  file.print("");
  file.doc(lines, array === undefined ? tags : [...tags, `@param ${array} $value`]);
  file.print(`public static function ${property}(${declaredType(file, field.type)} $value): self`, "{");
  file.indented(() => file.print(`return new self(${property}: $value);`));
  file.print("}");
}

function printWhich(file: PhpFile, fields: readonly StubField[]): void {
  file.print("");
  file.doc(["The name of the property that is set; null when the far side set one that is not known here."]);
  file.print("public function which(): ?string", "{");
  file.indented(() => {
    if (fields.length === 0) {
      file.print("return null;");
      return;
    }
    file.print("return match (true) {");
    file.indented(() => {
      for (const field of fields) {
        const property = file.names.propertyOf(field);
        file.print(`$this->${property} !== null => '${property}',`);
      }
      file.print("default => null,");
    });
    file.print("};");
  });
  file.print("}");
}

/** A chain of conditions that is left open. */
function printMembers(file: PhpFile, fields: readonly StubField[], thrift: boolean): void {
  const context = { file, locals: createLocals("out"), thrift };
  for (const [i, field] of fields.entries()) {
    const value = `$this->${file.names.propertyOf(field)}`;
    file.print(`${i === 0 ? "" : "} else"}if (${value} !== null) {`);
    file.indented(() => writePresent(context, field, value));
  }
}

function printRead(file: PhpFile, message: StubMessage, thrift: boolean): void {
  const context = { file, locals: createLocals("in", "from"), thrift };
  const union = `$${context.locals.fresh("union")}`;
  if (thrift) {
    const members = `$${context.locals.fresh("members")}`;
    file.print(`${union} = null;`, `${members} = 0;`);
    const cases = message.fields.map((field) => {
      const { done, ...rest } = printUnionCase(file, "self", field, union);
      return { ...rest, done: (value: string) => `${done!(value)}\n${members}++;` };
    });
    readFields(context, cases);
    file.block(
      `if (${members} > 1) {`,
      () => file.print(`throw $in->malformed('the union ${message.fullName} has more than one member');`),
      "}",
    );
  } else {
    file.print("\\assert($from === null || $from instanceof self);", `${union} = $from;`);
    readFields(
      context,
      message.fields.map((field) => printUnionCase(file, "self", field, union)),
    );
  }
  file.print(`return ${union} ?? new self();`);
}

/** A member that is met replaces what was there; a message of the same member is merged with it. */
export function printUnionCase(file: PhpFile, className: string, field: StubField, union: string): ReadCase {
  const property = file.names.propertyOf(field);
  return {
    field,
    target: union,
    ...(field.type.kind === "message" && { before: `${union}?->${property}` }),
    done: (value) => `${union} = ${className}::${property}(${value});`,
  };
}

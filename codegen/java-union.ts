// Unions and oneofs as sealed interfaces: exactly one member is there, because a value is one of the records.
import type { JavaContext } from "./java-context.ts";
import { printDoc, printMarks } from "./java-file.ts";
import { isPrimitive, javaType, unwrapped } from "./java-types.ts";
import type { StubField, StubMessage, StubOneof } from "./stub-model.ts";

/** A union of the IDL, which is a message of its own; `inner` prints what is nested in it. */
export function printUnion(context: JavaContext, message: StubMessage, inner: () => void): void {
  const { file, names, wire } = context;
  const name = names.types.get(message)!.path.at(-1)!;
  printDoc(file, message, { notes: ["Exactly one of its records."] });
  if (message.deprecated) file.print(`@${file.jdk("java.lang.Deprecated")}`);
  if (message.path.length === 1) printMarks(file);
  if (message.fields.length === 0) file.print(`public interface ${name} extends ${wire.message} {`);
  else file.print(`public sealed interface ${name} extends ${wire.message} {`);
  file.indented(() => {
    printReadUnion(context, message, name);
    for (const field of message.fields) {
      file.print("");
      printMember(context, name, field, wire.wire === "thrift");
    }
    inner();
  });
  file.print("}");
}

function printReadUnion({ file, names, wire }: JavaContext, message: StubMessage, name: string): void {
  const own = names.types.get(message)!;
  const merging = wire.wire === "protobuf";
  file.print("/** Reads what {@link #write} wrote; null when it holds nothing that is known here. */");
  if (merging) {
    file.block(`static ${name} read(${wire.input} in) {`, () => file.print("return merge(in, null);"), "}");
    file.print("", "/** The same over what came before, which may be null. */");
  }
  file.block(
    merging ? `static ${name} merge(${wire.input} in, ${name} before) {` : `static ${name} read(${wire.input} in) {`,
    () => {
      file.print(`${name} union = ${merging ? "before" : "null"};`);
      const cases = message.fields.flatMap((field) => {
        const member = file.use({ package: own.package, path: [...own.path, names.members.get(field)!] });
        const before = field.type.kind === "message" ? `union instanceof ${member} was ? was.value() : null` : "null";
        return wire.readCases(field, before, (value) => {
          const made = `new ${member}(${memberValue(field, value)})`;
          return merging ? `union = ${made}` : `union = in.only(union, ${made})`;
        });
      });
      wire.readLoop(cases);
      file.print("return union;");
    },
    "}",
  );
}

/** A member that is a union has to hold something: nothing is no value of it. */
export function memberValue({ type }: StubField, value: string): string {
  return type.kind === "message" && type.type.kind === "union" ? `in.present(${value})` : value;
}

/** A oneof of a message. */
export function printMembers(context: JavaContext, oneof: StubOneof): void {
  const { file, names, wire } = context;
  const name = names.oneofs.get(oneof)!;
  printDoc(file, oneof, { notes: ["Exactly one of its records."] });
  file.block(
    `public sealed interface ${name} {`,
    () => {
      file.print("/** Writes the field that is set. */", `void write(${wire.output} out);`);
      for (const field of oneof.fields) {
        file.print("");
        printMember(context, name, field, false);
      }
    },
    "}",
  );
}

function printMember(context: JavaContext, union: string, field: StubField, stops: boolean): void {
  const { file, names, wire } = context;
  const name = names.members.get(field)!;
  const type = javaType(file, names, field.type);
  printDoc(file, field);
  if (field.deprecated) file.print(`@${file.jdk("java.lang.Deprecated")}`);
  file.block(
    `record ${name}(${type} value) implements ${union} {`,
    () => {
      const check = checkOf(context, field);
      if (check !== undefined) {
        file.block(`public ${name} {`, () => file.print(check), "}");
        file.print("");
      }
      file.print("@Override");
      file.block(
        `public void write(${wire.output} out) {`,
        () => {
          file.print(wire.writeField(field, "value"));
          if (stops) file.print("out.stop();");
        },
        "}",
      );
    },
    "}",
  );
}

function checkOf({ file }: JavaContext, { type }: StubField): string | undefined {
  const inner = unwrapped(type);
  if (inner.kind === "list" && !inner.set) return `value = ${file.jdk("java.util.List")}.copyOf(value);`;
  if (inner.kind === "list") return `value = ${file.jdk("causeway.Frozen")}.set(value);`;
  if (inner.kind === "map") return `value = ${file.jdk("causeway.Frozen")}.map(value);`;
  return isPrimitive(inner) ? undefined : `${file.jdk("java.util.Objects")}.requireNonNull(value, "value");`;
}

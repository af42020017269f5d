// Enums as records of a number, so that a number without a name is kept; an enum of Java beside it serves switches.
import { type JavaFile, printDoc, printMarks } from "./java-file.ts";
import type { JavaNames } from "./java-names.ts";
import { stringLiteral } from "./java-types.ts";
import type { StubEnum } from "./stub-model.ts";

/** Prints an enum as a record of its number, with a constant for each value. */
export function printEnum(file: JavaFile, names: JavaNames, type: StubEnum): void {
  const name = names.types.get(type)!.path.at(-1)!;
  const unknown = names.unknowns.get(type)!;
  const first = type.values.filter((value, i) => type.values.findIndex(({ number }) => number === value.number) === i);
  printDoc(file, type, {
    notes: ["A number that has no name here is kept; {@link #known} is there to switch over."],
    tags: ["@param number as it stands on the wire"],
  });
  if (type.deprecated) file.print(`@${file.jdk("java.lang.Deprecated")}`);
  if (type.path.length === 1) printMarks(file);
  file.block(
    `public record ${name}(int number) {`,
    () => {
      for (const value of type.values) {
        const same = first.find(({ number }) => number === value.number)!;
        printDoc(file, value);
        if (value.deprecated) file.print(`@${file.jdk("java.lang.Deprecated")}`);
        const made = same === value ? `new ${name}(${value.number})` : names.values.get(same);
        file.print(`public static final ${name} ${names.values.get(value)} = ${made};`, "");
      }
      file.print("/** The value of a number, which need not have a name. */");
      printSwitch(file, `public static ${name} of(int number) {`, [
        ...first.map((value) => `case ${value.number} -> ${names.values.get(value)};`),
        `default -> new ${name}(number);`,
      ]);
      file.print("", `/** Which of the names it is; {@code ${unknown}} for none of them. */`);
      printSwitch(file, "public Known known() {", [
        ...first.map((value) => `case ${value.number} -> Known.${names.values.get(value)};`),
        `default -> Known.${unknown};`,
      ]);
      file.print("", "/** The name in the IDL, else the number. */", "@Override");
      printSwitch(file, "public String toString() {", [
        ...first.map((value) => `case ${value.number} -> ${stringLiteral(value.name)};`),
        "default -> Integer.toString(number);",
      ]);
      file.print("", "/** The names. */");
      const all = [...first.map((value) => names.values.get(value)!), unknown];
      file.block("public enum Known {", () => file.print(...all.map((each) => `${each},`)), "}");
    },
    "}",
  );
}

function printSwitch(file: JavaFile, head: string, cases: readonly string[]): void {
  file.block(head, () => file.block("return switch (number) {", () => file.print(...cases), "};"), "}");
}

// Stubs for Java 17: one file for each type and each service, in the packages that the IDL names.
import type { Report } from "../src/base/diagnostic.ts";
import type { JavaContext } from "./java-context.ts";
import { printEnum } from "./java-enum.ts";
import { createJavaFile, printDoc, printMarks } from "./java-file.ts";
import { printMessage, tooManyFields } from "./java-message.ts";
import { type ClassName, type JavaNames, nameForJava } from "./java-names.ts";
import { printClient, printServer, printService } from "./java-service.ts";
import { constantOf, javaType } from "./java-types.ts";
import { printUnion } from "./java-union.ts";
import { createJavaWire } from "./java-wire.ts";
import { createPrinter } from "./printer.ts";
import type { StubEnum, StubField, StubFile, StubMessage, StubType } from "./stub-model.ts";
import type { GeneratedFile, Target, TargetOptions } from "./target.ts";

/** Generates the stubs of Java. */
export const generateJava: Target = (model, options, report) => {
  const names = nameForJava(model, options.package, report);
  return model.files.flatMap((file) => generateFile(file, names, options, report));
};

function generateFile(
  source: StubFile,
  names: JavaNames,
  { server, version }: TargetOptions,
  report: Report,
): readonly GeneratedFile[] {
  const unsupported = (field: StubField, type: StubType): void => {
    const what = type.kind === "scalar" ? `${type.api} as ${type.coding}` : type.kind;
    report({
      severity: "error",
      position: field.position,
      message: `"${field.name}" cannot be generated for Java: there is no form of ${what}; expected a type of the other wire that holds it`,
    });
  };
  const files: GeneratedFile[] = [];

  function add(own: ClassName, declares: readonly string[], print: (context: JavaContext) => void): void {
    const file = createJavaFile(names, own, declares, source, version);
    print({ file, names, wire: createJavaWire(file, names, source.wire, unsupported) });
    files.push(file.finish());
  }

  const types: readonly (StubMessage | StubEnum)[] = [...source.messages, ...source.enums];
  for (const type of types.filter(({ path }) => path.length === 1)) {
    add(names.types.get(type)!, declaredIn(type, types, names), (context) => printType(context, type, types, report));
  }
  for (const service of source.services) {
    const own = names.services.get(service)!;
    add(own.service, [], (context) => printService(context, service));
    add(own.client, ["Async"], (context) => printClient(context, service));
    if (server) add(own.server, [], (context) => printServer(context, service));
  }
  const constants = names.constants.get(source);
  if (constants) add(constants, [], (context) => printConstants(context, source, constants));
  return files;
}

/** Prints a type and all that is nested in it. */
function printType(
  context: JavaContext,
  type: StubMessage | StubEnum,
  types: readonly (StubMessage | StubEnum)[],
  report: Report,
): void {
  if (!("fields" in type)) {
    printEnum(context.file, context.names, type);
    return;
  }
  if (tooManyFields(type)) {
    const message = `"${type.fullName}" has more fields than a record of Java can have (254, where 64 bits count twice); expected parts of it in messages of their own`;
    report({ severity: "error", position: type.position, message });
    return;
  }
  const inner = (): void => {
    for (const nested of nestedIn(type, types)) {
      context.file.print("");
      printType(context, nested, types, report);
    }
  };
  if (type.kind === "union") printUnion(context, type, inner);
  else printMessage(context, type, inner);
}

function nestedIn(outer: StubMessage, types: readonly (StubMessage | StubEnum)[]): readonly (StubMessage | StubEnum)[] {
  const depth = outer.path.length;
  return types.filter(({ path }) => path.length === depth + 1 && outer.path.every((part, i) => path[i] === part));
}

/** The simple names of everything that is declared inside a type. */
function declaredIn(
  type: StubMessage | StubEnum,
  types: readonly (StubMessage | StubEnum)[],
  names: JavaNames,
): readonly string[] {
  if (!("fields" in type)) return ["Known"];
  return [
    "Builder",
    ...type.fields.flatMap((field) => names.members.get(field) ?? []),
    ...type.oneofs.flatMap((oneof) => names.oneofs.get(oneof) ?? []),
    ...nestedIn(type, types).flatMap((nested) => [
      names.types.get(nested)!.path.at(-1)!,
      ...declaredIn(nested, types, names),
    ]),
  ];
}

function printConstants({ file, names }: JavaContext, source: StubFile, own: ClassName): void {
  const name = own.path[0]!;
  const body = createPrinter("  ");
  for (const constant of source.constants) {
    body.print("");
    printDoc(body, constant);
    if (constant.deprecated) body.print("@Deprecated");
    const value = constantOf(file, names, constant.type, constant.value);
    body.print(
      `public static final ${javaType(file, names, constant.type)} ${names.constantFields.get(constant)} = ${value};`,
    );
  }
  body.print("", `private ${name}() {}`);
  file.print(`/** The constants of ${source.source}. */`);
  printMarks(file);
  file.block(`public final class ${name} {`, () => file.print(...body.text().trimEnd().split("\n")), "}");
}

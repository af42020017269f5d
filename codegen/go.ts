// The target Go: for each IDL file one Go file, in the package that its namespace says.
import type { Report } from "../src/base/diagnostic.ts";
import { commentLines, createGoFile, type GoFile, quoted, RUNTIME } from "./go-file.ts";
import { printMessage } from "./go-message.ts";
import { fileNameOf, type GoNames, type GoPackage, nameGo } from "./go-names.ts";
import { printService } from "./go-service.ts";
import { headerLine, RUNTIME_VERSION } from "./header.ts";
import type { StubConstant, StubEnum, StubFile, StubModel } from "./stub-model.ts";
import type { Target } from "./target.ts";

/** Generates Go. Its `package` is the import path of the output folder; without one the folders are import paths themselves. */
export const generateGo: Target = (model, options, report) => {
  const names = nameGo(model, options.package, report);
  checkCycles(model, names, report);
  return model.files.filter(isNotEmpty).map((file) => {
    const own = names.packages.get(file)!;
    return { path: `${own.folder}/${fileNameOf(file)}`, text: printFile(file, own, names, options) };
  });
};

function isNotEmpty({ messages, enums, services, constants }: StubFile): boolean {
  return messages.length + enums.length + services.length + constants.length > 0;
}

/** IDL files may share a package and refer to each other across; Go's packages may not. */
function checkCycles(model: StubModel, { packages }: GoNames, report: Report): void {
  const visiting = new Set<GoPackage>();
  const done = new Set<GoPackage>();
  const visit = (own: GoPackage): boolean => {
    if (done.has(own)) return true;
    if (visiting.has(own)) return false;
    visiting.add(own);
    const files = model.files.filter((file) => packages.get(file) === own);
    for (const imported of files.flatMap((file) => file.imports)) {
      const other = packages.get(imported);
      if (!other || other === own || visit(other)) continue;
      const message = `the Go packages ${own.importPath} and ${other.importPath} would import each other; give the files that share one of them packages of their own`;
      report({ severity: "error", position: files[0]!.position, message });
      done.add(other);
    }
    visiting.delete(own);
    done.add(own);
    return true;
  };
  for (const own of packages.values()) visit(own);
}

function printFile(
  file: StubFile,
  own: GoPackage,
  names: GoNames,
  { version, server }: { readonly version: string; readonly server: boolean },
): string {
  const go = createGoFile(file, own, names);
  go.print(`// ${headerLine(version, file.source)}`, "", `package ${own.name}`, "");
  go.later(() => importLines(go));
  go.print("", "// The runtime that this needs: with an older one it does not compile.");
  go.print(`const _ = ${go.runtime(`IsAtLeastVersion${RUNTIME_VERSION.replaceAll(".", "_")}`)}`);
  for (const constant of file.constants) printConstant(go, constant);
  for (const type of file.enums) printEnum(go, type);
  for (const type of file.messages) printMessage(go, type, file.wire);
  for (const service of file.services) printService(go, service, server);
  return go.text();
}

/** Go's own before the others, each in order. */
function importLines({ imports }: GoFile): readonly string[] {
  const lines = [...imports.used]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, name]) => ({
      isStandard: !path.startsWith(RUNTIME) && /^(?:context|errors|fmt|math|strconv)$/.test(path),
      text: `\t${path.endsWith(`/${name}`) || path === name ? "" : `${name} `}${quoted(path)}`,
    }));
  const [standard, others] = [lines.filter(({ isStandard }) => isStandard), lines.filter((line) => !line.isStandard)];
  const between = standard.length > 0 && others.length > 0 ? [""] : [];
  return ["import (", ...standard.map(({ text }) => text), ...between, ...others.map(({ text }) => text), ")"];
}

function printConstant(go: GoFile, constant: StubConstant): void {
  const { type, value } = constant;
  const name = go.names.constants.get(constant);
  const literal = go.literal(type, value);
  const isConstant =
    (type.kind === "scalar" && !["bytes", "uuid"].includes(type.api) && !literal.startsWith("math.")) ||
    type.kind === "enum";
  go.print("");
  go.doc(constant, `${name} is the constant ${constant.name}.`);
  go.print(isConstant ? `const ${name} ${go.typeOf(type)} = ${literal}` : `var ${name} = ${literal}`);
}

function printEnum(go: GoFile, type: StubEnum): void {
  const { name, values } = go.names.enums.get(type)!;
  go.print("");
  go.doc(type, `${name} is the enum ${type.fullName}.`);
  go.print(`type ${name} int32`, "", `// The values of ${name}; on the wire there may be others.`);
  const own = type.values.map((value, i) => ({ value, name: values[i]! }));
  go.block(
    "const (",
    () => {
      const group: (readonly string[])[] = [];
      for (const { value, name: each } of own) {
        const comment = commentLines(value);
        // gofmt aligns the lines between two comments.
        if (comment.length > 0) go.columns(group.splice(0));
        go.print(...comment);
        group.push([each, name, `= ${value.number}`]);
      }
      go.columns(group);
    },
    ")",
  );
  const first = own.filter(({ value }, i) => own.findIndex((other) => other.value.number === value.number) === i);
  go.print("", "// String gives the value's name in the IDL, or its number when it has none.");
  const body = (): void => {
    go.print(`switch x {`);
    for (const { value, name: each } of first) {
      go.print(`case ${each}:`);
      go.indented(() => go.print(`return ${quoted(value.name)}`));
    }
    go.print("}", `return ${quoted(`${type.name}(`)} + ${go.standard("strconv", "Itoa")}(int(x)) + ")"`);
  };
  go.block(`func (x ${name}) String() string {`, body, "}");
}

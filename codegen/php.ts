// Stubs for PHP 8.1 and later: one class per file by PSR-4, in the style of PSR-12, over the runtime in clients/php.

import { camelCase, upperSnakeCase } from "./names.ts";
import { docOf, type PhpFile, printPhpFile } from "./php-file.ts";
import { printMessage } from "./php-message.ts";
import { namePhp } from "./php-names.ts";
import { printClient, printContract, printService } from "./php-service.ts";
import { arrayDoc, caseName, declaredType, isConstant, literal } from "./php-types.ts";
import { printOneof, printUnion } from "./php-union.ts";
import type { StubConstant, StubEnum, StubFile } from "./stub-model.ts";
import type { GeneratedFile, Target } from "./target.ts";

/**
 * Generates the PHP of a model. Every enum is a backed enum, every message an immutable class, every union a class with one
 * named constructor per member. Maps whose keys no array can have are lists of pairs.
 */
export const generatePhp: Target = (model, options, report) => {
  const names = namePhp(model, options.package, report);
  return model.files.flatMap((source): readonly GeneratedFile[] => {
    const isThrift = source.wire === "thrift";
    const print = (className: string, body: (file: PhpFile) => void): GeneratedFile =>
      printPhpFile(names, source, className, options.version, body);
    const messages = source.messages.flatMap((message) => [
      print(names.classOf(message), (file) =>
        message.kind === "union" ? printUnion(file, message) : printMessage(file, message),
      ),
      ...message.oneofs.map((oneof) => print(names.oneofClassOf(oneof), (file) => printOneof(file, message, oneof))),
    ]);
    const services = source.services.flatMap((service) => {
      const { client, contract, service: served } = names.serviceOf(service);
      const own = [print(client, (file) => printClient(file, service, isThrift))];
      if (!options.server) return own;
      own.push(print(contract, (file) => printContract(file, service)));
      own.push(print(served, (file) => printService(file, service, isThrift)));
      return own;
    });
    const enums = source.enums.map((type) => print(names.classOf(type), (file) => printEnum(file, type)));
    const constants = source.constants.length === 0 ? [] : [printConstants(source)];
    return [...constants, ...enums, ...messages, ...services];

    function printConstants(from: StubFile): GeneratedFile {
      const className = names.constantsClassOf(from);
      return print(className, (file) => {
        file.doc([`The constants of ${from.source}.`]);
        file.print(`final class ${className}`, "{");
        file.indented(() => {
          for (const [i, constant] of from.constants.entries()) {
            if (i > 0) file.print("");
            printConstant(file, constant);
          }
        });
        file.print("}");
      });
    }
  });
};

function printConstant(file: PhpFile, constant: StubConstant): void {
  const { name, type, value } = constant;
  const { lines, tags } = docOf(constant);
  const array = arrayDoc(file, type, false);
  const text = literal(file, type, value);
  if (isConstant(type)) {
    file.doc(lines, array === undefined ? tags : [`@var ${array}`, ...tags]);
    file.print(`public const ${upperSnakeCase(name)} = ${text};`);
    return;
  }
  // Objects cannot stand in constants of a class.
  file.doc(lines, array === undefined ? tags : [`@return ${array}`, ...tags]);
  file.print(`public static function ${camelCase(name)}(): ${declaredType(file, type)}`, "{");
  file.indented(() => file.print(`return ${text};`));
  file.print("}");
}

/** Numbers that the enum does not name come as they are, so its fields are of the enum or int. */
function printEnum(file: PhpFile, type: StubEnum): void {
  const { lines, tags } = docOf(type);
  file.doc(lines, tags);
  file.print(`enum ${file.names.classOf(type)}: int`, "{");
  file.indented(() => {
    const first = new Map<number, string>();
    for (const value of type.values) {
      const own = docOf(value);
      const before = first.get(value.number);
      const name = caseName(value.name);
      const isTall = own.lines.length + own.tags.length > 0;
      if (isTall && first.size > 0) file.print("");
      file.doc(own.lines, own.tags);
      if (before === undefined) file.print(`case ${name} = ${value.number};`);
      else file.print(`public const ${upperSnakeCase(value.name)} = self::${before};`);
      if (before === undefined) first.set(value.number, name);
    }
  });
  file.print("}");
}

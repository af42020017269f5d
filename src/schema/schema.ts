// The names of every file that was loaded, and looking a message up by what a person calls it.
import type { Report } from "../base/diagnostic.ts";
import type { EnumType, MessageType, Schema, SchemaFile, Service, Wire } from "./model.ts";

/** A schema of these files, imports before importers, with its name maps. */
export function createSchema(files: readonly SchemaFile[]): Schema {
  const messages = new Map<string, MessageType[]>();
  const enums = new Map<string, EnumType[]>();
  const services = new Map<string, Service[]>();
  for (const file of files) {
    for (const message of namedMessages(file)) addTo(messages, message);
    for (const type of file.enums) addTo(enums, type);
    for (const service of file.services) addTo(services, service);
  }
  return { files, messages, enums, services };
}

function addTo<T extends { readonly fullName: string }>(map: Map<string, T[]>, thing: T): void {
  const same = map.get(thing.fullName);
  if (same) same.push(thing);
  else map.set(thing.fullName, [thing]);
}

/** Arguments and results of Thrift methods are no names that an author chose. */
function namedMessages(file: SchemaFile): readonly MessageType[] {
  return file.messages.filter(({ shape }) => shape !== "arguments" && shape !== "result");
}

/**
 * Reports every full name that two files declare on one wire; true when that is an error. Protobuf has one space of names,
 * and a service's name is its address. Thrift's types are told apart by the file they are in, so two may have one name; it
 * is a warning where a third file sees both, because its Protobuf twin could not.
 */
export function checkNamesAcrossFiles(files: readonly SchemaFile[], report: Report): boolean {
  const seen = new Map<string, Named>();
  let failed = false;
  for (const file of files) {
    for (const thing of [...namedMessages(file), ...file.enums, ...file.services]) {
      const key = `${file.wire} ${thing.fullName}`;
      const before = seen.get(key);
      seen.set(key, before ?? { file, thing });
      // Twice in one file is for that file's own checks.
      if (!before || before.file === file) continue;
      const { file: other, line, column } = before.thing.position;
      const message = `"${thing.fullName}" is already declared at ${other}:${line}:${column}`;
      if (file.wire === "protobuf" || "methods" in thing || "methods" in before.thing) {
        report({ severity: "error", position: thing.position, message: `${message}; expected one declaration` });
        failed = true;
      } else if (files.some((third) => sees(third, file) && sees(third, before.file))) {
        const hint = "give one of the two files another package, or their Protobuf twins cannot be used together";
        report({ severity: "warning", position: thing.position, message: `${message}; ${hint}` });
      }
    }
  }
  return failed;
}

interface Named {
  readonly file: SchemaFile;
  readonly thing: MessageType | EnumType | Service;
}

function sees(file: SchemaFile, other: SchemaFile): boolean {
  return file === other || file.imports.includes(other);
}

/**
 * The message that `name` means, on `wire` when that is given: its full name, else its bare name where only one message
 * has it. Otherwise a sentence that lists what it could have been.
 */
export function findMessage(schema: Schema, name: string, wire?: Wire): MessageType | string {
  const fits = (type: MessageType): boolean => wire === undefined || type.wire === wire;
  const exact = (schema.messages.get(name) ?? []).filter(fits);
  const bare = name.slice(name.lastIndexOf(".") + 1);
  const all = [...schema.messages.values()].flat().filter(fits);
  const found = exact.length > 0 ? exact : all.filter((type) => type.name === name);
  const [first] = found;
  if (first && found.length === 1) return first;
  if (first) return `"${name}" is ambiguous; expected one of ${listed(found)}`;
  const near = all.filter((type) => type.name.toLowerCase() === bare.toLowerCase());
  return `there is no message "${name}"; expected one of ${listed(near.length > 0 ? near : all)}`;
}

const MAX_LISTED = 20;

function listed(types: readonly MessageType[]): string {
  if (types.length === 0) return "none: no message was loaded";
  const shown = types.slice(0, MAX_LISTED).map((type) => `${type.fullName} (${type.wire})`);
  // Of two that share even that, the place is what tells them apart.
  const names = shown.map((text, i) => {
    const { file, line } = types[i]?.position ?? {};
    return shown.indexOf(text) === shown.lastIndexOf(text) ? text : `${text} at ${file}:${line}`;
  });
  const more = types.length > MAX_LISTED ? ` and ${types.length - MAX_LISTED} more` : "";
  return names.join(", ") + more;
}

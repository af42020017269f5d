// The names of every file that was loaded, and looking a message up by what a person calls it.
import type { Report } from "../base/diagnostic.ts";
import type { Declaration, EnumType, MessageType, Schema, SchemaFile, Service, Wire } from "./model.ts";

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

/** Reports every full name that two files declare on one wire; true when there was one. */
export function checkNamesAcrossFiles(files: readonly SchemaFile[], report: Report): boolean {
  const seen = new Map<string, Declaration>();
  let failed = false;
  for (const file of files) {
    for (const thing of [...namedMessages(file), ...file.enums, ...file.services]) {
      const key = `${file.wire} ${thing.fullName}`;
      const before = seen.get(key);
      seen.set(key, before ?? thing);
      // Twice in one file is for that file's own checks.
      if (!before || before.position.file === thing.position.file) continue;
      const { file: other, line, column } = before.position;
      const message = `"${thing.fullName}" is already declared at ${other}:${line}:${column}; expected one declaration`;
      report({ severity: "error", position: thing.position, message });
      failed = true;
    }
  }
  return failed;
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
  const names = types.slice(0, MAX_LISTED).map(({ fullName, wire }) => `${fullName} (${wire})`);
  const more = types.length > MAX_LISTED ? ` and ${types.length - MAX_LISTED} more` : "";
  return names.join(", ") + more;
}

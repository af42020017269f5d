// Finds the .proto files of a schema by what reflection asks for, each as a descriptor. Speaking to clients is reflection.ts.
import { writeFileDescriptor } from "../schema/descriptor.ts";
import type { Extension, MessageType, SchemaFile } from "../schema/model.ts";

/** A file as it is sent: google.protobuf.FileDescriptorProto. */
export interface DescribedFile {
  /** What other descriptors import it by; no two files share one. */
  readonly name: string;
  /** The files that its descriptor names as dependencies. */
  readonly imports: readonly DescribedFile[];
  /** Written at the first call. */
  descriptor(): Uint8Array;
}

/** Looks files up; names are full names without a leading dot. */
export interface DescriptorIndex {
  file(name: string): DescribedFile | undefined;
  /** The file that declares a service, method, message, field, oneof, enum, enum value or extension. */
  symbol(fullName: string): DescribedFile | undefined;
  extension(extendee: string, number: number): DescribedFile | undefined;
  /** Ascending; undefined when there is no such message. */
  extensionNumbers(extendee: string): readonly number[] | undefined;
}

/**
 * An index over the Protobuf files among `files` and all that they import; of two that declare one name the first is
 * found. It is made at the first question, since most sidecars are never asked.
 */
export function createDescriptorIndex(files: readonly SchemaFile[]): DescriptorIndex {
  let tables: Tables | undefined;
  const known = (): Tables => {
    tables ??= tablesOf(files);
    return tables;
  };
  return {
    file: (name) => known().files.get(name),
    symbol: (fullName) => known().symbols.get(fullName),
    extension: (extendee, number) => known().extensions.get(extendee)?.get(number),
    extensionNumbers(extendee) {
      const { extensions, messages } = known();
      const numbers = extensions.get(extendee);
      if (!numbers && !messages.has(extendee)) return undefined;
      return [...(numbers?.keys() ?? [])].sort((a, b) => a - b);
    },
  };
}

interface Tables {
  readonly files: ReadonlyMap<string, DescribedFile>;
  readonly symbols: ReadonlyMap<string, DescribedFile>;
  readonly messages: ReadonlySet<string>;
  /** By the extended message, then by number. */
  readonly extensions: ReadonlyMap<string, ReadonlyMap<number, DescribedFile>>;
}

function tablesOf(given: readonly SchemaFile[]): Tables {
  const symbols = new Map<string, DescribedFile>();
  const messages = new Set<string>();
  const extensions = new Map<string, Map<number, DescribedFile>>();
  const described = describe(given.filter(({ wire }) => wire === "protobuf"));
  for (const [file, found] of described) {
    for (const name of symbolsOf(file)) if (!symbols.has(name)) symbols.set(name, found);
    for (const { fullName } of file.messages) messages.add(fullName);
    for (const extension of file.extensions ?? []) addExtension(extensions, extension, found);
  }
  return { files: new Map([...described.values()].map((found) => [found.name, found])), symbols, messages, extensions };
}

function addExtension(
  extensions: Map<string, Map<number, DescribedFile>>,
  { extendee, id }: Extension,
  file: DescribedFile,
): void {
  let numbers = extensions.get(extendee.fullName);
  if (!numbers) {
    numbers = new Map();
    extensions.set(extendee.fullName, numbers);
  }
  if (!numbers.has(id)) numbers.set(id, file);
}

/** All names that a file declares, in Protobuf's one space of names. */
function* symbolsOf(file: SchemaFile): Generator<string> {
  for (const type of file.messages) {
    yield type.fullName;
    for (const field of type.fields) yield `${type.fullName}.${field.name}`;
    for (const oneof of oneofNames(type)) yield `${type.fullName}.${oneof}`;
  }
  for (const type of file.enums) {
    yield type.fullName;
    // The values of an enum are its siblings.
    const scope = type.fullName.slice(0, type.fullName.length - type.name.length);
    for (const value of type.values) yield scope + value.name;
  }
  for (const { fullName } of file.extensions ?? []) yield fullName;
  for (const service of file.services) {
    yield service.fullName;
    for (const method of service.methods) yield `${service.fullName}.${method.name}`;
  }
}

function oneofNames({ fields }: MessageType): ReadonlySet<string> {
  return new Set(fields.flatMap(({ oneof }) => oneof ?? []));
}

/**
 * Every file with its descriptor, those given in their order. A derived file may have the name of a given one, which
 * clients could not tell apart: the later of two gets another.
 */
function describe(given: readonly SchemaFile[]): ReadonlyMap<SchemaFile, DescribedFile> {
  const names = new Set<string>();
  const done = new Map<SchemaFile, { readonly renamed: SchemaFile; readonly described: DescribedFile }>();

  function visit(file: SchemaFile): { readonly renamed: SchemaFile; readonly described: DescribedFile } {
    const known = done.get(file);
    if (known) return known;
    // Files import each other without a cycle, and the loader bounds the depth.
    const all = new Map([...file.imports, ...(file.optionImports ?? [])].map((each) => [each, visit(each)]));
    const renew = (imported: SchemaFile): SchemaFile => all.get(imported)?.renamed ?? imported;
    const name = claim(names, file.importPath ?? file.path);
    const renamed: SchemaFile = {
      ...file,
      importPath: name,
      imports: file.imports.map(renew),
      ...(file.publicImports && { publicImports: file.publicImports.map(renew) }),
      ...(file.optionImports && { optionImports: file.optionImports.map(renew) }),
    };
    let bytes: Uint8Array | undefined;
    const described: DescribedFile = {
      name,
      imports: [...all.values()].map((each) => each.described),
      descriptor() {
        bytes ??= writeFileDescriptor(renamed);
        return bytes;
      },
    };
    const entry = { renamed, described };
    done.set(file, entry);
    return entry;
  }

  for (const file of given) visit(file);
  // Those given first, because the first of two that declare a name is found.
  const order = new Set([...given, ...done.keys()]);
  return new Map([...order].map((file) => [file, visit(file).described]));
}

function claim(taken: Set<string>, wanted: string): string {
  const base = wanted.replace(/\.proto$/, "");
  let name = wanted;
  for (let i = 2; taken.has(name); i++) name = `${base}_${i}.proto`;
  taken.add(name);
  return name;
}

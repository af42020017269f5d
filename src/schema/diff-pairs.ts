// Which file, type and service of the new version is which of the old one: by its name in its file, else by its full name
// in another one. Nothing is compared here.
import type { EnumType, Extension, MessageType, Schema, SchemaFile, Service } from "./model.ts";

/** Two versions of one file. */
export interface FilePair {
  readonly before: SchemaFile;
  readonly after: SchemaFile;
  /** What findings about the files themselves name: of derived files the paths of those that they stand for. */
  readonly paths: { readonly before: string; readonly after: string };
  /** Whether an author changed the package; that of a .thrift file without namespaces is only its file's name. */
  readonly moved: boolean;
}

/** Old things with what they are now, in the order of the old files. */
export interface Pairs {
  readonly files: readonly FilePair[];
  readonly messages: ReadonlyMap<MessageType, MessageType>;
  readonly enums: ReadonlyMap<EnumType, EnumType>;
  readonly services: ReadonlyMap<Service, Service>;
  readonly extensions: ReadonlyMap<Extension, Extension>;
  /** What is in no new file. */
  readonly removed: {
    readonly messages: readonly MessageType[];
    readonly enums: readonly EnumType[];
    readonly services: readonly Service[];
    readonly extensions: readonly Extension[];
  };
}

/** The path of a file that was named, in both versions; undefined where it is gone. */
export type PathPair = readonly [before: string, after: string | undefined];

/** The named files of two schemas, and the pairs among all that these include or import. */
export function pairFiles(
  before: Schema,
  after: Schema,
  paths: readonly PathPair[],
): { readonly files: readonly FilePair[]; readonly removed: readonly SchemaFile[] } {
  const pairs = new Map<SchemaFile, SchemaFile>();
  const removed: SchemaFile[] = [];
  for (const [oldPath, newPath] of paths) {
    const old = before.files.find(({ path }) => path === oldPath);
    const now = after.files.find(({ path }) => path === newPath);
    if (old && now) pairs.set(old, now);
    else if (old) removed.push(old);
  }
  pairImports(pairs);
  const files = [...pairs].map(([old, now]): FilePair => {
    return { before: old, after: now, paths: { before: old.path, after: now.path }, moved: isMoved(old, now) };
  });
  return { files, removed };
}

/** Adds what the files of `pairs` include, at any depth, where both versions include a file of that name. */
function pairImports(pairs: Map<SchemaFile, SchemaFile>): void {
  // A map can be extended while it is walked: what is added comes later.
  for (const [old, now] of pairs) {
    const byKey = new Map(now.imports.map((file) => [importKey(file), file]));
    for (const imported of old.imports) {
      const partner = byKey.get(importKey(imported));
      if (partner && !pairs.has(imported)) pairs.set(imported, partner);
    }
  }
}

/** What tells the imports of one file from each other: for Thrift the name before the dot in `common.Order`. */
function importKey({ wire, path, importPath }: SchemaFile): string {
  return wire === "protobuf" ? (importPath ?? path) : path.replace(/^.*[/\\]/, "");
}

function isMoved(before: SchemaFile, after: SchemaFile): boolean {
  if (before.package === after.package) return false;
  return before.wire === "protobuf" || before.annotations.length > 0 || after.annotations.length > 0;
}

/** The twins of paired files are pairs, and so is what they import beside each other. */
export function pairTwins(
  files: readonly FilePair[],
  twinOf: (file: SchemaFile, version: "before" | "after") => SchemaFile | undefined,
): readonly FilePair[] {
  const pairs = new Map<SchemaFile, SchemaFile>();
  const given = new Map<SchemaFile, FilePair>();
  for (const pair of files) {
    const before = twinOf(pair.before, "before");
    const after = twinOf(pair.after, "after");
    if (!before || !after) continue;
    pairs.set(before, after);
    given.set(before, pair);
  }
  pairImports(pairs);
  return [...pairs].map(([before, after]) => {
    const { paths = { before: before.path, after: after.path }, moved = false } = given.get(before) ?? {};
    return { before, after, paths, moved };
  });
}

/** The files of both versions: the pairs, those that are gone, and all there are. */
export interface Files {
  readonly pairs: readonly FilePair[];
  readonly removed: readonly SchemaFile[];
  readonly before: readonly SchemaFile[];
  readonly after: readonly SchemaFile[];
}

/** Pairs what the files declare. What is gone from a file that is neither paired nor removed is nobody's loss. */
export function pairDeclarations(files: Files): Pairs {
  const fullName = ({ fullName }: { readonly fullName: string }): string => fullName;
  const messages = pairNamed(files, (file) => file.messages, fullName);
  const enums = pairNamed(files, (file) => file.enums, fullName);
  const services = pairNamed(files, (file) => file.services, fullName);
  const extensions = pairNamed(files, (file) => file.extensions ?? [], extensionKey);
  return {
    files: files.pairs,
    messages: messages.pairs,
    enums: enums.pairs,
    services: services.pairs,
    extensions: extensions.pairs,
    removed: {
      messages: messages.gone,
      enums: enums.gone,
      services: services.gone,
      extensions: extensions.gone,
    },
  };
}

/** On the wire an extension is its number in the message that it extends. */
function extensionKey({ extendee, id }: Extension): string {
  return `${extendee.fullName}#${id}`;
}

function pairNamed<T>(
  files: Files,
  declared: (file: SchemaFile) => readonly T[],
  nameOf: (thing: T) => string,
): { readonly pairs: ReadonlyMap<T, T>; readonly gone: readonly T[] } {
  const partners = new Map(files.pairs.map(({ before, after }) => [before, after]));
  const pairs = new Map<T, T>();
  const taken = new Set<T>();
  const missing: { readonly thing: T; readonly file: SchemaFile }[] = [];
  for (const file of files.before) {
    const after = partners.get(file);
    const byName = new Map(after && declared(after).map((each) => [localName(nameOf(each), after), each]));
    for (const thing of declared(file)) {
      const partner = byName.get(localName(nameOf(thing), file));
      if (partner === undefined) missing.push({ thing, file });
      else {
        pairs.set(thing, partner);
        taken.add(partner);
      }
    }
  }

  const elsewhere = new Map<string, T>();
  for (const file of files.after) {
    for (const each of declared(file)) if (!taken.has(each)) elsewhere.set(`${file.wire} ${nameOf(each)}`, each);
  }
  const gone: T[] = [];
  for (const { thing, file } of missing) {
    const partner = elsewhere.get(`${file.wire} ${nameOf(thing)}`);
    if (partner !== undefined) pairs.set(thing, partner);
    else if (partners.has(file) || files.removed.includes(file)) gone.push(thing);
  }
  return { pairs, gone };
}

/** The name without the package. */
function localName(name: string, file: SchemaFile): string {
  return file.package !== "" && name.startsWith(`${file.package}.`) ? name.slice(file.package.length + 1) : name;
}

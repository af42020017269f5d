// Finds the type that a reference in a .proto file means, by the scoping rules of the Protobuf language specification.
import type { EnumType, MessageType, SchemaFile } from "./model.ts";
import { isLocalByDefault } from "./proto-features.ts";

const MAX_HINTS = 20;

export type ProtoType = MessageType | EnumType;

/** The names that one file sees: its own, those of its imports, and what these import publicly. */
export interface ProtoNames {
  /** Adds a type of the file itself. */
  add(type: ProtoType): void;
  /** The type that `reference` means in the scope `scope` (a full name), or a sentence that says why there is none. */
  find(reference: string, scope: string): ProtoType | string;
}

/** The imports of a file and whatever they import publicly, each once. */
export function visibleFiles(imports: Iterable<SchemaFile>): ReadonlySet<SchemaFile> {
  const visible = new Set<SchemaFile>(imports);
  // A set's iteration also visits what is added meanwhile.
  for (const file of visible) for (const inner of file.publicImports ?? []) visible.add(inner);
  return visible;
}

/** The names seen by a file of package `packageName` with these imports. */
export function createProtoNames(packageName: string, imports: readonly SchemaFile[]): ProtoNames {
  const types = new Map<string, ProtoType>();
  const packages = new Set<string>();
  // Hints walk over all types, so only the first errors have one.
  let hints = MAX_HINTS;
  const unknown = (reference: string): string =>
    hints-- > 0 ? explainUnknown(reference, imports) : `there is no type "${reference}" here`;
  const local = new Map<ProtoType, SchemaFile>();
  const addPackage = (name: string): void => {
    for (let end = name.length; end > 0; end = name.lastIndexOf(".", end - 1)) packages.add(name.slice(0, end));
  };
  addPackage(packageName);
  for (const file of visibleFiles(imports)) {
    addPackage(file.package);
    for (const type of [...file.messages, ...file.enums]) {
      types.set(type.fullName, type);
      if (isLocal(file, type)) local.set(type, file);
    }
  }

  function find(reference: string, scope: string): ProtoType | string {
    const found = lookUp(reference, scope);
    const home = typeof found === "string" ? undefined : local.get(found);
    return home ? `"${reference}" is local to "${home.path}"; export it there to refer to it here` : found;
  }

  function lookUp(reference: string, scope: string): ProtoType | string {
    if (reference.startsWith(".")) return types.get(reference.slice(1)) ?? unknown(reference);
    const dot = reference.indexOf(".");
    const first = dot < 0 ? reference : reference.slice(0, dot);
    for (let around = scope; ; around = around.slice(0, Math.max(0, around.lastIndexOf(".")))) {
      const prefix = around === "" ? "" : `${around}.`;
      const found = types.get(prefix + reference);
      if (found) return found;
      // The innermost scope that knows the first part is the one that counts, also when it lacks the rest.
      if (dot >= 0 && (types.has(prefix + first) || packages.has(prefix + first))) {
        return `${unknown(reference)}: "${first}" is "${prefix}${first}" here; begin with a dot to name it from the root`;
      }
      if (around === "") return unknown(reference);
    }
  }

  return { add: (type) => types.set(type.fullName, type), find };
}

function isLocal(file: SchemaFile, { visibility, parent }: ProtoType): boolean {
  return visibility === undefined ? isLocalByDefault(file, parent !== undefined) : visibility === "local";
}

function explainUnknown(reference: string, imports: readonly SchemaFile[]): string {
  const bare = reference.startsWith(".") ? reference.slice(1) : reference;
  const seen = visibleFiles(imports);
  const all = new Set<SchemaFile>(imports);
  for (const file of all) for (const inner of file.imports) all.add(inner);
  for (const file of all) {
    if (seen.has(file)) continue;
    const type = [...file.messages, ...file.enums].find(
      ({ fullName }) => fullName === bare || fullName.endsWith(`.${bare}`),
    );
    if (!type) continue;
    const it = type.fullName === bare ? "it" : `"${type.fullName}"`;
    return `there is no type "${reference}" here; ${it} is in "${file.path}", which is not imported`;
  }
  return `there is no type "${reference}" here; expected one of this file or of its imports`;
}

// The names of Thrift files: what a file declares, what its includes declare, and what to say of a name that is neither.
import type { Position, Report } from "../base/diagnostic.ts";
import type { FieldType, SchemaFile, Service } from "./model.ts";
import { quote } from "./thrift-lexer.ts";
import type { LiteralNode, ThriftDocument } from "./thrift-syntax.ts";

/** A type with its typedefs resolved, and how big that made it. */
export interface SizedType {
  readonly type: FieldType;
  /** Containers and typedefs around the innermost type, itself included. */
  readonly levels: number;
  /** Types written out in full. */
  readonly size: number;
}

/** A constant as others refer to it. */
export interface KnownConstant {
  /** With names resolved when it is no container. Undefined: the constant is wrong, which has been reported. */
  readonly literal: LiteralNode | undefined;
}

/** What a file declares, by bare name. Typedefs stand among the types. */
export interface Declared {
  readonly types: ReadonlyMap<string, SizedType>;
  readonly constants: ReadonlyMap<string, KnownConstant>;
  readonly services: ReadonlyMap<string, Service>;
}

/** What a file can refer to: its own names, and by `basename.Name` those of the files that it includes. */
export interface ThriftScope {
  readonly own: Declared;
  readonly includes: ReadonlyMap<string, Declared>;
}

/** The model has no typedefs and only the values of constants; files that include this one need both. */
const DECLARED = new WeakMap<SchemaFile, Declared>();

/** Keeps what `file` declares for the files that include it. */
export function rememberDeclared(file: SchemaFile, declared: Declared): void {
  DECLARED.set(file, declared);
}

/** What the includes of `document` declare, by base name; reports those that are missing, no Thrift, or of one base name. */
export function openIncludes(
  document: ThriftDocument,
  files: ReadonlyMap<string, SchemaFile>,
  report: Report,
): ReadonlyMap<string, Declared> {
  const opened = new Map<string, Declared>();
  for (const { path, position } of document.includes) {
    const fail = (message: string): void => report({ severity: "error", position, message });
    const file = files.get(path);
    const declared = file && DECLARED.get(file);
    const base = baseName(path);
    const before = opened.get(base);
    if (!file) fail(`the include ${quote(path)} was not loaded`);
    else if (!declared)
      fail(`the include ${quote(path)} is no Thrift file; a .thrift file can only include .thrift files`);
    else if (before !== undefined && before !== declared) {
      fail(
        `another include has the base name ${quote(base)} too, by which both would be referred to; rename one of the files`,
      );
    } else opened.set(base, declared);
  }
  return opened;
}

/** `shop` of `idl/shop.thrift`. */
export function baseName(path: string): string {
  const file = path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
  const dot = file.lastIndexOf(".");
  return dot > 0 ? file.slice(0, dot) : file;
}

/** The type, constant or service that `name` refers to. */
export function find<K extends keyof Declared>(
  scope: ThriftScope,
  kind: K,
  name: string,
): (Declared[K] extends ReadonlyMap<string, infer V> ? V : never) | undefined;
export function find(scope: ThriftScope, kind: keyof Declared, name: string): unknown {
  const own = scope.own[kind].get(name);
  if (own !== undefined) return own;
  for (const [base, declared] of scope.includes) {
    if (!name.startsWith(`${base}.`)) continue;
    const found = declared[kind].get(name.slice(base.length + 1));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What to do about a `name` that nothing has: which include has it, or which includes there are. */
export function hintForUnknown(scope: ThriftScope, kind: keyof Declared, name: string): string {
  const holder = [...scope.includes].find(([, declared]) => declared[kind].has(name));
  if (holder) return `; write ${holder[0]}.${name}`;
  const include = [...scope.includes.keys()].find((base) => name.startsWith(`${base}.`));
  if (include !== undefined) return `; the include ${quote(include)} does not declare it`;
  if (!name.includes(".")) return "";
  const bases = [...scope.includes.keys()].map((base) => quote(base));
  return bases.length === 0 ? "; the file includes nothing" : `; the file includes ${bases.join(", ")}`;
}

/** Reports a `name` that is already taken; true when it is free. */
export function claimName(
  taken: Map<string, Position>,
  name: string,
  position: Position,
  what: string,
  report: Report,
): boolean {
  const before = taken.get(name);
  if (before === undefined) {
    taken.set(name, position);
    return true;
  }
  report({
    severity: "error",
    position,
    message: `${what} ${quote(name)} is already declared in line ${before.line}; rename one`,
  });
  return false;
}

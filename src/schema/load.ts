// Loads IDL files with everything they include or import: the only file of the schema that touches the disk.
import { readFileSync, realpathSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, extname, isAbsolute, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { Position, Report } from "../base/diagnostic.ts";
import { parseDescriptorSet } from "./descriptor-read.ts";
import type { Schema, SchemaFile } from "./model.ts";
import { BUILTIN_PROTOS, PACKAGED_PROTOS } from "./proto-builtin.ts";
import type { ProtoDocument } from "./proto-document.ts";
import { parseProtoIdl } from "./proto-idl.ts";
import { resolveProto } from "./proto-resolve.ts";
import { checkNamesAcrossFiles, createSchema } from "./schema.ts";
import { parseThriftIdl } from "./thrift-idl.ts";
import { resolveThrift } from "./thrift-resolve.ts";

export { createSchema, findMessage } from "./schema.ts";

export interface LoadOptions {
  /** Where includes and imports are looked for, in this order; for imports before the folders above the given file. */
  readonly includeDirs: readonly string[];
  /** Thrift ids of 0 and below stand as written, as with `thrift --allow-neg-keys`, instead of being renumbered. */
  readonly allowNegativeKeys: boolean;
  /** The package of a Thrift file by its path, as given or as another file's include finds it, instead of its namespaces. */
  readonly packages?: ReadonlyMap<string, string>;
  /** Is told of each file before it is read. */
  readonly reading?: (path: string) => void;
  /** Is told of each file's bytes, in an order that the files alone decide. */
  readonly read?: (path: string, bytes: Uint8Array) => void;
}

const MAX_FILE_BYTES = 8 * 1024 * 1024;
const MAX_FILES = 2_000;
/** Files that include files that include files: each link costs stack. */
const MAX_CHAIN = 200;
const DESCRIPTOR_EXTENSIONS: ReadonlySet<string> = new Set([".binpb", ".protoset", ".desc", ".pb"]);
const DESCRIPTOR_PROTO = "google/protobuf/descriptor.proto";
const OPTIONS_PROTO = "causeway/options.proto";

/**
 * The schema of the files at `paths` (.thrift, .proto, or a binary FileDescriptorSet as .binpb, .protoset, .desc or .pb) and
 * of all that they include or import, each read once; undefined when there was any error. A file has at most 8 MiB, a
 * schema at most 2,000 files, which include each other at most 200 deep.
 */
export function loadSchema(paths: readonly string[], options: LoadOptions, report: Report): Schema | undefined {
  return load(options, report, (loader) => {
    for (const path of paths) loader.load(path);
  });
}

/** The schema of a FileDescriptorSet that came from elsewhere; `name` is what its faults are said of. Undefined after an error. */
export function loadDescriptors(name: string, bytes: Uint8Array, report: Report): Schema | undefined {
  return load({ includeDirs: [], allowNegativeKeys: false }, report, (loader) => loader.loadSet(name, bytes));
}

function load(options: LoadOptions, report: Report, fill: (loader: Loader) => void): Schema | undefined {
  let failed = false;
  const loader = createLoader(options, (diagnostic) => {
    if (diagnostic.severity === "error") failed = true;
    report(diagnostic);
  });
  fill(loader);
  if (failed) return undefined;
  const files = loader.files();
  return checkNamesAcrossFiles(files, report) ? undefined : createSchema(files);
}

/** The text of causeway/options.proto, for those who write files that import it. */
export function readOptionsProto(): string {
  // The compiled form lies one folder deeper than the sources.
  const candidates = ["../../idl/", "../../../idl/"].map((up) => new URL(up + OPTIONS_PROTO, import.meta.url));
  const found = candidates.map((url) => fileURLToPath(url)).find((path) => isFile(path));
  if (found === undefined) throw new Error(`${OPTIONS_PROTO} is missing from this installation of Causeway`);
  return readFileSync(found, "utf8");
}

interface Loader {
  load(path: string): void;
  /** The files of a binary FileDescriptorSet that `path` names. */
  loadSet(path: string, bytes: Uint8Array): void;
  /** Imports before the files that import them. */
  files(): readonly SchemaFile[];
}

/** Where a file's own references are looked for. */
interface Roots {
  readonly include: readonly string[];
  /** The folder of the file on the command line, and those above it. */
  readonly above: readonly string[];
}

function createLoader(options: LoadOptions, report: Report): Loader {
  const files: SchemaFile[] = [];
  /** By real path, or by import path when there is no such file on disk; undefined for a file that failed. */
  const loaded = new Map<string, SchemaFile | undefined>();
  /** The keys and paths of the files being loaded, outermost first. */
  const chain: { readonly key: string; readonly path: string }[] = [];

  const fail = (position: Position, message: string): undefined => {
    report({ severity: "error", position, message });
    return undefined;
  };

  function readFile(path: string, from: Position): Uint8Array | undefined {
    options.reading?.(path);
    const bytes = readBytes(path, from, fail);
    if (bytes) options.read?.(path, bytes);
    return bytes;
  }

  const packages = new Map([...(options.packages ?? [])].map(([path, name]) => [realPath(path) ?? path, name]));
  const packageOf = (path: string): string | undefined => packages.get(realPath(path) ?? path);

  /** Loads what `key` stands for once; a file that is met again while it is being loaded is a cycle. */
  function once(key: string, path: string, from: Position, load: () => SchemaFile | undefined): SchemaFile | undefined {
    if (loaded.has(key)) return loaded.get(key);
    const start = chain.findIndex((link) => link.key === key);
    if (start >= 0) {
      const names = [...chain.slice(start).map((link) => link.path), path];
      return fail(from, `files include each other: ${names.join(" -> ")}`);
    }
    if (chain.length >= MAX_CHAIN) return fail(from, `files include each other at most ${MAX_CHAIN} deep`);
    if (loaded.size + chain.length >= MAX_FILES) return fail(from, `a schema has at most ${MAX_FILES} files`);
    chain.push({ key, path });
    const file = load();
    chain.pop();
    loaded.set(key, file);
    if (file) files.push(file);
    return file;
  }

  function loadTop(path: string): void {
    const from: Position = { file: path, line: 1, column: 1 };
    const roots: Roots = { include: options.includeDirs, above: foldersAbove(path) };
    const key = realPath(path);
    if (key === undefined) fail(from, "there is no such file");
    else if (DESCRIPTOR_EXTENSIONS.has(extname(path))) loadDescriptorSet(path, from, roots);
    else if (extname(path) === ".thrift") once(key, path, from, () => loadThrift(path, from, roots));
    else if (extname(path) === ".proto") {
      const name = importPathOf(path, options.includeDirs);
      once(key, path, from, () => loadProto(path, name, from, roots));
    } else {
      const known = [".thrift", ".proto", ...DESCRIPTOR_EXTENSIONS].join(", ");
      fail(from, `what kind of file this is shows in its extension; expected one of ${known}`);
    }
  }

  function loadThrift(path: string, from: Position, roots: Roots): SchemaFile | undefined {
    const text = textOf(readFile(path, from), path, fail);
    const document = text === undefined ? undefined : parseThriftIdl(path, text, report);
    if (!document) return undefined;
    const includes = new Map<string, SchemaFile>();
    let complete = true;
    for (const { path: include, position } of document.includes) {
      const folders = [dirname(path), ...roots.include];
      const found = isAbsolute(include) ? isFile(include) && include : findIn(folders, include);
      if (!found) {
        const tried = isAbsolute(include) ? "" : `; looked in ${folders.join(", ")}`;
        fail(position, `the included file "${include}" is not there${tried}`);
        complete = false;
        continue;
      }
      const file = once(realPath(found) ?? found, found, position, () => loadThrift(found, position, roots));
      if (file) includes.set(include, file);
      else complete = false;
    }
    // What a missing file declares would only be reported as missing once more.
    if (!complete) return undefined;
    const { allowNegativeKeys } = options;
    return resolveThrift(document, includes, { allowNegativeKeys, packageOf }, report);
  }

  function loadProto(path: string, name: string, from: Position, roots: Roots): SchemaFile | undefined {
    const text = textOf(readFile(path, from), path, fail);
    return text === undefined ? undefined : loadProtoText(path, name, text, roots);
  }

  function loadProtoText(path: string, name: string, text: string, roots: Roots): SchemaFile | undefined {
    const document = parseProtoIdl(path, text, report);
    return document && resolveDocument(document, name, roots, new Map());
  }

  /** `beside` holds the other documents of the same descriptor set, by import path. */
  function resolveDocument(
    document: ProtoDocument,
    name: string,
    roots: Roots,
    beside: ReadonlyMap<string, ProtoDocument>,
  ): SchemaFile | undefined {
    const imports = new Map<string, SchemaFile>();
    let complete = true;
    const seen = new Set<string>();
    for (const { path, position, modifier } of document.imports) {
      if (seen.has(path)) fail(position, `"${path}" is imported twice`);
      else if (!isCleanImport(path)) {
        fail(
          position,
          `"${path}" is no import path; expected one relative to an import folder, with "/" and without ".."`,
        );
      } else {
        const needed = modifier !== "weak" && modifier !== "option";
        const file = loadImport(path, position, needed, roots, beside);
        if (file) imports.set(path, file);
        if (file || !needed) continue;
      }
      seen.add(path);
      complete = false;
    }
    return complete ? resolveProto(document, imports, report, name) : undefined;
  }

  function loadImport(
    name: string,
    from: Position,
    needed: boolean,
    roots: Roots,
    beside: ReadonlyMap<string, ProtoDocument>,
  ): SchemaFile | undefined {
    const inSet = beside.get(name);
    if (inSet) return loadFromSet(inSet, name, from, roots, beside);
    const folders = [...new Set([...roots.include, ...roots.above])];
    const path = findIn(folders, name);
    if (path !== undefined) return once(realPath(path) ?? path, path, from, () => loadProto(path, name, from, roots));
    const builtin = builtinText(name);
    if (builtin !== undefined) return once(name, name, from, () => loadProtoText(name, name, builtin, roots));
    const looked = folders.length === 0 ? "" : `; looked in ${folders.join(", ")}`;
    const hint = beside.size > 0 ? "; make the set with protoc --include_imports" : "";
    const message = `the imported file "${name}" is not there${looked}${hint}`;
    if (needed) return fail(from, message);
    report({ severity: "warning", position: from, message });
    return undefined;
  }

  function loadDescriptorSet(path: string, from: Position, roots: Roots): void {
    const bytes = readFile(path, from);
    if (bytes) loadDescriptors(path, bytes, from, roots);
  }

  function loadDescriptors(path: string, bytes: Uint8Array, from: Position, roots: Roots): void {
    const documents = parseDescriptorSet(path, bytes, report);
    for (const [name, document] of documents ?? []) loadFromSet(document, name, from, roots, documents ?? new Map());
  }

  /** A well-known type is the same wherever it comes from; of descriptor.proto the set's own may be newer. */
  function loadFromSet(
    document: ProtoDocument,
    name: string,
    from: Position,
    roots: Roots,
    beside: ReadonlyMap<string, ProtoDocument>,
  ): SchemaFile | undefined {
    const builtin = name === DESCRIPTOR_PROTO ? undefined : builtinText(name);
    if (builtin !== undefined) return once(name, name, from, () => loadProtoText(name, name, builtin, roots));
    return once(name, name, from, () => resolveDocument(document, name, roots, beside));
  }

  function loadSet(path: string, bytes: Uint8Array): void {
    loadDescriptors(path, bytes, { file: path, line: 1, column: 1 }, { include: [], above: [] });
  }

  return { load: loadTop, loadSet, files: () => files };
}

type Fail = (position: Position, message: string) => undefined;

function textOf(bytes: Uint8Array | undefined, path: string, fail: Fail): string | undefined {
  if (!bytes) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return fail({ file: path, line: 1, column: 1 }, "the file is not valid UTF-8");
  }
}

function readBytes(path: string, from: Position, fail: Fail): Uint8Array | undefined {
  try {
    const stat = statSync(path);
    if (!stat.isFile()) return fail(from, `"${path}" is not a file`);
    if (stat.size > MAX_FILE_BYTES) {
      return fail(from, `"${path}" has ${stat.size} bytes; expected at most ${MAX_FILE_BYTES}`);
    }
    return readFileSync(path);
  } catch (thrown) {
    return fail(from, `"${path}" cannot be read: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** One file has one real path, however many links and relative paths lead to it; undefined when it is not there. */
function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

function findIn(folders: readonly string[], path: string): string | undefined {
  return folders.map((folder) => join(folder, path)).find((candidate) => isFile(candidate));
}

/** The folder that holds `path`, and those above it as far as the path itself names them. */
function foldersAbove(path: string): readonly string[] {
  const folders: string[] = [];
  for (let folder = dirname(path); folders.at(-1) !== folder; folder = dirname(folder)) folders.push(folder);
  return folders;
}

/** The name by which others import the file: relative to the first import folder that holds it, else its path's own tail. */
function importPathOf(path: string, includeDirs: readonly string[]): string {
  for (const folder of includeDirs) {
    const inside = relative(folder, path);
    if (isCleanImport(inside)) return inside;
  }
  return relative(dirname(path), path);
}

function isCleanImport(path: string): boolean {
  if (path === "" || isAbsolute(path) || path.includes("\\") || path.includes("\0")) return false;
  return path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}

function builtinText(name: string): string | undefined {
  if (name === OPTIONS_PROTO) return readOptionsProto();
  if (!PACKAGED_PROTOS.has(name)) return BUILTIN_PROTOS.get(name);
  return readFileSync(createRequire(import.meta.url).resolve(`protobufjs/${name}`), "utf8");
}

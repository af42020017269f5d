// `causeway diff`: which changes between two versions of IDL break the wire, the source of stubs, or the bridge.
import { type Dirent, existsSync, readdirSync, realpathSync, statSync } from "node:fs";
import { extname, join, relative } from "node:path";
import { styleText } from "node:util";
import { Command, InvalidArgumentError } from "commander";
import type { Diagnostic } from "../base/diagnostic.ts";
import { BREAK_KINDS, type BreakKind, DIFF_RULES, diffSchemas, type Finding, type PathPair } from "../schema/diff.ts";
import { type LoadOptions, loadSchema } from "../schema/load.ts";
import type { Schema } from "../schema/model.ts";
import { printDiagnostics, type ReportStream } from "./print-report.ts";

interface DiffOptions {
  readonly include?: readonly string[];
  readonly oldInclude?: readonly string[];
  readonly allowNegKeys?: boolean;
  readonly against?: readonly BreakKind[];
  readonly json?: boolean;
  readonly rules?: boolean;
}

/** Both versions as the command line names them: their files in pairs, and where each looks for includes. */
interface Versions {
  readonly paths: readonly PathPair[];
  readonly before: Version;
  readonly after: Version;
}

interface Version {
  readonly files: readonly string[];
  /** The folder that was named instead of a file: its own files import each other from there. */
  readonly root: string | undefined;
}

const EXTENSIONS: readonly string[] = [".thrift", ".proto"];

/** Compares two versions of IDL; exit code 1 when something breaks or a version is wrong. */
export const diffCommand = new Command("diff")
  .description("Says which changes between two versions of IDL break the wire, the source of stubs, or the bridge.")
  .argument("[old]", "the old version: a .thrift or .proto file, or a folder of them")
  .argument("[new]", "the new version of it; files of two folders are paired by their paths inside")
  .option("-I, --include <dir>", "look for includes and imports here too (repeatable)", collect)
  .option("--old-include <dir>", "for the old version look here instead of -I (repeatable)", collect)
  .option("--allow-neg-keys", "take Thrift field ids below 1 as they are written")
  .option("--against <kind>", `report only what breaks this: ${BREAK_KINDS.join(", ")} (repeatable)`, collectKind)
  .option("--json", "print one JSON object instead of lines")
  .option("--rules", "list the rules, each with what its break breaks, and compare nothing")
  .addHelpText(
    "after",
    `
What breaks is one of:
  wire    peers of the two versions misread each other, or fail
  source  code against the generated stubs no longer compiles, or JSON by names no longer reads
  bridge  the derived twin in the other language, or how values are translated, changes in one of these ways

A new field that is not required, or a new enum value, union member, method, service or file is no break: code that switches
over all values should have a default case.

Each finding is a line file:line:column: RULE (what it breaks): message, at the place in NEW, or in OLD for what is gone. Exit
code: 0 when nothing breaks; 1 when something does, or a version is wrong; 2 for wrong usage.

Examples:
  $ causeway diff old/order.thrift order.thrift
  $ mkdir -p old && git archive main idl | tar -x -C old && causeway diff old/idl idl --against wire`,
  )
  .action((before: string | undefined, after: string | undefined, options: DiffOptions, command: Command) => {
    if (options.rules) return printRules(options.json ?? false);
    if (before === undefined || after === undefined) return command.error("error: name two versions, OLD and NEW");
    const versions = readVersions(before, after);
    if (typeof versions === "string") return command.error(`error: ${versions}`);
    process.exitCode = diff(versions, options);
  });

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function collectKind(value: string, before: readonly BreakKind[] = []): readonly BreakKind[] {
  const kind = BREAK_KINDS.find((each) => each === value);
  if (kind === undefined) throw new InvalidArgumentError(`Allowed choices are ${BREAK_KINDS.join(", ")}.`);
  return [...before, kind];
}

/** The files to compare, or what is wrong with the two names. */
function readVersions(before: string, after: string): Versions | string {
  const folders = [before, after].filter((path) => isFolder(path));
  if (folders.length === 1) return `${folders[0]} is a folder and the other is not; name two files or two folders`;
  if (folders.length === 2) return readFolders(before, after);
  for (const path of [before, after]) {
    if (!EXTENSIONS.includes(extname(path))) return `${path} is neither a ${EXTENSIONS.join(" nor a ")} file`;
  }
  if (extname(before) !== extname(after)) {
    return `${before} and ${after} are of two languages; name two versions of one file (causeway check compares languages)`;
  }
  const version = (path: string): Version => ({ files: [path], root: undefined });
  return { paths: [[before, after]], before: version(before), after: version(after) };
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function readFolders(before: string, after: string): Versions | string {
  const [old, now] = [idlFilesIn(before), idlFilesIn(after)];
  for (const [folder, files] of [[before, old] as const, [after, now] as const]) {
    if (files.length === 0) return `there is no ${EXTENSIONS.join(" or ")} file in ${folder}`;
  }
  const known = new Set(now);
  const paths = old.map((file): PathPair => [join(before, file), known.has(file) ? join(after, file) : undefined]);
  const version = (root: string, files: readonly string[]): Version => ({
    files: files.map((file) => join(root, file)),
    root,
  });
  return { paths, before: version(before, old), after: version(after, now) };
}

/** Paths inside the folder, sorted. */
function idlFilesIn(folder: string): readonly string[] {
  const entries: readonly Dirent[] = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory() && EXTENSIONS.includes(extname(entry.name)))
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)))
    .sort();
}

function diff({ paths, before, after }: Versions, options: DiffOptions): 0 | 1 {
  const { include = [], oldInclude = include, against = BREAK_KINDS, json = false } = options;
  const old = load(before, oldInclude, options);
  const now = load(after, include, options);
  if (!old || !now) return 1;
  const pathsBefore = loadedPaths(old);
  const pathsAfter = loadedPaths(now);
  const loaded = paths.map(([from, to]): PathPair => [pathsBefore(from) ?? from, to && (pathsAfter(to) ?? to)]);
  const findings = diffSchemas(old, now, loaded).filter(({ breaks }) => breaks.some((kind) => against.includes(kind)));
  if (json) process.stdout.write(`${JSON.stringify(jsonOf(findings))}\n`);
  else printFindings(findings, process.stdout);
  return findings.length > 0 ? 1 : 0;
}

/** The schema of one version; undefined after what is wrong with it was printed. */
function load(
  { files, root }: Version,
  include: readonly string[],
  { allowNegKeys = false }: DiffOptions,
): Schema | undefined {
  const errors: Diagnostic[] = [];
  const options: LoadOptions = {
    includeDirs: root === undefined ? include : [...include, root],
    allowNegativeKeys: allowNegKeys,
  };
  const schema = loadSchema(files, options, (diagnostic) => {
    if (diagnostic.severity === "error") errors.push(diagnostic);
  });
  printDiagnostics(errors, process.stderr);
  return schema;
}

/** By a file's path the one under which it was loaded: a file that is included first has the path that led there. */
function loadedPaths({ files }: Schema): (path: string) => string | undefined {
  const byRealPath = new Map<string, string>();
  // A file that comes with Causeway is on no path here.
  for (const { path } of files) if (existsSync(path)) byRealPath.set(realpathSync(path), path);
  return (path) => byRealPath.get(realpathSync(path));
}

function jsonOf(findings: readonly Finding[]): unknown {
  const entries = findings.map(({ rule, breaks, position, message }) => ({ rule, breaks, ...position, message }));
  return { findings: entries, ...Object.fromEntries(countByKind(findings)) };
}

function countByKind(findings: readonly Finding[]): readonly (readonly [BreakKind, number])[] {
  return BREAK_KINDS.map((kind) => [kind, findings.filter(({ breaks }) => breaks.includes(kind)).length]);
}

function printFindings(findings: readonly Finding[], stream: ReportStream): void {
  const colored = (text: string): string => (stream.isTTY ? styleText("red", text, { stream }) : text);
  for (const { rule, breaks, position, message } of findings) {
    const { file, line, column } = position;
    stream.write(`${file}:${line}:${column}: ${colored(rule)} (${breaks.join(", ")}): ${message}\n`);
  }
  if (findings.length === 0) stream.write("nothing breaks\n");
  else {
    const counts = countByKind(findings).map(([kind, count]) => `${count} of the ${kind}`);
    stream.write(`${findings.length} ${findings.length === 1 ? "break" : "breaks"}: ${counts.join(", ")}\n`);
  }
}

function printRules(json: boolean): void {
  const rules = Object.entries(DIFF_RULES).map(([rule, { breaks, says }]) => ({ rule, breaks, says }));
  if (json) process.stdout.write(`${JSON.stringify({ rules })}\n`);
  else for (const { rule, breaks, says } of rules) process.stdout.write(`${rule} (${breaks.join(", ")}): ${says}\n`);
}

// Two versions of IDL as strings, and what breaks between them, for tests.
import { diffSchemas, type Finding, type PathPair } from "../../../src/schema/diff.ts";
import type { Schema } from "../../../src/schema/model.ts";
import { schemaOf, type Texts } from "./schema-fixture.ts";

/** What breaks between two versions of files, paired by their names; the files' folders are left out of the findings. */
export function diffFiles(before: Texts, after: Texts): readonly Finding[] {
  const [old, now] = [schemaOf(before), schemaOf(after)];
  const paths = Object.keys(before).map((name): PathPair => [pathOf(old, name) ?? name, pathOf(now, name)]);
  return diffSchemas(old, now, paths).map((finding) => {
    const { position } = finding;
    return { ...finding, position: { ...position, file: position.file.replace(/^.*\//, "") } };
  });
}

function pathOf({ files }: Schema, name: string): string | undefined {
  return files.find(({ path }) => path.endsWith(`/${name}`))?.path;
}

/** `RULE (breaks) line:column` of each finding between two Thrift texts in the namespace t. */
export function diffThrift(before: string, after: string): readonly string[] {
  return diffFiles(thrift(before), thrift(after)).map(summary);
}

/** `RULE (breaks) line:column` of each finding between two .proto texts in the package t. */
export function diffProto(before: string, after: string, syntax = "proto3"): readonly string[] {
  return diffFiles(proto(before, syntax), proto(after, syntax)).map(summary);
}

/** The messages alone. */
export function messagesThrift(before: string, after: string): readonly string[] {
  return diffFiles(thrift(before), thrift(after)).map(({ message }) => message);
}

export function messagesProto(before: string, after: string, syntax = "proto3"): readonly string[] {
  return diffFiles(proto(before, syntax), proto(after, syntax)).map(({ message }) => message);
}

export function summary({ rule, breaks, position: { line, column } }: Finding): string {
  return `${rule} (${breaks.join(", ")}) ${line}:${column}`;
}

/** The text stands on line 2. */
function thrift(text: string): Texts {
  return { "t.thrift": `namespace * t\n${text}` };
}

/** The text stands on line 2. */
function proto(text: string, syntax: string): Texts {
  const head = /^\d/.test(syntax) ? `edition = "${syntax}";` : `syntax = "${syntax}";`;
  const imports = text.includes("(causeway.") ? 'import "causeway/options.proto";' : "";
  return { "t.proto": `${head} package t; ${imports}\n${text}` };
}

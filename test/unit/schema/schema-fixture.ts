// Loads, derives, prints and links IDL from strings, for tests.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Diagnostic } from "../../../src/base/diagnostic.ts";
import { deriveSchema } from "../../../src/schema/derive.ts";
import type { LinkedSchema, LinkOptions } from "../../../src/schema/link.ts";
import { linkSchema } from "../../../src/schema/link-schema.ts";
import { loadSchema, readOptionsProto } from "../../../src/schema/load.ts";
import type { Method, Schema, SchemaFile } from "../../../src/schema/model.ts";
import { printProto } from "../../../src/schema/print-proto.ts";
import { printThrift } from "../../../src/schema/print-thrift.ts";

/** Texts by file name. */
export type Texts = Readonly<Record<string, string>>;

/** Writes files to a folder of their own, which is gone when `use` returns. */
export function inFolder<T>(texts: Texts, use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "causeway-schema-"));
  try {
    for (const [name, text] of Object.entries(texts)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Collects diagnostics as `file:line:column severity: message`, files by their names alone. */
export function createFindings() {
  const found: string[] = [];
  const report = ({ severity, position, message }: Diagnostic): void => {
    const { file, line, column } = position;
    found.push(`${file.replace(/^.*\//, "")}:${line}:${column} ${severity}: ${message}`);
  };
  return { found, report };
}

/** The schema of files without errors. */
export function schemaOf(texts: Texts, allowNegativeKeys = false): Schema {
  const { found, report } = createFindings();
  const schema = inFolder(texts, (folder) =>
    loadSchema(
      Object.keys(texts).map((name) => join(folder, name)),
      { includeDirs: [folder], allowNegativeKeys },
      report,
    ),
  );
  if (!schema) throw new Error(`expected IDL without errors, found ${found.join("\n")}`);
  return schema;
}

export interface Derived {
  /** The texts of all twins by file name. */
  readonly texts: Texts;
  readonly files: readonly SchemaFile[];
  readonly found: readonly string[];
}

/** Derives every file and prints the twins. */
export function derive(texts: Texts, allowNegativeKeys = false): Derived {
  const { found, report } = createFindings();
  const twins = deriveSchema(schemaOf(texts, allowNegativeKeys), report);
  const files = [...twins.values()].map(({ file }) => file);
  return { texts: Object.fromEntries(files.map((file) => [file.path, printFile(file)])), files, found };
}

export function printFile(file: SchemaFile): string {
  return file.wire === "protobuf" ? printProto(file) : printThrift(file);
}

/** The derived .proto of one Thrift text in the package t, which must give no diagnostic. */
export function protoOf(thrift: string): string {
  return cleanTwin({ "t.thrift": `namespace * t\n${thrift}` }, "t.proto");
}

/** The derived Thrift of one proto3 text in the package t, which must give no diagnostic. */
export function thriftOf(proto: string, syntax = "proto3"): string {
  const head = `syntax = "${syntax}"; package t; ${proto.includes("causeway.") ? 'import "causeway/options.proto";' : ""}`;
  return cleanTwin({ "t.proto": `${head}\n${proto}` }, "t.thrift");
}

function cleanTwin(texts: Texts, name: string): string {
  const { found, texts: twins } = derive(texts, true);
  if (found.length > 0) throw new Error(`expected no findings, found ${found.join("\n")}`);
  return twins[name] ?? "";
}

export interface Linked {
  readonly linked: LinkedSchema;
  readonly found: readonly string[];
  /** The method of this name in the linked schema. */
  method(wire: "thrift" | "protobuf", service: string, name: string): Method;
}

/** Links files, each of them given. */
export function link(texts: Texts, pairs: LinkOptions["pairs"] = []): Linked {
  const { found, report } = createFindings();
  const linked = linkSchema(schemaOf(texts), { pairs }, report);
  return {
    linked,
    found,
    method(wire, service, name) {
      const holder = linked.schema.services.get(service)?.find((each) => each.wire === wire);
      const method = holder?.methods.find((each) => each.name === name);
      if (!method) throw new Error(`there is no ${wire} method ${service}.${name}`);
      return method;
    },
  };
}

/** What a compiler says against files, "" when nothing; undefined when there is no such compiler. */
export function complaintsOf(compiler: "protoc" | "thrift", texts: Texts): string | undefined {
  const probe = spawnSync(compiler, ["--version"]);
  if (probe.error) return undefined;
  return inFolder({ ...texts, "causeway/options.proto": readOptionsProto() }, (folder) => {
    const out = join(folder, "out");
    mkdirSync(out);
    return Object.keys(texts)
      .map((name) => {
        const args =
          compiler === "protoc"
            ? ["-I", folder, `--descriptor_set_out=${join(out, "set")}`, name]
            : ["--gen", "json", "-out", out, name];
        const { status, stdout, stderr } = spawnSync(compiler, args, { cwd: folder, encoding: "utf8" });
        return status === 0 ? "" : `${name}: ${stdout}${stderr}`;
      })
      .join("");
  });
}

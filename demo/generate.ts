// The code that npm's thrift and grpc-js need for the shop's IDL. It is kept in demo/gen, so that the demo needs no compiler
// of either; `npm run golden` writes it anew, which takes both.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../tools/build-cache.ts";
import { deriveTwin } from "../tools/causeway.ts";
import { runProgram } from "../tools/program.ts";

/** The IDL of the shop as its authors wrote it, relative to the root. */
export const SHOP = ["idl/shop/inventory.thrift", "idl/shop/vouchers.thrift", "idl/shop/orders.proto"] as const;

/** Where the derived twin of each is kept, relative to the root. */
export const TWINS = ".cache/demo/idl";

const TS_PROTO_OPTIONS = [
  "outputServices=grpc-js",
  "outputJsonMethods=false",
  "outputPartialMethods=false",
  "annotateFilesWithVersion=false",
  "emitImportedFiles=false",
  "forceLong=bigint",
  "oneof=unions-value",
  "enumsAsLiterals=true",
  "unrecognizedEnum=false",
  "useExactTypes=false",
  "env=node",
  "esModuleInterop=true",
  "importSuffix=.ts",
].join(",");

/** Writes the derived twin of every file of the shop to TWINS. */
export async function deriveTwins(): Promise<void> {
  await Promise.all(SHOP.map((file) => deriveTwin(file, file.endsWith(".proto") ? "thrift" : "proto", TWINS)));
}

/** What belongs into demo/gen, by its path there. */
export async function generate(): Promise<ReadonlyMap<string, string>> {
  await deriveTwins();
  const folder = mkdtempSync(join(tmpdir(), "causeway-demo-"));
  try {
    await generateThrift(join(folder, "thrift"));
    await generateProto(join(folder, "proto"));
    const files = readFolder(folder);
    // The compiler writes modules of the old kind.
    files.set("thrift/package.json", '{ "type": "commonjs" }\n');
    return files;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function generateThrift(out: string): Promise<void> {
  mkdirSync(out);
  const files = ["idl/shop/inventory.thrift", "idl/shop/vouchers.thrift", `${TWINS}/orders.thrift`];
  for (const file of files) {
    await runProgram("thrift", ["-r", "-out", out, "--gen", "js:node,es6,ts", join(ROOT, file)]);
  }
}

async function generateProto(out: string): Promise<void> {
  mkdirSync(out);
  const plugin = `--plugin=protoc-gen-ts_proto=${join(ROOT, "node_modules/.bin/protoc-gen-ts_proto")}`;
  const target = [plugin, `--ts_proto_out=${out}`, `--ts_proto_opt=${TS_PROTO_OPTIONS}`];
  const given = ["shop/orders.proto", "shop/customer.proto", "google/protobuf/timestamp.proto"];
  await runProgram("protoc", ["-I", join(ROOT, "idl"), ...target, ...given]);
  const derived = ["inventory.proto", "vouchers.proto", "common.proto"];
  await runProgram("protoc", ["-I", join(ROOT, TWINS), ...target, ...derived]);
}

function readFolder(folder: string): Map<string, string> {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return new Map(paths.map((path) => [path.slice(folder.length + 1), readFileSync(path, "utf8")]));
}

// One file's twin in the other language, and the twins of a whole schema.
import type { Report } from "../base/diagnostic.ts";
import { createNameScope, identifierOf, thriftName } from "./derive-names.ts";
import type { Twin, Twins } from "./derive-parts.ts";
import { deriveProto, type PackageNames } from "./derive-proto.ts";
import { deriveThrift } from "./derive-thrift.ts";
import { type FieldType, fieldsOf, type Schema, type SchemaFile } from "./model.ts";

export type { MethodTwin, ServiceTwin, Twin, Twins } from "./derive-parts.ts";

/** Says how to translate, and is not translated; with it comes Protobuf's own description of options. */
const OPTIONS_PROTO = "causeway/options.proto";
const DESCRIPTOR_PROTO = "google/protobuf/descriptor.proto";

/**
 * The twin of one file in the other language: a proto3 file for Thrift, a Thrift file for .proto. `twins` holds those of
 * all that it imports. Its declarations keep the positions of what they stand for; what cannot be said in the other
 * language is reported and left out; rules record what the way back needs.
 */
function deriveFile(file: SchemaFile, twins: Twins, packages: Map<string, PackageNames>, report: Report): Twin {
  const place = placeOf(file, twins);
  if (file.wire === "protobuf") return deriveThrift(file, place, twins, report);
  const names = packages.get(place.packageName) ?? createNameScope();
  packages.set(place.packageName, names);
  return deriveProto(file, { ...place, names }, twins, report);
}

/** The twins of every file of a schema, in its order. Definitions of options have none, unless values have their types. */
export function deriveSchema({ files }: Schema, report: Report): Twins {
  const twins = new Map<SchemaFile, Twin>();
  const packages = new Map<string, PackageNames>();
  const translated = files.filter(({ importPath }) => importPath !== OPTIONS_PROTO);
  for (const file of translated) {
    if (file.importPath !== DESCRIPTOR_PROTO || isUsed(file, translated))
      twins.set(file, deriveFile(file, twins, packages, report));
  }
  return twins;
}

/** Whether a field or method of another file has a type of this one. */
function isUsed(file: SchemaFile, files: readonly SchemaFile[]): boolean {
  const own = new Set<unknown>([...file.messages, ...file.enums]);
  return files.some((other) => {
    if (other === file) return false;
    const methods = other.services.flatMap((service) => service.methods);
    return (
      methods.some(({ request, response }) => own.has(request) || own.has(response)) ||
      other.messages.some((message) => fieldsOf(message).some(({ type }) => own.has(namedType(type))))
    );
  });
}

function namedType(type: FieldType): unknown {
  if (type.kind === "list" || type.kind === "set") return namedType(type.element);
  if (type.kind === "map") return namedType(type.value);
  return type.kind === "scalar" ? undefined : type.type;
}

/** File names are identifiers, because Thrift refers to included things by them, and lie in one folder. */
function placeOf(file: SchemaFile, twins: Twins): { readonly path: string; readonly packageName: string } {
  const extension = file.wire === "thrift" ? "proto" : "thrift";
  const taken = new Set([...twins.values()].map((twin) => twin.file.path));
  const own = thriftName(identifierOf(file.path.replace(/^.*[/\\]/, "").replace(/\.[^.]*$/, "")));
  const candidates = [own, `${identifierOf(file.package)}_${own}`];
  for (let i = 2; i <= taken.size + 2; i++) candidates.push(`${own}_${i}`);
  const base = candidates.find((candidate) => !taken.has(`${candidate}.${extension}`)) ?? own;
  const packageName = file.package.split(".").map(identifierOf).join(".");
  return { path: `${base}.${extension}`, packageName: file.package === "" ? base : packageName };
}

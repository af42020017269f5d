// Names and packages of Go: which package an IDL file becomes, and what everything in it is called.
import type { Report } from "../src/base/diagnostic.ts";
import { createNameScope, type NameScope, wordsOf } from "./names.ts";
import type {
  StubEnum,
  StubField,
  StubFile,
  StubMessage,
  StubMethod,
  StubModel,
  StubNamed,
  StubService,
} from "./stub-model.ts";

export interface GoPackage {
  /** Relative to the output folder. */
  readonly folder: string;
  readonly importPath: string;
  readonly name: string;
  readonly scope: NameScope;
}

/** A union's members, or those of a oneof: an interface that each member's type has. */
export interface GoOneof {
  /** Of the field that holds a member. */
  readonly field: string;
  /** The interface. */
  readonly type: string;
  readonly given: StubNamed;
  readonly members: readonly StubField[];
}

export interface GoMessage {
  readonly name: string;
  readonly fields: ReadonlyMap<StubField, string>;
  readonly oneofs: readonly GoOneof[];
  /** The types of members. */
  readonly members: ReadonlyMap<StubField, string>;
}

export interface GoMethod {
  readonly name: string;
  /** The variable that describes it. */
  readonly variable: string;
  readonly parameters: ReadonlyMap<StubField, string>;
  /** The argument list and the result as messages; undefined where the one message stands for itself. */
  readonly args: StubMessage | undefined;
  readonly result: StubMessage | undefined;
}

export interface GoService {
  readonly client: string;
  readonly create: string;
  readonly handler: string;
  readonly register: string;
  readonly methods: ReadonlyMap<StubMethod, GoMethod>;
}

export interface GoNames {
  readonly packages: ReadonlyMap<StubFile, GoPackage>;
  readonly messages: ReadonlyMap<StubMessage, GoMessage>;
  readonly enums: ReadonlyMap<StubEnum, { readonly name: string; readonly values: readonly string[] }>;
  readonly services: ReadonlyMap<StubService, GoService>;
  readonly constants: ReadonlyMap<StubNamed, string>;
}

const KEYWORDS: ReadonlySet<string> = new Set(
  `break case chan const continue default defer else fallthrough for func go goto if import interface map package range
  return select struct switch type var`.split(/\s+/),
);

/** Predeclared names may be redeclared, but then generated code could not use them; and what generated bodies call theirs. */
const TAKEN_BY_BODIES =
  `any bool byte error float32 float64 int int8 int16 int32 int64 len make nil new string true false
  uint32 uint64 c ctx err result success args append causeway wire context errors math strconv fmt init`.split(/\s+/);

/** Words that Go writes in capitals. */
const INITIALISMS: ReadonlySet<string> = new Set(
  "ACL API ASCII CPU CSS DNS EOF GUID HTML HTTP HTTPS ID IP JSON QPS RAM RPC SLA SMTP SQL SSH TCP TLS TTL UDP UI UID UUID URI URL UTF8 VM XML".split(
    " ",
  ),
);

/** `OrderID` of `orderId`. What begins with no letter gets an X in front, because only then is it exported. */
function exportedName(name: string): string {
  const words = wordsOf(name).map((word) => {
    const upper = word.toUpperCase();
    return INITIALISMS.has(upper) ? upper : upper.charAt(0) + word.slice(1).toLowerCase();
  });
  const joined = words.join("");
  return /^[A-Z]/.test(joined) ? joined : `X${joined}`;
}

/** `orderID`, and `id`. */
function localName(name: string): string {
  const [first = "x", ...rest] = wordsOf(name);
  const lower = first.toLowerCase();
  const joined = lower + (rest.length > 0 ? exportedName(rest.join("_")).replace(/^X(?=\d)/, "") : "");
  return /^[a-z]/.test(joined) ? joined : `x${joined}`;
}

/** Names everything; `prefix` is the import path of the output folder. */
export function nameGo(model: StubModel, prefix: string | undefined, report: Report): GoNames {
  const scopeOf = (keywords: ReadonlySet<string> = KEYWORDS): NameScope =>
    createNameScope({ language: "Go", keywords, suffix: "_", report });
  const byFolder = new Map<string, GoPackage>();
  const packages = new Map<StubFile, GoPackage>();
  for (const file of model.files) {
    const { folder, name } = placeOf(file, prefix);
    const importPath = prefix === undefined ? folder : `${prefix}/${folder}`;
    const known = byFolder.get(folder) ?? { folder, importPath, name, scope: scopeOf() };
    byFolder.set(folder, known);
    packages.set(file, known);
  }
  const packageNames = [...byFolder.values()].map(({ name }) => name);
  const messages = new Map<StubMessage, GoMessage>();
  const enums = new Map<StubEnum, { name: string; values: string[] }>();
  const services = new Map<StubService, GoService>();
  const constants = new Map<StubNamed, string>();

  for (const [file, { scope }] of packages) {
    // Types before what only belongs to them, so that it is the latter that give way.
    const typeNames = new Map(file.messages.map((type) => [type, scope.claim(typeName(type), type)] as const));
    for (const type of file.enums) enums.set(type, { name: scope.claim(typeName(type), type), values: [] });
    for (const constant of file.constants) constants.set(constant, scope.claim(exportedName(constant.name), constant));
    for (const type of file.enums) {
      const { name, values } = enums.get(type)!;
      for (const value of type.values)
        values.push(scope.claim(name + exportedName(withoutPrefix(value.name, type)), value));
    }
    for (const [type, name] of typeNames) {
      messages.set(type, nameMessage(type, name, scope, scopeOf()));
      scope.reserve(`New${name}`);
    }
    for (const service of file.services) {
      services.set(service, nameService(service, scope, scopeOf, messages, packageNames));
    }
  }
  return { packages, messages, enums, services, constants };
}

function typeName({ path }: { readonly path: readonly string[] }): string {
  return path.map(exportedName).join("");
}

/** Values of .proto enums begin with the enum's name by custom. */
function withoutPrefix(name: string, type: StubEnum): string {
  const prefix = `${wordsOf(type.path.at(-1) ?? "")
    .join("_")
    .toUpperCase()}_`;
  const all = type.values.every(
    (value) => value.name.toUpperCase().startsWith(prefix) && value.name.length > prefix.length,
  );
  return all ? name.slice(prefix.length) : name;
}

/** A union is one oneof of all its fields. */
function oneofsOf(type: StubMessage): readonly { given: StubNamed; name: string; members: readonly StubField[] }[] {
  if (type.kind === "union") return [{ given: type, name: "value", members: type.fields }];
  return type.oneofs.map((oneof) => ({ given: oneof, name: oneof.name, members: oneof.fields }));
}

function nameMessage(type: StubMessage, name: string, scope: NameScope, own: NameScope): GoMessage {
  own.reserve("MarshalWire", "UnmarshalWire");
  if (type.kind === "exception") own.reserve("Error", "CausewayException");
  const fields = new Map<StubField, string>();
  const members = new Map<StubField, string>();
  const oneofs: GoOneof[] = [];
  const inOneof = new Set(oneofsOf(type).flatMap((oneof) => oneof.members));
  for (const field of type.fields) {
    if (!inOneof.has(field)) fields.set(field, own.claim(exportedName(field.name), field));
    if (hasGetter(field)) own.reserve(`Get${fields.get(field)}`);
  }
  for (const oneof of oneofsOf(type)) {
    const field = own.claim(exportedName(oneof.name), { ...oneof.given, name: oneof.name });
    const interfaceName = scope.claim(name + exportedName(oneof.name), { ...oneof.given, name: oneof.name });
    oneofs.push({ field, type: interfaceName, given: oneof.given, members: oneof.members });
    for (const member of oneof.members) members.set(member, scope.claim(name + exportedName(member.name), member));
  }
  return { name, fields, oneofs, members };
}

/** What is absent reads as its default. */
export function hasGetter({ optional, defaultValue, type, oneof }: StubField): boolean {
  return (
    optional && oneof === undefined && defaultValue !== undefined && (type.kind === "scalar" || type.kind === "enum")
  );
}

function nameService(
  service: StubService,
  scope: NameScope,
  scopeOf: (keywords?: ReadonlySet<string>) => NameScope,
  messages: Map<StubMessage, GoMessage>,
  packageNames: readonly string[],
): GoService {
  const name = exportedName(service.name);
  const local = localName(service.name);
  const names = {
    client: scope.claim(`${name}Client`, service),
    create: scope.claim(`New${name}Client`, service),
    handler: scope.claim(`${name}Handler`, service),
    register: scope.claim(`Register${name}`, service),
  };
  const methods = new Map<StubMethod, GoMethod>();
  const own = scopeOf(new Set());
  for (const method of service.methods) {
    const methodName = own.claim(exportedName(method.name), method);
    const parameters = new Map<StubField, string>();
    const parameterScope = scopeOf();
    parameterScope.reserve(...TAKEN_BY_BODIES, ...packageNames);
    for (const field of method.parameters) parameters.set(field, parameterScope.claim(localName(field.name), field));
    const body = (fields: readonly StubField[] | undefined, suffix: string): StubMessage | undefined => {
      if (!fields) return undefined;
      const type = bodyMessage(method, fields, `${service.name}.${method.name}`);
      const typeName = scope.claim(`${local}${methodName}${suffix}`, method);
      messages.set(type, nameMessage(type, typeName, scope, scopeOf()));
      return type;
    };
    methods.set(method, {
      name: methodName,
      variable: scope.claim(`${local}${methodName}Method`, method),
      parameters,
      args: body(method.request.kind === "fields" ? method.request.fields : undefined, "Args"),
      result: method.oneway
        ? undefined
        : body(method.response.kind === "fields" ? method.response.fields : undefined, "Result"),
    });
  }
  return { ...names, methods };
}

/** An argument list or a result as a message like any other. */
function bodyMessage({ position }: StubMethod, fields: readonly StubField[], name: string): StubMessage {
  const nowhere: StubFile = {
    source: "",
    position,
    doc: undefined,
    idl: "thrift",
    wire: "thrift",
    package: "",
    annotations: [],
    imports: [],
    enums: [],
    messages: [],
    services: [],
    constants: [],
  };
  return {
    name,
    doc: undefined,
    deprecated: false,
    position,
    kind: "struct",
    path: [name],
    fullName: name,
    wireName: name,
    file: nowhere,
    fields,
    oneofs: [],
    thriftUnion: false,
    code: "UNKNOWN",
  };
}

/** `namespace go a.b`, or `go_package = "path;name"`, else the package of the IDL. */
function placeOf(file: StubFile, prefix: string | undefined): { readonly folder: string; readonly name: string } {
  const said = (key: string): string | undefined => file.annotations.find(([name]) => name === key)?.[1];
  const own = file.idl === "thrift" ? said("go") : file.package === "google.protobuf" ? undefined : said("go_package");
  const text = file.idl === "thrift" ? (own ?? file.package) : (unquoted(own) ?? file.package);
  const [path = "", packageName] = text.split(";");
  const isPath = file.idl === "protobuf" && own !== undefined;
  const inside = prefix !== undefined && path.startsWith(`${prefix}/`) ? path.slice(prefix.length + 1) : path;
  const segments = (isPath ? inside : inside.replaceAll(".", "/"))
    .split("/")
    .map((segment) => segment.replace(/[^A-Za-z0-9_.-]/g, "_"))
    .filter((segment) => segment !== "" && segment !== "." && segment !== "..");
  const folder = segments.length === 0 ? baseOf(file) : segments.join("/");
  const name = (packageName ?? folder.slice(folder.lastIndexOf("/") + 1)).toLowerCase().replace(/[^a-z0-9_]/g, "_");
  const letter = /^[a-z]/.test(name) ? name : `p${name}`;
  return {
    folder,
    name: KEYWORDS.has(letter) || TAKEN_BY_BODIES.includes(letter) || letter === "main" ? `${letter}_` : letter,
  };
}

function unquoted(text: string | undefined): string | undefined {
  return text?.replace(/^"(.*)"$/, "$1");
}

function baseOf({ source }: StubFile): string {
  const base = source.slice(source.lastIndexOf("/") + 1).replace(/\.[^.]*$/, "");
  return base.replace(/[^A-Za-z0-9_]/g, "_").replace(/^_+/, "") || "idl";
}

/** The name of a generated file: its ending keeps Go from taking it for a test or for one system's own. */
export function fileNameOf(file: StubFile): string {
  return `${baseOf(file)}_stub.go`;
}

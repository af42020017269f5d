// What everything of the IDL is called in Java: packages, types, components, methods. Each is named once, in the order of
// the model, so that a name never depends on who refers to it.
import type { Report } from "../src/base/diagnostic.ts";
import { camelCase, createNameScope, type NameScope, pascalCase, upperSnakeCase } from "./names.ts";
import type {
  StubConstant,
  StubEnum,
  StubEnumValue,
  StubField,
  StubFile,
  StubMessage,
  StubMethod,
  StubModel,
  StubNamed,
  StubOneof,
  StubService,
} from "./stub-model.ts";

/** Words that are no identifiers (JLS 3.9), and those that may not be used as one in some places. */
const KEYWORDS: ReadonlySet<string> = new Set(
  (
    "abstract assert boolean break byte case catch char class const continue default do double else enum extends final " +
    "finally float for goto if implements import instanceof int interface long native new package private protected public " +
    "return short static strictfp super switch synchronized this throw throws transient try void volatile while _ true " +
    "false null var yield record sealed permits"
  ).split(" "),
);

/** Types of java.lang that generated code means by their simple names. */
const LANG =
  "Boolean Byte Deprecated Double Exception Float Integer Long Object Override Record Short String SuppressWarnings Throwable Void".split(
    " ",
  );

/** What records and exceptions have without the IDL's doing. */
const MEMBERS =
  "builder toBuilder toBytes clone finalize getClass hashCode notify notifyAll toString wait getMessage getCause code wireName java causeway".split(
    " ",
  );

/** What clients have beside the service's methods. */
const CLIENT_MEMBERS = "async with clone finalize getClass hashCode notify notifyAll toString wait equals".split(" ");

/** Locals and fields of generated methods. */
const LOCALS = [
  ..."in out field tag channel options implementation success thrown java causeway n".split(" "),
  ...["i", "o", "v", "w", "t", "a"].flatMap((name) => [name, ...[2, 3, 4, 5, 6, 7, 8, 9].map((depth) => name + depth)]),
];

/** The names of a file's classes. */
export interface ClassName {
  readonly package: string;
  /** Outer before inner. */
  readonly path: readonly string[];
}

export interface ServiceNames {
  readonly service: ClassName;
  readonly client: ClassName;
  readonly server: ClassName;
  /** One for each of the service's methods, inherited ones included. */
  readonly methods: readonly string[];
}

/** Every name of a model. Asking for what is not in it is an error of this program. */
export interface JavaNames {
  readonly types: ReadonlyMap<StubMessage | StubEnum, ClassName>;
  readonly fields: ReadonlyMap<StubField | StubOneof, string>;
  /** The record that stands for a member of a union or a oneof. */
  readonly members: ReadonlyMap<StubField, string>;
  /** The interface of a oneof. */
  readonly oneofs: ReadonlyMap<StubOneof, string>;
  readonly values: ReadonlyMap<StubEnumValue, string>;
  /** What an enum calls a number without a name. */
  readonly unknowns: ReadonlyMap<StubEnum, string>;
  readonly services: ReadonlyMap<StubService, ServiceNames>;
  readonly parameters: ReadonlyMap<StubMethod, readonly string[]>;
  readonly constants: ReadonlyMap<StubFile, ClassName>;
  readonly constantFields: ReadonlyMap<StubConstant, string>;
  /** The types of a package, for whoever means one of the same name. */
  readonly declared: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Names everything; `root` is a package in front of each. What had to change is reported. */
export function nameForJava({ files }: StubModel, root: string | undefined, report: Report): JavaNames {
  const scopeOf = (keyOf?: (name: string) => string): NameScope =>
    createNameScope({ language: "Java", keywords: KEYWORDS, suffix: "_", report, ...(keyOf && { keyOf }) });
  const names = {
    types: new Map<StubMessage | StubEnum, ClassName>(),
    fields: new Map<StubField | StubOneof, string>(),
    members: new Map<StubField, string>(),
    oneofs: new Map<StubOneof, string>(),
    values: new Map<StubEnumValue, string>(),
    unknowns: new Map<StubEnum, string>(),
    services: new Map<StubService, ServiceNames>(),
    parameters: new Map<StubMethod, readonly string[]>(),
    constants: new Map<StubFile, ClassName>(),
    constantFields: new Map<StubConstant, string>(),
    declared: new Map<string, Set<string>>(),
  };
  const packages = new Map<string, NameScope>();
  const methodsOf = new Map<StubService, readonly string[]>();

  function topLevel(packageName: string, wanted: string, given: StubNamed): ClassName {
    // Files are told apart without regard to case on many disks.
    const scope = getOrMake(packages, packageName, () => {
      const made = scopeOf((name) => name.toLowerCase());
      made.reserve(...LANG);
      return made;
    });
    const name = scope.claim(wanted, given);
    getOrMake(names.declared, packageName, () => new Set<string>()).add(name);
    return { package: packageName, path: [name] };
  }

  /** Scopes of what is declared inside a type. */
  const inside = new Map<string, NameScope>();
  function nested(outer: ClassName, wanted: string, given: StubNamed): ClassName {
    const scope = getOrMake(inside, `${outer.package}/${outer.path.join(".")}`, () => {
      const made = scopeOf();
      // A type may not be called like one around it.
      made.reserve("Builder", "Known", ...LANG, ...outer.path);
      return made;
    });
    return { package: outer.package, path: [...outer.path, scope.claim(wanted, given)] };
  }

  function nameTypes(file: StubFile, packageName: string): void {
    const byPath = new Map<string, ClassName>();
    const all: readonly (StubMessage | StubEnum)[] = [...file.messages, ...file.enums];
    for (const type of [...all].sort((a, b) => a.path.length - b.path.length)) {
      const outer = byPath.get(type.path.slice(0, -1).join("."));
      const wanted = typeName(type.name);
      const name = outer ? nested(outer, wanted, type) : topLevel(packageName, wanted, type);
      byPath.set(type.path.join("."), name);
      names.types.set(type, name);
    }
  }

  function nameMessage(message: StubMessage): void {
    const own = names.types.get(message)!;
    const scope = scopeOf();
    scope.reserve(...MEMBERS);
    for (const field of message.fields) {
      if (field.oneof === undefined) names.fields.set(field, scope.claim(fieldName(field), field));
    }
    for (const oneof of message.oneofs) {
      names.fields.set(oneof, scope.claim(fieldName(oneof), oneof));
      const type = nested(own, typeName(pascalCase(oneof.name)), oneof);
      names.oneofs.set(oneof, type.path.at(-1)!);
      for (const field of oneof.fields) names.members.set(field, memberName(type, field));
    }
    if (message.kind === "union") {
      for (const field of message.fields) names.members.set(field, memberName(own, field));
    }
  }

  function memberName(outer: ClassName, field: StubField): string {
    return nested(outer, typeName(pascalCase(field.name)), field).path.at(-1)!;
  }

  function nameEnum(type: StubEnum): void {
    const scope = scopeOf();
    for (const value of type.values) names.values.set(value, scope.claim(constantName(value.name), value));
    names.unknowns.set(type, scope.claim("UNRECOGNIZED", type));
  }

  function nameMethods(service: StubService): readonly string[] {
    return getOrMake(methodsOf, service, () => {
      const inherited = service.base ? nameMethods(service.base) : [];
      const scope = scopeOf();
      scope.reserve(...CLIENT_MEMBERS, ...inherited);
      const own = service.methods.slice(inherited.length);
      return [...inherited, ...own.map((method) => scope.claim(fieldName(method), method))];
    });
  }

  function nameService(service: StubService, packageName: string): void {
    const plain = topLevel(packageName, typeName(service.name), service);
    const base = plain.path[0]!;
    names.services.set(service, {
      service: plain,
      client: topLevel(packageName, `${base}Client`, service),
      server: topLevel(packageName, `${base}Server`, service),
      methods: nameMethods(service),
    });
    for (const method of service.methods) {
      const scope = scopeOf();
      scope.reserve(...LOCALS);
      const claimed = method.parameters.map((field) => scope.claim(fieldName(field), field));
      names.parameters.set(method, claimed);
    }
  }

  const withPackage = files.map((file) => ({ file, name: packageOf(file, root) }));
  for (const { file, name } of withPackage) nameTypes(file, name);
  for (const { file, name } of withPackage) {
    for (const message of file.messages) nameMessage(message);
    for (const type of file.enums) nameEnum(type);
    for (const service of file.services) nameService(service, name);
    if (file.constants.length === 0) continue;
    const base = file.source.slice(file.source.lastIndexOf("/") + 1).replace(/\.[^.]*$/, "");
    const given = { name: base, doc: undefined, deprecated: false, position: file.position };
    names.constants.set(file, topLevel(name, `${typeName(pascalCase(base))}Constants`, given));
    const scope = scopeOf();
    for (const constant of file.constants) {
      names.constantFields.set(constant, scope.claim(constantName(constant.name), constant));
    }
  }
  return names;
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

/** The namespace or `java_package`, else the IDL's package; never that of the official library's own types. */
function packageOf(file: StubFile, root: string | undefined): string {
  const said = (key: string): string | undefined => file.annotations.find(([scope]) => scope === key)?.[1];
  const own = /^google\.protobuf(?:\.|$)/.test(file.package)
    ? file.package
    : file.idl === "thrift"
      ? (said("java") ?? said("*") ?? file.package)
      : (said("java_package")?.replace(/^"|"$/g, "") ?? file.package);
  const base = file.source.slice(file.source.lastIndexOf("/") + 1).replace(/\.[^.]*$/, "");
  const parts = [...(root ?? "").split("."), ...(own || base.toLowerCase()).split(".")].filter((part) => part !== "");
  return parts.map((part) => identifier(KEYWORDS.has(part) ? `${part}_` : part)).join(".");
}

function identifier(name: string): string {
  const clean = name.replace(/[^A-Za-z0-9_]/g, "_");
  return /^[0-9]/.test(clean) || clean === "" ? `_${clean}` : clean;
}

/** As the author has it, but for the case of its first letter. */
function typeName(name: string): string {
  return identifier(name.charAt(0).toUpperCase() + name.slice(1));
}

function fieldName({ name }: StubNamed): string {
  return identifier(camelCase(name) || name);
}

function constantName(name: string): string {
  return identifier(upperSnakeCase(name) || name);
}

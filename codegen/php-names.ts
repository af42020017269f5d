// Names in PHP: namespaces, classes by PSR-1 and PSR-4, properties. What two things would share, or PHP keeps for itself, gets a
// suffix and is listed.
import type { Report } from "../src/base/diagnostic.ts";
import { camelCase, createNameScope, type NameScope, pascalCase } from "./names.ts";
import type {
  StubEnum,
  StubField,
  StubFile,
  StubMessage,
  StubModel,
  StubNamed,
  StubOneof,
  StubService,
} from "./stub-model.ts";

/** Words that no class may be called; classes are case-insensitive. */
const CLASS_WORDS: readonly string[] =
  `abstract and array as bool break callable case catch class clone const continue declare default die do echo else elseif empty
   enddeclare endfor endforeach endif endswitch endwhile enum eval exit extends false final finally float fn for foreach function
   global goto if implements include include_once instanceof insteadof int interface isset iterable list match mixed namespace
   never new null numeric object or parent print private protected public readonly require require_once resource return self
   static string switch throw trait true try unset use var void while xor yield`.split(/\s+/);

/** Of a service: the classes that stand for it. */
export interface ServiceNames {
  readonly client: string;
  readonly contract: string;
  readonly service: string;
}

/** What everything is called in PHP. */
export interface PhpNames {
  /** Without a leading backslash; empty for the global one. */
  namespaceOf(file: StubFile): string;
  /** Relative to the output folder; ends with a slash unless it is empty. */
  folderOf(file: StubFile): string;
  classOf(type: StubMessage | StubEnum): string;
  oneofClassOf(oneof: StubOneof): string;
  constantsClassOf(file: StubFile): string;
  serviceOf(service: StubService): ServiceNames;
  propertyOf(field: StubField | StubOneof): string;
  /** All classes of a namespace. */
  classesIn(namespace: string): ReadonlySet<string>;
}

/** Names all of a model; `root` is the namespace in front of all, which has no folder of its own. */
export function namePhp(model: StubModel, root: string | undefined, report: Report): PhpNames {
  const namespaces = new Map<StubFile, string>();
  const classes = new Map<unknown, string>();
  const services = new Map<StubService, ServiceNames>();
  const properties = new Map<unknown, string>();
  const scopes = new Map<string, { readonly scope: NameScope; readonly all: Set<string> }>();

  function scopeOf(namespace: string) {
    const known = scopes.get(namespace);
    if (known) return known;
    const keywords = new Set(CLASS_WORDS.map((word) => pascalCase(word)));
    const keyOf = (name: string): string => name.toLowerCase();
    const scope = createNameScope({ language: "PHP", keywords, suffix: "Type", keyOf, report });
    const created = { scope, all: new Set<string>() };
    scopes.set(namespace, created);
    return created;
  }

  function claimClass(file: StubFile, wanted: string, thing: StubNamed): string {
    const { scope, all } = scopeOf(namespaces.get(file) ?? "");
    const name = scope.claim(/^[0-9]/.test(wanted) || wanted === "" ? `Type${wanted}` : wanted, thing);
    all.add(name);
    return name;
  }

  for (const file of model.files) namespaces.set(file, namespaceOf(file, root));
  for (const file of model.files) {
    for (const type of file.messages) {
      classes.set(type, claimClass(file, pascalCase(type.path.join("_")), type));
      nameProperties(type, properties, report);
    }
    for (const type of file.enums) classes.set(type, claimClass(file, pascalCase(type.path.join("_")), type));
  }
  for (const file of model.files) {
    for (const message of file.messages) {
      for (const oneof of message.oneofs) {
        const wanted = `${classes.get(message)}${pascalCase(oneof.name)}`;
        classes.set(oneof, claimClass(file, wanted, oneof));
        nameMembers(oneof.fields, properties, report);
      }
    }
    for (const service of file.services) {
      const base = pascalCase(service.name);
      services.set(service, {
        client: claimClass(file, `${base}Client`, service),
        contract: claimClass(file, `${base}Interface`, service),
        service: claimClass(file, `${base}Service`, service),
      });
    }
    if (file.constants.length > 0) {
      const base = file.source.slice(file.source.lastIndexOf("/") + 1).replace(/\.[^.]*$/, "");
      classes.set(file, claimClass(file, `${pascalCase(base)}Constants`, file.constants[0]!));
    }
  }
  const known = <K>(map: ReadonlyMap<K, string>, key: K): string => map.get(key) ?? "";
  return {
    namespaceOf: (file) => known(namespaces, file),
    folderOf(file) {
      const namespace = known(namespaces, file);
      const inside = root === undefined ? namespace : namespace.slice(trimmed(root).length).replace(/^\\/, "");
      return inside === "" ? "" : `${inside.replaceAll("\\", "/")}/`;
    },
    classOf: (type) => known(classes, type),
    oneofClassOf: (oneof) => known(classes, oneof),
    constantsClassOf: (file) => known(classes, file),
    serviceOf: (service) => services.get(service) ?? { client: "", contract: "", service: "" },
    propertyOf: (field) => known(properties, field),
    classesIn: (namespace) => scopeOf(namespace).all,
  };
}

function trimmed(root: string): string {
  return root.replaceAll(/[./]/g, "\\").replace(/^\\+|\\+$/g, "");
}

/** `namespace php`, or `php_namespace`; else the package in PHP's case. */
function namespaceOf({ annotations, package: name }: StubFile, root: string | undefined): string {
  const said = annotations.find(([scope]) => scope === "php" || scope === "php_namespace")?.[1];
  const own = said === undefined ? name.split(".").map(pascalCase) : said.replace(/^"|"$/g, "").split(/[.\\]+/);
  const words = own.filter((part) => part !== "").map((part) => (/^[0-9]/.test(part) ? `N${part}` : part));
  return [...(root === undefined ? [] : [trimmed(root)]), ...words].filter((part) => part !== "").join("\\");
}

/** A message shows its plain fields and its oneofs; a union its members. */
function nameProperties(message: StubMessage, properties: Map<unknown, string>, report: Report): void {
  if (message.kind === "union") {
    nameMembers(message.fields, properties, report);
    return;
  }
  const scope = propertyScope(report);
  // PHP's own, which are not typed and cannot be.
  if (message.kind === "exception") scope.reserve("message", "code", "file", "line");
  for (const field of message.fields) {
    if (field.oneof === undefined) properties.set(field, scope.claim(propertyName(field), field));
  }
  for (const oneof of message.oneofs) properties.set(oneof, scope.claim(propertyName(oneof), oneof));
}

/** Each member is a property and a named constructor, and methods are case-insensitive. */
function nameMembers(fields: readonly StubField[], properties: Map<unknown, string>, report: Report): void {
  // A method's name has no underscore.
  const scope = propertyScope(report, (name) => name.toLowerCase(), "Value");
  scope.reserve("write", "read", "encode", "decode", "which", "class");
  for (const field of fields) properties.set(field, scope.claim(propertyName(field), field));
}

function propertyScope(report: Report, keyOf = (name: string): string => name, suffix = "_"): NameScope {
  // Underscores and digits at the start of a name are no words.
  return createNameScope({ language: "PHP", keywords: new Set(["this"]), suffix, keyOf, report });
}

/** `$fooBar` of `foo_bar`. */
export function propertyName({ name }: StubNamed): string {
  const camel = camelCase(name);
  return camel === "" || /^[0-9]/.test(camel) ? `_${camel}` : camel;
}

/** Variables of one method: a name is given once, and nobody hears of a change, because nobody outside sees it. */
export interface Locals {
  fresh(wanted: string): string;
  /** Those of a block inside: what is taken here is taken there, and not the other way round. */
  inner(): Locals;
}

export function createLocals(...taken: readonly string[]): Locals {
  const names = new Set(["this", ...taken]);
  return {
    fresh(wanted) {
      let name = wanted;
      for (let i = 2; names.has(name); i++) name = `${wanted}${i}`;
      names.add(name);
      return name;
    },
    inner: () => createLocals(...names),
  };
}

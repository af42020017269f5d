// Gives every type and method of a schema its partner on the other wire: a given one where two IDLs were written apart,
// else its derived twin.
import { formatDiagnostic, type Report } from "../base/diagnostic.ts";
import { deriveSchema, type Twin, type Twins } from "./derive.ts";
import type { LinkedSchema, LinkOptions, MessageLink, MethodLink } from "./link.ts";
import { createLinker, type Linker } from "./link-message.ts";
import { linkServices, linkTwins, type MethodContext, type ServicePair } from "./link-method.ts";
import {
  isMessageSet,
  type MessageType,
  type Method,
  methodsOf,
  type Schema,
  type SchemaFile,
  type Service,
} from "./model.ts";
import { createRuleScopes } from "./rule-scope.ts";
import { createSchema } from "./schema.ts";

/**
 * Links a schema with itself. Reports every pair that cannot be translated as an error, everything that is lost or left
 * out as lossy, and what was decided for want of a word from the author as a warning, each once; after an error the
 * result lacks what it concerns. Only well-known types that nothing uses are linked, and reported, when they are asked for.
 */
export function linkSchema(schema: Schema, { pairs }: LinkOptions, report: Report): LinkedSchema {
  const once = reportOnce(report);
  const flat = flattenServices(schema);
  const twins = deriveSchema(schema, once);
  const derived = new Set([...twins.values()].flatMap(({ messages }) => [...messages.values()]));
  const scopes = createRuleScopes([...schema.files, ...[...twins.values()].map(({ file }) => file)]);
  const apart = new Map<MessageType, MessageLink>();
  const links: MessageLink[] = [];
  const linker = createLinker({
    isApart: (thrift, protobuf) => !derived.has(thrift) && !derived.has(protobuf),
    linked(link) {
      links.push(link);
      if (derived.has(link.thrift) || derived.has(link.protobuf)) return;
      if (!apart.has(link.thrift)) apart.set(link.thrift, link);
      if (!apart.has(link.protobuf)) apart.set(link.protobuf, link);
    },
    scopes,
    report: once,
  });

  const methods = new Map<Method, MethodLink>();
  const context: MethodContext = { linker, scopes, report: once };
  const { paired, replaced } = linkGivenPairs(context, flat, choosePairs(schema, pairs, once), methods);
  const remaining = linkDerived(context, flat, twins, paired, methods);
  const messageLink = createMessageLink(schema, twins, apart, linker);
  linkTypes(schema, twins, messageLink);

  const files = new Map<SchemaFile, SchemaFile>();
  for (const file of schema.files) {
    const services = file.services.map((service) => flat.get(service) ?? replaced.get(service) ?? service);
    files.set(file, rebuild(file, services, files));
  }
  for (const { file } of twins.values()) {
    // Well-known files that only a derivation needs come before it.
    for (const imported of file.imports) if (!files.has(imported)) files.set(imported, imported);
    const services = file.services.filter((service) => remaining.has(service));
    files.set(file, rebuild(file, services, files));
  }
  return { schema: createSchema([...files.values()]), methods, links, messageLink };
}

/** Two methods may meet the same pair of types; the author needs to hear of it once. */
function reportOnce(report: Report): Report {
  const seen = new Set<string>();
  return (diagnostic) => {
    const text = formatDiagnostic(diagnostic);
    if (!seen.has(text)) report(diagnostic);
    seen.add(text);
  };
}

/** Services that inherit, as ones that do not: the inherited methods are copies that name the service they are called on. */
function flattenServices({ files }: Schema): ReadonlyMap<Service, Service> {
  const flat = new Map<Service, Service>();
  for (const service of files.flatMap(({ services }) => services)) {
    if (!service.base) continue;
    const inherited = methodsOf(service.base).map((method): Method => ({ ...method, service: service.fullName }));
    flat.set(service, { ...service, base: undefined, methods: [...inherited, ...service.methods] });
  }
  return flat;
}

function choosePairs(schema: Schema, pairs: LinkOptions["pairs"], report: Report): readonly ServicePair[] {
  const chosen: ServicePair[] = [];
  const taken = new Set<Service>();
  const add = (thriftName: string, protobufName: string, named: boolean): void => {
    const thrift = schema.services.get(thriftName)?.find(({ wire }) => wire === "thrift");
    const protobuf = schema.services.get(protobufName)?.find(({ wire }) => wire === "protobuf");
    const file = schema.files.find(({ services }) => protobuf && services.includes(protobuf));
    if (thrift && protobuf && file && !taken.has(thrift) && !taken.has(protobuf)) {
      taken.add(thrift).add(protobuf);
      chosen.push({ thrift, protobuf, file });
    } else if (named) {
      const reason = !thrift
        ? missing(schema, "Thrift", thriftName)
        : protobuf
          ? "one of the two is in another pair; a service has one partner"
          : missing(schema, "Protobuf", protobufName);
      const position = (thrift ?? protobuf)?.position ?? { file: schema.files[0]?.path ?? "", line: 1, column: 1 };
      report({
        severity: "error",
        position,
        message: `services ${thriftName} and ${protobufName} cannot be paired: ${reason}`,
      });
    }
  };
  for (const { thrift, protobuf } of pairs) add(thrift, protobuf, true);
  for (const name of schema.services.keys()) add(name, name, false);
  return chosen;
}

function missing(schema: Schema, language: "Thrift" | "Protobuf", name: string): string {
  const loaded = [...schema.services.values()].flat().filter(({ wire }) => wire === language.toLowerCase());
  const names = loaded.map(({ fullName }) => fullName).join(", ") || "none";
  return `there is no ${language} service ${name}; the ${language} services are: ${names}`;
}

interface GivenPairs {
  readonly paired: ReadonlySet<Service>;
  /** Protobuf services whose methods know their exceptions, by the given one. */
  readonly replaced: ReadonlyMap<Service, Service>;
}

function linkGivenPairs(
  context: MethodContext,
  flat: ReadonlyMap<Service, Service>,
  pairs: readonly ServicePair[],
  methods: Map<Method, MethodLink>,
): GivenPairs {
  const paired = new Set<Service>();
  const replaced = new Map<Service, Service>();
  for (const pair of pairs) {
    paired.add(pair.thrift).add(pair.protobuf);
    const thrift = flat.get(pair.thrift) ?? pair.thrift;
    const links = linkServices(context, { ...pair, thrift });
    const byName = new Map(links.map(({ protobuf }) => [protobuf.name, protobuf]));
    for (const link of links) {
      methods.set(link.thrift, link).set(link.protobuf, link);
      const original = pair.protobuf.methods.find(({ name }) => name === link.protobuf.name);
      if (original) methods.set(original, link);
    }
    const copies = pair.protobuf.methods.map((method) => byName.get(method.name) ?? method);
    replaced.set(pair.protobuf, { ...pair.protobuf, methods: copies });
  }
  return { paired, replaced };
}

/** Links services with their twins, but for those that have a given partner; returns the twins that remain. */
function linkDerived(
  context: MethodContext,
  flat: ReadonlyMap<Service, Service>,
  twins: Twins,
  paired: ReadonlySet<Service>,
  methods: Map<Method, MethodLink>,
): ReadonlySet<Service> {
  const remaining = new Set<Service>();
  for (const { given: file, services } of twins.values()) {
    for (const [service, twin] of services) {
      if (paired.has(service)) continue;
      remaining.add(twin.derived);
      // Copies of inherited methods stand in the same order as their twins.
      const copies = flat.get(service)?.methods;
      twin.methods.forEach(({ given, derived }, i) => {
        const method = copies?.[i] ?? given;
        const link = file.wire === "thrift" ? linkTwins(context, method, derived) : linkTwins(context, derived, method);
        if (link) methods.set(method, link).set(derived, link);
      });
    }
  }
  return remaining;
}

/** A type's link with its given partner if it has one, else with its twin. */
function createMessageLink(
  schema: Schema,
  twins: Twins,
  apart: ReadonlyMap<MessageType, MessageLink>,
  linker: Linker,
): (type: MessageType) => MessageLink {
  const partners = new Map<MessageType, MessageType>();
  for (const { messages } of twins.values()) {
    for (const [given, derived] of messages) partners.set(given, derived).set(derived, given);
  }
  const namesake = (type: MessageType): MessageType | undefined => {
    const same = schema.messages.get(type.fullName);
    return same?.includes(type) ? same.find((other) => other.wire !== type.wire && !isMessageSet(other)) : undefined;
  };
  return (type) => {
    const known = apart.get(type);
    if (known) return known;
    const partner = namesake(type) ?? partners.get(type);
    if (!partner)
      throw new Error(`${type.fullName} has no partner on the other wire; only whole messages and structs have`);
    return type.wire === "thrift" ? linker.link(type, partner) : linker.link(partner, type);
  };
}

/** What an author declared is checked whether or not something uses it; what Protobuf brings along, only if it is used. */
function linkTypes({ files }: Schema, twins: Twins, messageLink: (type: MessageType) => MessageLink): void {
  for (const file of files) {
    if (file.importPath?.startsWith("google/protobuf/")) continue;
    const twin: Twin | undefined = twins.get(file);
    for (const type of file.messages) if (twin?.messages.has(type)) messageLink(type);
  }
}

function rebuild(
  file: SchemaFile,
  services: readonly Service[],
  rebuilt: ReadonlyMap<SchemaFile, SchemaFile>,
): SchemaFile {
  const renew = (imported: SchemaFile): SchemaFile => rebuilt.get(imported) ?? imported;
  const imports = file.imports.map(renew);
  return { ...file, imports, ...(file.publicImports && { publicImports: file.publicImports.map(renew) }), services };
}

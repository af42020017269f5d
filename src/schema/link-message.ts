// Links messages field by field, by number, and reports what has no partner or does not survive.
import type { Diagnostic, Position, Report } from "../base/diagnostic.ts";
import type { FieldLink, MessageLink, ValueLink } from "./link.ts";
import { isUsableDefault, linkPresence } from "./link-presence.ts";
import { isMismatch, linkValues } from "./link-value.ts";
import { type Field, fieldsOf, type MessageType, type Rules } from "./model.ts";
import { ONEOF_SUCCESS_NUMBER, SUCCESS_NUMBER } from "./result-numbers.ts";
import { ownRules, type RuleScopes } from "./rule-scope.ts";

/** Links pairs of messages, each pair once. */
export interface Linker {
  /** The link of a pair and, before this returns, of all pairs that it refers to. */
  link(thrift: MessageType, protobuf: MessageType): MessageLink;
}

export interface LinkerOptions {
  /** Whether the two were written apart: a derived type cannot have forgotten a field of the one it is derived from. */
  isApart(thrift: MessageType, protobuf: MessageType): boolean;
  /** What is said of the files and messages around a field. */
  readonly scopes: RuleScopes;
  /** Called for each new pair. */
  linked(link: MessageLink): void;
  readonly report: Report;
}

/** Fields are filled in after the link exists, because messages refer to themselves. */
type OpenLink = MessageLink & { readonly fields: FieldLink[]; readonly oneofs: FieldLink[][] };

/** An empty set of links. */
export function createLinker(options: LinkerOptions): Linker {
  const links = new Map<MessageType, Map<MessageType, OpenLink>>();
  const pending: OpenLink[] = [];

  /** Filling waits in a queue: chains of messages may be longer than the stack is deep. */
  function open(thrift: MessageType, protobuf: MessageType): MessageLink {
    const partners = links.get(thrift) ?? new Map<MessageType, OpenLink>();
    links.set(thrift, partners);
    const known = partners.get(protobuf);
    if (known) return known;
    const union =
      thrift.shape === "union" || (thrift.shape === "result" && thrift.fieldsById.has(0) && isOneof(protobuf));
    const link: OpenLink = { thrift, protobuf, fields: [], union, oneofs: [] };
    partners.set(protobuf, link);
    pending.push(link);
    options.linked(link);
    return link;
  }

  return {
    link(thrift, protobuf) {
      const link = open(thrift, protobuf);
      for (let next = pending.pop(); next; next = pending.pop()) fill(next, open, options);
      return link;
    },
  };
}

type Open = (thrift: MessageType, protobuf: MessageType) => MessageLink;

/** Where a pair's findings go. */
interface Findings {
  readonly apart: boolean;
  readonly scopes: RuleScopes;
  report(severity: Diagnostic["severity"], position: Position, message: string): void;
}

function fill(link: OpenLink, open: Open, options: LinkerOptions): void {
  const { thrift, protobuf } = link;
  const findings: Findings = {
    apart: options.isApart(thrift, protobuf),
    scopes: options.scopes,
    report: (severity, position, message) => options.report({ severity, position, message }),
  };
  const partners = pairFields(link, findings);
  const byId = [...partners].sort(([a], [b]) => a.id - b.id);
  for (const [thriftField, protoField] of byId) {
    const field = linkFields(link, thriftField, protoField, open, findings);
    if (field) link.fields.push(field);
  }
  const oneofs = new Map<string, FieldLink[]>();
  for (const field of link.fields) {
    const { oneof } = field.protobuf;
    if (oneof === undefined) continue;
    const members = oneofs.get(oneof) ?? [];
    oneofs.set(oneof, members);
    members.push(field);
  }
  link.oneofs.push(...oneofs.values());
  if (findings.apart) checkUnion(link, findings);
}

/** Which fields stand for each other. What is left over on either side is reported. */
function pairFields({ thrift, protobuf }: MessageLink, findings: Findings): ReadonlyMap<Field, Field> {
  const marked = new Map<number, Field>();
  for (const field of fieldsOf(protobuf)) if (field.rules.field !== undefined) marked.set(field.rules.field, field);
  const pairs = new Map<Field, Field>();
  const taken = new Map<Field, Field>();
  const isResult = thrift.shape === "result";
  // Exceptions stand in a Thrift result and travel apart from a Protobuf response, unless that is a oneof of all.
  const apart = isResult && !isOneof(protobuf);
  const success = isResult ? (apart ? SUCCESS_NUMBER : ONEOF_SUCCESS_NUMBER) : undefined;
  const fields = apart ? thrift.fields.filter(({ id }) => id === 0) : thrift.fields;
  for (const field of fields) {
    const partner = partnerOf(field, protobuf, marked, success);
    const before = partner && taken.get(partner);
    if (!partner) reportAlone(field, thrift, `message ${protobuf.fullName}`, findings);
    else if (before) {
      const message = `field "${field.name}" (${field.id}) and "${before.name}" (${before.id}) both stand for "${partner.name}" of ${protobuf.fullName}; give one of them another number with the rule field`;
      findings.report("error", field.position, message);
    } else {
      taken.set(partner, field);
      pairs.set(field, partner);
    }
  }
  for (const field of fieldsOf(protobuf))
    if (!taken.has(field)) reportAlone(field, protobuf, `${thrift.shape} ${thrift.fullName}`, findings);
  return pairs;
}

function partnerOf(
  { id, rules }: Field,
  protobuf: MessageType,
  marked: ReadonlyMap<number, Field>,
  success: number | undefined,
): Field | undefined {
  if (rules.field !== undefined) return protobuf.fieldsById.get(rules.field);
  const partner = marked.get(id) ?? protobuf.fieldsById.get(id === 0 ? (success ?? 0) : id);
  // One that is marked for another id is not this one's, whatever its number.
  return partner?.rules.field === undefined || partner.rules.field === id ? partner : undefined;
}

function reportAlone(field: Field, message: MessageType, other: string, { apart, scopes, report }: Findings): void {
  if (!apart) return;
  const what = `field "${field.name}" (${field.id}) has no partner in ${other}`;
  if (field.presence === "required") {
    report(
      "error",
      field.position,
      `${what}, and is required: no message from there could be valid; add it there or make it optional`,
    );
  } else if (!{ ...scopes.ofMessage(message).rules, ...ownRules(field, message) }.lossy) {
    report("lossy", field.position, `${what} and is dropped on the way there`);
  }
}

function linkFields(
  { thrift: struct, protobuf: message }: MessageLink,
  thrift: Field,
  protobuf: Field,
  open: Open,
  findings: Findings,
): FieldLink | undefined {
  const { report } = findings;
  const names =
    thrift.name === protobuf.name
      ? `field "${thrift.name}" (${thrift.id})`
      : `field "${thrift.name}" (${thrift.id}), in Protobuf "${protobuf.name}" (${protobuf.id}),`;
  const around = rulesAround(struct, message, findings);
  const own = { ...thrift.rules, ...ownRules(protobuf, message), ...thrift.overrides, ...protobuf.overrides };
  const rules: Rules = { ...around, ...own };
  const lossy = (reason: string): void => {
    if (!rules.lossy) report("lossy", thrift.position, `${names} ${reason}`);
  };
  const linkMessages = (a: MessageType, b: MessageType): ValueLink & { readonly kind: "message" } => ({
    kind: "message",
    link: open(a, b),
    delimited: false,
  });
  const value = linkValues({ rules, own, linkMessages, lossy }, thrift.type, protobuf.type);
  if (isMismatch(value)) {
    report("error", thrift.position, `${names} ${value.mismatch}${placeOf(thrift, protobuf)}`);
    return undefined;
  }
  if (
    thrift.presence === "optional" &&
    !isExclusive(struct, message) &&
    (value.kind === "list" || value.kind === "map")
  ) {
    lossy("is optional, and an empty one arrives as absent; the rule presence keeps the two apart");
  }
  if (findings.apart) checkDefaults(names, thrift, protobuf, findings);
  return { thrift, protobuf, value, ...linkPresence(isExclusive(struct, message), thrift, protobuf, value) };
}

/** What is said of the messages of a pair of fields and of all that they are in: the later of Thrift, Protobuf, config wins. */
function rulesAround(struct: MessageType, message: MessageType, { scopes }: Findings): Rules {
  const [thrift, protobuf] = [scopes.ofMessage(struct), scopes.ofMessage(message)];
  return { ...thrift.rules, ...protobuf.rules, ...thrift.overrides, ...protobuf.overrides };
}

/** Where the other half of a mismatch stands. */
function placeOf(thrift: Field, { position: { file, line } }: Field): string {
  return thrift.position.file === file ? "" : ` (declared at ${file}:${line})`;
}

/** A default that only one side knows changes what absent means to a reader. */
function checkDefaults(names: string, thrift: Field, protobuf: Field, { report }: Findings): void {
  const { defaultValue: own, position } = thrift;
  const other = protobuf.defaultValue;
  const warn = (message: string): void => report("warning", position, `${names} ${message}`);
  if (own && !isUsableDefault(own, thrift.type)) {
    warn("has a default that cannot be written for it: an absent one stays absent");
  } else if (own && !other && protobuf.presence === "optional" && protobuf.rules.default === undefined) {
    warn("has a default in Thrift only: where it is absent, Thrift reads the default and Protobuf reads zero");
  } else if (other && !own) {
    warn("has a default in Protobuf only: where it is absent, Protobuf reads the default and Thrift reads nothing");
  }
}

/** Whether a message is exactly one oneof and nothing else. */
function isOneof(message: MessageType): boolean {
  const fields = fieldsOf(message);
  const [first] = fields;
  return first?.oneof !== undefined && fields.every(({ oneof }) => oneof === first.oneof);
}

/** Whether at most one field of the struct is there: it is a union, or a result whose exceptions are in the message too. */
function isExclusive({ shape }: MessageType, message: MessageType): boolean {
  return shape === "union" || (shape === "result" && isOneof(message));
}

/** A Thrift union wants a message of exactly one oneof. */
function checkUnion({ thrift, protobuf, union }: MessageLink, { report }: Findings): void {
  if (union && !isOneof(protobuf)) {
    const message = `union "${thrift.name}" stands for ${protobuf.fullName}, which is not exactly one oneof: messages with two of its fields cannot be translated`;
    report("warning", thrift.position, message);
  }
}

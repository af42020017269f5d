// What is said of a file, service, method, message or oneof holds for everything inside that does not say otherwise.
import type { Field, MessageType, Rules, SchemaFile, Service } from "./model.ts";

/** The rules that hold for what is inside a thing; `overrides` are those of them that the config states. */
export interface RuleScope {
  readonly rules: Rules;
  readonly overrides: Rules;
}

/** Looks up what holds inside a thing; things of other files have an empty scope. */
export interface RuleScopes {
  /** For the fields of a message; of arguments and results by way of their method. */
  ofMessage(message: MessageType): RuleScope;
  /** For the methods of a service, or of a copy of it. */
  ofService(service: Pick<Service, "wire" | "fullName">): RuleScope;
}

/** The others say what one thing is. */
const INHERITED = ["bits", "exact", "lossy", "presence", "time", "uuidText", "unknownEnum", "unwrap"] as const;

const NOTHING: RuleScope = { rules: {}, overrides: {} };

/** The scopes of everything in these files. */
export function createRuleScopes(files: Iterable<SchemaFile>): RuleScopes {
  const messages = new Map<MessageType, RuleScope>();
  const services = new Map<string, RuleScope>();
  const keyOf = ({ wire, fullName }: Pick<Service, "wire" | "fullName">): string => `${wire} ${fullName}`;
  for (const file of files) {
    const around = within(NOTHING, file);
    // Outer messages come before inner ones.
    for (const message of file.messages) {
      const outer = message.parent && messages.get(message.parent);
      messages.set(message, forFields(within(outer ?? around, message), file));
    }
    for (const service of file.services) {
      const inside = within(around, service);
      services.set(keyOf(service), inside);
      for (const method of service.methods) {
        if (method.wire !== "thrift") continue;
        const scope = forFields(within(inside, method), file);
        if (method.request) messages.set(method.request, scope);
        if (method.response) messages.set(method.response, scope);
      }
    }
  }
  return {
    ofMessage: (message) => messages.get(message) ?? NOTHING,
    ofService: (service) => services.get(keyOf(service)) ?? NOTHING,
  };
}

interface Ruled {
  readonly rules: Rules;
  readonly overrides?: Rules;
}

function within(outer: RuleScope, { rules, overrides }: Ruled): RuleScope {
  return {
    rules: { ...outer.rules, ...inheritedOf(rules) },
    overrides: overrides ? { ...outer.overrides, ...inheritedOf(overrides) } : outer.overrides,
  };
}

/** In Thrift it is methods that are unwrapped by default, and no field's scalar becomes a message because of that. */
function forFields({ rules, overrides }: RuleScope, { wire }: SchemaFile): RuleScope {
  if (wire === "protobuf") return { rules, overrides };
  const { unwrap: _, ...others } = rules;
  const { unwrap: __, ...otherOverrides } = overrides;
  return { rules: others, overrides: otherOverrides };
}

function inheritedOf(rules: Rules): Rules {
  const inherited: Record<string, unknown> = {};
  for (const key of INHERITED) if (rules[key] !== undefined) inherited[key] = rules[key];
  return inherited;
}

/** What an author says of a field where it stands: of itself, else of the oneof that it is in. */
export function ownRules({ rules, oneof }: Field, { oneofs = [] }: MessageType): Rules {
  const around = oneof === undefined ? undefined : oneofs.find(({ name }) => name === oneof);
  return around ? { ...inheritedOf(around.rules), ...rules } : rules;
}

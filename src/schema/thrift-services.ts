// From a service as written to a service of the model: its base, its methods, and their arguments and results.
import type { Position } from "../base/diagnostic.ts";
import type { Field, MessageType, Method, Service } from "./model.ts";
import { declare, declareSynthetic, isIdempotent, readRules, warnUnreadInside } from "./thrift-declarations.ts";
import { type FieldContext, type OpenField, resolveFields } from "./thrift-fields.ts";
import { quote } from "./thrift-lexer.ts";
import { claimName, find, hintForUnknown, type ThriftScope } from "./thrift-scope.ts";
import type { FunctionNode, ServiceNode } from "./thrift-syntax.ts";

/** Longest chain of services that extend each other. */
const MAX_INHERITANCE = 64;

export interface ServiceContext extends FieldContext {
  readonly scope: ThriftScope;
  /** The line of the service of this file that has this name, which is still to come when it cannot be found. */
  lineOf(service: string): number | undefined;
  /** `name` behind the package. */
  fullName(name: string): string;
}

/** The service that `node` declares; what is wrong with it has been reported. */
export function resolveService(node: ServiceNode, context: ServiceContext): Service {
  const { report } = context;
  const base = node.extends && resolveBase(node.extends, context);
  const names = new Map<string, Position>();
  const methods: Method[] = [];
  for (const each of node.functions) {
    const owner = ownerOf(base, each.name);
    const method = resolveMethod(each, node.name, context);
    if (owner) {
      const message = `the function ${quote(each.name)} is inherited from ${owner.fullName} and cannot be overridden; rename it`;
      report({ severity: "error", position: each.position, message });
    } else if (claimName(names, each.name, each.position, "the function", report)) methods.push(method);
  }
  return { ...declare(node, report), wire: "thrift", fullName: context.fullName(node.name), base, methods };
}

const METHOD_NAMES = new WeakMap<Service, ReadonlySet<string>>();

/** The service among `service` and its bases that has this method. */
function ownerOf(service: Service | undefined, method: string): Service | undefined {
  for (let each = service; each; each = each.base) {
    const names = METHOD_NAMES.get(each) ?? new Set(each.methods.map(({ name }) => name));
    METHOD_NAMES.set(each, names);
    if (names.has(method)) return each;
  }
  return undefined;
}

function resolveBase(
  { name, position }: { name: string; position: Position },
  context: ServiceContext,
): Service | undefined {
  const { scope, report } = context;
  const base = find(scope, "services", name);
  if (base) {
    if (inheritance(base) < MAX_INHERITANCE) return base;
    const message = `services extend each other more than ${MAX_INHERITANCE} levels deep; extend one further up`;
    report({ severity: "error", position, message });
    return undefined;
  }
  const line = context.lineOf(name);
  const hint =
    line === undefined
      ? `there is no service ${quote(name)} to extend${hintForUnknown(scope, "services", name)}`
      : `the service ${quote(name)} is declared in line ${line}, not above this one; move its declaration up`;
  report({
    severity: "error",
    position,
    message: find(scope, "types", name) ? `${quote(name)} is a type and no service` : hint,
  });
  return undefined;
}

function inheritance(service: Service): number {
  let levels = 1;
  for (let each = service.base; each; each = each.base) levels += 1;
  return levels;
}

function resolveMethod(node: FunctionNode, service: string, context: ServiceContext): Method {
  const { report } = context;
  const parameters = resolveFields(node.arguments, "arguments", context);
  const throws = resolveThrows(node, context);
  if (node.oneway && node.result) {
    const message = `nobody receives the result of the oneway function ${quote(node.name)}; make it void`;
    report({ severity: "warning", position: node.result.position, message });
  }
  if (node.oneway && node.throws[0]) {
    const message = `nobody receives the exceptions of the oneway function ${quote(node.name)}; leave "throws" out`;
    report({ severity: "error", position: node.throws[0].position, message });
  }
  const success = resolveSuccess(node, context);
  const results = node.oneway ? [] : success ? [success, ...throws] : throws;
  const name = `${service}_${node.name}`;
  return {
    ...declare(node, report),
    wire: "thrift",
    service: context.fullName(service),
    request: syntheticMessage(`${name}_args`, "arguments", parameters, node, context),
    response: syntheticMessage(`${name}_result`, "result", results, node, context),
    throws: node.oneway ? [] : throws,
    oneway: node.oneway,
    streaming: "none",
    idempotent: isIdempotent(node),
  };
}

function resolveSuccess(node: FunctionNode, context: ServiceContext): Field | undefined {
  if (!node.result) return undefined;
  const { annotations, position } = node.result;
  warnUnreadInside(node.result, context.report);
  const rules = readRules(annotations, position, context.report);
  const type = context.resolveType(node.result);
  if (!type) return undefined;
  const declared = declareSynthetic("success", position, rules);
  return { ...declared, id: 0, type, presence: "required", defaultValue: undefined, oneof: undefined };
}

function resolveThrows(node: FunctionNode, context: ServiceContext): readonly OpenField[] {
  const fields = resolveFields(node.throws, "throws", context);
  for (const { name, id, type, position } of fields) {
    const fail = (message: string): void => context.report({ severity: "error", position, message });
    if (type.kind !== "message" || type.type.shape !== "exception") {
      fail(`only exceptions can be thrown, and the type of ${quote(name)} is none; declare it with "exception"`);
    } else if (id === 0) fail(`the id 0 belongs to the result of the function; give ${quote(name)} a positive id`);
    else if (name === "success" && node.result)
      fail('the name "success" belongs to the result of the function; rename the field');
  }
  return fields;
}

function syntheticMessage(
  name: string,
  shape: "arguments" | "result",
  fields: readonly Field[],
  { position }: FunctionNode,
  { fullName }: ServiceContext,
): MessageType {
  return {
    ...declareSynthetic(name, position),
    wire: "thrift",
    fullName: fullName(name),
    shape,
    fields,
    fieldsById: new Map(fields.map((field) => [field.id, field])),
    parent: undefined,
  };
}

// From a type as written to a type of the model: names looked up, typedefs resolved, sizes bounded.
import type { Report } from "../base/diagnostic.ts";
import type { FieldType } from "./model.ts";
import { warnUnread, warnUnreadRules } from "./thrift-declarations.ts";
import { quote } from "./thrift-lexer.ts";
import { MAX_NESTING } from "./thrift-parts.ts";
import { find, hintForUnknown, type SizedType, type ThriftScope } from "./thrift-scope.ts";
import type { TypedefNode, TypeNode } from "./thrift-syntax.ts";

/** Typedefs of maps of typedefs grow without bound when written out in full. */
const MAX_TYPE_SIZE = 1024;

/** The type that `node` means; undefined when it is wrong, which has been reported. */
export type ResolveType = (node: TypeNode) => FieldType | undefined;

interface FileTypes {
  readonly scope: ThriftScope;
  /** The scope's own types, to which the typedefs are added under their names. */
  readonly types: Map<string, SizedType>;
  readonly typedefs: readonly TypedefNode[];
  /** The names of the file's services, which are no types. */
  readonly services: { has(name: string): boolean };
  readonly report: Report;
}

/** Resolves the typedefs of a file, all of them before this returns, and then what it is asked for. */
export function createTypeResolver({ scope, types, typedefs, services, report }: FileTypes): ResolveType {
  const pending = new Map(typedefs.map((node) => [node.name, node]));
  const broken = new Set<string>();
  const open: TypedefNode[] = [];
  let depth = 0;

  /** Resolves a typedef of this file. One that is wrong is reported once, and quietly undefined after. */
  function resolveTypedef(node: TypedefNode): SizedType | undefined {
    pending.delete(node.name);
    open.push(node);
    const target = resolve(node.type);
    open.pop();
    const sized = target && bound({ ...target, levels: target.levels + 1 }, node);
    if (sized) types.set(node.name, sized);
    else broken.add(node.name);
    return sized;
  }

  /** Every level of the recursion is one of the type's, so their bound is that of the stack too. */
  function resolve(node: TypeNode): SizedType | undefined {
    depth += 1;
    const sized = depth > MAX_NESTING ? failNesting(node) : resolveKind(node);
    depth -= 1;
    return sized;
  }

  function resolveKind(node: TypeNode): SizedType | undefined {
    if (node.kind === "scalar") return scalar(node.name);
    if (node.kind === "name") return resolveName(node.name, node);
    if (node.kind === "map") {
      const key = resolve(node.key);
      const value = resolve(node.value);
      return key && value && bound(mapOf(key, value), node);
    }
    const element = resolve(node.element);
    if (!element) return undefined;
    const { type, levels, size } = element;
    const container: FieldType =
      node.kind === "list" ? { kind: "list", element: type, packed: false } : { kind: "set", element: type };
    return bound({ type: container, levels: levels + 1, size: size + 1 }, node);
  }

  function resolveName(name: string, node: TypeNode): SizedType | undefined {
    const fail = (message: string): undefined => {
      report({ severity: "error", position: node.position, message });
      return undefined;
    };
    const found = find(scope, "types", name);
    if (found) return found;
    const typedef = pending.get(name);
    if (typedef) return resolveTypedef(typedef);
    if (open.some((each) => each.name === name)) {
      return fail(`the typedef ${quote(name)} refers to itself; only structs, unions and exceptions can be recursive`);
    }
    if (broken.has(name)) return undefined;
    if (name === "uuid") return scalar("uuid");
    if (services.has(name) || find(scope, "services", name)) {
      return fail(`${quote(name)} is a service and cannot be the type of a value`);
    }
    return fail(`there is no type ${quote(name)}${hintForForeign(name) ?? hintForUnknown(scope, "types", name)}`);
  }

  function bound(sized: SizedType, node: TypeNode | TypedefNode): SizedType | undefined {
    if (sized.levels > MAX_NESTING) return failNesting(node);
    if (sized.size <= MAX_TYPE_SIZE) return sized;
    const message = `with its typedefs written out this type has more than ${MAX_TYPE_SIZE} parts; put a struct in between`;
    report({ severity: "error", position: node.position, message });
    return undefined;
  }

  function failNesting({ position }: TypeNode | TypedefNode): undefined {
    const message = `with its typedefs this type nests more than ${MAX_NESTING} levels deep; put a struct in between`;
    report({ severity: "error", position, message });
    return undefined;
  }

  for (const node of typedefs) {
    warnUnread(node.annotations, report);
    warnUnreadRules(node.type, report);
    if (pending.get(node.name) === node) resolveTypedef(node);
  }
  return (node) => resolve(node)?.type;
}

function scalar(name: "uuid" | (TypeNode & { kind: "scalar" })["name"]): SizedType {
  return { type: { kind: "scalar", name }, levels: 1, size: 1 };
}

function mapOf(key: SizedType, value: SizedType): SizedType {
  return {
    type: { kind: "map", key: key.type, value: value.type },
    levels: Math.max(key.levels, value.levels) + 1,
    size: key.size + value.size + 1,
  };
}

function hintForForeign(name: string): string | undefined {
  if (name === "slist") return "; slist is no longer part of Thrift, use string";
  if (name === "float") return "; Thrift has double only";
  return undefined;
}

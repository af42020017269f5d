// From a list of fields as written to fields of the model: ids as the official compiler counts them, presence, types.
import type { Position, Report } from "../base/diagnostic.ts";
import type { Constant, Field, Presence } from "./model.ts";
import { declare, warnUnreadInside } from "./thrift-declarations.ts";
import { quote } from "./thrift-lexer.ts";
import { claimName } from "./thrift-scope.ts";
import type { ConstantNode, FieldNode } from "./thrift-syntax.ts";
import type { ResolveType } from "./thrift-types.ts";

/** Beyond it, and below the negative of it, the official libraries disagree on how an id is written. */
const MAX_FIELD_ID = 32_767;
const MIN_FIELD_ID = -32_768;

/** A field whose default is filled in when the constants before it have been read. */
export type OpenField = Omit<Field, "defaultValue"> & { defaultValue: Constant | undefined };

/** Where a list of fields stands, which decides their presence. */
export type FieldOwner = "struct" | "union" | "exception" | "arguments" | "throws";

export interface FieldContext {
  readonly resolveType: ResolveType;
  readonly allowNegativeKeys: boolean;
  /** Called for every field without an id. */
  countImplicitId(position: Position): void;
  /** Called for every field with a default that is to be read. */
  addDefault(field: OpenField, value: ConstantNode): void;
  readonly report: Report;
}

/** The fields of one list, those left out that are wrong, which has been reported. */
export function resolveFields(
  nodes: readonly FieldNode[],
  owner: FieldOwner,
  context: FieldContext,
): readonly OpenField[] {
  const { report } = context;
  const fields: OpenField[] = [];
  const names = new Map<string, Position>();
  const ids = new Map<number, FieldNode>();
  const nextId = countIds(context);
  for (const node of nodes) {
    warnUnreadInside(node.type, report);
    const id = nextId(node);
    const type = context.resolveType(node.type);
    const free = claimName(names, node.name, node.position, "the field", report);
    if (id === undefined || !claimId(ids, id, node, report) || !type || !free) continue;
    const presence = presenceOf(node, owner, report);
    const field = {
      ...declare(node, report, node.type),
      id,
      type,
      presence,
      defaultValue: undefined,
      oneof: undefined,
    };
    if (node.defaultValue) context.addDefault(field, node.defaultValue);
    fields.push(field);
  }
  if (owner === "union") checkUnionDefaults(nodes, report);
  return fields;
}

/** Ids as the official compiler gives them: -1, -2, … to fields without one and to those whose id it discards. */
function countIds({
  allowNegativeKeys,
  countImplicitId,
  report,
}: FieldContext): (node: FieldNode) => number | undefined {
  let implicit = -1;
  return (node) => {
    const { id } = node;
    const position = id?.position ?? node.position;
    let number = id?.value;
    if (number === undefined) {
      countImplicitId(position);
      number = BigInt(implicit--);
    } else if (number <= 0n && allowNegativeKeys) {
      implicit = Math.max(Number(number), MIN_FIELD_ID) - 1;
    } else if (number <= 0n) {
      const message =
        `the Thrift compiler discards the field id ${number} and gives ${quote(node.name)} the id ${implicit}; ` +
        "write a positive id, or set allow_neg_keys if the peers were compiled with --allow-neg-keys";
      report({ severity: "warning", position, message });
      number = BigInt(implicit--);
    }
    if (number >= BigInt(MIN_FIELD_ID) && number <= BigInt(MAX_FIELD_ID)) return Number(number);
    report({
      severity: "error",
      position,
      message: `the field id ${number} is out of range; expected 1 to ${MAX_FIELD_ID}`,
    });
    return undefined;
  };
}

function claimId(ids: Map<number, FieldNode>, id: number, node: FieldNode, report: Report): boolean {
  const before = ids.get(id);
  if (!before) ids.set(id, node);
  else {
    const message = `the field id ${id} already belongs to ${quote(before.name)} in line ${before.position.line}; choose another`;
    report({ severity: "error", position: node.id?.position ?? node.position, message });
  }
  return !before;
}

function presenceOf({ requiredness, name, position }: FieldNode, owner: FieldOwner, report: Report): Presence {
  const ignored = (why: string): void =>
    report({
      severity: "warning",
      position,
      message: `"${requiredness}" on ${quote(name)} is ignored: ${why}; leave it out`,
    });
  if (owner === "union") {
    if (requiredness === "required") ignored("the members of a union are optional");
    return "optional";
  }
  if (owner === "throws") return "optional";
  if (owner === "arguments" && requiredness === "optional") {
    ignored("arguments are always sent");
    return "default";
  }
  return requiredness;
}

function checkUnionDefaults(nodes: readonly FieldNode[], report: Report): void {
  const [first, second] = nodes.filter((node) => node.defaultValue);
  if (!first || !second) return;
  const message = `a union can have one default, and ${quote(first.name)} in line ${first.position.line} has it; leave this one out`;
  report({ severity: "error", position: second.position, message });
}

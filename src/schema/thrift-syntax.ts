// The syntax tree of a Thrift IDL file: what is written, with names unresolved and nothing checked against anything else.
import type { Position } from "../base/diagnostic.ts";
import type { ThriftScalar } from "./model.ts";

/** `key = "value"` inside parentheses; a key alone has the value "1". */
export interface AnnotationNode {
  readonly key: string;
  readonly value: string;
  readonly position: Position;
}

/** What all declarations have; the position is that of the name. */
export interface NamedNode {
  readonly name: string;
  readonly position: Position;
  readonly doc: string | undefined;
  readonly annotations: readonly AnnotationNode[];
}

interface TypeBase {
  readonly position: Position;
  readonly annotations: readonly AnnotationNode[];
}

export type TypeNode = TypeBase &
  (
    | { readonly kind: "scalar"; readonly name: ThriftScalar }
    /** A declared type. `uuid` is one too: it is a keyword of new compilers and a free name in old ones. */
    | { readonly kind: "name"; readonly name: string }
    | { readonly kind: "list" | "set"; readonly element: TypeNode }
    | { readonly kind: "map"; readonly key: TypeNode; readonly value: TypeNode }
  );

/** `true` and `false` are the integers 1 and 0, as in the official grammar. */
export type LiteralNode =
  | { readonly kind: "int"; readonly value: bigint; readonly position: Position }
  | { readonly kind: "double"; readonly value: number; readonly position: Position }
  | { readonly kind: "string"; readonly value: string; readonly position: Position }
  | { readonly kind: "list"; readonly values: readonly ConstantNode[]; readonly position: Position }
  | {
      readonly kind: "map";
      readonly entries: readonly (readonly [key: ConstantNode, value: ConstantNode])[];
      readonly position: Position;
    };

export type ConstantNode = LiteralNode | { readonly kind: "name"; readonly name: string; readonly position: Position };

export interface FieldNode extends NamedNode {
  readonly id: { readonly value: bigint; readonly position: Position } | undefined;
  readonly requiredness: "required" | "optional" | "default";
  readonly type: TypeNode;
  readonly defaultValue: ConstantNode | undefined;
}

export interface TypedefNode extends NamedNode {
  readonly kind: "typedef";
  readonly type: TypeNode;
}

export interface ConstNode extends NamedNode {
  readonly kind: "const";
  readonly type: TypeNode;
  readonly value: ConstantNode;
}

export interface EnumValueNode extends NamedNode {
  readonly number: { readonly value: bigint; readonly position: Position } | undefined;
}

export interface EnumNode extends NamedNode {
  readonly kind: "enum";
  readonly values: readonly EnumValueNode[];
}

export interface StructNode extends NamedNode {
  readonly kind: "struct";
  readonly shape: "struct" | "union" | "exception";
  readonly fields: readonly FieldNode[];
}

export interface FunctionNode extends NamedNode {
  readonly oneway: boolean;
  /** Undefined: void. */
  readonly result: TypeNode | undefined;
  readonly arguments: readonly FieldNode[];
  readonly throws: readonly FieldNode[];
}

export interface ServiceNode extends NamedNode {
  readonly kind: "service";
  readonly extends: { readonly name: string; readonly position: Position } | undefined;
  readonly functions: readonly FunctionNode[];
}

export type DefinitionNode = TypedefNode | ConstNode | EnumNode | StructNode | ServiceNode;

export interface IncludeNode {
  /** As written between the quotes. */
  readonly path: string;
  readonly position: Position;
}

export interface NamespaceNode {
  /** `java`, `go`, … or `*`. */
  readonly scope: string;
  readonly name: string;
  readonly annotations: readonly AnnotationNode[];
  readonly position: Position;
}

/** One .thrift file as parsed. */
export interface ThriftDocument {
  readonly path: string;
  /** The doc comment before the first header that has one. */
  readonly doc: string | undefined;
  /** In the order of the file; `cpp_include` is not one. */
  readonly includes: readonly IncludeNode[];
  readonly namespaces: readonly NamespaceNode[];
  readonly definitions: readonly DefinitionNode[];
}

// Names that the other language takes: reserved words, cases, and scopes in which a name is given once.

/**
 * What the Thrift 0.17 compiler refuses as the name of a type, field, enum value or method: its keywords, and the words
 * that it keeps free for the languages it generates.
 */
const THRIFT_RESERVED: ReadonlySet<string> = new Set(
  `BEGIN END __CLASS__ __DIR__ __FILE__ __FUNCTION__ __LINE__ __METHOD__ __NAMESPACE__ abstract alias and args as assert
  async begin binary bool break byte case catch class clone const continue cpp_include cpp_namespace cpp_type declare def
  default del delete delphi_namespace do double dynamic elif else elseif elsif end enddeclare endfor endforeach endif
  endswitch endwhile ensure enum except exception exec extends false finally float for foreach from function global goto
  i16 i32 i64 i8 if implements import in include inline instanceof interface is java_package lambda list map module
  namespace native new next nil not oneway optional or package pass perl_package php_namespace print private protected
  public py_module raise redo register required rescue retry return ruby_namespace self senum service set sizeof slist
  smalltalk_category smalltalk_prefix static string struct super switch synchronized then this throw throws transient
  true try typedef undef union unless unsigned until use uuid var virtual void volatile when while with xor xsd_all
  xsd_attrs xsd_namespace xsd_nillable xsd_optional yield`.split(/\s+/),
);

/** Gives each name once. */
export interface NameScope<T = unknown> {
  /** `name`, or it with `_` at its end as often as it takes to be new here; `holder` is what has it from now on. */
  claim(name: string, holder?: T): string;
  /** What has a name; undefined when nothing has, or nothing was named. */
  holderOf(name: string): T | undefined;
}

/** An empty scope; names with the same `keyOf` count as the same. */
export function createNameScope<T = unknown>(keyOf: (name: string) => string = (name) => name): NameScope<T> {
  const taken = new Map<string, T | undefined>();
  return {
    claim(name, holder) {
      let free = name;
      while (taken.has(keyOf(free))) free += "_";
      taken.set(keyOf(free), holder);
      return free;
    },
    holderOf: (name) => taken.get(keyOf(name)),
  };
}

/** A name that Thrift takes: `_` is put behind a reserved word. */
export function thriftName(name: string): string {
  return THRIFT_RESERVED.has(name) ? `${name}_` : name;
}

/** A file's base name as an identifier: `shop_api` of `shop-api`. */
export function identifierOf(text: string): string {
  const name = text.replace(/[^A-Za-z0-9_]/g, "_");
  return /^[A-Za-z_]/.test(name) ? name : `_${name}`;
}

/** `HTTP_STATUS` of `HTTPStatus`. */
export function upperSnakeOf(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/([A-Z])([A-Z][a-z])/g, "$1_$2")
    .toUpperCase();
}

/** `MoreNumbers` of `moreNumbers` and `more_numbers`. */
export function pascalOf(name: string): string {
  return name.replace(/(?:^|_+)(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** Names with the same key clash in Protobuf's JSON mapping: protoc compares them without case and underscores. */
export function jsonKeyOf(name: string): string {
  return name.replaceAll("_", "").toLowerCase();
}

// What every client program does, by the names it reports. The method stands before the colon.

/** A client of one library. */
export type Client = "go-thrift" | "java-thrift" | "php-thrift" | "go-grpc";

export interface Case {
  readonly name: string;
  /** The clients that have the case; all when undefined. */
  readonly only?: readonly Client[];
  /** Why two right clients may send different bytes; undefined when they must not. */
  readonly differs?: string;
}

const HASHED = "maps are in no order";
const DEFAULTS = "libraries differ in whether an optional field that has its default is set";

/** In the order in which they are reported. */
export const CASES: readonly Case[] = [
  { name: "echoBool: true" },
  { name: "echoBool: false" },
  { name: "echoByte: least" },
  { name: "echoByte: most" },
  { name: "echoI16: least" },
  { name: "echoI16: most" },
  { name: "echoI32: least" },
  { name: "echoI32: most" },
  { name: "echoI32: zero" },
  { name: "echoI64: least" },
  { name: "echoI64: most" },
  { name: "echoI64: beyond 2^53" },
  { name: "echoDouble: pi" },
  { name: "echoDouble: negative zero" },
  { name: "echoDouble: least above zero" },
  { name: "echoDouble: infinity" },
  { name: "echoDouble: NaN with a payload", only: ["go-thrift", "php-thrift", "go-grpc"] },
  { name: "echoDouble: NaN", only: ["java-thrift"] },
  { name: "echoString: empty" },
  { name: "echoString: many scripts" },
  { name: "echoString: 100000 letters" },
  { name: "echoBinary: empty" },
  { name: "echoBinary: every byte" },
  { name: "echoColor: named" },
  // Java's generated enums cannot hold a number without a name.
  { name: "echoColor: unnamed", only: ["go-thrift", "php-thrift", "go-grpc"] },
  { name: "echoSize: zero" },
  { name: "echoSize: negative" },
  { name: "echoSize: largest" },
  { name: "echoScalars: all set" },
  { name: "echoScalars: all zero" },
  { name: "echoPresence: optional fields absent", differs: DEFAULTS },
  { name: "echoPresence: all set" },
  { name: "echoPresence: optional fields zero" },
  { name: "echoNested: three levels" },
  { name: "echoTree: 20 deep" },
  { name: "echoNothing: no field" },
  { name: "echoLists: of every type" },
  { name: "echoLists: empty" },
  { name: "echoSets: of every type" },
  { name: "echoSets: empty" },
  { name: "echoMaps: one entry each" },
  { name: "echoMaps: several entries", differs: HASHED },
  { name: "echoMaps: empty" },
  // PHP's arrays cannot have a struct as key.
  { name: "echoKeyed: structs as keys", only: ["go-thrift", "java-thrift", "go-grpc"], differs: HASHED },
  { name: "echoList: 1000 numbers" },
  { name: "echoSet: two strings" },
  { name: "echoMap: structs" },
  { name: "echoGrid: an empty row" },
  { name: "echoChoice: bool" },
  { name: "echoChoice: i64" },
  { name: "echoChoice: string" },
  { name: "echoChoice: enum" },
  { name: "echoChoice: struct" },
  { name: "echoChoice: list" },
  { name: "echoChoice: itself" },
  { name: "echoChoices: several" },
  { name: "ping: inherited and void" },
  { name: "who: inherited" },
  { name: "nothing: void" },
  { name: "sum: several arguments" },
  { name: "fail: not at all" },
  { name: "fail: NotFound" },
  { name: "fail: Refused" },
  { name: "fail: Plain" },
  { name: "fail: undeclared" },
  { name: "check: void that returns" },
  { name: "check: void that throws" },
  { name: "note: oneway", differs: "the text is another one each time" },
  { name: "absent: unknown method", differs: "a sidecar does not forward what the IDL lacks" },
];

export function methodOf(name: string): string {
  return name.slice(0, name.indexOf(":"));
}

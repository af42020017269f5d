// Which wires each language's official library has in common with the sidecar, and which routes between them are taken.

export const LANGUAGES = ["go", "java", "node", "php", "python"] as const;
export type Language = (typeof LANGUAGES)[number];

/** What a connection speaks. */
export interface Wire {
  readonly transport: "framed" | "buffered" | "theader" | "theader-zlib" | "http";
  readonly protocol: "binary" | "compact" | "json";
  /** Whether calls are of `Service:method`. */
  readonly naming: "plain" | "multiplexed";
}

/** What a server speaks: FastCGI is what PHP-FPM has. */
export interface ServerWire extends Omit<Wire, "transport"> {
  readonly transport: Wire["transport"] | "fastcgi";
}

export const wireName = ({ transport, protocol, naming }: ServerWire): string => `${transport}/${protocol}/${naming}`;

const wire = <Transport extends ServerWire["transport"]>(
  transport: Transport,
  protocol: Wire["protocol"],
  naming: Wire["naming"] = "plain",
) => ({ transport, protocol, naming });

const SOCKETS = [
  wire("framed", "binary"),
  wire("framed", "compact", "multiplexed"),
  wire("buffered", "binary", "multiplexed"),
  wire("buffered", "compact"),
];
const HEADERS = [
  wire("theader", "binary", "multiplexed"),
  wire("theader", "compact"),
  wire("theader-zlib", "binary"),
  wire("theader-zlib", "compact"),
];
const PAGES = [wire("http", "binary"), wire("http", "compact", "multiplexed")];
const JSON_PAGE = wire("http", "json");

/** What each is as a client. Java, Node and PHP have no THeader, or none that is whole. */
export const CLIENT_WIRES: Readonly<Record<Language, readonly Wire[]>> = {
  go: [...SOCKETS, ...HEADERS, ...PAGES, JSON_PAGE],
  java: [...SOCKETS, ...PAGES, JSON_PAGE],
  node: [...SOCKETS, ...PAGES, JSON_PAGE],
  php: [...SOCKETS, ...PAGES, JSON_PAGE],
  python: [...SOCKETS, ...HEADERS, ...PAGES, JSON_PAGE],
};

/** What each is as a server. PHP's multiplexed processor lacks a class in Debian's package. */
export const SERVER_WIRES: Readonly<Record<Language, readonly ServerWire[]>> = {
  go: [...SOCKETS, ...HEADERS, ...PAGES],
  java: [...SOCKETS, ...PAGES],
  node: [...SOCKETS, ...PAGES],
  php: [
    wire("http", "binary"),
    wire("framed", "binary"),
    wire("http", "compact"),
    wire("buffered", "compact"),
    wire("fastcgi", "binary"),
    wire("framed", "compact"),
    wire("buffered", "binary"),
  ],
  python: [...SOCKETS, ...HEADERS, ...PAGES],
};

/** A client's call to a server: through one sidecar, or as gRPC from one to another. */
export interface Cell {
  readonly client: Language;
  readonly clientWire: Wire;
  readonly server: Language;
  readonly serverWire: ServerWire;
  readonly path: "direct" | "by gRPC";
}

export const cellName = ({ client, clientWire, server, serverWire, path }: Cell): string =>
  `${client} ${wireName(clientWire)} to ${server} ${wireName(serverWire)}, ${path}`;

/**
 * The routes: every wire of every client to a server of every language, where the wires of the servers take turns; the same wire on
 * both sides where both have it; and from every client to every server by gRPC, over two wires on either side.
 */
export function cells(): readonly Cell[] {
  const all = new Map<string, Cell>();
  const add = (cell: Cell) => all.set(cellName(cell), cell);
  for (const [c, client] of LANGUAGES.entries()) {
    for (const [s, server] of LANGUAGES.entries()) {
      const [from, to] = [CLIENT_WIRES[client], SERVER_WIRES[server]];
      for (const [i, clientWire] of from.entries()) {
        add({ client, clientWire, server, serverWire: turn(to, i + c + 1), path: "direct" });
        const same = to.find((candidate) => wireName(candidate) === wireName(clientWire));
        if (same) add({ client, clientWire, server, serverWire: same, path: "direct" });
      }
      for (const i of [0, 1]) {
        const clientWire = turn(from, s + 3 * i);
        add({ client, clientWire, server, serverWire: turn(to, c + 3 * i), path: "by gRPC" });
      }
    }
  }
  return [...all.values()];
}

function turn<T>(items: readonly T[], i: number): T {
  return items[i % items.length]!;
}

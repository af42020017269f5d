import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { type Diagnostic, formatDiagnostic } from "../../../src/base/diagnostic.ts";
import { loadConfig, parseConfig } from "../../../src/config.ts";
import { upstreamPolicies } from "../../../src/governance/upstream-policies.ts";

function parse(text: string, file = "etc/causeway.yaml") {
  const found: Diagnostic[] = [];
  const parsed = parseConfig(text, file, (diagnostic) => found.push(diagnostic));
  return { parsed, faults: found.map(formatDiagnostic) };
}

const bounds = {
  side: "caller",
  maxConnections: 10_000,
  maxCallsPerConnection: 1_000,
  maxRequestBytesPerConnection: 256 * 1024 * 1024,
  maxReplyBytesPerConnection: 256 * 1024 * 1024,
  grpc: { keepaliveTimeMs: 7_200_000, keepaliveTimeoutMs: 20_000, permitKeepaliveTimeMs: 10_000 },
};
const tcp = (host: string, port: number) => ({ kind: "tcp", host, port });
const discovery = {
  waitMs: 5_000,
  dns: { minTtlMs: 1_000, maxTtlMs: 30_000 },
  cache: { idleMs: 600_000, emptyGraceMs: 30_000 },
};
const policies = z.object(upstreamPolicies).parse({});

test("an empty config has every default, and listens on loopback only", () => {
  const { parsed, faults } = parse("");
  expect(faults).toEqual([]);
  expect(parsed?.value).toEqual({
    schema: { files: [], include: [], links: [], strict: false, allowNegativeKeys: false, rules: {}, packages: {} },
    reload: { breaking: "refuse", everyMs: 1_000 },
    registration: { maxInstances: 100, unhealthyAfter: 3, healthyAfter: 2 },
    listeners: [
      { kind: "local", address: tcp("127.0.0.1", 7420), ...bounds },
      { kind: "http", address: tcp("127.0.0.1", 7421), maxConnections: 10_000, allowedOrigins: [], allowedHosts: [] },
      { kind: "admin", address: tcp("127.0.0.1", 7422), allowedOrigins: [], allowedHosts: [] },
    ],
    upstreams: {},
    discovery,
    limits: { maxBytes: 16_384_000, maxDepth: 64, maxElements: 1_000_000 },
    accessLog: { sample: 0.01, slowMs: 1_000 },
    metrics: { bucketsMs: [0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000] },
    routes: [],
    faults: [],
    reflection: true,
    health: true,
    drainMs: 10_000,
  });
});

test("a full config is read as it is written, paths relative to the config file", () => {
  const { parsed, faults } = parse(`
schema:
  include: [idl]
  files: [idl/inventory.thrift, /abs/orders.proto]
  links: [{ thrift: shop.Inventory, protobuf: shop.v1.InventoryService }]
  strict: true
  allowNegativeKeys: true
  rules: { shop.v1.Order.total: { bits: true, field: 7 }, shop.Inventory: { unwrap: "true" } }
  packages: { idl/inventory.thrift: shop, /abs/old.thrift: shop.old }
listeners:
  - { address: "[::1]:0", kind: http, allowedOrigins: ["https://shop.example"], allowedHosts: [sidecar] }
  - { address: "0.0.0.0:7420", kind: local, defaultService: shop.Inventory }
  - { address: "unix:/run/causeway.sock", kind: local }
  - { address: "[::1]:0", kind: admin }
upstreams:
  inventory: { protocol: thrift-framed, endpoints: [{ address: "127.0.0.1:9090", weight: 3, labels: { zone: a }, priority: 1 }], services: [shop.Inventory], timeoutMs: 1000 }
  orders: { protocol: grpc, endpoints: ["unix:/run/o", "o:50051"], opaqueServices: [shop.v1.Orders] }
  stock: { protocol: grpc, discovery: directory, services: [shop.Stock] }
  mail: { protocol: grpc, discovery: { dns: { type: SRV, name: _mail._tcp.internal } }, services: [shop.Mail] }
discovery: { directory: { path: registry }, snapshot: /var/lib/causeway/endpoints.json, cache: { emptyGraceMs: 0 }, dns: { servers: [10.0.0.53, "[fd00::53]:5353"], maxTtlMs: 5000 } }
limits: { maxMessageBytes: 4096, maxDepth: 10, maxElements: 20 }
accessLog: all
metrics: { bucketsMs: [1, 10] }
reflection: false
health: false
drainMs: 0
reload: { breaking: allow, everyMs: 500 }
registration: { maxInstances: 3, unhealthyAfter: 1, healthyAfter: 1 }
name: shop-web
`);
  expect(faults).toEqual([]);
  expect(parsed?.value).toEqual({
    schema: {
      include: ["etc/idl"],
      files: ["etc/idl/inventory.thrift", "/abs/orders.proto"],
      links: [{ thrift: "shop.Inventory", protobuf: "shop.v1.InventoryService" }],
      strict: true,
      allowNegativeKeys: true,
      rules: { "shop.v1.Order.total": { bits: true, field: 7 }, "shop.Inventory": { unwrap: true } },
      packages: { "etc/idl/inventory.thrift": "shop", "/abs/old.thrift": "shop.old" },
    },
    reload: { breaking: "allow", everyMs: 500 },
    registration: { maxInstances: 3, unhealthyAfter: 1, healthyAfter: 1 },
    listeners: [
      {
        kind: "http",
        address: tcp("::1", 0),
        maxConnections: 10_000,
        allowedOrigins: ["https://shop.example"],
        allowedHosts: ["sidecar"],
      },
      { kind: "local", address: tcp("0.0.0.0", 7420), defaultService: "shop.Inventory", ...bounds },
      { kind: "local", address: { kind: "unix", path: "/run/causeway.sock" }, ...bounds },
      { kind: "admin", address: tcp("::1", 0), allowedOrigins: [], allowedHosts: [] },
    ],
    upstreams: {
      inventory: {
        protocol: "thrift-framed",
        ...policies,
        endpoints: [{ address: tcp("127.0.0.1", 9090), weight: 3, labels: { zone: "a" }, priority: 1 }],
        services: ["shop.Inventory"],
        opaqueServices: [],
        timeoutMs: 1_000,
        maxConnections: 64,
        idleTimeoutMs: 60_000,
        connectTimeoutMs: 1_000,
        reconnect: { initialMs: 100, maxMs: 5_000 },
        maxPending: 1_024,
        local: false,
        multiplexed: false,
        codec: "thrift-binary",
      },
      orders: {
        protocol: "grpc",
        ...policies,
        endpoints: [
          { address: { kind: "unix", path: "/run/o" }, weight: 1 },
          { address: tcp("o", 50051), weight: 1 },
        ],
        local: false,
        services: [],
        opaqueServices: ["shop.v1.Orders"],
        keepaliveTimeoutMs: 20_000,
        connectTimeoutMs: 1_000,
        reconnect: { initialMs: 100, maxMs: 5_000 },
        maxPending: 1_024,
      },
      stock: {
        protocol: "grpc",
        ...policies,
        discovery: "directory",
        local: false,
        services: ["shop.Stock"],
        opaqueServices: [],
        keepaliveTimeoutMs: 20_000,
        connectTimeoutMs: 1_000,
        reconnect: { initialMs: 100, maxMs: 5_000 },
        maxPending: 1_024,
      },
      mail: {
        protocol: "grpc",
        ...policies,
        discovery: { dns: { type: "SRV", name: "_mail._tcp.internal" } },
        local: false,
        services: ["shop.Mail"],
        opaqueServices: [],
        keepaliveTimeoutMs: 20_000,
        connectTimeoutMs: 1_000,
        reconnect: { initialMs: 100, maxMs: 5_000 },
        maxPending: 1_024,
      },
    },
    discovery: {
      directory: { path: "etc/registry", rescanMs: 10_000 },
      snapshot: "/var/lib/causeway/endpoints.json",
      waitMs: 5_000,
      dns: { servers: ["10.0.0.53", "[fd00::53]:5353"], minTtlMs: 1_000, maxTtlMs: 5_000 },
      cache: { idleMs: 600_000, emptyGraceMs: 0 },
    },
    limits: { maxBytes: 4_096, maxDepth: 10, maxElements: 20 },
    accessLog: { sample: 1, slowMs: 1_000 },
    metrics: { bucketsMs: [1, 10] },
    routes: [],
    faults: [],
    reflection: false,
    health: false,
    name: "shop-web",
    drainMs: 0,
  });
  expect(parsed?.at(["upstreams", "inventory", "services", 0])).toMatchObject({ file: "etc/causeway.yaml", line: 16 });
});

test.each([
  ["listener: []", "1:1: error: listener: unknown key, did you mean listeners?"],
  ["listeners: []", "1:1: error: listeners: expected at least 1 element, got []"],
  ["listeners: [{ kind: ftp }]", '1:21: error: listeners[0].kind: expected one of local, http, admin, got "ftp"'],
  [
    "listeners: [{ kind: http, allowedOrigins: [shop.example] }]",
    "1:44: error: listeners[0].allowedOrigins[0]: expected an origin, as in https://shop.example, or *",
  ],
  ["listeners: [{ kind: local, address: 7420 }]", "1:37: error: listeners[0].address: expected text, got 7420"],
  [
    'listeners: [{ kind: local, address: ":7420" }]',
    '1:37: error: listeners[0].address: expected HOST:PORT, [IPv6]:PORT or unix:PATH, got ":7420"',
  ],
  [
    'listeners: [{ kind: local, address: "a:1" }, { kind: admin, address: "a:1" }]',
    "1:70: error: listeners[1].address: a:1 is listeners[0]'s address",
  ],
  [
    'upstreams: { a: { protocol: grpc, endpoints: ["a:0"], services: [s.S] } }',
    "1:47: error: upstreams.a.endpoints[0].address: expected a port from 1 to 65535: an endpoint cannot be at port 0",
  ],
  [
    'upstreams: { a: { protocol: grpc, endpoints: ["a:1"] } }',
    "1:14: error: upstreams.a: expected at least one service in services or opaqueServices, or a route to it: nothing goes to an upstream without",
  ],
  [
    'upstreams: { a: { protocol: grpc, endpoints: ["a:1"], services: [s.S] }, b: { protocol: grpc, endpoints: ["b:1"], services: [s.S] } }',
    "1:126: error: upstreams.b.services[0]: s.S is a service of upstreams.a already: a service has one upstream",
  ],
  [
    'upstreams: { a: { protocol: tcp, endpoints: ["a:1"], services: [s.S] } }',
    '1:29: error: upstreams.a.protocol: expected one of thrift-framed, thrift-unframed, theader, ttheader, sidecar, grpc, thrift-http, connect, http-json, fastcgi, got "tcp"',
  ],
  [
    'upstreams: { a: { protocol: grpc, endpoints: ["a:1"], services: [s.S], multiplexed: true } }',
    "1:72: error: upstreams.a.multiplexed: unknown key, expected one of attemptTimeoutMs, authority, balance, breaker, concurrency, connectTimeoutMs, degrade, discovery, endpoints, failures, healthCheck, hedge, keepaliveTimeMs, keepaliveTimeoutMs, local, maxPending, opaqueServices, outlier, policies, protocol, …",
  ],
  [
    'upstreams: { a: { protocol: fastcgi, endpoints: ["a:1"], services: [s.S], script: index.php } }',
    "1:83: error: upstreams.a.script: expected the script's absolute path, as PHP-FPM finds it",
  ],
  [
    'upstreams: { a: { protocol: thrift-http, endpoints: ["a:1"], services: [s.S], path: api } }',
    "1:85: error: upstreams.a.path: expected a path that begins with a slash, of printable ASCII",
  ],
  [
    "upstreams: { a: { protocol: grpc, services: [s.S] } }",
    "1:14: error: upstreams.a: expected either endpoints, or discovery that finds them",
  ],
  [
    "upstreams: { a: { protocol: grpc, discovery: directory, services: [s.S] } }",
    "1:46: error: upstreams.a.discovery: expected discovery.directory at the top of the config, which says where the directory is",
  ],
  ["limits: { maxDepth: 0 }", "1:21: error: limits.maxDepth: expected at least 1, got 0"],
  ["accessLog: none", '1:12: error: accessLog: expected a mapping, got "none"'],
  ["accessLog: { samples: 1 }", "1:14: error: accessLog.samples: unknown key, did you mean sample?"],
  ["routes: [{ to: nowhere }]", "1:16: error: routes[0].to[0].upstream: unknown upstream, there is none"],
  [
    'routes: [{ match: { headers: { x: { regex: "(" } } } }]',
    "1:44: error: routes[0].match.headers.x.regex: expected a regular expression as JavaScript has them",
  ],
  ["faults: [{ share: 0.5 }]", "1:10: error: faults[0]: expected delayMs, abort or both"],
  [
    "listeners: [{ kind: local, side: provider, defaultService: s.S }]",
    "1:60: error: listeners[0].defaultService: sidecars always name the service: only listeners of side caller have a default",
  ],
  [
    'upstreams: { a: { protocol: sidecar, endpoints: ["a:1"], services: [s.S], local: true } }',
    "1:82: error: upstreams.a.local: another sidecar is not beside this one: expected the protocol of the application itself",
  ],
  ["name: a b", "1:7: error: name: expected 1 to 256 printable ASCII characters without spaces"],
  ["drainMs: 1.5", "1:10: error: drainMs: expected a whole number, got 1.5"],
])("%s is refused with its place and what was expected", (text, fault) => {
  expect(parse(text).faults).toEqual([`etc/causeway.yaml:${fault}`]);
});

test("the policies of an upstream have the defaults of their public sources", () => {
  expect(policies).toEqual({
    degrade: [],
    rateLimit: [],
    policies: [],
    timeoutMs: 15_000,
    retry: {
      maxAttempts: 3,
      codes: ["UNAVAILABLE", "RESOURCE_EXHAUSTED"],
      exceptions: [],
      idempotent: [],
      backOff: { baseMs: 25, maxMs: 250 },
      budget: { share: 0.2, perSecond: 10, windowMs: 10_000 },
    },
    balance: {
      policy: "p2c",
      decayMs: 10_000,
      initialMs: 30,
      failureMs: 5_000,
      panicBelow: 0.5,
      slowStartMs: 0,
      subset: {},
      preferZone: true,
    },
    unknownFields: "drop",
    failures: { codes: ["UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL", "UNKNOWN", "DATA_LOSS"], exceptions: [] },
    outlier: {
      enabled: true,
      consecutiveFailures: 5,
      intervalMs: 10_000,
      baseEjectionMs: 30_000,
      maxEjectionMs: 300_000,
      maxEjectedShare: 0.1,
      successRate: { deviations: 1.9, minCalls: 100, minEndpoints: 5 },
    },
  });
});

test.each([
  ["balance: { policy: fastest }", /balance.policy: expected one of p2c, round-robin, .*maglev, got "fastest"/],
  ["balance: { policy: maglev }", /balance.header: expected header or field, whose value/],
  ["balance: { policy: maglev, header: a, field: b }", /balance.header: expected header or field, whose value/],
  ["retry: { codes: [BUSY] }", /retry.codes\[0\]: expected one of CANCELLED, /],
  ["breaker: { policy: consecutive, minOpenMs: 9, maxOpenMs: 8 }", /breaker.maxOpenMs: expected at least minOpenMs/],
  ["rateLimit: [{ per: nobody, perSecond: 1 }]", /rateLimit\[0\].per: expected upstream, service, method, caller, /],
  ["concurrency: { policy: fixed }", /concurrency.max: expected a number, got nothing/],
  ["outlier: { enabled: no way }", /outlier.enabled: expected true or false, got "no way"/],
  ["healthCheck: { kind: ping }", /healthCheck.kind: expected one of tcp, http, grpc, thrift, got "ping"/],
  ["healthCheck: { kind: http, path: healthz }", /healthCheck.path: expected a path that begins with a slash/],
  ["healthCheck: { kind: thrift, method: ping }", /healthCheck.kind: the upstream's protocol is not Thrift's/],
  ["attemptTimeoutMs: 0", /attemptTimeoutMs: expected more than 0, got 0/],
])("the policy %s is refused with what was expected", (policy, fault) => {
  const { faults } = parse(`upstreams: { a: { protocol: grpc, endpoints: ["a:1"], services: [s.S], ${policy} } }`);
  expect(faults).toEqual([expect.stringMatching(fault)]);
});

test("a health check of gRPC is for gRPC's servers only, and is filled with HAProxy's thresholds", () => {
  const check = 'endpoints: ["a:1"], services: [s.S], healthCheck: { kind: grpc }';
  const { faults } = parse(`upstreams: { a: { protocol: thrift-framed, ${check} } }`);
  expect(faults).toEqual([expect.stringContaining("a.healthCheck.kind: only servers of protocol: grpc have")]);
  expect(parse(`upstreams: { a: { protocol: grpc, ${check} } }`).parsed?.value.upstreams["a"]?.healthCheck).toEqual({
    kind: "grpc",
    service: "",
    intervalMs: 10_000,
    timeoutMs: 1_000,
    unhealthyAfter: 3,
    healthyAfter: 2,
  });
});

test("the example of the policies' page is a config", async () => {
  const page = await readFile(join(import.meta.dirname, "../../../docs/policies.md"), "utf8");
  const [, example = ""] = /```yaml\n(.*?)```/s.exec(page) ?? [];
  const { parsed, faults } = parse(example);
  expect(faults).toEqual([]);
  expect(parsed?.value.upstreams["inventory"]).toMatchObject({
    endpoints: [{ weight: 1 }, { weight: 2 }],
    attemptTimeoutMs: 500,
    breaker: { policy: "consecutive", failures: 5, minOpenMs: 5_000, maxOpenMs: 300_000 },
    concurrency: { policy: "adaptive", minLimit: 3, maxLimit: 1_000, headroom: 0.25, intervalMs: 100 },
  });
});

test("a listener that nobody gave an address binds loopback", () => {
  expect(parse("listeners: [{ kind: local }, { kind: local, side: provider }]").parsed?.value.listeners).toEqual([
    { kind: "local", address: tcp("127.0.0.1", 7420), ...bounds },
    { kind: "local", address: tcp("127.0.0.1", 7430), ...bounds, side: "provider" },
  ]);
});

test("a file is read from disk, and one that is not there is a fault of its own", async () => {
  const folder = await mkdtemp(join(tmpdir(), "causeway-config-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, "c.yaml");
  await writeFile(path, "schema: { files: [a.thrift] }\n");
  const found: Diagnostic[] = [];
  const loaded = await loadConfig(path, (diagnostic) => found.push(diagnostic));
  expect(loaded?.value.schema.files).toEqual([join(folder, "a.thrift")]);
  expect(found).toEqual([]);

  const missing = join(folder, "none.yaml");
  expect(await loadConfig(missing, (diagnostic) => found.push(diagnostic))).toBeUndefined();
  expect(found).toMatchObject([
    { severity: "error", position: { file: missing }, message: expect.stringMatching(/cannot be read: .*ENOENT/) },
  ]);
});

test("a rule that there is not, or a value that it does not take, is a fault at its place", () => {
  const { faults } = parse(`schema:
  rules:
    shop.Order:
      lossi: true
    shop.Order.id: { bits: maybe, field: [1] }
  packages:
    a.thrift: not-a-package
`);
  expect(faults).toEqual([
    'etc/causeway.yaml:4:7: error: schema.rules["shop.Order"].lossi: unknown key, did you mean lossy?',
    'etc/causeway.yaml:5:35: error: schema.rules["shop.Order.id"].field: expected one value, got [1]',
    'etc/causeway.yaml:5:28: error: schema.rules["shop.Order.id"].bits: expected true or false, got "maybe"',
    'etc/causeway.yaml:7:15: error: schema.packages["a.thrift"]: expected a package such as shop.v1',
  ]);
});

test.each([
  ["thrift-framed", "codec: thrift-compact, ", { codec: "thrift-compact" }],
  ["thrift-unframed", "", { codec: "thrift-binary" }],
  ["theader", "zlib: true, ", { codec: "thrift-binary", zlib: true }],
  ["ttheader", "codec: protobuf, ", { codec: "protobuf", maxCallsPerConnection: 1_000 }],
  ["ttheader", "maxCallsPerConnection: 1, ", { codec: "thrift-binary", maxCallsPerConnection: 1 }],
])("an upstream over %s with {%s} is read", (protocol, options, expected) => {
  const { parsed, faults } = parse(
    `upstreams: { a: { protocol: ${protocol}, ${options}endpoints: ["a:1"], services: [s.S] } }`,
  );
  expect(faults).toEqual([]);
  expect(parsed?.value.upstreams["a"]).toMatchObject({ protocol, ...expected });
});

test("files of TLS are relative to the config file, true is TLS with every default, and clientCa asks for certificates", () => {
  const { parsed, faults } = parse(`
listeners:
  - { kind: local, tls: { cert: a.pem, key: /k/a.key, clientCa: ca.pem } }
  - { kind: admin, tls: { cert: a.pem, key: a.key } }
upstreams:
  a: { protocol: grpc, endpoints: ["a:1"], services: [s.S], tls: true }
  b: { protocol: ttheader, endpoints: ["a:1"], services: [s.T], tls: { ca: ca.pem, serverName: b }, reconnect: { initialMs: 7 } }
`);
  expect(faults).toEqual([]);
  expect(parsed?.value.listeners.map(({ tls }) => tls)).toEqual([
    {
      cert: "etc/a.pem",
      key: "/k/a.key",
      clientCa: "etc/ca.pem",
      clientAuth: "require",
      minVersion: "TLSv1.2",
      handshakeTimeoutMs: 10_000,
    },
    { cert: "etc/a.pem", key: "etc/a.key", clientAuth: "none", minVersion: "TLSv1.2", handshakeTimeoutMs: 10_000 },
  ]);
  expect(parsed?.value.upstreams["a"]?.tls).toEqual({ insecureSkipVerify: false, minVersion: "TLSv1.2" });
  expect(parsed?.value.upstreams["b"]).toMatchObject({
    tls: { ca: "etc/ca.pem", serverName: "b" },
    reconnect: { initialMs: 7, maxMs: 5_000 },
  });
});

test.each([
  [
    "listeners: [{ kind: http, tls: { cert: c, key: k, clientAuth: request } }]",
    "1:63: error: listeners[0].tls.clientAuth: clientAuth is request: expected clientCa, the authorities that callers' certificates are held against",
  ],
  ["listeners: [{ kind: http, tls: { cert: c } }]", "1:27: error: listeners[0].tls.key: expected text, got nothing"],
  [
    'upstreams: { a: { protocol: grpc, endpoints: ["a:1"], services: [s.S], tls: { cert: c } } }',
    "1:72: error: upstreams.a.tls: expected both cert and key, or none of them",
  ],
  [
    'upstreams: { a: { protocol: grpc, endpoints: ["a:1"], services: [s.S], reconnect: { initialMs: 9000 } } }',
    "1:72: error: upstreams.a.reconnect: expected initialMs to be at most maxMs",
  ],
])("%s is refused", (text, fault) => {
  expect(parse(text).faults).toEqual([`etc/causeway.yaml:${fault}`]);
});

test("upstreams over HTTP and FastCGI have the defaults of their wire", () => {
  const { parsed, faults } = parse(`
upstreams:
  thrift: { protocol: thrift-http, codec: thrift-compact, path: "/api/{service}", endpoints: ["a:1"], services: [s.A] }
  connect: { protocol: connect, endpoints: ["b:1"], services: [s.B] }
  json: { protocol: http-json, path: /v1, authority: shop.example, endpoints: ["c:1"], services: [s.C] }
  php: { protocol: fastcgi, script: /srv/app/index.php, endpoints: ["unix:/run/php/fpm.sock"], services: [s.D] }
`);
  expect(faults).toEqual([]);
  expect(parsed?.value.upstreams).toMatchObject({
    thrift: { codec: "thrift-compact", path: "/api/{service}", maxConnections: 64, idleTimeoutMs: 30_000 },
    connect: { path: "/" },
    json: { path: "/v1", authority: "shop.example" },
    php: { codec: "thrift-binary", path: "/{service}", maxConnections: 5, idleTimeoutMs: 5_000 },
  });
});

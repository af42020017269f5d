// Apache Thrift's package for Node as client and as server of its own cross-test service.
//
//   cross.mjs client FILE-OF-A-TEXT HOST:PORT/TRANSPORT/PROTOCOL/NAMING/NUMBER...
//   cross.mjs server TRANSPORT/PROTOCOL/NAMING...
//
// TRANSPORT is framed, buffered or http; PROTOCOL binary, compact or json; NAMING plain or multiplexed. The number is what a
// oneway call says, for the test to find again in the server's output.
import { deepStrictEqual, fail } from "node:assert";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import thrift from "thrift";

const require = createRequire(import.meta.url);
const ThriftTest = require("./gen/ThriftTest.js");
const SecondService = require("./gen/SecondService.js");
const { Insanity, Numberz, Xception, Xception2, Xtruct, Xtruct2 } = require("./gen/ThriftTest_types.js");

const { Int64 } = thrift;
const TRANSPORTS = {
  framed: thrift.TFramedTransport,
  buffered: thrift.TBufferedTransport,
  http: thrift.TBufferedTransport,
};
const PROTOCOLS = { binary: thrift.TBinaryProtocol, compact: thrift.TCompactProtocol, json: thrift.TJSONProtocol };
const MAP_OF_MAPS = { "-4": { "-4": -4, "-3": -3, "-2": -2, "-1": -1 }, 4: { 1: 1, 2: 2, 3: 3, 4: 4 } };

// The client

const optionsOf = (transport, protocol) => ({ transport: TRANSPORTS[transport], protocol: PROTOCOLS[protocol] });
const int64 = (value) => thrift.fromBigInt(BigInt(value));

/** The value without classes, so that it can be compared: 64-bit numbers as text, what is absent left out. */
function plain(value) {
  if (Buffer.isBuffer(value)) return value.toString("hex");
  if (value instanceof Int64) return String(thrift.toBigInt(value));
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, member]) => member !== null && member !== undefined);
  return Object.fromEntries(entries.map(([key, member]) => [key, plain(member)]));
}

const equal = (want, got) => deepStrictEqual(plain(got), plain(want));

function returns(call, ...values) {
  return async () => {
    for (const value of values) equal(value, await call(value));
  };
}

async function failureOf(call) {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return fail("nothing was thrown");
}

function throws(call, want) {
  return async () => {
    const got = await failureOf(call);
    deepStrictEqual(got.constructor.name, want.constructor.name);
    for (const [field, value] of Object.entries(want)) {
      if (field !== "name" && field !== "stack") equal(value, got[field]);
    }
  };
}

const xtruct = (string_thing) =>
  new Xtruct({ string_thing, byte_thing: -3, i32_thing: 70000, i64_thing: int64(-5000000000) });

function scalarCases(c, text) {
  const everyByte = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  const wide = [-(2n ** 63n), -34359738368n, -1n, 0n, 1n, 9007199254740993n, 2n ** 63n - 1n].map(int64);
  return {
    testVoid: async () => equal(undefined, (await c.testVoid()) ?? undefined),
    "testString: empty": returns((v) => c.testString(v), ""),
    "testString: many scripts": returns((v) => c.testString(v), text),
    "testString: control characters": returns((v) => c.testString(v), "\b\f\n\r\t\x01\x7f"),
    testBool: returns((v) => c.testBool(v), true, false),
    testByte: returns((v) => c.testByte(v), -128, -1, 0, 1, 127),
    testI32: returns((v) => c.testI32(v), -(2 ** 31), -1, 0, 1, 2 ** 31 - 1),
    testI64: returns((v) => c.testI64(v), ...wide),
    testDouble: returns((v) => c.testDouble(v), -5.25, 0.1, 1e300, 5e-324, 4294967296, Math.PI),
    "testDouble: infinity": returns((v) => c.testDouble(v), -Infinity, Infinity),
    "testBinary: empty": returns((v) => c.testBinary(v), Buffer.alloc(0)),
    "testBinary: every byte": returns((v) => c.testBinary(v), everyByte),
  };
}

function containerCases(c, text) {
  const truck = new Insanity({
    userMap: { 5: int64(5), 8: int64(8) },
    xtructs: [xtruct("Goodbye4"), xtruct("Hello2")],
  });
  const zero = new Xtruct({ string_thing: "", byte_thing: 0, i32_thing: 0, i64_thing: int64(0) });
  const multi = { string_thing: "Hello2", byte_thing: 42, i32_thing: 4242, i64_thing: int64(424242) };
  const sorted = async (v) => (await c.testSet(v)).sort((a, b) => a - b);
  return {
    testStruct: returns((v) => c.testStruct(v), xtruct(text), zero),
    testNest: returns((v) => c.testNest(v), new Xtruct2({ byte_thing: 1, struct_thing: xtruct("Zero"), i32_thing: 5 })),
    testMap: returns((v) => c.testMap(v), {}, { "-2": -12, 0: -10, 2: -8 }),
    testStringMap: returns((v) => c.testStringMap(v), {}, { a: "2", b: "with\nnewline", "": "empty", [text]: text }),
    testSet: returns(sorted, [], [-2, -1, 0, 1, 300]),
    testList: returns((v) => c.testList(v), [], [0, -1, 70000, 0]),
    testEnum: returns((v) => c.testEnum(v), Numberz.ONE, Numberz.FIVE, Numberz.EIGHT),
    testTypedef: returns((v) => c.testTypedef(v), int64(309858235082523)),
    testMapMap: async () => equal(MAP_OF_MAPS, await c.testMapMap(1)),
    async testInsanity() {
      const got = await c.testInsanity(truck);
      // Whether fields without a value are absent or empty is the server's choice.
      const { userMap, xtructs } = got[2][Numberz.SIX];
      equal([{}, []], [userMap ?? {}, xtructs ?? []]);
      equal({ 1: { 2: truck, 3: truck } }, { 1: got[1] });
    },
    testMulti: async () =>
      equal(multi, await c.testMulti(42, 4242, int64(424242), { "-1": "blah", 2: text }, Numberz.EIGHT, int64(24))),
  };
}

function exceptionCases(c) {
  const first = new Xception({ errorCode: 1001, message: "This is an Xception" });
  const second = new Xception2({ errorCode: 2002, struct_thing: new Xtruct({ string_thing: "This is an Xception2" }) });
  return {
    "testException: Xception": throws(
      () => c.testException("Xception"),
      new Xception({ errorCode: 1001, message: "Xception" }),
    ),
    async "testException: TException"() {
      const got = await failureOf(() => c.testException("TException"));
      if (!(got instanceof thrift.Thrift.TApplicationException)) throw got;
    },
    "testException: none": async () => void (await c.testException("success")),
    "testMultiException: Xception": throws(() => c.testMultiException("Xception", "ignored"), first),
    async "testMultiException: Xception2"() {
      const got = await failureOf(() => c.testMultiException("Xception2", "ignored"));
      equal([second.errorCode, second.struct_thing.string_thing], [got.errorCode, got.struct_thing?.string_thing]);
    },
    async "testMultiException: none"() {
      equal("foobar", (await c.testMultiException("success", "foobar")).string_thing);
    },
  };
}

/** Opens a connection, and makes the cases that call on it. */
async function openCases(address, transport, protocol, naming, text, number) {
  const [host, port] = address.split(":");
  const options = { ...optionsOf(transport, protocol), path: "/" };
  const isHttp = transport === "http";
  const connection = isHttp
    ? thrift.createHttpConnection(host, Number(port), options)
    : thrift.createConnection(host, Number(port), options);
  connection.on("error", () => {});
  if (!isHttp) await once(connection, "connect");
  const create = isHttp ? thrift.createHttpClient : thrift.createClient;
  const multiplexer = naming === "multiplexed" ? new thrift.Multiplexer() : undefined;
  const clientOf = (name, service) =>
    multiplexer ? multiplexer.createClient(name, service, connection) : create(service, connection);
  const c = clientOf("ThriftTest", ThriftTest);
  const cases = {
    ...scalarCases(c, text),
    ...containerCases(c, text),
    ...exceptionCases(c),
    // Its promise is kept by nobody.
    testOneway: async () => void c.testOneway(number),
    "testVoid: after a oneway call": async () => void (await c.testVoid()),
  };
  if (multiplexer) {
    const second = clientOf("SecondService", SecondService);
    cases["secondtestString"] = returns((v) => second.secondtestString(v), text);
  }
  return { cases, close: () => (isHttp ? undefined : connection.end()) };
}

const CASE_MS = 5_000;

/** What goes wrong below a call is not always told to who waits for it. */
async function within(work) {
  const { promise, reject } = Promise.withResolvers();
  const timer = setTimeout(() => reject(new Error("no answer came")), CASE_MS);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function client(textFile, ...routes) {
  const text = readFileSync(textFile, "utf8");
  for (const [route, spec] of routes.entries()) {
    const [address, transport, protocol, naming, number] = spec.split("/");
    const { cases, close } = await openCases(address, transport, protocol, naming, text, Number(number));
    for (const [name, run] of Object.entries(cases)) {
      const detail = await within(run()).then(
        () => "",
        (error) => `${error.name}: ${error.message}`,
      );
      process.stdout.write(`${JSON.stringify({ route, name, ok: detail === "", detail })}\n`);
    }
    close();
  }
}

// The server

/** Does what the comments of the service's IDL say; the generated code counts parameters to see whether a promise comes back. */
const handler = {
  async testVoid() {},
  async testMapMap(_hello) {
    return MAP_OF_MAPS;
  },
  async testInsanity(argument) {
    return { 1: { 2: argument, 3: argument }, 2: { 6: new Insanity() } };
  },
  async testMulti(arg0, arg1, arg2, _arg3, _arg4, _arg5) {
    return new Xtruct({ string_thing: "Hello2", byte_thing: arg0, i32_thing: arg1, i64_thing: arg2 });
  },
  async testException(arg) {
    if (arg === "Xception") throw new Xception({ errorCode: 1001, message: arg });
    if (arg === "TException") throw new thrift.Thrift.TException("undeclared");
  },
  async testMultiException(arg0, arg1) {
    if (arg0 === "Xception") throw new Xception({ errorCode: 1001, message: "This is an Xception" });
    if (arg0 === "Xception2") {
      throw new Xception2({ errorCode: 2002, struct_thing: new Xtruct({ string_thing: "This is an Xception2" }) });
    }
    return new Xtruct({ string_thing: arg1 });
  },
  async testOneway(number) {
    process.stdout.write(`oneway ${number}\n`);
  },
  secondtestString: async (thing) => thing,
};
const ECHOES = "String Bool Byte I32 I64 Double Binary Struct Nest Map StringMap Set List Enum Typedef";
for (const name of ECHOES.split(" ")) handler[`test${name}`] = async (thing) => thing;

function processorOf(naming) {
  const main = new ThriftTest.Processor(handler);
  if (naming === "plain") return main;
  const both = new thrift.MultiplexedProcessor();
  both.registerProcessor("ThriftTest", main);
  both.registerProcessor("SecondService", new SecondService.Processor(handler));
  return both;
}

async function serve(transport, protocol, naming) {
  const options = optionsOf(transport, protocol);
  const processor = processorOf(naming);
  const server =
    transport === "http"
      ? thrift.createWebServer({ services: { "/": { ...options, processor } } })
      : thrift.createMultiplexServer(processor, options);
  server.on("error", (error) => process.stderr.write(`${error.stack}\n`));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `127.0.0.1:${server.address().port}`;
}

async function server(...wires) {
  const addresses = await Promise.all(wires.map((wire) => serve(...wire.split("/"))));
  process.stdout.write(`ready ${addresses.join(" ")}\n`);
  // Whoever started it holds its standard input.
  process.stdin.resume().on("end", () => process.exit());
}

const [role, ...rest] = process.argv.slice(2);
await { client, server }[role](...rest);
if (role === "client") process.exit();

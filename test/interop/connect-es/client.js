// A client on the official Connect libraries for ECMAScript, over HTTP/1.1: calls what it is told to and says of each case what came
// of it, one JSON object a line. The descriptors are made here, so that no code is generated.
import { create, createFileRegistry } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
  file_google_protobuf_wrappers,
  MethodOptions_IdempotencyLevel,
} from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, encodeBinaryHeader } from "@connectrpc/connect";
import { compressionGzip, createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-node";

const [address, protocol, codec, upstream] = process.argv.slice(2);

const options = {
  baseUrl: `http://${address}`,
  httpVersion: "1.1",
  useBinaryFormat: codec === "proto",
};

function transportOf(more = {}) {
  const create = protocol === "connect" ? createConnectTransport : createGrpcWebTransport;
  return create({ ...options, ...more });
}

function registryOf(file) {
  const proto = create(FileDescriptorProtoSchema, { syntax: "proto3", package: "kinds", ...file });
  return createFileRegistry(proto, (name) => {
    return name === file_google_protobuf_wrappers.proto.name ? file_google_protobuf_wrappers : undefined;
  });
}

function equal(got, wanted) {
  const [a, b] = [JSON.stringify(got), JSON.stringify(wanted)];
  if (a !== b) throw new Error(`got ${a}, wanted ${b}`);
}

/** The error of a call that must fail. */
async function failure(call) {
  try {
    await call();
  } catch (error) {
    return ConnectError.from(error);
  }
  throw new Error("it did not fail");
}

async function run(cases) {
  for (const [name, check] of Object.entries(cases)) {
    let detail = "";
    try {
      await check();
    } catch (error) {
      detail = String(error?.stack ?? error);
    }
    process.stdout.write(`${JSON.stringify({ name, ok: detail === "", detail })}\n`);
  }
}

const text = (message) => Buffer.from(message.value).toString();
const say = (value) => ({ value: Buffer.from(value) });
async function* of(...values) {
  for (const value of values) yield say(value);
}
async function all(messages) {
  const texts = [];
  for await (const message of messages) texts.push(text(message));
  return texts;
}

/** Headers and trailers that come back as they are asked for. */
function metadataCase() {
  const got = {};
  const headers = { head: "1", "head-bin": encodeBinaryHeader(Uint8Array.of(0, 255)), trail: "2" };
  return {
    options: {
      headers,
      onHeader: (came) => Object.assign(got, { head: came.get("head"), bin: came.get("head-bin") }),
      onTrailer: (came) => Object.assign(got, { trail: came.get("trail") }),
    },
    check: () => equal(got, { head: "1", bin: "AP8", trail: "2" }),
  };
}

function kindsCases() {
  const bytes = ".google.protobuf.BytesValue";
  const method = (name, clientStreaming, serverStreaming, options) => ({
    ...{ name, inputType: bytes, outputType: bytes, clientStreaming, serverStreaming, options },
  });
  const { NO_SIDE_EFFECTS } = MethodOptions_IdempotencyLevel;
  const service = registryOf({
    name: "kinds.proto",
    dependency: ["google/protobuf/wrappers.proto"],
    service: [
      {
        name: "Kinds",
        method: [
          method("One", false, false, { idempotencyLevel: NO_SIDE_EFFECTS }),
          method("Up", true, false),
          method("Down", false, true),
          method("Chat", true, true),
        ],
      },
    ],
  }).getService("kinds.Kinds");
  const client = createClient(service, transportOf());
  const gzip = { sendCompression: compressionGzip, acceptCompression: [compressionGzip], compressMinBytes: 1 };

  return {
    async "unary, with metadata both ways"() {
      const { options, check } = metadataCase();
      equal(text(await client.one(say("hello"), options)), "hello");
      check();
    },
    async "unary by GET"() {
      if (protocol !== "connect") return;
      for (const more of [{}, gzip]) {
        const other = createClient(service, transportOf({ useHttpGet: true, ...more }));
        equal(text(await other.one(say("hello ü".repeat(50)))), "hello ü".repeat(50));
      }
    },
    async "server stream, with metadata both ways"() {
      const { options, check } = metadataCase();
      equal(await all(client.down(say("x"), options)), ["x", "x", "x"]);
      check();
    },
    async "client stream, with metadata both ways"() {
      const { options, check } = metadataCase();
      equal([...(await client.up(of("a", "", "ccc"), options)).value], [...Buffer.from("3")]);
      check();
    },
    async "both directions, one after the other"() {
      const { options, check } = metadataCase();
      equal(await all(client.chat(of("a", "", "ccc"), options)), ["a", "", "ccc"]);
      check();
    },
    async "unary error with details and trailers"() {
      const headers = { fail: "9", detail: "google.protobuf.BytesValue", trail: "2" };
      const error = await failure(() => client.one(say("x"), { headers }));
      equal([error.code, error.rawMessage], [Code.FailedPrecondition, "as asked: 100 % ü"]);
      equal(error.metadata.get("trail"), "2");
      equal(error.details[0].type, "google.protobuf.BytesValue");
      equal(Buffer.from(error.details[0].value).toString(), "why");
    },
    async "error in the middle of a stream"() {
      const headers = { fail: "10", detail: "google.protobuf.BytesValue", trail: "2" };
      let count = 0;
      const error = await failure(async () => {
        for await (const _ of client.down(say("x"), { headers })) count++;
      });
      equal([count, error.code, error.metadata.get("trail")], [3, Code.Aborted, "2"]);
      equal(Buffer.from(error.details[0].value).toString(), "why");
    },
    async "a method that is not there"() {
      const other = registryOf({
        name: "other.proto",
        dependency: ["google/protobuf/wrappers.proto"],
        service: [{ name: "Kinds", method: [method("Missing", false, true), method("Gone", false, false)] }],
      }).getService("kinds.Kinds");
      const missing = createClient(other, transportOf());
      equal((await failure(() => all(missing.missing(say("x"))))).code, Code.Unimplemented);
      equal((await failure(() => missing.gone(say("x")))).code, Code.Unimplemented);
    },
    async deadline() {
      const error = await failure(() => all(client.down(say("x"), { headers: { stay: "1" }, timeoutMs: 700 })));
      equal(error.code, Code.DeadlineExceeded);
    },
    async "cancellation in the middle of a stream"() {
      const controller = new AbortController();
      const error = await failure(async () => {
        const options = { headers: { stay: "1" }, signal: controller.signal };
        for await (const _ of client.down(say("x"), options)) controller.abort();
      });
      equal(error.code, Code.Canceled);
    },
    async gzip() {
      const zipped = createClient(service, transportOf(gzip));
      const long = "long ".repeat(10_000);
      equal(text(await zipped.one(say(long))), long);
      equal(await all(zipped.chat(of(long, "", long))), [long, "", long]);
      equal(await all(zipped.down(say(long))), [long, long, long]);
    },
    async "a million bytes each way, and a thousand messages"() {
      const million = "m".repeat(1_000_000);
      equal(text(await client.one(say(million))) === million, true);
      equal(
        (await all(client.chat(of(million, million)))).map((each) => each.length),
        [1_000_000, 1_000_000],
      );
      equal((await all(client.down(say("x"), { headers: { count: "1000" } }))).length, 1_000);
    },
  };
}

function thriftCases() {
  const field = (name, number, type) => ({
    ...{ name, number, jsonName: name, label: FieldDescriptorProto_Label.OPTIONAL, type, proto3Optional: false },
  });
  const { STRING, INT32 } = FieldDescriptorProto_Type;
  const service = registryOf({
    name: "thrift.proto",
    messageType: [
      { name: "TextArgs", field: [field("value", 1, STRING)] },
      { name: "TextResult", field: [field("success", 1, STRING)] },
      { name: "FailArgs", field: [field("how", 1, INT32)] },
      { name: "FailResult", field: [field("success", 1, INT32)] },
    ],
    service: [
      {
        name: "Kinds",
        method: [
          { name: "echoString", inputType: ".kinds.TextArgs", outputType: ".kinds.TextResult" },
          { name: "fail", inputType: ".kinds.FailArgs", outputType: ".kinds.FailResult" },
        ],
      },
    ],
  }).getService("kinds.Kinds");
  const client = createClient(service, transportOf());
  return {
    async "unary to Thrift"() {
      equal((await client.echoString({ value: "hello ü" })).success, "hello ü");
      equal((await client.echoString({ value: "z".repeat(100_000) })).success, "z".repeat(100_000));
    },
    async "a declared exception of Thrift"() {
      const error = await failure(() => client.fail({ how: 1 }));
      equal(error.details[0].type, "kinds.NotFound");
    },
    async "an error of Thrift"() {
      const error = await failure(() => client.fail({ how: 4 }));
      equal(error.details.length, 0);
    },
  };
}

await run(upstream === "thrift" ? thriftCases() : kindsCases());

// `causeway call` as people and scripts run it: at an official Thrift server, at grpc-js with reflection, and at the sidecar.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { loadSync, type MessageTypeDefinition, type ServiceDefinition } from "@grpc/proto-loader";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeFileDescriptor } from "../../src/schema/descriptor.ts";
import { loadSchema } from "../../src/schema/load.ts";
import { startService } from "../../tools/program.ts";
import { setDetails } from "../../tools/rpc-status.ts";
import { startSidecar } from "./sidecar.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const MAIN = join(ROOT, "src/cli/main.ts");
const IDL = ["--idl", join(ROOT, "idl/shop/inventory.thrift")];
const folder = mkdtempSync(join(tmpdir(), "causeway-call-"));
const stops: (() => unknown)[] = [() => rmSync(folder, { recursive: true })];

interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the command with this on its standard input. */
function causeway(args: readonly string[], input = ""): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [MAIN, "call", ...args], { cwd: folder, stdio: "pipe" });
    const said = { out: "", err: "" };
    child.stdout.setEncoding("utf8").on("data", (text) => {
      said.out += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      said.err += text;
    });
    child.on("close", (code) => resolve({ code, ...said }));
    child.stdin.end(input);
  });
}

const NOTES = `
syntax = "proto3";
package notes.v1;
import "words.proto";
message Note { string text = 1; int64 number = 2; words.Word word = 3; }
message Why { string reason = 1; }
service Notes {
  rpc Get(Note) returns (Note);
  rpc Count(Note) returns (stream Note);
  rpc Sum(stream Note) returns (Note);
  rpc Chat(stream Note) returns (stream Note);
}
`;
const WORDS = `
syntax = "proto3";
package words;
message Word { string text = 1; }
`;
const OLD_REFLECTION = `
syntax = "proto3";
package grpc.reflection.v1alpha;
message Question { string host = 1; oneof kind { string file_by_filename = 3; string file_containing_symbol = 4; string list_services = 7; } }
message Answer { Files files = 4; Services services = 6; Wrong wrong = 7; }
message Files { repeated bytes file = 1; }
message Services { repeated Service service = 1; }
message Service { string name = 1; }
message Wrong { int32 code = 1; string message = 2; }
service ServerReflection { rpc ServerReflectionInfo(stream Question) returns (stream Answer); }
`;

interface Note {
  readonly text?: string;
  readonly number?: string;
}

/** grpc-js with reflection of version v1alpha alone, which gives one file to a question. */
async function startNotes(): Promise<string> {
  for (const [name, text] of Object.entries({ notes: NOTES, words: WORDS, reflection: OLD_REFLECTION })) {
    writeFileSync(join(folder, `${name}.proto`), text);
  }
  const options = { includeDirs: [folder], keepCase: true, longs: String };
  const definitions = loadSync("notes.proto", options);
  const files = new Map<string, Uint8Array>();
  // proto-loader's own descriptors do not say what files import.
  const schema = loadSchema(
    [join(folder, "notes.proto")],
    { includeDirs: [folder], allowNegativeKeys: false },
    () => {},
  );
  for (const file of schema?.files ?? []) files.set(file.importPath ?? file.path, writeFileDescriptor(file));
  const why = definitions["notes.v1.Why"] as MessageTypeDefinition<object, object>;
  const server = new grpc.Server();
  server.addService(definitions["notes.v1.Notes"] as ServiceDefinition, {
    Get({ request, metadata }: grpc.ServerUnaryCall<Note, Note>, answer: grpc.sendUnaryData<Note>) {
      if (request.text === "hang") return;
      if (request.text === "fail") {
        const trailers = new grpc.Metadata();
        const details = [{ name: "notes.v1.Why", value: why.serialize({ reason: "rain" }) }];
        setDetails(trailers, grpc.status.ABORTED, "not today", details);
        answer({ code: grpc.status.ABORTED, details: "not today", metadata: trailers });
        return;
      }
      const trailers = new grpc.Metadata();
      trailers.set("cost", "2");
      answer(
        null,
        { text: `${request.text} ${metadata.get("tenant").join()}`, number: request.number ?? "0" },
        trailers,
      );
    },
    Count(call: grpc.ServerWritableStream<Note, Note>) {
      for (let i = 1; i <= Number(call.request.number); i++) call.write({ number: String(i) });
      call.end();
    },
    Sum(call: grpc.ServerReadableStream<Note, Note>, answer: grpc.sendUnaryData<Note>) {
      let sum = 0n;
      call.on("data", ({ number }: Note) => {
        sum += BigInt(number ?? 0);
      });
      call.on("end", () => answer(null, { number: String(sum) }));
      call.on("error", () => {});
    },
    Chat(call: grpc.ServerDuplexStream<Note, Note>) {
      call.on("data", ({ text }: Note) => call.write({ text: `heard ${text}` }));
      call.on("end", () => call.end());
      call.on("error", () => {});
    },
  });
  const reflection = loadSync("reflection.proto", options)["grpc.reflection.v1alpha.ServerReflection"];
  server.addService(reflection as ServiceDefinition, {
    ServerReflectionInfo(call: grpc.ServerDuplexStream<Record<string, string>, object>) {
      call.on("data", ({ file_by_filename: name, file_containing_symbol: symbol, list_services: list }) => {
        const file = files.get(name ?? "notes.proto");
        if (list !== undefined) call.write({ services: { service: [{ name: "notes.v1.Notes" }] } });
        else if (symbol !== undefined && !symbol.startsWith("notes.v1.")) {
          call.write({ wrong: { code: 5, message: `no ${symbol}` } });
        } else call.write({ files: { file: [file] } });
      });
      call.on("end", () => call.end());
    },
  });
  const bind = (): Promise<number> =>
    new Promise((done, failed) =>
      server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) =>
        error ? failed(error) : done(port),
      ),
    );
  const port = await bind();
  stops.push(() => server.forceShutdown());
  return `127.0.0.1:${port}`;
}

let inventory = "";
let notes = "";
let local = "";
let http = "";

beforeAll(async () => {
  const service = await startService(process.execPath, [join(ROOT, "demo/inventory.ts")], /^listening (.*)$/);
  stops.push(service.stop);
  inventory = service.ready;
  notes = await startNotes();
  const sidecar = startSidecar(
    JSON.stringify({
      schema: { include: [join(ROOT, "idl")], files: [join(ROOT, "idl/shop/inventory.thrift")] },
      listeners: [
        { kind: "local", address: "127.0.0.1:0", defaultService: "shop.Inventory" },
        { kind: "http", address: "127.0.0.1:0" },
      ],
      upstreams: { inventory: { protocol: "thrift-framed", endpoints: [inventory], services: ["shop.Inventory"] } },
    }),
  );
  stops.push(() => sidecar[Symbol.dispose]());
  local = await sidecar.addressOf("local");
  http = await sidecar.addressOf("http");
}, 60_000);

afterAll(async () => {
  for (const stop of stops.toReversed()) await stop();
});

const TEA = '{"success":{"sku":"TEA-GREEN-100","title":"Green tea, 100 g","price":{"currency":"EUR","units":"4",';

describe("a Thrift server", () => {
  test("is called by the IDL that declares the service, and its answer is one line of JSON", async () => {
    const { code, out, err } = await causeway([...IDL, inventory, "Inventory/get", '{"sku":"TEA-GREEN-100"}']);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain(TEA);
    expect(out.split("\n").length).toBe(2);
  });

  test("with --pretty answers over several lines, and -v tells what went over", async () => {
    const args = [...IDL, inventory, "shop.Inventory/get", '{"sku":"TEA-GREEN-100"}', "--pretty", "-v"];
    const { code, out, err } = await causeway(args);
    expect(code).toBe(0);
    expect(out).toContain('{\n  "success": {\n    "sku": "TEA-GREEN-100",\n');
    expect(err).toMatch(/^> shop\.Inventory\/get over thrift-framed to .*\n[\d.]+ ms, \d+ bytes sent, \d+ received\n$/);
  });

  test("gives a declared exception as JSON with its name, and exit code 1", async () => {
    const request = join(folder, "lost.json");
    writeFileSync(request, '{ "sku": "LOST" }\n');
    expect(await causeway([...IDL, inventory, "Inventory/get", `@${request}`])).toEqual({
      code: 1,
      out: '{"exception":"shop.UnknownItem","value":{"sku":"LOST"}}\n',
      err: "",
    });
  });

  test("gets a oneway call and a call without arguments", async () => {
    const audit = '{"orderId":"o","line":"l"}';
    expect(await causeway([...IDL, inventory, "Inventory/audit", "-"], audit)).toEqual({ code: 0, out: "", err: "" });
    expect(await causeway([...IDL, inventory, "Inventory/ping"])).toEqual({ code: 0, out: "{}\n", err: "" });
  });

  test("has no reflection, which is said", async () => {
    const { code, err } = await causeway([inventory, "Inventory/get", "-p", "theader"]);
    expect({ code, err }).toEqual({
      code: 2,
      err: "causeway call: theader has no reflection: give the server's IDL with --idl FILE\n",
    });
  });
});

describe("every protocol reaches the sidecar", () => {
  const LOCAL = ["thrift-framed", "thrift-unframed", "theader", "ttheader", "grpc"];
  const HTTP = ["thrift-http", "connect", "http-json"];
  const CODECS = ["thrift-framed:compact", "theader:compact", "ttheader:protobuf", "thrift-http:compact"];

  test.each([...LOCAL, ...HTTP, ...CODECS])("%s", async (protocol) => {
    const [name = "", codec] = protocol.split(":");
    const address = HTTP.includes(name) ? http : local;
    const args = [...IDL, "-p", name, ...(codec === undefined ? [] : ["--codec", codec]), address, "Inventory/get"];
    const found = await causeway([...args, '{"sku":"TEA-GREEN-100"}']);
    expect(found.err).toBe("");
    expect(found.out).toContain(TEA);
    const lost = await causeway([...args, '{"sku":"LOST"}']);
    expect(lost).toMatchObject({ code: 1, out: '{"exception":"shop.UnknownItem","value":{"sku":"LOST"}}\n' });
  });

  test("its reflection lists, describes and gives the schema of calls", async () => {
    expect((await causeway([local, "--list"])).out.split("\n")).toEqual([
      "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
      "shop.Inventory",
      "",
    ]);
    const { code, out } = await causeway([local, "--describe", "Inventory"]);
    expect(code).toBe(0);
    expect(out).toContain("  rpc get(.shop.Inventory_get_args) returns (.shop.Inventory_get_result);\n");
    expect((await causeway([local, "Inventory/get", '{"sku":"TEA-GREEN-100"}'])).out).toContain(TEA);
    expect((await causeway([local, "Health/Check"])).out).toBe('{"status":"SERVING"}\n');
  });
});

describe("grpc-js with reflection v1alpha", () => {
  test("is called with metadata, and -v shows headers and trailers", async () => {
    const args = [notes, "notes.v1.Notes/Get", '{"text":"hi","number":"9007199254740993"}', "-H", "tenant: a", "-v"];
    const { code, out, err } = await causeway(args);
    expect({ code, out }).toEqual({ code: 0, out: '{"text":"hi a","number":"9007199254740993"}\n' });
    expect(err).toContain("> tenant: a\n");
    expect(err).toContain("<< cost: 2\n");
  });

  test("prints an error with its details by type, as text and as JSON", async () => {
    const args = [notes, "Notes/Get", '{"text":"fail"}'];
    expect(await causeway(args)).toEqual({
      code: 1,
      out: "",
      err: 'ABORTED: not today\n  notes.v1.Why {"reason":"rain"}\n',
    });
    expect(JSON.parse((await causeway([...args, "--json"])).err)).toEqual({
      code: "ABORTED",
      message: "not today",
      details: [{ type: "notes.v1.Why", value: { reason: "rain" } }],
      origin: "peer",
    });
  });

  test("streams: from it, to it, and both ways, a line each", async () => {
    const counted = await causeway([notes, "Notes/Count", '{"number":"3"}']);
    expect(counted).toEqual({ code: 0, out: '{"number":"1"}\n{"number":"2"}\n{"number":"3"}\n', err: "" });
    const summed = await causeway([notes, "Notes/Sum"], '{"number":"2"}\n\n{"number":"40"}\n');
    expect(summed).toEqual({ code: 0, out: '{"number":"42"}\n', err: "" });
    const heard = await causeway([notes, "Notes/Chat"], '{"text":"a"}\n{"text":"b"}\n');
    expect(heard).toEqual({ code: 0, out: '{"text":"heard a"}\n{"text":"heard b"}\n', err: "" });
    const given = await causeway([notes, "Notes/Sum", '{"number":"1"}']);
    expect(given.out).toBe('{"number":"1"}\n');
  });

  test("a line of a stream that does not fit ends the call, and says what is wrong", async () => {
    const { code, err } = await causeway([notes, "Notes/Sum"], '{"number":"2"}\n{"numbr":"40"}\n');
    expect(code).toBe(2);
    expect(err).toContain("the request does not fit: numbr: there is no such field; did you mean number?");
  });

  test("describes a type, and says what it does not know", async () => {
    expect((await causeway([notes, "--list"])).out).toBe("notes.v1.Notes\n");
    expect((await causeway([notes, "--describe", "notes.v1.Why"])).out).toContain(
      "message Why {\n  string reason = 1;\n}",
    );
    const unknown = await causeway([notes, "other.Notes/Get"]);
    expect(unknown).toMatchObject({ code: 2, err: "causeway call: the server's reflection says: no other.Notes\n" });
    expect((await causeway([notes, "Notes/Gett"])).err).toBe(
      'causeway call: Notes has no method "Gett"; did you mean Get?\n',
    );
  });

  test("that does not answer in time is exit code 4", async () => {
    const { code, err } = await causeway([notes, "Notes/Get", '{"text":"hang"}', "--timeout", "1s"]);
    expect(code).toBe(4);
    expect(err).toContain("DEADLINE_EXCEEDED");
  });
});

describe("what is wrong is said, and the exit code tells scripts", () => {
  test("a server that is not there is 3", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((done) => server.once("listening", done));
    const address = server.address();
    const port = typeof address === "object" && address ? address.port : 0;
    await new Promise((done) => server.close(done));
    const calls = [
      [...IDL, `127.0.0.1:${port}`, "Inventory/ping"],
      [`127.0.0.1:${port}`, "--list"],
    ];
    for (const args of calls) {
      const { code, err } = await causeway(args);
      expect(code).toBe(3);
      expect(err).toContain(`UNAVAILABLE: cannot connect to 127.0.0.1:${port}`);
    }
  });

  test.each([
    [["nowhere", "A/b"], 'the address is "nowhere": expected HOST:PORT, [IPv6]:PORT or unix:PATH'],
    [["127.0.0.1:1"], "say what to call: SERVICE/METHOD, or --list or --describe NAME"],
    [["127.0.0.1:1", "ping"], 'the method is "ping": expected SERVICE/METHOD, as in shop.Inventory/get'],
    [[...IDL, "127.0.0.1:1", "Inventory/get", '{"sk":"A"}'], "did you mean sku?"],
    [[...IDL, "127.0.0.1:1", "Inventory/get", "@absent.json"], "absent.json cannot be read"],
    [[...IDL, "127.0.0.1:1", "Inventory/got"], 'Inventory has no method "got"; did you mean get?'],
    [[...IDL, "-p", "fastcgi", "127.0.0.1:1", "Inventory/get"], "fastcgi cannot be called like this: --script: "],
    [
      [...IDL, "-p", "grpc", "--codec", "compact", "127.0.0.1:1", "Inventory/get"],
      "grpc cannot be called like this: it has no --codec\n",
    ],
    [
      [...IDL, "-p", "ttheader", "--codec", "compact", "127.0.0.1:1", "Inventory/get"],
      "ttheader cannot be called like this: --codec: expected one of binary, protobuf",
    ],
    [
      [...IDL, "-p", "grpc", "--multiplexed", "127.0.0.1:1", "Inventory/get"],
      "grpc cannot be called like this: it has no --multiplexed\n",
    ],
    [[...IDL, "127.0.0.1:1", "Inventory/get", "-H", "nonsense"], "Expected NAME:VALUE."],
    [[...IDL, "127.0.0.1:1", "Inventory/get", "--timeout", "soon"], "Expected a time"],
    [[...IDL, "--tls", "--ca", "absent.pem", "127.0.0.1:1", "Inventory/get"], "absent.pem"],
  ])("%j is 2", async (args, message) => {
    const { code, out, err } = await causeway(args);
    expect(err).toContain(message);
    expect({ code, out }).toEqual({ code: 2, out: "" });
  });
});

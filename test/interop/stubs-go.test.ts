// Go stubs on both sides of a sidecar, on either wire each; what is generated, in the eyes of Go's own tools; and a stub
// whose sidecar dies in the middle of a call and comes back.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { buildOnce, ROOT } from "../../tools/build-cache.ts";
import { generateStubs, startSidecar } from "../../tools/causeway.ts";
import { runProgram, type Service, startService } from "../../tools/program.ts";
import { whatIsMissing } from "../../tools/toolchain.ts";
import { buildGoStubs, STUB_WIRES, type StubWire } from "./stub-programs.ts";
import { startTalker } from "./talker.ts";

const IDL = "test/golden/stubs/idl";
const FILES = [`${IDL}/services.thrift`, `${IDL}/services.proto`];
const SERVICES = ["golden.services.Everything", "golden.api.Echo"];
const BUILD_MS = 300_000;

const missing = whatIsMissing(["go"]);

function configOf(wire: StubWire, server: string, local: string): object {
  const codec = wire === "thrift" ? "thrift-binary" : "protobuf";
  return {
    schema: { files: FILES.map((file) => join(ROOT, file)) },
    listeners: [{ kind: "local", address: local }],
    upstreams: { go: { protocol: "ttheader", codec, endpoints: [server], services: SERVICES } },
  };
}

interface Outcome {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

describe("Go stubs", () => {
  const commands = new Map<StubWire, string>();
  const servers = new Map<StubWire, Service>();
  const sidecars = new Map<StubWire, Service>();

  beforeAll(async () => {
    if (missing !== undefined) return;
    for (const wire of STUB_WIRES) {
      commands.set(wire, join(await buildGoStubs(wire), "stubs"));
      const server = await startService(commands.get(wire)!, ["server"], /^ready (.*)$/);
      servers.set(wire, server);
      sidecars.set(wire, await startSidecar(`stubs-go-${wire}`, configOf(wire, server.ready, "127.0.0.1:0")));
    }
  }, BUILD_MS);

  beforeEach(({ skip }) => skip(missing !== undefined, missing));

  afterAll(async () => {
    for (const each of [...sidecars.values(), ...servers.values()]) await each.stop();
  });

  test.each(STUB_WIRES.flatMap((from) => STUB_WIRES.map((to) => ({ from, to }))))(
    "a client on $from and a server on $to mean the same by every kind of value, exception, deadline and cancellation",
    async ({ from, to }) => {
      const output = await runProgram(commands.get(from)!, ["client", sidecars.get(to)!.ready]);
      const outcomes = output
        .trim()
        .split("\n")
        .map((line): Outcome => JSON.parse(line));
      expect(outcomes.filter(({ ok }) => !ok)).toEqual([]);
      expect(outcomes.length).toBeGreaterThan(50);
    },
  );

  test("a call that its sidecar dies in fails as UNAVAILABLE, and the next waits for the sidecar to come back", async () => {
    const folder = mkdtempSync(join(tmpdir(), "causeway-stubs-"));
    const local = `unix:${join(folder, "local.sock")}`;
    const config = configOf("thrift", servers.get("thrift")!.ready, local);
    const first = await startSidecar("stubs-go-restart", config);
    const client = startTalker(commands.get("thrift")!, ["loop", local]);
    let second: Service | undefined;
    try {
      expect(await client.ask("call")).toMatch(/^call OK /);
      client.say("hang");
      expect(await client.ask("call")).toMatch(/^call OK /);
      // Gone for good: while it dies, it might still accept.
      await first.kill();
      expect(await client.next()).toMatch(/^hang UNAVAILABLE .*broke before the answer came/);
      client.say("call");
      second = await startSidecar("stubs-go-restart", config);
      expect(await client.next()).toMatch(/^call OK /);
    } finally {
      await Promise.all([client.stop(), first.kill(), second?.stop()]);
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test("a server that is told to end by SIGTERM does, with exit code 0", async () => {
    const server = startTalker(commands.get("thrift")!, ["server"]);
    expect(await server.next()).toMatch(/^ready /);
    server.terminate();
    expect(await server.next()).toBe("ended");
    expect(await server.stop()).toBe(0);
  });

  test.each(["own", "cross"])("what is generated on the %s wires passes gofmt and go vet", async (name) => {
    const cwd = await buildOnce({
      folder: `.cache/interop/stubs-go-golden-${name}`,
      sources: `test/golden/stubs/go/${name}`,
      inputs: ["clients/go"],
      async make(folder) {
        await runProgram("go", ["mod", "init", `golden.test/${name}`], { cwd: folder });
        const runtime = `causeway.dev/causeway=${join(ROOT, "clients/go")}`;
        await runProgram("go", ["mod", "edit", "-require", "causeway.dev/causeway@v0.0.0", "-replace", runtime], {
          cwd: folder,
        });
      },
    });
    expect(await runProgram("gofmt", ["-l", "."], { cwd })).toBe("");
    await runProgram("go", ["vet", "./..."], { cwd });
  });

  test("the example is as its README says", async () => {
    const cwd = await buildOnce({
      folder: ".cache/interop/stubs-go-example/go",
      sources: "clients/go/example",
      inputs: ["codegen", "src/schema", "src/cli", "clients/go", "idl/shop"],
      async make(folder) {
        const args = ["--lang", "go", "--server", "--out", "gen", join(ROOT, "idl/shop/inventory.thrift")];
        await generateStubs(args, { cwd: folder });
        const runtime = `causeway.dev/causeway=${join(ROOT, "clients/go")}`;
        await runProgram("go", ["mod", "edit", "-replace", runtime], { cwd: folder });
      },
    });
    expect(await runProgram("gofmt", ["-l", "."], { cwd })).toBe("");
    await runProgram("go", ["vet", "./..."], { cwd });
  });

  test("the runtime passes its own tests, gofmt and go vet", async () => {
    const cwd = join(ROOT, "clients/go");
    expect(await runProgram("gofmt", ["-l", "."], { cwd })).toBe("");
    await runProgram("go", ["vet", "./..."], { cwd });
    await runProgram("go", ["test", "./..."], { cwd });
  });
});

// Streams of every kind through a whole sidecar, between grpc-js on both sides.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "vitest";
import { detailsOf } from "../../tools/rpc-status.ts";
import { type Sidecar, startSidecar } from "../e2e/sidecar.ts";
import { KINDS_PROTO, KindsClient, noteOf, startKinds } from "./grpc-kinds.ts";

const { status } = grpc;
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A server, a sidecar before it, and a client of that. `changes` are lines of the sidecar's config. */
async function setUp(changes: { upstream?: string; rest?: string; opaque?: boolean } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "causeway-streams-"));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "kinds.proto"), KINDS_PROTO);
  const server = await startKinds();
  cleanups.push(() => server.die());
  const sidecar = startSidecar(`
schema: { files: [${changes.opaque ? "" : join(folder, "kinds.proto")}] }
listeners: [{ kind: local, address: "127.0.0.1:0" }]
accessLog: all
upstreams:
  kinds:
    protocol: grpc
    endpoints: ["127.0.0.1:${server.port}"]
    ${changes.opaque ? "opaqueServices" : "services"}: [kinds.Kinds]
    ${changes.upstream ?? ""}
${changes.rest ?? ""}`);
  cleanups.push(() => sidecar[Symbol.dispose]());
  return { server, sidecar, ...(await clientOf(sidecar)) };
}

async function clientOf(sidecar: Sidecar, options: grpc.ClientOptions = {}): Promise<{ client: KindsClient }> {
  const client = new KindsClient(await sidecar.addressOf("local"), options);
  cleanups.push(() => client.close());
  return { client };
}

const notes = ["a", "", "ccc"].map(noteOf);

describe.each([
  ["of a method whose IDL is loaded", false],
  ["of a method whose IDL is not", true],
])("a call %s", (_name, opaque) => {
  test("passes with its messages, headers and trailers, whatever its kind", async () => {
    const { client } = await setUp({ opaque });
    const metadata = { head: "1", "head-bin": Buffer.of(0, 255), trail: "2", "trail-bin": Buffer.of(1, 254) };
    const one = await client.call("One", [notes[0]!], metadata);
    const up = await client.call("Up", notes, metadata);
    const down = await client.call("Down", [notes[2]!], metadata);
    const chat = await client.call("Chat", notes, metadata);
    expect(one.bodies).toEqual([notes[0]]);
    expect(up.bodies).toEqual([noteOf("3")]);
    expect(down.bodies).toEqual([notes[2], notes[2], notes[2]]);
    expect(chat.bodies).toEqual(notes);
    for (const { head, status: end } of [one, up, down, chat]) {
      expect(end).toMatchObject({ code: status.OK });
      expect([head?.get("head"), head?.get("head-bin")]).toEqual([["1"], [Buffer.of(0, 255)]]);
      expect([end.metadata.get("trail"), end.metadata.get("trail-bin")]).toEqual([["2"], [Buffer.of(1, 254)]]);
    }
  });

  test("may have no messages at all", async () => {
    const { client } = await setUp({ opaque });
    expect(await client.call("Chat", [])).toMatchObject({ bodies: [], status: { code: status.OK } });
    expect((await client.call("Up", [])).bodies).toEqual([noteOf("0")]);
    expect(await client.call("Down", [notes[0]!], { count: "0" })).toMatchObject({
      bodies: [],
      status: { code: status.OK },
    });
  });

  test("that fails in its middle brings the messages before, the status, its details and trailers", async () => {
    const { client } = await setUp({ opaque });
    const how = { fail: String(status.ABORTED), detail: "kinds.Note", trail: "2" };
    const { bodies, status: end } = await client.call("Down", [notes[0]!], how);
    expect(bodies).toHaveLength(3);
    expect(end).toMatchObject({ code: status.ABORTED, details: "as asked: 100 % ü" });
    expect(end.metadata.get("trail")).toEqual(["2"]);
    expect(detailsOf(end.metadata)).toEqual([{ name: "kinds.Note", value: Buffer.from("why") }]);
  });
});

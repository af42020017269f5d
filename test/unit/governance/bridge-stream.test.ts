import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { RpcError } from "../../../src/base/errors.ts";
import { Metadata } from "../../../src/base/metadata.ts";
import type { Transcoder } from "../../../src/codec/codec.ts";
import { bridgeStreams } from "../../../src/governance/bridge-stream.ts";
import { newFacts, type Payload } from "../../../src/rpc/call.ts";
import type { StreamCall, StreamHandler } from "../../../src/rpc/stream.ts";
import { methodOf } from "../../model.ts";

const method = methodOf("protobuf", "shop.Shop", "Watch", { streaming: "bidi" });

async function* of(...payloads: readonly Payload[]): AsyncGenerator<Payload> {
  yield* payloads;
}

function payload(codec: "json" | "protobuf", text: string): Payload {
  return { type: undefined, codec, bytes: Buffer.from(text) };
}

function callOf(changes: Partial<StreamCall> = {}): StreamCall {
  return {
    method,
    headers: Metadata.EMPTY,
    expiresAtMs: Number.POSITIVE_INFINITY,
    signal: new AbortController().signal,
    facts: newFacts("connect", "test"),
    messages: of(payload("json", "a"), payload("json", "b")),
    codec: "json",
    ...changes,
  };
}

const echo: StreamHandler = async ({ messages }) => ({
  headers: Metadata.EMPTY,
  messages,
  trailers: Promise.resolve(Metadata.EMPTY),
});

/** Writes what it has been asked to do before what it gets. */
const layer = bridgeStreams({
  maxMessageBytes: 100,
  compileMessage:
    (_type, from, to): Transcoder =>
    (bytes, losses) => {
      const text = Buffer.from(bytes).toString();
      if (text.endsWith("bad")) throw new RpcError("INVALID_ARGUMENT", "text: expected better");
      losses.unknownFields++;
      return Buffer.from(`${from}>${to} ${text}`);
    },
});

async function textsOf(messages: AsyncIterable<Payload>): Promise<string[]> {
  const texts: string[] = [];
  for await (const { codec, bytes } of messages) texts.push(`${codec}: ${Buffer.from(bytes).toString()}`);
  return texts;
}

test("messages of JSON are Protobuf below, and JSON again above, with what they lost counted", async () => {
  const call = callOf();
  let below: StreamCall | undefined;
  const reply = await layer((came) => {
    below = came;
    return echo(came);
  })(call);
  expect(await textsOf(reply.messages)).toEqual([
    "json: protobuf>json json>protobuf a",
    "json: protobuf>json json>protobuf b",
  ]);
  expect(below?.codec).toBeUndefined();
  expect(call.facts.losses).toEqual({ unknownFields: 4, duplicates: 0 });
});

test("streams of Protobuf pass as they are", async () => {
  const call = callOf({ codec: "protobuf" });
  let below: StreamCall | undefined;
  await layer((came) => {
    below = came;
    return echo(came);
  })(call);
  expect(below).toBe(call);
});

test("compressed messages of JSON are unpacked, and replies to them may not be compressed", async () => {
  const bytes = gzipSync("a");
  const messages = of({ type: undefined, codec: "json", bytes, compression: "gzip" });
  let below: StreamCall | undefined;
  const reply = await layer((came) => {
    below = came;
    return echo(came);
  })(callOf({ messages, compression: "gzip", accepts: ["gzip"] }));
  expect(await textsOf(reply.messages)).toEqual(["json: protobuf>json json>protobuf a"]);
  expect([below?.accepts, below?.compression]).toEqual([undefined, undefined]);
});

test("a request that does not fit is INVALID_ARGUMENT, a reply that does not is INTERNAL", async () => {
  const bad = callOf({ messages: of(payload("json", "bad")) });
  await expect(textsOf((await layer(echo)(bad)).messages)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  const wrong: StreamHandler = async (call) => ({ ...(await echo(call)), messages: of(payload("protobuf", "bad")) });
  await expect(textsOf((await layer(wrong)(callOf())).messages)).rejects.toMatchObject({
    code: "INTERNAL",
    message: expect.stringContaining("shop.Shop/Watch cannot be translated: text: expected better"),
  });
});

test("a method whose IDL is not loaded is UNIMPLEMENTED in JSON", async () => {
  const opaque = { ...method, request: undefined, response: undefined };
  await expect(layer(echo)(callOf({ method: opaque }))).rejects.toMatchObject({ code: "UNIMPLEMENTED" });
});

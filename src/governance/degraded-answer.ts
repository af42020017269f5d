// The answers that stand in for an upstream's own.
import { hash } from "node:crypto";
import { LRUCache } from "lru-cache";
import { z } from "zod";
import type { Clock } from "../base/clock.ts";
import { RpcError } from "../base/errors.ts";
import { Metadata } from "../base/metadata.ts";
import { CODEC_WIRES, type Codec } from "../codec/codec.ts";
import type { Call, Handler, Payload, Reply } from "../rpc/call.ts";
import type { StreamHandler } from "../rpc/stream.ts";
import type { Method } from "../schema/model.ts";
import type { BridgeContext } from "./bridge.ts";
import { codeName } from "./failure.ts";
import { headerName } from "./match.ts";

const lastGood = z.strictObject({
  maxAgeMs: z.number().positive().default(600_000).describe("oldest answer that is given, in milliseconds"),
  maxEntries: z.int().positive().max(1_000_000).default(1_000).describe("most answers that are remembered"),
  maxBytes: z.int().positive().default(16_777_216).describe("most bytes of them together"),
  vary: z
    .array(headerName)
    .default(["authorization", "cookie"])
    .describe("metadata that must be the same beside the request, because answers differ by it"),
});

/** Exactly one of them. */
export const answerOption = z
  .strictObject({
    reply: z
      .record(z.string(), z.unknown())
      .optional()
      .describe("the response as JSON, in the Protobuf mapping, for every call"),
    lastGood: lastGood.optional().describe("the last answer to the same request"),
    upstream: z.string().min(1).optional().describe("another upstream's answer"),
    error: z
      .strictObject({ code: codeName.default("UNAVAILABLE"), message: z.string().max(1_024).optional() })
      .optional()
      .describe("an error: the method is off"),
  })
  .refine(
    ({ reply, lastGood, upstream, error }) =>
      [reply, lastGood, upstream, error].filter((each) => each !== undefined).length === 1,
    {
      error: "expected one of reply, lastGood, upstream and error",
    },
  );

export type AnswerOptions = z.output<typeof answerOption>;

export interface FallbackContext extends Pick<BridgeContext, "links" | "compile"> {
  readonly clock: Clock;
  /** The way to another upstream, as it is now; undefined when there is none of that name. */
  readonly upstreamOf: (name: string) => { readonly handle: Handler; readonly handleStream: StreamHandler } | undefined;
}

/** An answer for one method's calls. */
export interface Answer {
  /** Undefined when there is none for this call. */
  reply(call: Call): Promise<Reply> | undefined;
  /** For streams; undefined when there is none. */
  readonly stream?: StreamHandler;
  /** Takes note of what the upstream has answered. */
  remember?(call: Call, reply: Reply): void;
}

/** Builds the answers of each method. */
export function compileAnswer(options: AnswerOptions, context: FallbackContext): (method: Method) => Answer {
  if (options.reply) {
    const json = Buffer.from(JSON.stringify(options.reply));
    return (method) => fixedAnswer(json, method, context);
  }
  if (options.lastGood) {
    const memory = createMemory(options.lastGood, context.clock);
    return () => memory;
  }
  if (options.upstream !== undefined) {
    const other = upstreamAnswer(options.upstream, context);
    return () => other;
  }
  const { code = "UNAVAILABLE", message } = options.error ?? {};
  return ({ service, name }) => {
    const error = (): Promise<never> =>
      Promise.reject(new RpcError(code, message ?? `${service}/${name} is switched off for now (degrade)`));
    return { reply: error, stream: error };
  };
}

/** The same for every call, encoded once for each codec that callers have. */
function fixedAnswer(json: Uint8Array, method: Method, { links, compile }: FallbackContext): Answer {
  const link = links.get(method);
  const payloads = new Map<Codec, Payload>();

  function payloadIn(codec: Codec): Payload | undefined {
    if (!link) return undefined;
    let payload = payloads.get(codec);
    if (!payload) {
      const side = CODEC_WIRES[codec] === "thrift" ? link.thrift : link.protobuf;
      const bytes =
        codec === "json" ? json : compile(link.response, "json", codec)(json, { unknownFields: 0, duplicates: 0 });
      payload = { type: side.response, codec, bytes };
      payloads.set(codec, payload);
    }
    return payload;
  }

  return {
    reply(call) {
      const payload = payloadIn(call.payload.codec);
      return payload && Promise.resolve(replyOf(payload));
    },
  };
}

/** The last good answer to each request, told apart by what the request is and by whom it may be for. */
function createMemory({ maxAgeMs, maxEntries, maxBytes, vary }: z.output<typeof lastGood>, clock: Clock): Answer {
  const known = new LRUCache<string, { readonly payload: Payload; readonly atMs: number }>({
    max: maxEntries,
    maxSize: maxBytes,
    sizeCalculation: ({ payload }, key) => payload.bytes.length + key.length + 1,
  });
  function keyOf({ method, payload, headers, facts }: Call): string {
    const others = [method.service, method.name, facts.caller, ...vary.map((key) => headers.getAll(key))];
    return `${payload.codec}:${hash("sha256", payload.bytes)}:${hash("sha256", JSON.stringify(others))}`;
  }
  return {
    reply(call) {
      const found = known.get(keyOf(call));
      return found && clock.nowMs() - found.atMs <= maxAgeMs ? Promise.resolve(replyOf(found.payload)) : undefined;
    },
    remember(call, reply) {
      const { type, codec, bytes, compression } = reply.payload;
      // An exception is an answer, but not a good one; and who asks next may not unpack what this one does.
      if (reply.kind !== "result" || reply.exception || compression !== undefined || codec !== call.payload.codec)
        return;
      // The bytes belong to the call, and may be a part of more.
      known.set(keyOf(call), { payload: { type, codec, bytes: bytes.slice() }, atMs: clock.nowMs() });
    },
  };
}

function upstreamAnswer(name: string, { upstreamOf }: FallbackContext): Answer {
  return {
    reply(call) {
      const other = upstreamOf(name);
      if (!other) return undefined;
      call.facts.upstream = name;
      const { subset: _, ...free } = call;
      return Promise.resolve(free).then(other.handle);
    },
    stream(call) {
      const other = upstreamOf(name);
      if (!other) return Promise.reject(new RpcError("UNAVAILABLE", `there is no upstream ${name} to fall back on`));
      call.facts.upstream = name;
      const { subset: _, ...free } = call;
      return other.handleStream(free);
    },
  };
}

function replyOf(payload: Payload): Reply {
  return { kind: "result", payload, headers: Metadata.EMPTY, trailers: Metadata.EMPTY };
}

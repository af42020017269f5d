// Token buckets that sidecars share, kept in Redis: one script call per token, which Redis runs as one. The client is loaded
// when a config names a Redis, and not before.
import { hash } from "node:crypto";
import type { RedisClientType } from "@redis/client";
import { z } from "zod";
import type { Log } from "../base/log.ts";
import type { SharedBucket, SharedLimits } from "../governance/shared-rate-limit.ts";

/** Where the Redis is. */
export const redisOptions = z
  .strictObject({
    url: z
      .string()
      .regex(/^rediss?:\/\/[^\s]+$/, { error: "expected redis://[user:password@]HOST:PORT, or rediss:// for TLS" })
      .describe("redis://[user:password@]HOST:PORT, or rediss:// for TLS"),
    keyPrefix: z.string().max(128).default("causeway:").describe("what the names of keys begin with"),
    connectTimeoutMs: z.int().positive().default(2_000).describe("longest time to connect, in milliseconds"),
  })
  .describe("the store of limits that sidecars share (rateLimit with shared)");

export type RedisOptions = z.output<typeof redisOptions>;

/** Limits with the connection that they hold. */
export interface RedisLimits extends SharedLimits {
  close(): void;
}

/**
 * The generic cell rate algorithm (ITU-T I.371): of a bucket Redis keeps the time at which it would be full again. By the clock of
 * Redis, because those of sidecars differ. ARGV: milliseconds per token, burst. Answers the milliseconds until there is a token, 0
 * when it took one.
 */
const SCRIPT = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = math.max(now, tonumber(redis.call('GET', KEYS[1]) or now)) + interval
local wait = full - interval * burst - now
if wait > 0.001 then return tostring(wait) end
redis.call('SET', KEYS[1], string.format('%.3f', full), 'PX', math.ceil(full - now))
return '0'
`;
const SCRIPT_SHA = hash("sha1", SCRIPT);

/** Calls that wait for Redis at once; those above fail at once, as if it were gone. */
const MAX_WAITING = 10_000;
const MAX_RECONNECT_MS = 2_000;

/** Connects in the background, and again whenever the connection is lost; until there is one, every take fails at once. */
export function createRedisLimits({ url, keyPrefix, connectTimeoutMs }: RedisOptions, log: Log): RedisLimits {
  let client: RedisClientType | undefined;
  let closed = false;
  let isKnownToBeGone = false;

  async function connect(): Promise<void> {
    const { createClient } = await import("@redis/client");
    if (closed) return;
    const created = createClient({
      url,
      disableOfflineQueue: true,
      commandsQueueMaxLength: MAX_WAITING,
      socket: {
        connectTimeout: connectTimeoutMs,
        reconnectStrategy: (tries) => Math.min(50 * 2 ** tries, MAX_RECONNECT_MS),
      },
    });
    client = created;
    created.on("error", (error: unknown) => {
      if (!isKnownToBeGone)
        log.warn({ error: String(error) }, "Redis cannot be reached: shared limits go by their onFailure");
      isKnownToBeGone = true;
    });
    created.on("ready", () => {
      if (isKnownToBeGone) log.info({}, "Redis can be reached again");
      isKnownToBeGone = false;
    });
    await created.connect();
  }

  async function run(bucket: SharedBucket): Promise<number> {
    if (!client?.isReady) throw new Error("Redis is not connected");
    const args = ["1", keyPrefix + bucket.key, String(1_000 / bucket.perSecond), String(bucket.burst)];
    try {
      return waitIn(await client.sendCommand(["EVALSHA", SCRIPT_SHA, ...args]));
    } catch (error) {
      // It was started anew, or never had the script.
      if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw error;
      return waitIn(await client.sendCommand(["EVAL", SCRIPT, ...args]));
    }
  }

  connect().catch((error: unknown) => {
    if (!closed) log.error({ error: String(error) }, "no connection to Redis can be made");
  });
  return {
    take: run,
    close() {
      closed = true;
      if (client?.isOpen) client.destroy();
    },
  };
}

function waitIn(reply: unknown): number {
  const waitMs = Number(reply);
  if (!Number.isFinite(waitMs)) throw new Error(`Redis answered ${String(reply)}`);
  return waitMs;
}

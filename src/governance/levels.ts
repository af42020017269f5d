// Endpoints that are called only when better ones do not do: those of a higher priority number, and of another zone. Which of
// a level's endpoints is called, its pool says.
import type { AnyCall } from "../rpc/call.ts";
import type { Endpoint } from "../rpc/endpoint.ts";
import type { Candidate } from "./picker.ts";
import type { Pool } from "./pool.ts";

/** The label that says where an endpoint is. */
const ZONE = "zone";
/** Envoy's overprovisioning factor: a level gives calls to the next when fewer than 1/1.4 of it, 71 %, are healthy. */
const OVERPROVISION = 1.4;

/**
 * The candidates by level, the best first: by priority, and among those of one priority those of our own zone before the
 * others. Without a zone of ours, zones make no difference.
 */
export function levelsOf(
  candidates: readonly Candidate[],
  zone: string | undefined,
): readonly (readonly Candidate[])[] {
  const byLevel = Map.groupBy(candidates, ({ endpoint }) => levelOf(endpoint, zone));
  return [...byLevel].sort(([a], [b]) => a - b).map(([, members]) => members);
}

function levelOf({ priority = 0, labels }: Endpoint, zone: string | undefined): number {
  const isForeign = zone !== undefined && labels?.[ZONE] !== zone;
  return 2 * priority + (isForeign ? 1 : 0);
}

export interface LevelsContext {
  /** The pools of the levels, the best first, at least two. */
  readonly levels: readonly Pool[];
  /** All endpoints in one, for when too few of all are healthy. */
  readonly all: Pool;
  /** The share of healthy endpoints below which all are used. */
  readonly panicBelow: number;
  /** From 0 up to but not including 1, as Math.random. */
  readonly random: () => number;
}

/**
 * Gives each level the share of the calls that its healthy endpoints can bear, the best first, and the rest to the next; by
 * Envoy's rule for priority levels. A retry goes to the next level when its own has only the endpoint that has just failed.
 */
export function createLevels({ levels, all, panicBelow, random }: LevelsContext): Pool {
  function healthyShare(nowMs: number): number {
    const healthy = levels.reduce((sum, level) => sum + level.healthyAt(nowMs), 0);
    return healthy / all.size;
  }

  /** The level of a call, by the shares that they can bear; undefined when none can bear any. */
  function levelAt(nowMs: number, first: number): Pool | undefined {
    let sum = 0;
    const shares: number[] = [];
    for (let i = first; i < levels.length; i++) {
      const level = levels[i]!;
      const share = Math.min(1 - sum, (OVERPROVISION * level.healthyAt(nowMs)) / level.size);
      shares.push(share);
      sum += share;
      if (sum >= 1) break;
    }
    // Where all together cannot bear all, each bears more.
    let roll = random() * sum;
    for (const [i, share] of shares.entries()) {
      if (roll < share) return levels[first + i];
      roll -= share;
    }
    return undefined;
  }

  function failedAlone(level: Pool, { facts }: AnyCall, candidate: Candidate | undefined): boolean {
    return facts.attempts > 0 && level.size === 1 && candidate?.endpoint.name === facts.endpoint;
  }

  return {
    size: all.size,
    next(call, nowMs) {
      if (call.facts.attempts === 0) {
        const probing = levels.find((level) => level.hasProbe(nowMs));
        if (probing) return probing.next(call, nowMs);
      }
      if (healthyShare(nowMs) < panicBelow) return all.next(call, nowMs);
      const level = levelAt(nowMs, 0);
      if (!level) return all.next(call, nowMs);
      const candidate = level.next(call, nowMs);
      if (!failedAlone(level, call, candidate)) return candidate;
      return levelAt(nowMs, levels.indexOf(level) + 1)?.next(call, nowMs) ?? candidate;
    },
    staleAtMs: () => Math.min(...levels.map((level) => level.staleAtMs())),
    isDown: (nowMs) => levels.every((level) => level.isDown(nowMs)),
    healthyAt: (nowMs) => levels.reduce((sum, level) => sum + level.healthyAt(nowMs), 0),
    hasProbe: (nowMs) => levels.some((level) => level.hasProbe(nowMs)),
  };
}

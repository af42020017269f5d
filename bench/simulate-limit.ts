// Limiters without sockets: calls come at random to a server with some places and a line before them, which becomes slower for a
// while. Time is computed, and the limiters are the layers themselves. The same seed gives the same run.
import type { Clock } from "../src/base/clock.ts";
import type { Call, Layer, Reply } from "../src/rpc/call.ts";

export interface LimitSimulation {
  /** The layer under test, by the clock of the run. */
  readonly limiter: (clock: Clock) => Layer;
  /** Calls per second that come. */
  readonly perSecond: number;
  /** How many calls the server serves at once. */
  readonly places: number;
  /** How long it serves a call for on average, by the time. */
  readonly serviceMs: (nowMs: number) => number;
  readonly seconds: number;
  /** A reply that takes longer helps nobody. */
  readonly deadlineMs: number;
  readonly random: () => number;
  readonly nextCall: () => Call;
  readonly reply: Reply;
}

/** What became of the calls that came in one second. */
export interface LimitSecond {
  /** Replies in time. */
  inTime: number;
  /** Replies after the deadline. */
  late: number;
  refused: number;
  readonly latenciesMs: number[];
}

/** Runs Poisson arrivals through the limiter into a server with exponential service times (M/M/c). */
export async function simulateLimit(simulation: LimitSimulation): Promise<readonly LimitSecond[]> {
  const { perSecond, places, serviceMs, seconds, deadlineMs, random, nextCall, reply } = simulation;
  const exponential = (meanMs: number) => -meanMs * Math.log(1 - random());
  const result = Array.from({ length: seconds }, (): LimitSecond => {
    return { inTime: 0, late: 0, refused: 0, latenciesMs: [] };
  });
  let nowMs = 0;
  const clock: Clock = { nowMs: () => nowMs, wallMs: () => nowMs, turnMs: () => nowMs, after: () => () => {} };
  const freeAtMs: number[] = Array(places).fill(0);
  /** In the order in which they end. */
  const running: { readonly endMs: number; readonly end: () => void }[] = [];

  const handle = simulation.limiter(clock)(() => {
    const place = freeAtMs.indexOf(Math.min(...freeAtMs));
    const endMs = Math.max(nowMs, freeAtMs[place]!) + exponential(serviceMs(nowMs));
    freeAtMs[place] = endMs;
    const { promise, resolve } = Promise.withResolvers<Reply>();
    let at = running.length;
    while (at > 0 && running[at - 1]!.endMs > endMs) at--;
    running.splice(at, 0, { endMs, end: () => resolve(reply) });
    return promise;
  });

  async function endUntil(ms: number): Promise<void> {
    while (running[0] && running[0].endMs <= ms) {
      const { endMs, end } = running.shift()!;
      nowMs = endMs;
      end();
      await continued();
    }
  }

  for (
    let nextMs = exponential(1_000 / perSecond);
    nextMs < seconds * 1_000;
    nextMs += exponential(1_000 / perSecond)
  ) {
    await endUntil(nextMs);
    nowMs = nextMs;
    const second = result[Math.floor(nowMs / 1_000)]!;
    const startMs = nowMs;
    handle(nextCall()).then(
      () => {
        const latencyMs = nowMs - startMs;
        second.latenciesMs.push(latencyMs);
        if (latencyMs <= deadlineMs) second.inTime++;
        else second.late++;
      },
      () => {
        second.refused++;
      },
    );
  }
  await endUntil(Number.POSITIVE_INFINITY);
  await continued();
  return result;
}

/** Lets the continuations of promises run that have been settled: layers have a few behind each other. */
async function continued(): Promise<void> {
  for (let i = 0; i < 6; i++) await undefined;
}

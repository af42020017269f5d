// Calls at a steady rate, each with a number that must come back once: what became of them all.
import { setTimeout as delay } from "node:timers/promises";
import { ThriftWire, thriftText } from "./thrift-wire.ts";
import { framed, thriftMessage } from "./upstreams.ts";

/** What became of calls. */
export interface Tally {
  readonly calls: number;
  /** Those that were answered with an error. */
  readonly failed: number;
  /** Those that got no answer, another's, or more than one. */
  readonly wrong: number;
}

/** The calls of methods that may run twice, and of those that may not. */
export interface Outcome {
  readonly idempotent: Tally;
  readonly once: Tally;
}

export interface SteadyCalls {
  /** The unix socket that is called. */
  readonly path: string;
  readonly perSecond: number;
  readonly durationMs: number;
  /** Called once, a quarter of the time after the first call. */
  readonly quarter: () => void;
  /** How long after the last call its answer may come. */
  readonly graceMs: number;
}

const TICK_MS = 10;
const CONNECTIONS = 4;
/** One call of so many may not run twice. */
const ONCE_IN = 10;
const ANSWER = { result: 2, exception: 3 } as const;

const isOnce = (number: number) => number % ONCE_IN === 0;

/** Makes echoString calls, and one echoBinary among ten, over four connections. Throws when a connection is closed. */
export async function callSteadily(load: SteadyCalls): Promise<Outcome> {
  const { path, perSecond, durationMs, quarter, graceMs } = load;
  const ticks = Math.round(durationMs / TICK_MS);
  const perTick = Math.round((perSecond * TICK_MS) / 1_000);
  const calls = perTick * ticks;
  const answers = createAnswers(calls);
  const wires = Array.from({ length: CONNECTIONS }, () => new ThriftWire(path, { framed: true, strict: true }));
  const readers = wires.map((wire, i) => readAll(wire, (number) => number % CONNECTIONS === i, answers));
  const failed = Promise.all(readers);
  failed.catch(() => {});
  const startMs = performance.now();
  for (let tick = 0; tick < ticks; tick++) {
    if (tick === Math.floor(ticks / 4)) quarter();
    for (let i = 0; i < perTick; i++) {
      const number = tick * perTick + i;
      wires[number % CONNECTIONS]!.write(callOf(number, isOnce(number) ? "echoBinary" : "echoString"));
    }
    await delay(Math.max(0, startMs + (tick + 1) * TICK_MS - performance.now()));
  }
  const late = new AbortController();
  await Promise.race([
    answers.all,
    failed.then(() => Promise.reject(new Error("a connection was closed"))),
    delay(graceMs, undefined, { signal: late.signal }).catch(() => {}),
  ]);
  late.abort();
  for (const wire of wires) wire.destroy();
  return { idempotent: answers.tally((number) => !isOnce(number)), once: answers.tally(isOnce) };
}

/** As many connections at once, each with one call; all are open before the first is closed. */
export async function callAtOnce(path: string, connections: number, graceMs: number): Promise<Tally> {
  const answers = createAnswers(connections);
  const wires = Array.from({ length: connections }, () => new ThriftWire(path, { framed: true, strict: true }));
  const readers = wires.map((wire, number) => {
    wire.write(callOf(number, "echoString"));
    return readAll(wire, (answered) => answered === number, answers);
  });
  // A connection that is closed leaves its call without an answer, which is what is counted.
  const ended = Promise.allSettled(readers);
  const late = new AbortController();
  await Promise.race([answers.all, ended, delay(graceMs, undefined, { signal: late.signal }).catch(() => {})]);
  late.abort();
  for (const wire of wires) wire.destroy();
  return answers.tally(() => true);
}

function callOf(number: number, name: string): Buffer {
  const body = thriftText(1, String(number));
  return framed(thriftMessage({ strict: true, name, type: 1, sequenceId: number }, body));
}

async function readAll(wire: ThriftWire, isOwn: (number: number) => boolean, answers: Answers): Promise<void> {
  for (let answer = await wire.next(); answer; answer = await wire.next()) {
    const { type, sequenceId } = answer.header;
    const isText = type === ANSWER.result && answer.body.equals(thriftText(0, String(sequenceId)));
    answers.came(sequenceId, type === ANSWER.exception ? "failed" : isText && isOwn(sequenceId) ? "good" : "wrong");
  }
}

interface Answers {
  /** Resolves when each call has one. */
  readonly all: Promise<void>;
  came(number: number, what: "good" | "failed" | "wrong"): void;
  tally(of: (number: number) => boolean): Tally;
}

function createAnswers(calls: number): Answers {
  const first = new Map<number, "good" | "failed" | "wrong">();
  const { promise: all, resolve } = Promise.withResolvers<void>();
  return {
    all,
    came(number, what) {
      if (number < 0 || number >= calls) throw new Error(`an answer to call ${number}, which nobody made`);
      // The second answer of a call makes it wrong, whatever the two were.
      first.set(number, first.has(number) ? "wrong" : what);
      if (first.size >= calls) resolve();
    },
    tally(of) {
      const numbers = Array.from({ length: calls }, (_, number) => number).filter(of);
      const count = (what: string | undefined) => numbers.filter((number) => first.get(number) === what).length;
      return { calls: numbers.length, failed: count("failed"), wrong: count("wrong") + count(undefined) };
    },
  };
}

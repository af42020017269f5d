// What a call gets when its upstream cannot answer, or is switched off: an answer from the config, the last good one, another
// upstream's, or an error that says so. Topmost of an upstream's stack: what is answered here costs the upstream nothing.
import { z } from "zod";
import type { Clock } from "../base/clock.ts";
import { RpcError } from "../base/errors.ts";
import type { AnyCall, Call, Layer, Reply } from "../rpc/call.ts";
import type { StreamHandler, StreamLayer } from "../rpc/stream.ts";
import type { Method } from "../schema/model.ts";
import { byMethod } from "./by-method.ts";
import { type Answer, answerOption, compileAnswer, type FallbackContext } from "./degraded-answer.ts";
import { createJudge, type FailuresOptions, type Outcome } from "./failure.ts";
import { compileMethodSet, methodNames } from "./method-set.ts";
import { createSlidingCount } from "./sliding-count.ts";

/** Whether a rule is in force: always, never, or when its conditions say so. */
export const DEGRADE_MODES = ["auto", "on", "off"] as const;
export type DegradeMode = (typeof DEGRADE_MODES)[number];

const degradeRule = z.strictObject({
  name: z
    .string()
    .regex(/^[\w.-]{1,64}$/, { error: "expected letters, digits, -, _ and ., at most 64" })
    .describe("names the rule in logs, in metrics and on the admin listener"),
  only: methodNames.optional(),
  mode: z.enum(DEGRADE_MODES).default("auto").describe("on: always; off: never; auto: by when"),
  when: z
    .strictObject({
      down: z.boolean().default(true).describe("while every endpoint is gone, ejected, or has an open breaker"),
      successRateBelow: z
        .number()
        .gt(0)
        .max(1)
        .optional()
        .describe("after fewer of the method's last calls than this share succeeded, for windowMs"),
      windowMs: z.number().positive().default(30_000).describe("time over which calls are counted, in milliseconds"),
      minCalls: z.int().positive().default(20).describe("fewest calls in that time that say anything"),
    })
    .prefault({}),
  answer: answerOption,
});

/** The rules of one upstream; the first that is in force and has an answer gives it. */
export const degradeOption = z
  .array(degradeRule)
  .max(1_000)
  .default([])
  .describe("what calls get that the upstream cannot answer");

export type DegradeOptions = z.output<typeof degradeOption>;
type DegradeRuleOptions = DegradeOptions[number];

/** What an operator has switched by hand, by `upstream/rule`. It outlives a change of the config. */
export interface DegradeSwitches {
  /** Undefined where nobody has switched anything. */
  modeOf(rule: string): DegradeMode | undefined;
}

export interface DegradeContext extends FallbackContext {
  readonly clock: Clock;
  readonly switches: DegradeSwitches;
  /** Whether none of the endpoints that the call may go to can be called. */
  readonly isDown: (call: AnyCall) => boolean;
}

/** One rule for one method. */
interface Rule {
  /** `upstream/name`. */
  readonly name: string;
  /** Why the rule is in force; undefined when it is not. */
  force(call: AnyCall): "switched" | "automatic" | undefined;
  readonly answer: Answer;
  /** Learns from a call that the upstream has had. */
  ended(outcome: Outcome): void;
}

/** Answers calls of both kinds in the upstream's place, as its rules say; undefined without rules. */
export function degrade(
  upstream: string,
  rules: DegradeOptions,
  failures: FailuresOptions,
  context: DegradeContext,
): { readonly calls: Layer; readonly streams: StreamLayer } | undefined {
  if (rules.length === 0) return undefined;
  const judge = createJudge(failures);
  const compiled = rules.map((options) => ({
    options,
    isFor: compileMethodSet(options.only, context.links),
    answerOf: compileAnswer(options.answer, context),
  }));
  const rulesOf = byMethod((method) =>
    compiled
      .filter(({ isFor }) => isFor(method))
      .map(({ options, answerOf }): Rule => {
        const name = `${upstream}/${options.name}`;
        return { name, answer: answerOf(method), ...createTrigger(name, options, context) };
      }),
  );

  /** The answer of the first rule that is in force and has one. */
  function answerFor(call: Call, those: readonly Rule[]): Promise<Reply> | undefined {
    let switchedOff: Rule | undefined;
    for (const rule of those) {
      const force = rule.force(call);
      if (!force) continue;
      const reply = rule.answer.reply(call);
      if (reply) {
        call.facts.degraded = rule.name;
        return reply;
      }
      if (force === "switched") switchedOff ??= rule;
    }
    return switchedOff && Promise.reject(noAnswer(call, switchedOff));
  }

  function ended(those: readonly Rule[], outcome: Outcome): void {
    for (const rule of those) rule.ended(outcome);
  }

  return {
    calls: (next) => (call) => {
      const those = rulesOf(call.method);
      // What another upstream hands on is not handed on again.
      if (those.length === 0 || call.facts.degraded !== undefined) return next(call);
      const answered = answerFor(call, those);
      if (answered) return answered;
      return next(call).then(
        (reply) => {
          ended(those, judge.reply(reply));
          for (const { answer } of those) answer.remember?.(call, reply);
          return reply;
        },
        (error: unknown) => {
          const outcome = judge.error(error);
          ended(those, outcome);
          const late = outcome === "failure" && !call.signal.aborted ? answerFor(call, those) : undefined;
          if (late) return late;
          throw error;
        },
      );
    },
    streams: (next) => (call) => {
      if (call.facts.degraded !== undefined) return next(call);
      for (const rule of rulesOf(call.method)) {
        const force = rule.force(call);
        const handle: StreamHandler | undefined = force && rule.answer.stream;
        if (handle) {
          call.facts.degraded = rule.name;
          return handle(call);
        }
        if (force === "switched") return Promise.reject(noAnswer(call, rule));
      }
      return next(call);
    },
  };
}

function createTrigger(
  name: string,
  { mode, when }: DegradeRuleOptions,
  { clock, switches, isDown }: DegradeContext,
): Pick<Rule, "force" | "ended"> {
  const { successRateBelow, windowMs, minCalls } = when;
  const calls = createSlidingCount(windowMs);
  const failures = createSlidingCount(windowMs);
  let untilMs = Number.NEGATIVE_INFINITY;
  return {
    force(call) {
      const now = switches.modeOf(name) ?? mode;
      if (now !== "auto") return now === "on" ? "switched" : undefined;
      return clock.nowMs() < untilMs || (when.down && isDown(call)) ? "automatic" : undefined;
    },
    ended(outcome) {
      if (successRateBelow === undefined || outcome === "neither") return;
      const nowMs = clock.nowMs();
      calls.add(nowMs);
      if (outcome === "success") return;
      failures.add(nowMs);
      const count = calls.sum(nowMs);
      if (count < minCalls || 1 - failures.sum(nowMs) / count >= successRateBelow) return;
      untilMs = nowMs + windowMs;
      // What brought it here must not keep it here: after the window the upstream is tried anew.
      calls.clear();
      failures.clear();
    },
  };
}

function noAnswer({ method }: { readonly method: Method }, { name }: Rule): RpcError {
  const message = `${method.service}/${method.name} is switched off (degrade ${name}), and there is no other answer`;
  return new RpcError("UNAVAILABLE", message);
}

// The stack of one endpoint, which every attempt walks down: the end of the pipeline, behind the balance.
import type { Clock } from "../base/clock.ts";
import type { Layer } from "../rpc/call.ts";
import type { Connect } from "../rpc/connect.ts";
import { stack } from "../rpc/stack.ts";
import type { Method } from "../schema/model.ts";
import { attemptTimeout } from "./attempt-timeout.ts";
import { loadTrackersOf } from "./balance-policy.ts";
import { closeBreaker, trackBreaker } from "./breaker.ts";
import type { EndpointStates } from "./endpoint-state.ts";
import { createJudge } from "./failure.ts";
import { countAttempts, observe, observeStream } from "./observe.ts";
import { createOutlierDetection } from "./outlier.ts";
import type { ScopedPolicies } from "./scoped-policies.ts";
import type { Trace } from "./trace.ts";
import type { UpstreamPolicies } from "./upstream-policies.ts";

/** What the stacks of an upstream's endpoints share. */
export interface EndpointStackContext {
  readonly clock: Clock;
  /** From 0 up to but not including 1, as Math.random. */
  readonly random: () => number;
  readonly connect: Connect;
  /** Undefined where nothing is traced. */
  readonly trace?: Trace | undefined;
  /** What is known of the upstream's endpoints, from the stack before this one when policies were reloaded. */
  readonly states: EndpointStates;
}

/** Puts what every attempt at one endpoint passes in front of `connect`'s client; `scopesOf` knows the policies of methods. */
export function endpointStacks(
  policies: UpstreamPolicies,
  context: EndpointStackContext,
  scopesOf: ((method: Method) => ScopedPolicies<UpstreamPolicies>) | undefined,
): Connect {
  const attemptTimeoutMs = policies.policies.some((scope) => scope.attemptTimeoutMs !== undefined)
    ? (method: Method) => scopesOf?.(method).policies.attemptTimeoutMs
    : policies.attemptTimeoutMs;
  const { clock, random, connect, states } = context;
  const attempts = context.trace?.attempts;
  const judge = createJudge(policies.failures);
  const outliers = policies.outlier.enabled ? createOutlierDetection(policies.outlier, states, clock) : undefined;
  // States may be from a policy that had breakers, and nobody would close them now.
  if (!policies.breaker) for (const { breaker } of states.all.values()) closeBreaker(breaker);
  return (endpoint) => {
    const state = states.of(endpoint.name);
    const load = loadTrackersOf(policies.balance, state);
    const health = [
      countAttempts(states.counts),
      ...(outliers ? [outliers.track(state)] : []),
      ...(policies.breaker ? [trackBreaker(state, states, policies.breaker, random)] : []),
    ];
    const layers: Layer[] = [
      // First: an attempt's span is as long as the attempt, and the wire below tells it.
      ...(attempts ? [attempts.calls] : []),
      // Above what fails: whatever ends an attempt below is an outcome, its timeout too.
      observe(state, [...load, ...health], judge, clock),
      // Last: it ends what waits for the wire, and nothing else waits here.
      ...(attemptTimeoutMs === undefined ? [] : [attemptTimeout(attemptTimeoutMs, clock)]),
    ];
    const client = connect(endpoint);
    const { handleStream } = client;
    return {
      handle: stack(layers, client.handle),
      // The time of an attempt is no bound for a stream, which may well be silent for long.
      ...(client.connections && { connections: client.connections }),
      ...(handleStream && {
        handleStream: stack(
          [...(attempts ? [attempts.streams] : []), observeStream(state, { load, health }, judge, clock)],
          handleStream,
        ),
      }),
      close: () => client.close(),
    };
  };
}

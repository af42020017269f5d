// What the admin listener shows of a running sidecar, as plain data.
import type { AdminViews } from "../admin/admin.ts";
import { formatAddress } from "../base/address.ts";
import { newUpstreamCounts } from "../governance/upstream-counts.ts";
import type { MeasuredUpstream } from "../governance/upstream-metrics.ts";
import { upstreamPolicies } from "../governance/upstream-policies.ts";
import type { Traffic } from "./traffic.ts";
import type { Upstream } from "./upstreams.ts";

/** Views of the config that `traffic` gives the calls of this moment. */
export function createAdminViews(traffic: () => Traffic): AdminViews {
  return {
    config: () => hidden(traffic().checked.config),
    endpoints: () => mapped(traffic().upstreams, ({ stack }) => stack.inspect()),
    routes: () => mapped(traffic().routes, ({ upstream }) => ({ upstream })),
    policies: () => mapped(traffic().upstreams, policiesOf),
  };
}

/**
 * What the metrics ask of each upstream that has been called, or of which it is not known where it is: the others would be
 * thousands of series that say nothing.
 */
export function* measuredUpstreams(
  upstreams: ReadonlyMap<string, Upstream>,
): Generator<readonly [string, MeasuredUpstream]> {
  for (const [name, { stack }] of upstreams) {
    const counts = stack.states()?.counts;
    if (counts) yield [name, { counts, view: stack.inspect }];
    else if (stack.inspect().kind !== "known") yield [name, { counts: newUpstreamCounts(), view: stack.inspect }];
  }
}

function mapped<V, T>(all: ReadonlyMap<string, V>, view: (value: V) => T): Readonly<Record<string, T>> {
  return Object.fromEntries([...all].map(([name, value]) => [name, view(value)]));
}

const POLICY_KEYS = new Set(Object.keys(upstreamPolicies));

function policiesOf({ options }: Upstream): object {
  return Object.fromEntries(Object.entries(options).filter(([key]) => POLICY_KEYS.has(key)));
}

/** Keys whose values nobody shall read, wherever they stand. */
const SECRET_KEY = /pass(?:word|phrase)|secret|token|authorization|credential|api-?key/i;
const HIDDEN = "[hidden]";

/** A copy of the config for a reader: addresses as text, and no secrets, neither under a key that says so nor in a URL. */
export function hidden(value: unknown): unknown {
  if (typeof value === "string") return value.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@\s]*@/i, `$1${HIDDEN}@`);
  if (Array.isArray(value)) return value.map(hidden);
  if (typeof value !== "object" || value === null) return value;
  if (isAddress(value)) return formatAddress(value);
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, SECRET_KEY.test(key) ? HIDDEN : hidden(each)]),
  );
}

function isAddress(value: object): value is Parameters<typeof formatAddress>[0] {
  if (!("kind" in value)) return false;
  return (value.kind === "tcp" && "host" in value && "port" in value) || (value.kind === "unix" && "path" in value);
}

// What would become of a call, and why: every rule's verdict, the upstreams and endpoints it may go to, the policies that hold.
// Reads the same compiled rules that calls go by, and calls nobody.
import { formatAddress } from "../base/address.ts";
import { NEVER_CANCELLED } from "../base/cancel.ts";
import { Metadata } from "../base/metadata.ts";
import type { Config } from "../config.ts";
import { compileAuthorization, identityOf } from "../governance/authorize.ts";
import type { EndpointStates } from "../governance/endpoint-state.ts";
import { type Condition, compileMatch } from "../governance/match.ts";
import { compileMethodSet } from "../governance/method-set.ts";
import { compileRouteRules, type RouteRule } from "../governance/route-rules.ts";
import { compileScopes } from "../governance/scoped-policies.ts";
import { hasLabels } from "../governance/subset.ts";
import { type AnyCall, newFacts } from "../rpc/call.ts";
import type { Endpoint, Endpoints, Labels } from "../rpc/endpoint.ts";
import type { LinkedSchema } from "../schema/link.ts";
import { type Method, methodsOf } from "../schema/model.ts";

/** The call that is asked about. */
export interface ExplainRequest {
  /** `Service/method`. */
  readonly call: string;
  readonly headers: readonly (readonly [string, string])[];
  /** By its certificate. */
  readonly caller: string | undefined;
}

/** What is known where it is asked. */
export interface ExplainContext {
  readonly config: Config;
  readonly linked: LinkedSchema;
  /** The upstream that has a service, by the service's full name. */
  readonly upstreamOfService: (service: string) => string | undefined;
  /** Undefined where nobody watches the upstream's registry. */
  readonly endpointsOf: (upstream: string) => Endpoints | undefined;
  /** What calls have taught; undefined where there were none. */
  readonly statesOf: (upstream: string) => EndpointStates | undefined;
  readonly nowMs: number;
}

type Holds = "holds" | "does not hold" | "depends on the message";

/** The answer, as plain data. */
export interface Explanation {
  readonly call: string;
  readonly caller: string | null;
  readonly authorization: string;
  readonly faults: readonly ExplainedRule[];
  readonly routes: readonly ExplainedRule[];
  /** Rules that may send the call, the surest last; none: the service's own upstream. */
  readonly ways: readonly ExplainedWay[];
}

export interface ExplainedRule {
  readonly name: string;
  readonly verdict: "fits" | "may fit" | "does not fit";
  readonly conditions: readonly { readonly condition: string; readonly verdict: Holds }[];
}

export interface ExplainedWay {
  readonly by: string;
  readonly upstream: string;
  /** Of the calls that the rule fits. */
  readonly share: number;
  readonly labels: Labels;
  readonly headers: readonly string[];
  readonly mirror: string | null;
  readonly policies: Readonly<Record<string, unknown>>;
  readonly endpoints: readonly { readonly endpoint: string; readonly verdict: string }[] | string;
}

/** Explains a call; a sentence instead when there is no such method. */
export function explainCall(
  { call: name, headers, caller }: ExplainRequest,
  context: ExplainContext,
): Explanation | string {
  const { config, linked } = context;
  const method = methodNamed(name, linked, config);
  if (typeof method === "string") return method;
  const call: AnyCall = {
    method,
    headers: Metadata.from(headers),
    expiresAtMs: Number.POSITIVE_INFINITY,
    signal: NEVER_CANCELLED,
    facts: newFacts("explain", "", caller),
  };
  const rules = compileRouteRules(config.routes, linked.methods)(method);
  const explained = rules.map(({ name, conditions }) => explainConditions(name, conditions, call));
  const known = config.authorize ? identityOf(call, config.authorize) : identityOf(call, { identity: "any" });
  return {
    call: `${method.service}/${method.name}`,
    caller: known ?? null,
    authorization: authorization(method, known, context),
    faults: config.faults.flatMap((fault, i) => {
      const match = compileMatch(fault.match, linked.methods);
      const name = fault.name ?? `faults[${i}]`;
      return match.methods(method) ? [explainConditions(name, match.conditionsFor(method), call)] : [];
    }),
    routes: explained,
    ways: waysOf(call, rules, explained, context),
  };
}

function methodNamed(name: string, { schema }: LinkedSchema, { upstreams }: Config): Method | string {
  const slash = name.indexOf("/");
  if (slash <= 0) return `expected SERVICE/METHOD, got ${JSON.stringify(name)}`;
  const [service, method] = [name.slice(0, slash), name.slice(slash + 1)];
  const services = schema.services.get(service);
  const found = services?.flatMap(methodsOf).find((each) => each.name === method);
  if (found) return found;
  if (services) {
    const known = services.flatMap(methodsOf).map((each) => each.name);
    return `the service ${service} has no method ${method}, expected one of ${known.join(", ")}`;
  }
  if (Object.values(upstreams).some(({ opaqueServices }) => opaqueServices.includes(service))) {
    return `${service} has no loaded IDL: nothing is known of its methods`;
  }
  return `no service ${service} is loaded, expected one of ${[...schema.services.keys()].sort().join(", ")}`;
}

function authorization(method: Method, caller: string | undefined, { config, linked }: ExplainContext): string {
  if (!config.authorize) return "allowed: there is no authorize in the config";
  const { allowed, rule } = compileAuthorization(config.authorize, linked.methods)(method, caller);
  return `${allowed ? "allowed" : "denied"} by ${rule === undefined ? "authorize.default" : `authorize.rules[${rule}]`}`;
}

function explainConditions(name: string, conditions: readonly Condition[], call: AnyCall): ExplainedRule {
  const verdicts = conditions.map((condition) => ({ condition: condition.says, verdict: verdictOf(condition, call) }));
  const worst = (verdict: Holds) => verdicts.some((each) => each.verdict === verdict);
  const verdict = worst("does not hold") ? "does not fit" : worst("depends on the message") ? "may fit" : "fits";
  return { name, verdict, conditions: verdicts };
}

function verdictOf(condition: Condition, call: AnyCall): Holds {
  if (condition.readsField) return "depends on the message";
  return condition.holds(call) ? "holds" : "does not hold";
}

/** Where the call may go: by each rule that may fit before the first that does, and by that one. */
function waysOf(
  call: AnyCall,
  rules: readonly RouteRule[],
  explained: readonly ExplainedRule[],
  context: ExplainContext,
): readonly ExplainedWay[] {
  const first = explained.findIndex(({ verdict }) => verdict === "fits");
  const candidates = rules.filter((_, i) => explained[i]?.verdict !== "does not fit" && (first < 0 || i <= first));
  const byRules = candidates.flatMap((rule) => waysOfRule(call, rule, context));
  return first >= 0 ? byRules : [...byRules, ...plainWay(call, "the service's upstream", context)];
}

function waysOfRule(call: AnyCall, rule: RouteRule, context: ExplainContext): readonly ExplainedWay[] {
  const { to, mirror } = rule.options;
  const copies = mirror ? `${mirror.upstream}, ${percent(mirror.share)} of the calls` : null;
  const edited = (way: ExplainedWay): ExplainedWay => ({ ...way, mirror: copies });
  if (!to) {
    const after = { ...call, headers: rule.edit(call.headers, undefined) };
    return plainWay(after, rule.name, context).map(edited);
  }
  const total = to.reduce((sum, { weight }) => sum + weight, 0);
  return rule.destinations.flatMap((destination) => {
    const share = destination.weight / total;
    if (share === 0) return [];
    const labels = destination.labels;
    const after = { ...call, headers: rule.edit(call.headers, destination), ...(labels && { subset: labels }) };
    return [edited(wayTo(destination.upstream, rule.name, share, after, context))];
  });
}

function plainWay(call: AnyCall, by: string, context: ExplainContext): readonly ExplainedWay[] {
  const upstream = context.upstreamOfService(call.method.service);
  return upstream === undefined ? [] : [wayTo(upstream, by, 1, call, context)];
}

function wayTo(upstream: string, by: string, share: number, call: AnyCall, context: ExplainContext): ExplainedWay {
  return {
    by,
    upstream,
    share,
    labels: call.subset ?? {},
    headers: [...call.headers].map(([key, value]) => `${key}: ${value}`),
    mirror: null,
    policies: policiesFor(call.method, upstream, context),
    endpoints: endpointsFor(call, upstream, context),
  };
}

function policiesFor(method: Method, upstream: string, { config, linked }: ExplainContext): ExplainedWay["policies"] {
  const own = config.upstreams[upstream];
  if (!own) return {};
  const isFor = (only: readonly string[] | undefined) => compileMethodSet(only, linked.methods)(method);
  const { policies, scopes } = compileScopes({ ...own }, linked.methods)(method);
  const { timeoutMs, streamTimeoutMs, attemptTimeoutMs, retry, hedge, unknownFields, balance } = policies;
  const { healthCheck, outlier, breaker } = policies;
  const fromScopes = scopes.map((scope) => `policies[${own.policies.indexOf(scope)}]`);
  const degrade = own.degrade.filter(({ only }) => isFor(only)).map(({ name, mode }) => `${name} (${mode})`);
  const rateLimit = own.rateLimit.filter(({ only }) => isFor(only));
  const concurrency = [own.concurrency, ...scopes.map((scope) => scope.concurrency)].filter(
    (each) => each !== undefined,
  );
  const all = {
    degrade,
    rateLimit,
    concurrency,
    timeoutMs,
    streamTimeoutMs,
    attemptTimeoutMs,
    retry,
    hedge,
    unknownFields,
    balance,
    healthCheck,
    outlier,
    breaker,
    fromScopes,
  };
  const isSet = ([, value]: [string, unknown]) => value !== undefined && !(Array.isArray(value) && value.length === 0);
  return Object.fromEntries(Object.entries(all).filter(isSet));
}

function endpointsFor(
  call: AnyCall,
  upstream: string,
  { endpointsOf, statesOf, nowMs }: ExplainContext,
): ExplainedWay["endpoints"] {
  const known = endpointsOf(upstream);
  if (!known) return "found by discovery when the sidecar runs: ask its admin listener";
  if (known.kind === "unknown") return "nothing is known of them yet";
  const states = statesOf(upstream);
  return known.endpoints.map((endpoint) => ({
    endpoint: formatAddress(endpoint.address),
    verdict: endpointVerdict(endpoint, call, states, nowMs),
  }));
}

function endpointVerdict(
  endpoint: Endpoint,
  { subset }: AnyCall,
  states: EndpointStates | undefined,
  nowMs: number,
): string {
  if (subset && !hasLabels(endpoint, subset)) return "has not the labels that the route demands";
  const state = states?.all.get(endpoint.name);
  if (state && !state.health.isHealthy) return "fails its health checks";
  if (state?.breaker.openUntilMs !== undefined) return "its breaker is open";
  if (state && state.outlier.ejectedUntilMs > nowMs) return "is ejected";
  return "can be called";
}

function percent(share: number): string {
  return `${Math.round(share * 10_000) / 100} %`;
}

// Rules above the plain route from a service to its upstream: the first that fits a call says where it goes, which endpoints
// there, what its metadata becomes, and who gets a copy.
import { z } from "zod";
import type { Metadata } from "../base/metadata.ts";
import type { AnyCall, Call } from "../rpc/call.ts";
import type { Labels } from "../rpc/endpoint.ts";
import type { Method } from "../schema/model.ts";
import { byMethod } from "./by-method.ts";
import { editMetadata, headerEditOptions } from "./header-edit.ts";
import { type Condition, compileMatch, type MatchOptions, matchOptions } from "./match.ts";
import type { MethodPairs } from "./method-set.ts";
import { LABEL_PREFIX } from "./subset.ts";

const upstreamName = z.string().min(1).describe("name of an upstream");

const labelsOption = z.record(z.string().min(1).max(256), z.string().max(256));

const destination = z.preprocess(
  (value) => (typeof value === "string" ? { upstream: value } : value),
  z.strictObject({
    upstream: upstreamName,
    weight: z.number().min(0).max(1_000_000).default(1).describe("share of the calls relative to the others'"),
    labels: labelsOption.optional().describe("labels that the endpoint must have"),
    follow: z
      .boolean()
      .default(false)
      .describe("whether the call asks for these labels at its further hops too, by metadata cw-label-…"),
  }),
);

/** One rule. */
const routeRuleOptions = z.strictObject({
  name: z.string().min(1).max(128).optional().describe("how logs and causeway explain call the rule"),
  match: matchOptions.prefault({}).describe("which calls the rule is for: all that is written must hold"),
  to: z
    .preprocess(
      (value) => (Array.isArray(value) || value === undefined ? value : [value]),
      z.array(destination).min(1).optional(),
    )
    .refine((to) => to === undefined || to.some(({ weight }) => weight > 0), { error: "expected a weight above 0" })
    .describe("upstream, or several by weight; without it the one that has the service"),
  headers: headerEditOptions.optional(),
  mirror: z
    .strictObject({
      upstream: upstreamName,
      labels: labelsOption.optional(),
      share: z.number().min(0).max(1).default(1).describe("share of the calls that are copied, from 0 to 1"),
      maxInFlight: z.int().positive().max(100_000).default(100).describe("most copies that are not answered yet"),
    })
    .optional()
    .describe("who gets a copy of calls and is not waited for; streams are not copied"),
});

/** The rules, in order. */
export const routesOption = z
  .array(routeRuleOptions)
  .max(10_000)
  .default([])
  .describe("the first rule that fits a call counts");

export type RouteRuleOptions = z.output<typeof routeRuleOptions>;

/** One way that a rule's calls may take. */
export interface Destination {
  readonly upstream: string;
  readonly weight: number;
  readonly labels: Labels | undefined;
}

/** A rule for the calls of one method. */
export interface RouteRule {
  readonly name: string;
  readonly options: RouteRuleOptions;
  readonly conditions: readonly Condition[];
  /** All that it may be sent to. */
  readonly destinations: readonly Destination[];
  /** Where the call goes; undefined: to the upstream that has its service. `random` is from 0 up to but not including 1. */
  pick(random: number): Destination | undefined;
  /** The call's metadata on its way on. */
  edit(headers: Metadata, destination: Destination | undefined): Metadata;
}

/** The rules that a method's calls may fall under, in order. */
export type RulesOf = (method: Method) => readonly RouteRule[];

/** Works out each method's rules at its first call. */
export function compileRouteRules(rules: readonly RouteRuleOptions[], pairs: MethodPairs): RulesOf {
  const compiled = rules.map((options, i) => ({
    options,
    match: compileMatch(options.match, pairs),
    ...actions(options, i),
  }));
  return byMethod((method) =>
    compiled
      .filter(({ match }) => match.methods(method))
      .map(({ options, match, name, destinations, pick, edit }) => ({
        name,
        options,
        destinations,
        pick,
        edit,
        conditions: match.conditionsFor(method),
      })),
  );
}

/** The name that a rule goes by: its own, else its place in the config. */
export function ruleName({ name }: { readonly name?: string | undefined }, index: number): string {
  return name ?? `routes[${index}]`;
}

function actions(options: RouteRuleOptions, index: number): Pick<RouteRule, "name" | "destinations" | "pick" | "edit"> {
  const { to, headers } = options;
  const destinations = (to ?? []).map(({ upstream, weight, labels }) => ({ upstream, weight, labels }));
  const total = destinations.reduce((sum, { weight }) => sum + weight, 0);
  const following = new Map(
    destinations.map((each, i) => [each as Destination, to?.[i]?.follow ? each.labels : undefined]),
  );
  const edited = headers && editMetadata(headers);
  return {
    name: ruleName(options, index),
    destinations,
    pick(random) {
      let left = random * total;
      for (const destination of destinations) {
        left -= destination.weight;
        if (left < 0) return destination;
      }
      return destinations.findLast(({ weight }) => weight > 0);
    },
    edit(given, destination) {
      let after = edited ? edited(given) : given;
      const labels = destination && following.get(destination);
      for (const [name, value] of Object.entries(labels ?? {})) {
        const key = LABEL_PREFIX + name.toLowerCase();
        after = after.filter((each) => each !== key).with(key, value);
      }
      return after;
    },
  };
}

/** Whether all conditions hold. */
export function fits({ conditions }: { readonly conditions: readonly Condition[] }, call: AnyCall | Call): boolean {
  for (const condition of conditions) if (!condition.holds(call)) return false;
  return true;
}

/** Every upstream that the rules name, and where: for whoever checks that they are there. */
export function upstreamsOfRule({
  to,
  mirror,
}: RouteRuleOptions): readonly (readonly [path: readonly (string | number)[], upstream: string])[] {
  return [
    ...(to ?? []).map(({ upstream }, i) => [["to", i, "upstream"], upstream] as const),
    ...(mirror ? [[["mirror", "upstream"], mirror.upstream] as const] : []),
  ];
}

export type { MatchOptions };

// Where calls go by the config at work, as operators see it: the rules in the order in which they are tried, and below them
// the upstream of each service.
import { type RouteRuleOptions, ruleName } from "../governance/route-rules.ts";
import { hidden } from "./hidden.ts";
import type { Traffic } from "./traffic.ts";

/** One rule: all of `match` must hold. Without `to` its calls go to the upstream of their service. */
interface RuleView {
  readonly name: string;
  readonly match: unknown;
  readonly to?: readonly { readonly upstream: string; readonly share: number; readonly labels?: unknown }[];
  readonly headers?: unknown;
  readonly mirror?: unknown;
}

/** The rules, of which the first that fits a call counts, and each service's upstream, for calls that none of them sends elsewhere. */
export function viewRoutes({ checked, routes }: Pick<Traffic, "checked" | "routes">): {
  readonly rules: readonly RuleView[];
  readonly services: Readonly<Record<string, { readonly upstream: string }>>;
} {
  const services = [...routes].map(([service, { upstream }]) => [service, { upstream }] as const);
  return { rules: checked.config.routes.map(viewRule), services: Object.fromEntries(services) };
}

function viewRule(rule: RouteRuleOptions, index: number): RuleView {
  const { match, to, headers, mirror } = rule;
  const total = to?.reduce((sum, { weight }) => sum + weight, 0) ?? 0;
  return {
    name: ruleName(rule, index),
    match: hidden(match),
    ...(to && {
      to: to.map(({ upstream, weight, labels, follow }) => ({
        upstream,
        share: weight / total,
        ...(labels && { labels, follow }),
      })),
    }),
    ...(headers && { headers: hidden(headers) }),
    ...(mirror && { mirror }),
  };
}

// Who may call what. Above the route: where a call would have gone is nobody's business who may not call it.
import { z } from "zod";
import { RpcError } from "../base/errors.ts";
import type { AnyCall, Layer } from "../rpc/call.ts";
import type { StreamLayer } from "../rpc/stream.ts";
import type { Method } from "../schema/model.ts";
import { byMethod } from "./by-method.ts";
import { callerNames, callerOf, compileCallers } from "./caller.ts";
import { compileMethodSet, type MethodPairs, methodNames } from "./method-set.ts";

const effect = z.enum(["allow", "deny"]);

/** The rules, the first that fits a call counts. */
export const authorizeOptions = z
  .strictObject({
    default: effect.default("allow").describe("what holds for calls that no rule fits"),
    identity: z
      .enum(["certificate", "any"])
      .default("any")
      .describe("how callers are known: by their certificates alone, or else by cw-from, which anybody can write"),
    rules: z
      .array(
        z.strictObject({
          effect: effect.describe("what the rule does"),
          callers: callerNames
            .optional()
            .describe("callers that the rule is for; without it all, also those without a name"),
          methods: methodNames.optional().describe("services, or methods as Service/method; without it all"),
        }),
      )
      .max(10_000)
      .default([]),
  })
  .describe("who may call what, for all upstreams");

export type AuthorizeOptions = z.output<typeof authorizeOptions>;

/** What was decided, and by which rule of the config; undefined: by the default. */
export interface Verdict {
  readonly allowed: boolean;
  readonly rule: number | undefined;
}

/** Decides on calls; each method's rules are found once. */
export function compileAuthorization(
  options: AuthorizeOptions,
  pairs: MethodPairs,
): (method: Method, caller: string | undefined) => Verdict {
  const rules = options.rules.map(({ effect, callers, methods }, rule) => ({
    verdict: { allowed: effect === "allow", rule },
    methods: compileMethodSet(methods, pairs),
    callers: callers ? compileCallers(callers) : () => true,
  }));
  const byDefault: Verdict = { allowed: options.default === "allow", rule: undefined };
  const rulesOf = byMethod((method) => rules.filter(({ methods }) => methods(method)));
  return (method, caller) => rulesOf(method).find(({ callers }) => callers(caller))?.verdict ?? byDefault;
}

/** Whom the options take a call to be from. */
export function identityOf(call: AnyCall, { identity }: Pick<AuthorizeOptions, "identity">): string | undefined {
  return identity === "certificate" ? call.facts.caller : callerOf(call);
}

/** Fails calls that are not allowed with PERMISSION_DENIED. */
export function authorize(
  options: AuthorizeOptions,
  pairs: MethodPairs,
): { readonly calls: Layer; readonly streams: StreamLayer } {
  const decide = compileAuthorization(options, pairs);
  const passing =
    <C extends AnyCall, R>(next: (call: C) => Promise<R>) =>
    (call: C) => {
      const caller = identityOf(call, options);
      return decide(call.method, caller).allowed ? next(call) : Promise.reject(denied(call.method, caller, options));
    };
  return { calls: passing, streams: passing };
}

function denied({ service, name }: Method, caller: string | undefined, { identity }: AuthorizeOptions): RpcError {
  const known = identity === "certificate" ? "a client certificate" : "a client certificate or cw-from";
  const who =
    caller === undefined ? `a caller without a name (${known} gives one)` : `the caller ${caller.slice(0, 200)}`;
  return new RpcError(
    "PERMISSION_DENIED",
    `${who} may not call ${service.slice(0, 200)}/${name.slice(0, 200)} (authorize)`,
  );
}

// Whose allowance a call is of: what token buckets are kept by, here and in a store that sidecars share.
import { hash } from "node:crypto";
import { z } from "zod";
import type { AnyCall, Payload } from "../rpc/call.ts";
import { byMethod } from "./by-method.ts";
import { callerOf } from "./caller.ts";
import { fieldOf, headerName } from "./match.ts";

/** What has an allowance of its own. */
export const perOption = z
  .union(
    [
      z.enum(["upstream", "service", "method", "caller"]),
      z.strictObject({ header: headerName.describe("key of the metadata") }),
      z.strictObject({
        field: z.string().min(1).max(256).describe("names from the request down, as order.customer.id"),
      }),
    ],
    { error: "expected upstream, service, method, caller, { header: KEY } or { field: PATH }" },
  )
  .default("upstream")
  .describe(
    "what has an allowance of its own: the whole upstream, each service, method or caller, or each value of a header or of a field of the request; calls without one share one",
  );

/** Peers choose the names and values that calls come with: longer ones are told apart by their digest. */
const MAX_KEY = 256;

export type Per = z.output<typeof perOption>;

/** Reads whose allowance a call is of, in at most 256 characters. */
export function keysBy(per: Per): (call: AnyCall) => string {
  const keyOf = anyLength(per);
  return (call) => {
    const key = keyOf(call);
    return key.length > MAX_KEY ? hash("sha256", key) : key;
  };
}

function anyLength(per: Per): (call: AnyCall) => string {
  if (per === "upstream") return () => "";
  if (per === "caller") return (call) => callerOf(call) ?? "";
  if (per === "service" || per === "method") return ({ method }) => methodKey(per, method);
  if ("header" in per) return ({ headers }) => headers.get(per.header) ?? "";
  const readerOf = byMethod((method) => fieldOf(method, per.field));
  return (call) => ("payload" in call ? readerOf(call.method)(call.payload as Payload) : undefined) ?? "";
}

/** Peers choose the names of methods whose IDL is not loaded: those of one service share a bucket. */
function methodKey(per: "service" | "method", { service, name, request }: AnyCall["method"]): string {
  return per === "service" || request === undefined ? service : `${service}/${name}`;
}

/** The same for people. */
export function whatOf(per: Per, call: AnyCall): string {
  const { method, facts } = call;
  if (per === "upstream") return `the upstream ${facts.upstream ?? ""}`;
  if (per === "service" || per === "method") return methodKey(per, method);
  if (per === "caller") return `the caller ${(callerOf(call) ?? "without a name").slice(0, 200)}`;
  if ("header" in per) return `the header ${per.header} of this value`;
  return `the field ${per.field} of this value`;
}

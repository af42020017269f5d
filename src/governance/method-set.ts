// Which methods a policy is for, by the names that people write.
import { z } from "zod";
import type { Method } from "../schema/model.ts";

/** Names of services and methods. */
export const methodNames = z
  .array(z.string().min(1).max(1_024))
  .min(1)
  .describe("services, or methods as Service/method; a name of either wire stands for what it is linked with, too");

/** The two sides of linked methods, found by the method of either. */
export type MethodPairs = ReadonlyMap<Method, { readonly thrift: Method; readonly protobuf: Method }>;

/** Tells whether a method is one of those. */
export type MethodSet = (method: Method) => boolean;

/** The methods with these names, on both wires: a rule for one name must not be evaded by calling the other. All without names. */
export function compileMethodSet(names: readonly string[] | undefined, pairs: MethodPairs): MethodSet {
  if (!names) return () => true;
  const listed = new Set(names);
  const has = ({ service, name }: Method) =>
    listed.has(service) || listed.has(`${service}/${name}`) || listed.has(`${service}/*`);
  return (method) => {
    const pair = pairs.get(method);
    return has(method) || (pair !== undefined && (has(pair.thrift) || has(pair.protobuf)));
  };
}

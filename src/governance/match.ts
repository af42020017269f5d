// Which calls a rule is for: by method, which is settled once, and by what each call says of itself.
import { z } from "zod";
import type { Codec } from "../codec/codec.ts";
import { compileFieldReader, type FieldReader } from "../codec/read-field.ts";
import type { AnyCall, Payload } from "../rpc/call.ts";
import type { Method } from "../schema/model.ts";
import { callerNames, callerOf, compileCallers } from "./caller.ts";
import { compileMethodSet, type MethodPairs, type MethodSet, methodNames } from "./method-set.ts";

/** Longer values match no expression: some expressions take time that grows fast with the text. */
const MAX_REGEX_INPUT = 1_024;

const textShape = {
  exact: z.string().optional().describe("the whole value"),
  prefix: z.string().min(1).optional().describe("what the value begins with"),
  regex: z
    .string()
    .min(1)
    .max(256)
    .refine(isExpression, { error: "expected a regular expression as JavaScript has them" })
    .optional()
    .describe("regular expression of JavaScript that the whole value fits, which has at most 1,024 characters"),
  present: z.boolean().optional().describe("whether there is a value at all"),
};

const oneWay = (way: Readonly<Record<string, unknown>>) =>
  ["exact", "prefix", "regex", "present"].filter((key) => way[key] !== undefined).length === 1;
const ONE_WAY = { error: "expected one of exact, prefix, regex and present" };

const textOption = z.preprocess(
  (value) => (typeof value === "string" ? { exact: value } : value),
  z.strictObject(textShape).refine(oneWay, ONE_WAY),
);
type TextOption = z.output<typeof textOption>;

/** A name of metadata, in lower case. */
export const headerName = z
  .string()
  .min(1)
  .transform((name) => name.toLowerCase());

/** What a rule asks of a call; all that is written must hold. */
export const matchOptions = z.strictObject({
  methods: methodNames.optional(),
  callers: callerNames.optional(),
  headers: z
    .record(headerName, textOption)
    .optional()
    .describe("metadata by key: a value, or { exact | prefix | regex | present }; of repeated keys the first counts"),
  field: z
    .strictObject({
      path: z.string().min(1).max(256).describe("names from the request down, such as order.customer.id"),
      ...textShape,
    })
    .refine(oneWay, ONE_WAY)
    .optional()
    .describe("a text, integer, bool or enum of the request, by the caller's IDL; what a message leaves out is absent"),
});

export type MatchOptions = z.output<typeof matchOptions>;

/** One thing that must hold, and how to say it. */
export interface Condition {
  readonly says: string;
  holds(call: AnyCall): boolean;
  /** Whether it looks into the message, which must not be compressed then. */
  readonly readsField: boolean;
}

/** A rule's match. */
export interface Match {
  readonly methods: MethodSet;
  /** What else must hold of calls of one of those methods. */
  conditionsFor(method: Method): readonly Condition[];
}

/** Settles what can be before there is a call. */
export function compileMatch({ methods, callers, headers, field }: MatchOptions, pairs: MethodPairs): Match {
  const always: Condition[] = [];
  if (callers) {
    const known = compileCallers(callers);
    always.push({
      says: `callers: ${callers.join(", ")}`,
      holds: (call) => known(callerOf(call)),
      readsField: false,
    });
  }
  for (const [key, text] of Object.entries(headers ?? {})) {
    const fits = compileText(text);
    always.push({
      says: `header ${key} ${sayText(text)}`,
      holds: (call) => fits(call.headers.get(key)),
      readsField: false,
    });
  }
  return {
    methods: compileMethodSet(methods, pairs),
    conditionsFor: field ? (method) => [...always, fieldCondition(field, method)] : () => always,
  };
}

function fieldCondition({ path, ...text }: NonNullable<MatchOptions["field"]>, method: Method): Condition {
  const fits = compileText(text);
  const says = `field ${path} ${sayText(text)}`;
  const { request, wire } = method;
  const isThere = request && compileFieldReader(request, path, wire === "thrift" ? "thrift-binary" : "protobuf");
  if (!isThere) return { says, holds: () => fits(undefined), readsField: false };
  const read = fieldOf(method, path);
  return {
    says,
    holds: (call) => fits("payload" in call ? read(call.payload as Payload) : undefined),
    readsField: true,
  };
}

/** Reads a field of a method's requests in whatever codec they come; undefined where they do not have it. */
export function fieldOf(method: Method, path: string): (payload: Payload) => string | undefined {
  const readers = new Map<Codec, FieldReader>();
  return ({ codec, bytes, type = method.request, compression }) => {
    if (type === undefined || compression !== undefined) return undefined;
    let reader = readers.get(codec);
    if (!reader) {
      reader = compileFieldReader(type, path, codec) ?? (() => undefined);
      readers.set(codec, reader);
    }
    return reader(bytes);
  };
}

function compileText({ exact, prefix, regex, present }: TextOption): (value: string | undefined) => boolean {
  if (exact !== undefined) return (value) => value === exact;
  if (prefix !== undefined) return (value) => value?.startsWith(prefix) ?? false;
  if (regex === undefined) return (value) => (value !== undefined) === present;
  const whole = wholly(regex);
  return (value) => value !== undefined && value.length <= MAX_REGEX_INPUT && whole.test(value);
}

function sayText({ exact, prefix, regex, present }: TextOption): string {
  if (exact !== undefined) return `is ${JSON.stringify(exact)}`;
  if (prefix !== undefined) return `begins with ${JSON.stringify(prefix)}`;
  if (regex !== undefined) return `fits /${regex}/`;
  return present ? "is there" : "is not there";
}

function wholly(regex: string): RegExp {
  return new RegExp(`^(?:${regex})$`, "u");
}

function isExpression(regex: string): boolean {
  try {
    wholly(regex);
    return true;
  } catch {
    return false;
  }
}

// Finds what the body of an RPC message is: by its method's name and whether it is a call, a reply or an exception.
import { explain } from "../codec/explain.ts";
import { parseJson } from "../codec/json-text.ts";
import { linkSchema } from "../schema/link-schema.ts";
import { createSchema } from "../schema/load.ts";
import { parseThriftIdl } from "../schema/thrift-idl.ts";
import { resolveThrift } from "../schema/thrift-resolve.ts";
import { isText, LIMITS, UsageError } from "./convert-codec.ts";
import type { Envelope } from "./convert-message.ts";
import { exceptionsOf, findMethod, type LoadedIdl, type Target, targetOfPart, targetOfType } from "./convert-type.ts";

/** What a body is. */
export interface RpcTarget {
  readonly target: Target;
  /** The declared exception, or TApplicationException, that a reply holds. */
  readonly exception?: string;
}

/**
 * The target of a Thrift message's body. `service` is where its method is looked for, unless its name says so itself
 * (`Service:method`). Throws a UsageError when the method cannot be found.
 */
export function targetOfRpc(
  idl: LoadedIdl,
  { header, codec }: Envelope,
  body: Buffer,
  service: string | undefined,
): RpcTarget {
  const { name, type } = header;
  if (name === undefined) {
    throw new UsageError(
      "a gRPC message does not name its method; say what it is with --type Service/method:request or :response",
    );
  }
  if (type === "exception") return { target: applicationException(), exception: "TApplicationException" };
  const colon = name.indexOf(":");
  const method = findMethod(idl, name.slice(colon + 1), colon < 0 ? service : name.slice(0, colon), ["thrift"]);
  if (type !== "reply") return { target: targetOfPart(idl, method, "request") };
  const target = targetOfPart(idl, method, "response");
  const id = firstFieldId(codec, body);
  const exception = id === undefined ? undefined : exceptionsOf(idl, method).get(id);
  if (!exception) return { target };
  return { target: { ...target, body: exception }, exception: exception.link.thrift.name };
}

/** Which of its fields a result has: that is what says whether it is an exception. */
function firstFieldId(codec: Envelope["codec"], body: Buffer): number | undefined {
  let first: string | undefined;
  if (!isText(codec)) {
    explain(body, codec, undefined, LIMITS.maxDepth, ({ path }) => {
      first ??= path;
    });
  } else {
    const fail = (): never => {
      throw new UsageError("the body of the message is no JSON");
    };
    const root = parseJson(body.toString(), LIMITS.maxDepth * 2 + 3, fail, { tjson: true });
    first = root.kind === "object" ? root.members[0]?.name : undefined;
  }
  return first ? Number(first) : undefined;
}

/** The struct of every message of type Exception, as Thrift's doc/specs/thrift-rpc.md has it. */
function applicationException(): Target {
  const ignore = (): void => {};
  const text = "exception TApplicationException { 1: string message, 2: i32 type }";
  const document = parseThriftIdl("thrift.thrift", text, ignore);
  const file = document && resolveThrift(document, new Map(), { allowNegativeKeys: false }, ignore);
  const [type] = file?.messages ?? [];
  if (!file || !type) throw new TypeError("TApplicationException does not parse");
  return targetOfType(linkSchema(createSchema([file]), { pairs: [] }, ignore), type);
}

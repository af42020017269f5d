// The server of wires.thrift, in Protobuf whatever its wire: it echoes, or does what the method says, and remembers the calls
// that name a key.
import { systemClock } from "../../src/base/clock.ts";
import { CODE_NUMBERS, type Code, type Detail, RpcError } from "../../src/base/errors.ts";
import { Metadata } from "../../src/base/metadata.ts";
import type { Transcoder } from "../../src/codec/codec.ts";
import { compileTranscoder } from "../../src/codec/transcode.ts";
import type { Call, Handler, Reply } from "../../src/rpc/call.ts";
import type { MessageLink, MethodLink } from "../../src/schema/link.ts";
import type { Method } from "../../src/schema/model.ts";
import { LIMITS, linked } from "./all-wires.ts";

/** What `refuse` says. */
export const REFUSAL = "zwei: 100 % ü\n„拒绝“ 🙅";
/** What `refuse` says besides. */
export const DETAILS: readonly Detail[] = [
  { typeUrl: "type.googleapis.com/test.Why", value: Buffer.of(1, 2, 255) },
  { typeUrl: "type.googleapis.com/test.Else", value: Buffer.alloc(0) },
];

export function linkOf(method: Method): MethodLink {
  const link = linked.methods.get(method);
  if (!link) throw new Error(`no link of ${method.name}`);
  return link;
}

type Recode = "json to protobuf" | "protobuf to json";
const recoders = {
  "json to protobuf": new WeakMap<MessageLink, Transcoder>(),
  "protobuf to json": new WeakMap<MessageLink, Transcoder>(),
};

function recoded(link: MessageLink, recode: Recode, bytes: Uint8Array): Uint8Array {
  let transcode = recoders[recode].get(link);
  if (!transcode) {
    const [from, to] =
      recode === "json to protobuf" ? (["json", "protobuf"] as const) : (["protobuf", "json"] as const);
    transcode = compileTranscoder({ kind: "whole", link }, from, to, LIMITS);
    recoders[recode].set(link, transcode);
  }
  const losses = { unknownFields: 0, duplicates: 0 };
  const written = transcode(bytes, losses);
  if (losses.unknownFields + losses.duplicates > 0) throw new Error(`lost: ${JSON.stringify(losses)}`);
  return written;
}

/** A message from JSON, or to it. */
export const fromJson = (link: MessageLink, value: unknown): Uint8Array =>
  recoded(link, "json to protobuf", Buffer.from(textOfJson(value)));
export const toJson = (link: MessageLink, bytes: Uint8Array): unknown =>
  JSON.parse(Buffer.from(recoded(link, "protobuf to json", bytes)).toString());

/** As JSON.stringify, which forgets the sign of a zero. */
function textOfJson(value: unknown): string {
  return JSON.stringify(value, (_, member) => (Object.is(member, -0) ? "-0.0" : member));
}

/** The arguments of the methods that do not echo, as far as they have them. */
interface Args {
  readonly first?: number;
  readonly second?: string;
  readonly others?: readonly string[];
  readonly text?: string;
  readonly key?: string;
  readonly good?: boolean;
  readonly how?: string;
  readonly code?: string;
}

/** A call that has come to the server. */
export interface Arrival {
  readonly call: Call;
  /** How long it had then, in milliseconds. */
  readonly leftMs: number;
  /** Resolves when it is called off. */
  readonly over: Promise<void>;
}

export interface WireServer {
  readonly handle: Handler;
  /** The call that names this key, once it comes. */
  arrival(key: string): Promise<Arrival>;
  /** The same by the call on its way, whose bytes hold the key `wait N.` in every codec. */
  arrived(call: Call): Promise<Arrival>;
}

export function createWireServer(): WireServer {
  const arrivals = new Map<string, PromiseWithResolvers<Arrival>>();
  function arrivalOf(key: string): PromiseWithResolvers<Arrival> {
    const known = arrivals.get(key) ?? Promise.withResolvers<Arrival>();
    arrivals.set(key, known);
    return known;
  }

  /** The string that is the call's only argument. */
  function remember(call: Call, key: string): Arrival {
    const over = new Promise<void>((resolve) => call.signal.addEventListener("abort", resolve));
    const arrival = { call, leftMs: call.expiresAtMs - systemClock.nowMs(), over };
    arrivalOf(key).resolve(arrival);
    return arrival;
  }

  const handle: Handler = async (call) => {
    const link = linkOf(call.method);
    const args = () => toJson(bodyOf(link.request), call.payload.bytes) as Args;
    switch (call.method.name) {
      case "ping":
      case "nothing":
        return resultOf(call, {});
      case "who":
        return resultOf(call, { success: "谁 🤷" });
      case "sum": {
        const { first = 0, second = "0", others = [] } = args();
        return resultOf(call, {
          success: String(others.reduce((sum, n) => sum + BigInt(n), BigInt(first) + BigInt(second))),
        });
      }
      case "note":
        remember(call, args().text ?? "");
        return resultOf(call, {});
      case "meet":
        remember(call, args().key ?? "");
        return { ...echo(call), ...METADATA };
      case "hang":
      case "wait":
        await remember(call, args().key ?? "").over;
        throw call.signal.reason;
      case "check":
        return args().good === true ? resultOf(call, {}) : exception(call, "refused", REFUSED);
      case "fail":
        return fail(call, args().how ?? "");
      case "refuse":
        throw new RpcError(codeOf(args().code ?? ""), REFUSAL, { details: DETAILS });
      default:
        return echo(call);
    }
  };
  return {
    handle,
    arrival: (key) => arrivalOf(key).promise,
    arrived({ payload }) {
      const [key] = /wait \d+\./.exec(Buffer.from(payload.bytes).toString("latin1")) ?? [];
      if (key === undefined) throw new Error("the call names no key");
      return arrivalOf(key).promise;
    },
  };
}

/** What `meet` says beside its answer. */
const METADATA = {
  headers: Metadata.from([
    ["served-by", "echo"],
    ["seal-bin", "AAEC/w"],
  ]),
  trailers: Metadata.from([["cost", "7"]]),
};

/** The exceptions that `fail` and `check` throw. */
export const REFUSED = { reason: "没有 ✗", color: "BLUE", where: [{ x: 1, y: -1 }] };
export const NOT_FOUND = { what: "shelf", id: "-9223372036854775808" };
export const PLAIN = { message: "plain" };

function fail(call: Call, how: string): Reply {
  switch (how) {
    case "FAILURE_NOT_FOUND":
      return exception(call, "notFound", NOT_FOUND);
    case "FAILURE_REFUSED":
      return exception(call, "refused", REFUSED);
    case "FAILURE_PLAIN":
      return exception(call, "plain", PLAIN);
    default:
      return echo(call);
  }
}

function codeOf(text: string): Code {
  if (text in CODE_NUMBERS) return text as Code;
  throw new Error(`no code ${text}`);
}

const NO_METADATA = { headers: Metadata.EMPTY, trailers: Metadata.EMPTY } as const;

/** The argument and the result have the same number. */
function echo({ method, payload }: Call): Reply {
  return { kind: "result", payload: { ...payload, type: method.response }, ...NO_METADATA };
}

function resultOf({ method }: Call, value: object): Reply {
  const bytes = method.oneway ? Buffer.alloc(0) : fromJson(bodyOf(linkOf(method).response), value);
  return { kind: "result", payload: { type: method.response, codec: "protobuf", bytes }, ...NO_METADATA };
}

function exception({ method }: Call, name: string, value: object): Reply {
  const field = method.throws.find((each) => each.name === name);
  const body = field && linkOf(method).exceptions.get(field.id);
  if (!field || !body) throw new Error(`${method.name} throws no ${name}`);
  const bytes = fromJson(bodyOf(body), value);
  return { kind: "exception", field, payload: { type: body.link.protobuf, codec: "protobuf", bytes }, ...NO_METADATA };
}

const bodyOf = ({ link }: { readonly link: MessageLink }): MessageLink => link;

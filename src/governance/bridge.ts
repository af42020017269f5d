// The only place where a call changes its codec: Thrift becomes Protobuf and back, and JSON either of them. Above retry and
// balance: one translation per call, and a bad request fails here, where no endpoint can be blamed for it.
import { z } from "zod";
import { RpcError } from "../base/errors.ts";
import { CODEC_WIRES, type Codec, type Losses, type Transcoder } from "../codec/codec.ts";
import { isMissingBody } from "../codec/fault.ts";
import { EXCEPTION_TYPE, ThriftFault } from "../protocol/thrift/codes.ts";
import {
  type AnyCall,
  type Call,
  exceptionOf,
  type Handler,
  type Layer,
  type Payload,
  type Reply,
} from "../rpc/call.ts";
import type { BodyLink, MethodLink } from "../schema/link.ts";
import type { Field, MessageType, Method } from "../schema/model.ts";

/** What becomes of fields that cannot be carried to another wire. */
export const unknownFieldsOption = z
  .enum(["drop", "error"])
  .default("drop")
  .describe("fields that the IDL does not have, or has with another type: dropped and counted, or an error");

export type UnknownFields = z.output<typeof unknownFieldsOption>;

/** What the bridge of one upstream knows. */
export interface BridgeContext {
  /** What the upstream speaks. */
  readonly codec: Codec;
  /** The linked methods, found by the method of either side. */
  readonly links: ReadonlyMap<Method, MethodLink>;
  /** Builds the translation of one body; called once per body and direction, at its first use. */
  readonly compile: (body: BodyLink, from: Codec, to: Codec) => Transcoder;
}

/** How the caller gets an exception of the called method. */
interface ExceptionTranslation {
  readonly field: Field;
  readonly type: MessageType | undefined;
  readonly transcode: Transcoder;
}

/** Both directions of one method. */
interface Translation {
  /** The method on the upstream's wire. */
  readonly method: Method;
  /** The method on the caller's wire. */
  readonly caller: Method;
  readonly request: Transcoder;
  readonly response: Transcoder;
  /** Whether the response holds the exceptions too. */
  readonly oneof: boolean;
  /** By the exception's id in the Thrift result, which is the same on both wires. */
  readonly exceptions: ReadonlyMap<number, ExceptionTranslation>;
}

/**
 * Translates requests and replies between the caller's codec and the upstream's; bytes in the upstream's codec pass
 * untouched. A caller of JSON gets declared exceptions as protobuf, because every form of error that they can stand in
 * there takes the bytes. A request that does not fit its IDL is INVALID_ARGUMENT, a reply INTERNAL, a method without a
 * link UNIMPLEMENTED. Unknown fields are dropped and counted unless `unknownFields` makes them an error of that kind.
 */
export function bridge({ codec, links, compile: compileAny }: BridgeContext, unknownFields: UnknownFields): Layer {
  const compile: BridgeContext["compile"] =
    unknownFields === "drop" ? compileAny : (...pair) => refuseUnknown(compileAny(...pair));
  const translations = new Map<Codec, Map<Method, Translation>>();

  function translationFor(method: Method, callerCodec: Codec): Translation {
    let byMethod = translations.get(callerCodec);
    if (!byMethod) {
      byMethod = new Map();
      translations.set(callerCodec, byMethod);
    }
    let translation = byMethod.get(method);
    if (!translation) {
      const link = links.get(method);
      if (!link) throw notLinked(method, codec);
      translation = compileTranslation(link, callerCodec, codec, compile);
      byMethod.set(method, translation);
    }
    return translation;
  }

  /** JSON has the names of the Protobuf side, whichever its caller has found the method by. */
  function named(call: Call): Call {
    const method = links.get(call.method)?.protobuf;
    return method === undefined || method === call.method ? call : { ...call, method };
  }

  return (next) => (call) => {
    if (call.payload.codec !== codec) return translate(call, next, codec, translationFor);
    return next(codec === "json" ? named(call) : call);
  };
}

async function translate(
  call: Call,
  next: Handler,
  codec: Codec,
  translationFor: (method: Method, callerCodec: Codec) => Translation,
): Promise<Reply> {
  const callerCodec = call.payload.codec;
  const translation = translationFor(call.method, callerCodec);
  const request: Payload = {
    type: translation.method.request,
    codec,
    bytes: counted(call, translation.request, call.payload.bytes),
  };
  const reply = await next({ ...call, method: translation.method, payload: request });
  const { headers, trailers } = reply;
  const { caller } = translation;
  if (call.method.oneway) return { kind: "result", payload: emptyResult(caller, callerCodec), headers, trailers };
  if (reply.kind === "result" || translation.oneof) {
    // Where the response holds the exceptions too, it is all that a gRPC caller gets.
    const payload = translateReply(call, callerCodec, caller.response, translation.response, reply.payload.bytes);
    const exception = exceptionOf(reply);
    return { kind: "result", payload, headers, trailers, ...(exception && { exception }) };
  }
  const exceptionCodec = codecOfExceptions(callerCodec);
  if (exceptionCodec === codecOfExceptions(codec)) return reply;
  const exception = translation.exceptions.get(reply.field.id);
  if (!exception) {
    throw badReply(call, `the exception ${reply.field.name} has no partner in the caller's IDL`, undefined);
  }
  const payload = translateReply(call, exceptionCodec, exception.type, exception.transcode, reply.payload.bytes);
  return { kind: "exception", field: exception.field, payload, headers, trailers };
}

/** Fails where the translation left fields out; it says how many, because their names are not known. */
function refuseUnknown(transcode: Transcoder): Transcoder {
  return (bytes, losses) => {
    const before = losses.unknownFields;
    const translated = transcode(bytes, losses);
    const count = losses.unknownFields - before;
    if (count === 0) return translated;
    const what = count === 1 ? "1 field is" : `${count} fields are`;
    throw new RpcError(
      "INVALID_ARGUMENT",
      `message: ${what} not in the IDL, or of another type there; expected none, as unknownFields of the upstream is error`,
    );
  };
}

/** The translation is synchronous, so one record serves all calls, and only calls that lost something keep a copy. */
const scratch: Losses = { unknownFields: 0, duplicates: 0 };

/** What `transcode` makes of the bytes, with what it left out counted in the call's facts. */
export function counted({ facts }: AnyCall, transcode: Transcoder, bytes: Uint8Array): Uint8Array {
  scratch.unknownFields = 0;
  scratch.duplicates = 0;
  const translated = transcode(bytes, scratch);
  if (scratch.unknownFields > 0 || scratch.duplicates > 0) {
    facts.losses ??= { unknownFields: 0, duplicates: 0 };
    facts.losses.unknownFields += scratch.unknownFields;
    facts.losses.duplicates += scratch.duplicates;
  }
  return translated;
}

function translateReply(
  call: Call,
  codec: Codec,
  type: MessageType | undefined,
  transcode: Transcoder,
  bytes: Uint8Array,
): Payload {
  try {
    return { type, codec, bytes: counted(call, transcode, bytes) };
  } catch (error) {
    // Thrift callers have a type of TApplicationException for a result that is not there.
    const cause = isMissingBody(error) ? new ThriftFault(EXCEPTION_TYPE.MISSING_RESULT) : error;
    throw badReply(call, error instanceof Error ? error.message : String(error), cause);
  }
}

function compileTranslation(
  link: MethodLink,
  callerCodec: Codec,
  codec: Codec,
  compile: BridgeContext["compile"],
): Translation {
  const exceptionCodec = codecOfExceptions(callerCodec);
  const caller = sideOf(link, callerCodec);
  const exceptions = new Map<number, ExceptionTranslation>();
  for (const [id, body] of link.exceptions) {
    const field = caller.throws.find((candidate) => candidate.id === id);
    if (!field) continue;
    // A Thrift reply holds the whole result struct, a Protobuf one the exception alone.
    const alone = field.type.kind === "message" ? field.type.type : undefined;
    const type = caller.wire === "thrift" ? caller.response : alone;
    exceptions.set(id, {
      field,
      type,
      transcode: lazily(() => compile(body, codecOfExceptions(codec), exceptionCodec)),
    });
  }
  return {
    method: sideOf(link, codec),
    caller,
    request: lazily(() => compile(link.request, callerCodec, codec)),
    response: lazily(() => compile(link.response, codec, callerCodec)),
    oneof: link.oneof ?? false,
    exceptions,
  };
}

/** JSON is the Protobuf JSON mapping: it has the types of that side. */
function sideOf(link: MethodLink, codec: Codec): Method {
  return CODEC_WIRES[codec] === "thrift" ? link.thrift : link.protobuf;
}

/** Where results are JSON, exceptions are Protobuf in the details of an error. */
function codecOfExceptions(codec: Codec): Codec {
  return codec === "json" ? "protobuf" : codec;
}

/** A transcoder that is compiled when it is first needed: most exceptions never are. */
function lazily(compile: () => Transcoder): Transcoder {
  let transcode: Transcoder | undefined;
  return (bytes, losses) => {
    transcode ??= compile();
    return transcode(bytes, losses);
  };
}

const EMPTY_OBJECT = Buffer.from("{}");
const THRIFT_STOP = Uint8Array.of(0);
const NO_BYTES = new Uint8Array();

/** The answer to a oneway call, which no Thrift upstream sends: written is answered. */
function emptyResult({ response }: Method, codec: Codec): Payload {
  const isText = codec === "json" || codec === "thrift-json";
  const binary = CODEC_WIRES[codec] === "thrift" ? THRIFT_STOP : NO_BYTES;
  return { type: response, codec, bytes: isText ? EMPTY_OBJECT : binary };
}

function notLinked({ service, name, request }: Method, codec: Codec): RpcError {
  const wire = CODEC_WIRES[codec] === "thrift" ? "Thrift" : "Protobuf";
  return new RpcError(
    "UNIMPLEMENTED",
    request === undefined
      ? `${service}/${name} cannot be translated to ${wire}: its IDL is not loaded, expected it in schema.files`
      : `${service}/${name} cannot be translated to ${wire}: it has no partner there, and causeway check says why`,
  );
}

function badReply({ method, facts }: Call, why: string, cause: unknown): RpcError {
  const from = facts.endpoint === undefined ? "" : ` from ${facts.endpoint}`;
  return new RpcError("INTERNAL", `the reply${from} to ${method.service}/${method.name} cannot be translated: ${why}`, {
    sent: true,
    cause,
  });
}

// Where a stream changes its codec. Nothing but Protobuf streams, so that what comes is it already or its JSON, message by
// message; calls of one message are left to the bridge.
import type { Compression } from "../base/compression.ts";
import { RpcError } from "../base/errors.ts";
import type { Codec, Transcoder } from "../codec/codec.ts";
import type { Payload } from "../rpc/call.ts";
import type { Messages, StreamCall, StreamHandler, StreamLayer, StreamReply } from "../rpc/stream.ts";
import type { MessageType, Method } from "../schema/model.ts";
import { counted } from "./bridge.ts";
import { byMethod } from "./by-method.ts";
import { unpacked } from "./unpack.ts";

/** What the translation of streams needs. */
export interface BridgeStreamContext {
  /** Builds the translation of a Protobuf message; undefined for one that is not of the loaded IDL. Called at the first use of its method. */
  readonly compileMessage: (type: MessageType, from: Codec, to: Codec) => Transcoder | undefined;
  /** Most bytes of a message that is unpacked. */
  readonly maxMessageBytes: number;
}

interface Translation {
  readonly request: Transcoder;
  readonly response: Transcoder;
}

/**
 * Translates the messages of streams that are JSON to Protobuf, and those of their replies back. A message that does not fit
 * its IDL is INVALID_ARGUMENT on its way in and INTERNAL on its way out; a method whose IDL is not loaded is UNIMPLEMENTED.
 */
export function bridgeStreams({ compileMessage, maxMessageBytes }: BridgeStreamContext): StreamLayer {
  const translationOf = byMethod((method): Translation => {
    const request = method.request && compileMessage(method.request, "json", "protobuf");
    const response = method.response && compileMessage(method.response, "protobuf", "json");
    if (!request || !response) throw notLoaded(method);
    return { request, response };
  });

  async function translate(call: StreamCall, next: StreamHandler): Promise<StreamReply> {
    const translation = translationOf(call.method);
    // Replies are read here, and what is compressed would have to be unpacked again.
    const { codec: _, compression: __, accepts: ___, messages, ...plain } = call;
    const reply = await next({ ...plain, messages: requests(call, messages, translation, maxMessageBytes) });
    return { ...reply, messages: replies(call, reply.messages, translation) };
  }

  return (next) => (call) => (call.codec === "json" ? translate(call, next) : next(call));
}

async function* requests(
  call: StreamCall,
  messages: Messages,
  { request }: Translation,
  maxBytes: number,
): AsyncGenerator<Payload> {
  const type = call.method.request;
  for await (const payload of messages) {
    const { bytes } = payload.compression === undefined ? payload : await unpacked(payload, maxBytes);
    yield { type, codec: "protobuf", bytes: counted(call, request, bytes) };
  }
}

async function* replies(call: StreamCall, messages: Messages, { response }: Translation): AsyncGenerator<Payload> {
  const type = call.method.response;
  for await (const { bytes, compression } of messages) {
    if (compression !== undefined) throw badReply(call, compressed(compression));
    yield { type, codec: "json", bytes: translated(call, response, bytes) };
  }
}

function translated(call: StreamCall, response: Transcoder, bytes: Uint8Array): Uint8Array {
  try {
    return counted(call, response, bytes);
  } catch (error) {
    throw badReply(call, error instanceof Error ? error.message : String(error), error);
  }
}

function compressed(compression: Compression): string {
  return `it is compressed with ${compression}, which was not offered`;
}

function badReply({ method, facts }: StreamCall, why: string, cause?: unknown): RpcError {
  const from = facts.endpoint === undefined ? "" : ` from ${facts.endpoint}`;
  const text = `a message of the reply${from} to ${method.service}/${method.name} cannot be translated: ${why}`;
  return new RpcError("INTERNAL", text, { sent: true, cause });
}

function notLoaded({ service, name }: Method): RpcError {
  const text = `${service}/${name} cannot be called in JSON: its IDL is not loaded, expected it in schema.files`;
  return new RpcError("UNIMPLEMENTED", text);
}

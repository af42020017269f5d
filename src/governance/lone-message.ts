// Calls of methods whose IDL is not loaded come as streams, because nobody knows of what kind they are. Where they go to
// a wire without streams, they must be of one message each way.
import { RpcError } from "../base/errors.ts";
import type { Metadata } from "../base/metadata.ts";
import type { Handler, Payload } from "../rpc/call.ts";
import type { Messages, StreamHandler, StreamReply } from "../rpc/stream.ts";
import { noStreams } from "./route.ts";

/** Serves streams of one message by `handle`; UNIMPLEMENTED for methods that stream by their IDL, and for more messages. */
export function serveLoneMessages(handle: Handler, upstream: string): StreamHandler {
  return async (call) => {
    if (call.method.streaming !== "none") throw noStreams(call, upstream);
    const payload = await loneMessage(call.messages);
    const { messages: _, compression: __, ...rest } = call;
    const reply = await handle({ ...rest, payload });
    // Exceptions are declared in IDL, and none is loaded.
    if (reply.kind === "exception") throw new RpcError("UNKNOWN", `declared exception ${reply.field.name}`);
    return replyOf(reply.payload, reply.headers, reply.trailers);
  };
}

async function loneMessage(messages: Messages): Promise<Payload> {
  let lone: Payload | undefined;
  for await (const payload of messages) {
    if (lone) throw new RpcError("UNIMPLEMENTED", "more than one message, to an upstream whose wire has no streams");
    lone = payload;
  }
  if (!lone) throw new RpcError("INTERNAL", "the call came without its message");
  return lone;
}

function replyOf(payload: Payload, headers: Metadata, trailers: Metadata): StreamReply {
  async function* messages(): AsyncGenerator<Payload> {
    yield payload;
  }
  return { headers, messages: messages(), trailers: Promise.resolve(trailers) };
}

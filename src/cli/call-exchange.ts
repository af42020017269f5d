// One call of `causeway call`, of one message each way or of any number, through the client that the sidecar itself uses.
import { systemClock } from "../base/clock.ts";
import { RpcError } from "../base/errors.ts";
import { newFacts, type Payload } from "../rpc/call.ts";
import type { Method } from "../schema/model.ts";
import { readRequest, readRequests } from "./call-input.ts";
import { type CallMessages, compileMessages } from "./call-messages.ts";
import type { CallOutput } from "./call-output.ts";
import type { CallBasics } from "./call-reflection.ts";
import type { CallTarget } from "./call-target.ts";
import { UsageError } from "./convert-codec.ts";
import type { LoadedIdl } from "./convert-type.ts";

export interface Exchange {
  readonly idl: LoadedIdl;
  readonly method: Method;
  readonly target: CallTarget;
  readonly basics: CallBasics;
  /** The request as it was given. */
  readonly json: string | undefined;
  readonly output: CallOutput;
}

/**
 * Calls the method and prints what comes; false for an exception that the IDL declares. Throws a RpcError for what the call
 * ended with otherwise, a UsageError for JSON that does not fit.
 */
export async function exchange(given: Exchange): Promise<boolean> {
  const { idl, method, target, output } = given;
  const messages = compileMessages(idl, method, target.codec);
  output.note(`> ${method.service}/${method.name} over ${target.protocol} to ${target.name}`);
  output.metadata(">", given.basics.headers);
  return method.streaming === "none" ? callOnce(given, messages) : callStream(given, messages);
}

async function callOnce({ method, target, basics, json, output }: Exchange, messages: CallMessages): Promise<boolean> {
  const payload = encode(messages, await readRequest(json));
  const startedMs = systemClock.nowMs();
  const reply = await target.handler.handle({ ...basics, method, payload, facts: newFacts("call", "local") });
  const tookMs = systemClock.nowMs() - startedMs;
  output.metadata("<", reply.headers);
  if (reply.kind === "exception") output.exception(messages.decodeException(reply));
  // What a oneway call gets is only that it was written.
  else if (!method.oneway) output.response(messages.decode(reply.payload));
  output.metadata("<<", reply.trailers);
  output.note(`${tookMs.toFixed(1)} ms, ${payload.bytes.length} bytes sent, ${reply.payload.bytes.length} received`);
  return reply.kind === "result";
}

async function callStream(given: Exchange, messages: CallMessages): Promise<boolean> {
  const { method, target, basics, json, output } = given;
  const { handleStream } = target.handler;
  if (!handleStream) {
    throw new UsageError(`${method.service}/${method.name} streams, which ${target.protocol} cannot: expected grpc`);
  }
  const startedMs = systemClock.nowMs();
  const counts = { sent: 0, received: 0 };
  let wrong: UsageError | undefined;

  async function* requests(): AsyncGenerator<Payload> {
    try {
      if (method.streaming === "server") yield encode(messages, await readRequest(json));
      else for await (const line of readRequests(json)) yield encode(messages, line);
    } catch (error) {
      // The stream ends with it, and then it is told as what it is.
      if (error instanceof UsageError) wrong = error;
      throw error instanceof UsageError ? new RpcError("CANCELLED", error.message) : error;
    }
  }

  try {
    const reply = await handleStream({
      ...basics,
      method,
      messages: counted(requests(), () => counts.sent++),
      facts: newFacts("call", "local"),
    });
    output.metadata("<", reply.headers);
    for await (const payload of counted(reply.messages, () => counts.received++)) {
      output.response(messages.decode(payload));
    }
    output.metadata("<<", await reply.trailers);
  } catch (error) {
    throw wrong ?? error;
  } finally {
    const tookMs = systemClock.nowMs() - startedMs;
    output.note(`${tookMs.toFixed(1)} ms, ${counts.sent} messages sent, ${counts.received} received`);
  }
  return true;
}

async function* counted(messages: AsyncIterable<Payload>, count: () => void): AsyncGenerator<Payload> {
  for await (const message of messages) {
    count();
    yield message;
  }
}

function encode(messages: CallMessages, json: Uint8Array): Payload {
  try {
    return messages.encode(json);
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    throw new UsageError(`the request does not fit: ${error.message}`);
  }
}

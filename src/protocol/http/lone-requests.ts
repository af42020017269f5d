// Methods whose callers send one message: over HTTP/2 the servers see to it, and here the protocols ask it of whoever serves.
import { RpcError } from "../../base/errors.ts";
import type { Payload } from "../../rpc/call.ts";
import type { Messages, StreamHandler } from "../../rpc/stream.ts";
import type { Method } from "../../schema/model.ts";

/** Fails calls of server-streaming methods with UNIMPLEMENTED where no message comes or more than one. */
export function loneRequests(next: StreamHandler): StreamHandler {
  return (call) => {
    if (call.method.streaming !== "server") return next(call);
    return next({ ...call, messages: one(call.messages, call.method) });
  };
}

async function* one(messages: Messages, { service, name }: Method): AsyncGenerator<Payload> {
  let count = 0;
  for await (const payload of messages) {
    if (++count > 1) break;
    yield payload;
  }
  if (count === 1) return;
  const came = count === 0 ? "no message" : "more than one message";
  throw new RpcError("UNIMPLEMENTED", `${service}/${name} takes one message, and ${came} came`);
}

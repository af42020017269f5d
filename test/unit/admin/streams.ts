// Streaming calls and their answers for tests of what the sidecar serves itself.
import { Metadata } from "../../../src/base/metadata.ts";
import { newFacts, type Payload } from "../../../src/rpc/call.ts";
import type { StreamCall } from "../../../src/rpc/stream.ts";
import type { Method, SchemaFile } from "../../../src/schema/model.ts";

/** The method of a file's only service. */
export function methodIn(file: SchemaFile, name: string): Method {
  const found = file.services[0]?.methods.find((method) => method.name === name);
  if (!found) throw new Error(`${file.path} has no method ${name}`);
  return found;
}

/** A call of `method` with these messages; `signal` is its caller. */
export function streamCall(
  method: Method,
  messages: readonly Uint8Array[],
  signal: AbortSignal = new AbortController().signal,
): StreamCall {
  async function* payloads(): AsyncGenerator<Payload> {
    for (const bytes of messages) yield { type: method.request, codec: "protobuf", bytes };
  }
  return {
    method,
    headers: Metadata.EMPTY,
    messages: payloads(),
    expiresAtMs: Number.POSITIVE_INFINITY,
    signal,
    facts: newFacts("grpc", "127.0.0.1:1"),
  };
}

// Chooses who translates: the engine between the binary encodings, the interpreter for the rest.
import type { BodyLink } from "../schema/link.ts";
import type { Codec, Limits, Transcoder } from "./codec.ts";
import { enginePair, sharedEngine } from "./engine.ts";
import { bodyOf, compileInterpreter } from "./interpret.ts";

export { isMissingBody } from "./fault.ts";

/**
 * A translation of one kind of message from one codec to another. It fails with a RpcError INVALID_ARGUMENT that names the
 * field path and the byte offset; `isMissingBody` tells a struct that lacks the one field that `body` is about. An absent
 * argument is an empty message. Compile each once: the engine keeps its tables.
 */
export function compileTranscoder(body: BodyLink, from: Codec, to: Codec, limits: Limits): Transcoder {
  const pair = enginePair(from, to);
  return pair ? sharedEngine().compile(bodyOf(body), pair, limits) : compileInterpreter(body, from, to, limits);
}

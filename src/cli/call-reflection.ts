// Asks a gRPC server for its schema (grpc/grpc, doc/server-reflection.md): version 1, or v1alpha where that is all there is.
import { Reader, Writer } from "protobufjs/minimal.js";
import { REFLECTION_PROTOS } from "../admin/grpc-protos.ts";
import { RpcError } from "../base/errors.ts";
import { type AnyCall, newFacts, type Payload } from "../rpc/call.ts";
import type { StreamHandler } from "../rpc/stream.ts";
import type { Method } from "../schema/model.ts";
import { UsageError } from "./convert-codec.ts";

/** A server's answers about itself. */
export interface Reflection {
  /** Full names of its services. */
  listServices(): Promise<readonly string[]>;
  /** A FileDescriptorSet of the file that declares a service or type, and of all that it imports. */
  describe(symbol: string): Promise<Uint8Array>;
  /** Ends the stream; whoever has begun must end. */
  close(): void;
}

/** What all calls of the command have. */
export type CallBasics = Pick<AnyCall, "headers" | "expiresAtMs" | "signal">;

const MAX_FILES = 2_000;
const MAX_BYTES = 64 * 1024 * 1024;

const REQUEST = { FILE_BY_NAME: 3, FILE_OF_SYMBOL: 4, LIST_SERVICES: 7 } as const;

/** Opens a stream of questions. Throws a UsageError when the server answers none, and says what helps. */
export async function openReflection(handleStream: StreamHandler, basics: CallBasics): Promise<Reflection> {
  let unimplemented: RpcError | undefined;
  for (const { services } of REFLECTION_PROTOS) {
    const method = services[0]?.methods[0];
    if (!method) continue;
    const conversation = converse(handleStream, method, basics);
    try {
      // The first answer shows whether there is one.
      const services = readServices(await conversation.ask(REQUEST.LIST_SERVICES, "*"));
      return {
        listServices: () => Promise.resolve(services),
        describe: (symbol) => collectFiles(conversation.ask, symbol),
        close: conversation.close,
      };
    } catch (error) {
      conversation.close();
      if (!(error instanceof RpcError) || error.code !== "UNIMPLEMENTED") throw error;
      unimplemented ??= error;
    }
  }
  throw new UsageError(`the server has no reflection (${unimplemented?.message}): give its IDL with --idl FILE`);
}

type Ask = (field: number, text: string) => Promise<Answer>;

/** What a question was answered with. */
interface Answer {
  readonly files: readonly Uint8Array[];
  readonly services: readonly string[];
}

/** One stream with one question on its way at a time. */
function converse(
  handleStream: StreamHandler,
  method: Method,
  basics: CallBasics,
): { readonly ask: Ask; readonly close: () => void } {
  let next = Promise.withResolvers<Uint8Array | undefined>();
  async function* questions(): AsyncGenerator<Payload> {
    for (let bytes = await next.promise; bytes; bytes = await next.promise) {
      next = Promise.withResolvers();
      yield { type: undefined, codec: "protobuf", bytes };
    }
  }
  const reply = handleStream({ ...basics, method, messages: questions(), facts: newFacts("call", "local") });
  // Whoever asks hears of it.
  reply.catch(() => {});
  let answers: AsyncIterator<Payload> | undefined;

  return {
    async ask(field, text) {
      next.resolve(
        Writer.create()
          .uint32((field << 3) | 2)
          .string(text)
          .finish(),
      );
      answers ??= (await reply).messages[Symbol.asyncIterator]();
      const { value, done } = await answers.next();
      if (done) throw new RpcError("INTERNAL", "the server ended its reflection before it answered", { sent: true });
      return readAnswer(value.bytes);
    },
    close: () => next.resolve(undefined),
  };
}

/** `{4: {1: repeated bytes}, 6: {1: repeated {1: name}}, 7: {1: code, 2: message}}` */
function readAnswer(bytes: Uint8Array): Answer {
  const files: Uint8Array[] = [];
  const services: string[] = [];
  eachField(bytes, (field, content) => {
    if (field === 4) eachField(content, (inner, file) => void (inner === 1 && files.push(file)));
    else if (field === 6) {
      eachField(content, (_, service) =>
        eachField(service, (inner, name) => void (inner === 1 && services.push(Buffer.from(name).toString()))),
      );
    } else if (field === 7) throw refused(content);
  });
  return { files, services };
}

function refused(error: Uint8Array): UsageError {
  let message = "";
  eachField(error, (field, text) => {
    if (field === 2) message = Buffer.from(text).toString();
  });
  return new UsageError(`the server's reflection says: ${message}`);
}

function readServices({ services }: Answer): readonly string[] {
  return [...services].sort();
}

/** Calls `see` with every length-delimited field; throws a RpcError INTERNAL for bytes that are no message. */
function eachField(bytes: Uint8Array, see: (field: number, content: Uint8Array) => void): void {
  const fields: [number, Uint8Array][] = [];
  try {
    const reader = Reader.create(bytes);
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if ((tag & 7) === 2) fields.push([tag >>> 3, reader.bytes()]);
      else reader.skipType(tag & 7);
    }
  } catch (cause) {
    throw new RpcError("INTERNAL", "the answer of the server's reflection is malformed", { sent: true, cause });
  }
  for (const [field, content] of fields) see(field, content);
}

/** Some servers send what a file imports along with it, others want to be asked. */
async function collectFiles(ask: Ask, symbol: string): Promise<Uint8Array> {
  const files = new Map<string, Uint8Array>();
  const wanted = new Set<string>();
  let bytes = 0;
  function take(all: readonly Uint8Array[]): void {
    for (const file of all) {
      const { name, imports } = readFile(file);
      if (files.has(name)) continue;
      bytes += file.length;
      if (files.size >= MAX_FILES || bytes > MAX_BYTES) {
        throw new UsageError(`the schema of ${symbol} has more than ${MAX_FILES} files or ${MAX_BYTES} bytes`);
      }
      files.set(name, file);
      for (const each of imports) wanted.add(each);
    }
  }
  take((await ask(REQUEST.FILE_OF_SYMBOL, symbol)).files);
  // A set grows while it is walked.
  for (const name of wanted) if (!files.has(name)) take((await ask(REQUEST.FILE_BY_NAME, name)).files);
  const set = Writer.create();
  for (const file of files.values()) set.uint32(0x0a).bytes(file);
  return set.finish();
}

/** Of FileDescriptorProto `{1: name, 3: repeated dependency}`. */
function readFile(file: Uint8Array): { readonly name: string; readonly imports: readonly string[] } {
  let name = "";
  const imports: string[] = [];
  eachField(file, (field, content) => {
    if (field === 1) name = Buffer.from(content).toString();
    else if (field === 3) imports.push(Buffer.from(content).toString());
  });
  return { name, imports };
}

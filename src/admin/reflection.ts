// Server reflection (doc/server-reflection.md of gRPC): clients ask what is served and get the descriptors for it, so that
// they can call with no files of their own. v1 and v1alpha have the same bytes.
import protobuf from "protobufjs/light.js";
import { CODE_NUMBERS, RpcError } from "../base/errors.ts";
import type { Payload } from "../rpc/call.ts";
import type { StreamCall, StreamHandler } from "../rpc/stream.ts";
import type { DescribedFile, DescriptorIndex } from "./descriptor-index.ts";
import { streamReply } from "./stream-reply.ts";

export interface ReflectionOptions {
  readonly index: DescriptorIndex;
  /** Full names of the services that clients can call. */
  readonly services: readonly string[];
}

/**
 * Answers ServerReflectionInfo, one response per request. What is not there is an `error_response` NOT_FOUND, and the
 * stream goes on; bytes that are no request end it with INVALID_ARGUMENT. A file comes with all that it imports, each once
 * per stream.
 */
export function createReflection(options: ReflectionOptions): StreamHandler {
  const services = [...options.services].sort();
  return (call) => Promise.resolve(streamReply(answerAll(call, { index: options.index, services, sent: new Set() })));
}

interface Session extends ReflectionOptions {
  /** The files that the client has. */
  readonly sent: Set<DescribedFile>;
}

async function* answerAll({ method, messages }: StreamCall, session: Session): AsyncGenerator<Payload> {
  for await (const { bytes } of messages) {
    yield { type: method.response, codec: "protobuf", bytes: answer(bytes, session) };
  }
}

/** Field numbers of ServerReflectionResponse. */
const VALID_HOST = 1;
const ORIGINAL_REQUEST = 2;
const FILES = 4;
const EXTENSION_NUMBERS = 5;
const SERVICES = 6;
const ERROR = 7;

function answer(bytes: Uint8Array, session: Session): Uint8Array {
  const { host, question } = readRequest(bytes);
  const writer = protobuf.Writer.create();
  if (host !== "") writer.uint32(tag(VALID_HOST)).string(host);
  writer.uint32(tag(ORIGINAL_REQUEST)).bytes(bytes);
  try {
    writeAnswer(writer, question, session);
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    writer.uint32(tag(ERROR)).fork();
    writer.uint32(8).int32(CODE_NUMBERS[error.code]);
    writer.uint32(tag(2)).string(error.message).ldelim();
  }
  return writer.finish();
}

type Question =
  | { readonly kind: "file" | "symbol" | "extensionNumbers"; readonly name: string }
  | { readonly kind: "extension"; readonly type: string; readonly number: number }
  | { readonly kind: "services" }
  | undefined;

/** Reads a ServerReflectionRequest; of several questions the last one counts, as in any oneof. */
function readRequest(bytes: Uint8Array): { readonly host: string; readonly question: Question } {
  let host = "";
  let question: Question;
  try {
    const reader = protobuf.Reader.create(bytes);
    while (reader.pos < reader.len) {
      const key = reader.uint32();
      if (key === tag(1)) host = reader.string();
      else if (key === tag(3)) question = { kind: "file", name: reader.string() };
      else if (key === tag(4)) question = { kind: "symbol", name: reader.string() };
      else if (key === tag(5)) question = { kind: "extension", ...readExtension(reader) };
      else if (key === tag(6)) question = { kind: "extensionNumbers", name: reader.string() };
      else if (key === tag(7)) {
        reader.skipType(2);
        question = { kind: "services" };
      } else reader.skipType(key & 7);
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new RpcError("INVALID_ARGUMENT", `not a ServerReflectionRequest: ${why}`);
  }
  return { host, question };
}

function readExtension(reader: protobuf.Reader): { readonly type: string; readonly number: number } {
  let type = "";
  let number = 0;
  const length = reader.uint32();
  const end = reader.pos + length;
  if (end > reader.len) throw new RangeError("an ExtensionRequest is longer than what is there");
  while (reader.pos < end) {
    const key = reader.uint32();
    if (key === tag(1)) type = reader.string();
    else if (key === 16) number = reader.int32();
    else reader.skipType(key & 7);
  }
  return { type, number };
}

function writeAnswer(writer: protobuf.Writer, question: Question, { index, services, sent }: Session): void {
  switch (question?.kind) {
    case "file":
      writeFiles(writer, found(index.file(question.name), "file", question.name), sent);
      break;
    case "symbol":
      writeFiles(writer, found(index.symbol(bare(question.name)), "symbol", question.name), sent);
      break;
    case "extension": {
      const { type, number } = question;
      writeFiles(writer, found(index.extension(bare(type), number), `extension ${number} of`, type), sent);
      break;
    }
    case "extensionNumbers": {
      const type = bare(question.name);
      writeNumbers(writer, type, found(index.extensionNumbers(type), "message", type));
      break;
    }
    case "services":
      writer.uint32(tag(SERVICES)).fork();
      for (const name of services) writer.uint32(tag(1)).fork().uint32(tag(1)).string(name).ldelim();
      writer.ldelim();
      break;
    case undefined:
      throw new RpcError("INVALID_ARGUMENT", "the request asks nothing that reflection answers");
  }
}

function writeNumbers(writer: protobuf.Writer, type: string, numbers: readonly number[]): void {
  writer.uint32(tag(EXTENSION_NUMBERS)).fork().uint32(tag(1)).string(type);
  writer.uint32(tag(2)).fork();
  for (const number of numbers) writer.int32(number);
  writer.ldelim().ldelim();
}

/** Writes the file, which was asked for and so always goes, and behind it all that it needs and the client lacks. */
function writeFiles(writer: protobuf.Writer, file: DescribedFile, sent: Set<DescribedFile>): void {
  const needed = new Set<DescribedFile>([file]);
  for (const each of needed) {
    for (const imported of each.imports) if (!sent.has(imported)) needed.add(imported);
  }
  writer.uint32(tag(FILES)).fork();
  for (const each of needed) {
    sent.add(each);
    writer.uint32(tag(1)).bytes(each.descriptor());
  }
  writer.ldelim();
}

function found<T>(thing: T | undefined, what: string, name: string): T {
  if (thing !== undefined) return thing;
  const shown = name.length > 200 ? `${name.slice(0, 200)}…` : name;
  throw new RpcError("NOT_FOUND", `there is no ${what} ${shown}`);
}

/** Some clients write names as descriptors do, with a dot in front. */
function bare(name: string): string {
  return name.startsWith(".") ? name.slice(1) : name;
}

/** The key of a length-delimited field. */
function tag(number: number): number {
  return (number << 3) | 2;
}

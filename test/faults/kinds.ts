// Good messages of every method of the service Kinds, on both wires, to be mutated; and the schema that they belong to.
import { join, resolve } from "node:path";
import { RpcError } from "../../src/base/errors.ts";
import type { Limits } from "../../src/codec/codec.ts";
import { compileInterpreter } from "../../src/codec/interpret.ts";
import type { BodyLink, LinkedSchema, MethodLink } from "../../src/schema/link.ts";
import { linkSchema } from "../../src/schema/link-schema.ts";
import { loadSchema } from "../../src/schema/load.ts";
import { createRandom, type Random, randomThrift } from "../property/arbitrary-link.ts";

export const IDL = resolve(import.meta.dirname, "../../idl");
export const KINDS = join(IDL, "kinds/kinds.thrift");
export const LIMITS: Limits = { maxBytes: 16_384_000, maxDepth: 64, maxElements: 1_000_000 };

export function loadKinds(): LinkedSchema {
  const schema = loadSchema([KINDS], { includeDirs: [IDL], allowNegativeKeys: false }, () => {});
  if (!schema) throw new Error("the IDL of Kinds does not load");
  return linkSchema(schema, { pairs: [] }, () => {});
}

/** A message that translates without an error, as both wires have it. */
export interface GoodMessage {
  readonly body: BodyLink;
  /** The whole struct of arguments or results. */
  readonly thrift: Buffer;
  readonly protobuf: Buffer;
}

/** What a method may be sent, and may answer. */
export interface GoodMethod {
  readonly name: string;
  readonly link: MethodLink;
  readonly requests: readonly GoodMessage[];
  readonly responses: readonly GoodMessage[];
}

/** Every method of Kinds with a few messages of different sizes, the same ones in every run. */
export function goodMethods({ schema, methods }: LinkedSchema): readonly GoodMethod[] {
  const service = schema.services.get("kinds.Kinds")?.find(({ wire }) => wire === "thrift");
  const random = createRandom(7);
  return (service?.methods ?? []).map((method) => {
    const link = methods.get(method);
    if (!link) throw new Error(`${method.name} is not linked`);
    return {
      name: method.name,
      link,
      requests: goodMessages(random, link.request),
      responses: method.oneway ? [] : goodMessages(random, link.response),
    };
  });
}

function goodMessages(random: Random, body: BodyLink): readonly GoodMessage[] {
  if (body.kind !== "whole") throw new Error("the methods of Kinds are not unwrapped");
  const translate = compileInterpreter(body, "thrift-binary", "protobuf", LIMITS);
  const back = compileInterpreter(body, "protobuf", "thrift-binary", LIMITS);
  const messages: GoodMessage[] = [];
  for (const size of [4, 12, 25]) {
    for (let tries = 0; tries < 200; tries++) {
      const thrift = Buffer.from(randomThrift(random, body.link, size));
      try {
        const protobuf = Buffer.from(translate(thrift, { unknownFields: 0, duplicates: 0 }));
        back(protobuf, { unknownFields: 0, duplicates: 0 });
        messages.push({ body, thrift, protobuf });
        break;
      } catch (error) {
        if (!(error instanceof RpcError)) throw error;
      }
    }
  }
  if (messages.length === 0) throw new Error(`no good message of ${body.link.thrift.fullName}`);
  return messages;
}

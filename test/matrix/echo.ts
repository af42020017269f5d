// One small service for the tests of the wires, on both of them, and the bytes of its messages:
//     service Echo { string echo(1: string text) throws (1: Missing missing); oneway void note(1: string text) }

import { RpcError } from "../../src/base/errors.ts";
import { Metadata } from "../../src/base/metadata.ts";
import type { Codec } from "../../src/codec/codec.ts";
import type { Call, Handler, Payload, Reply } from "../../src/rpc/call.ts";
import type { Lookup } from "../../src/rpc/resolve.ts";
import type { MessageType, Method, Wire } from "../../src/schema/model.ts";
import { fieldOf, messageField, messageOf, methodOf } from "../model.ts";

function methods(wire: Wire): readonly Method[] {
  const text = fieldOf(1, "text", { kind: "scalar", name: "string" });
  const success = fieldOf(wire === "thrift" ? 0 : 1, "success", { kind: "scalar", name: "string" });
  const plain = messageOf(wire, "test.Missing", [text]);
  const missing: MessageType = { ...plain, shape: "exception", rules: { code: "NOT_FOUND" } };
  const request = messageOf(wire, "test.Echo_echo_args", [text]);
  const thrown = messageField(1, "missing", missing);
  return [
    methodOf(wire, "test.Echo", "echo", {
      request,
      response: messageOf(wire, "test.Echo_echo_result", wire === "thrift" ? [success, thrown] : [success]),
      throws: [thrown],
    }),
    methodOf(wire, "test.Echo", "note", { request, oneway: true }),
  ];
}

export const thriftMethods = methods("thrift");
export const protobufMethods = methods("protobuf");

function find(methods: readonly Method[], name: string): Method {
  const method = methods.find((each) => each.name === name);
  if (!method) throw new RpcError("UNIMPLEMENTED", `no method ${name}: expected echo or note`);
  return method;
}

export const lookup: Lookup = {
  grpc: (_service, method) => find(protobufMethods, method),
  thrift: (name) => find(thriftMethods, name.slice(name.indexOf(":") + 1)),
  kitexProtobuf: (name) => find(protobufMethods, name.slice(name.indexOf(":") + 1)),
};

/** A Thrift struct with one string field. */
export function thriftText(id: number, text: string): Buffer {
  const bytes = Buffer.from(text);
  const head = Buffer.from([11, 0, id, 0, 0, 0, 0]);
  head.writeInt32BE(bytes.length, 3);
  return Buffer.concat([head, bytes, Buffer.of(0)]);
}

/** A message behind its length. */
export function framed(message: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(message.length);
  return Buffer.concat([length, message]);
}

/** A Thrift struct whose one field is a struct with one string. */
export function thriftNested(id: number, text: string): Buffer {
  return Buffer.concat([Buffer.from([12, 0, id]), thriftText(1, text), Buffer.of(0)]);
}

/** The same as compact has it; texts of less than 128 bytes. */
export function compactText(id: number, text: string): Buffer {
  const bytes = Buffer.from(text);
  const head = id === 0 ? [0x08, 0x00] : [(id << 4) | 8];
  return Buffer.concat([Buffer.from([...head, bytes.length]), bytes, Buffer.of(0)]);
}

/** A Protobuf message with a string field 1. */
export function protobufText(text: string): Buffer {
  const bytes = Buffer.from(text);
  const length: number[] = [];
  let rest = bytes.length;
  for (; rest > 0x7f; rest >>>= 7) length.push((rest & 0x7f) | 0x80);
  return Buffer.concat([Buffer.from([0x0a, ...length, rest]), bytes]);
}

/** The string of the first field. */
export function textOf({ codec, bytes }: Payload): string {
  const buffer = Buffer.from(bytes);
  if (codec === "thrift-binary") return buffer.toString("utf8", 7, 7 + buffer.readInt32BE(3));
  if (codec === "thrift-compact") return buffer.toString("utf8", buffer[0] === 0x08 ? 3 : 2, buffer.length - 1);
  return buffer.toString("utf8", buffer[1]! < 128 ? 2 : 3);
}

/** The call of an outbound test; the record of facts is new. */
export function callOf(wire: Wire, name: string, text: string, changes: Partial<Call> = {}): Call {
  return {
    method: find(wire === "thrift" ? thriftMethods : protobufMethods, name),
    payload: {
      type: undefined,
      codec: wire === "thrift" ? "thrift-binary" : "protobuf",
      bytes: wire === "thrift" ? thriftText(1, text) : protobufText(text),
    },
    headers: Metadata.EMPTY,
    expiresAtMs: Number.POSITIVE_INFINITY,
    signal: new AbortController().signal,
    facts: {
      inbound: "test",
      peer: "test",
      caller: undefined,
      from: undefined,
      upstream: undefined,
      outbound: undefined,
      endpoint: undefined,
      attempts: 0,
      requestBytes: 0,
      replyBytes: 0,
      losses: undefined,
      droppedMetadata: 0,
    },
    ...changes,
  };
}

export function replyOf({ method, payload: { codec } }: Call, text: string): Reply {
  const bytes = resultIn(codec, text);
  return {
    kind: "result",
    payload: { type: method.response, codec, bytes },
    headers: Metadata.EMPTY,
    trailers: Metadata.EMPTY,
  };
}

function resultIn(codec: Codec, text: string): Buffer {
  if (codec === "thrift-binary") return thriftText(0, text);
  return codec === "thrift-compact" ? compactText(0, text) : protobufText(text);
}

/** The exception Missing as a reply's payload has it. */
function missingIn(codec: Codec, text: string): Buffer {
  if (codec === "protobuf") return protobufText(text);
  if (codec === "thrift-binary") return thriftNested(1, text);
  return Buffer.concat([Buffer.of(0x1c), compactText(1, text), Buffer.of(0)]);
}

/** What the service does: it echoes, but `missing` throws the exception, `refused` fails, `hang` waits for its abort. */
export interface EchoService {
  readonly handle: Handler;
  readonly calls: Call[];
  /** Resolves when a call of `hang` is aborted, with its signal's reason. */
  readonly aborted: Promise<unknown>;
  /** Resolves when a call of `hang` has come in. */
  readonly hanging: Promise<void>;
  /** Answers the calls of `hold` that have come in, the last first. */
  release(): void;
}

export function createEchoService(): EchoService {
  const calls: Call[] = [];
  const held: (() => void)[] = [];
  const aborted = Promise.withResolvers<unknown>();
  const hanging = Promise.withResolvers<void>();
  const handle: Handler = (call) => {
    calls.push(call);
    const text = textOf(call.payload);
    if (text.startsWith("hold")) {
      return new Promise((resolve) => held.push(() => resolve(replyOf(call, text))));
    }
    switch (text) {
      case "missing": {
        const bytes = missingIn(call.payload.codec, "shelf");
        return Promise.resolve({
          ...replyOf(call, text),
          kind: "exception",
          field: call.method.throws[0]!,
          payload: { type: undefined, codec: call.payload.codec, bytes },
        });
      }
      case "refused":
        return Promise.reject(new RpcError("PERMISSION_DENIED", "not for you, 100 % sure"));
      case "broken":
        throw new TypeError("a fault of ours");
      case "hang":
        hanging.resolve();
        return new Promise((_resolve, reject) => {
          call.signal.addEventListener("abort", () => {
            aborted.resolve(call.signal.reason);
            reject(call.signal.reason);
          });
        });
      default:
        return Promise.resolve(replyOf(call, text));
    }
  };
  return {
    handle,
    calls,
    aborted: aborted.promise,
    hanging: hanging.promise,
    release() {
      for (const answer of held.splice(0).reverse()) answer();
    },
  };
}

// A service with a method of each kind on grpc-js, in bytes and without generated code, as a server and as a client. What
// the server does is asked for in metadata.
import type { EventEmitter } from "node:events";
import * as grpc from "@grpc/grpc-js";
import { setDetails } from "../../tools/rpc-status.ts";

export const KINDS_PROTO = `syntax = "proto3";
package kinds;
message Note { bytes body = 1; }
service Kinds {
  rpc One(Note) returns (Note);
  rpc Up(stream Note) returns (Note);
  rpc Down(Note) returns (stream Note);
  rpc Chat(stream Note) returns (stream Note);
}
`;

const same = (bytes: Buffer): Buffer => bytes;
function method(name: string, requestStream: boolean, responseStream: boolean): grpc.MethodDefinition<Buffer, Buffer> {
  return {
    path: `/kinds.Kinds/${name}`,
    requestStream,
    responseStream,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
}

export const KINDS = {
  One: method("One", false, false),
  Up: method("Up", true, false),
  Down: method("Down", false, true),
  Chat: method("Chat", true, true),
};

/** A message with a `body`, as protobuf has it. */
export function noteOf(body: Uint8Array | string): Buffer {
  const bytes = Buffer.from(body);
  const length: number[] = [];
  for (let rest = bytes.length; ; rest >>>= 7) {
    length.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
    if (rest <= 0x7f) break;
  }
  return Buffer.concat([Buffer.from([0x0a, ...length]), bytes]);
}

/** What the server has seen of calls that it does not answer in full. */
export interface Seen {
  cancelled: number;
  messages: number;
  deadlines: number[];
  encodings: (string | undefined)[];
  metadata: Readonly<Record<string, grpc.MetadataValue>>[];
}

export interface KindsServer {
  readonly port: number;
  readonly seen: Seen;
  /** Cuts its connections and listens no more. */
  die(): void;
}

type Ending = { trailers?: grpc.Metadata; error?: Partial<grpc.StatusObject> };

/** How the call shall end, after what `metadata` asks: `fail` is a code, `details` the type of a detail. */
function endingOf(metadata: grpc.Metadata): Ending {
  const code = metadata.get("fail")[0];
  const trailers = new grpc.Metadata();
  for (const value of metadata.get("trail")) trailers.add("trail", value);
  for (const value of metadata.get("trail-bin")) trailers.add("trail-bin", value);
  if (code === undefined) return { trailers };
  const message = "as asked: 100 % ü";
  const detail = metadata.get("detail")[0];
  if (detail !== undefined) {
    setDetails(trailers, Number(code), message, [{ name: String(detail), value: Buffer.from("why") }]);
  }
  return { error: { code: Number(code), details: message, metadata: trailers } };
}

/** Starts the server on a free port of 127.0.0.1. */
export async function startKinds(options: grpc.ServerOptions = {}): Promise<KindsServer> {
  const seen: Seen = { cancelled: 0, messages: 0, deadlines: [], encodings: [], metadata: [] };

  /** What calls of all kinds have in common. */
  type Begun = Pick<grpc.ServerUnaryCall<Buffer, Buffer>, "metadata" | "sendMetadata" | "getDeadline"> & EventEmitter;
  function begin(call: Begun): void {
    const head = new grpc.Metadata();
    for (const value of call.metadata.get("head")) head.add("head", value);
    for (const value of call.metadata.get("head-bin")) head.add("head-bin", value);
    if (call.metadata.get("late").length === 0) call.sendMetadata(head);
    seen.metadata.push(call.metadata.getMap());
    const deadline = call.getDeadline();
    seen.deadlines.push(deadline instanceof Date ? deadline.getTime() : deadline);
    call.on("cancelled", () => seen.cancelled++);
  }

  const server = new grpc.Server({ "grpc.max_receive_message_length": -1, ...options });
  server.addService(KINDS, {
    One(call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) {
      begin(call);
      const { error, trailers } = endingOf(call.metadata);
      if (error) done(error);
      else done(null, call.request, trailers);
    },
    Up(call: grpc.ServerReadableStream<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) {
      begin(call);
      let count = 0;
      call.on("data", () => {
        count++;
        seen.messages++;
      });
      if (call.metadata.get("stop").length > 0) call.pause();
      call.on("end", () => {
        const { error, trailers } = endingOf(call.metadata);
        if (error) done(error);
        else done(null, noteOf(String(count)), trailers);
      });
    },
    async Down(call: grpc.ServerWritableStream<Buffer, Buffer>) {
      begin(call);
      const count = Number(call.metadata.get("count")[0] ?? 3);
      for (let i = 0; i < count && !call.cancelled; i++) {
        seen.messages++;
        if (!call.write(call.request)) await new Promise((resolve) => call.once("drain", resolve));
      }
      const { error, trailers } = endingOf(call.metadata);
      if (error) call.emit("error", error);
      else if (call.metadata.get("stay").length === 0) call.end(trailers);
    },
    Chat(call: grpc.ServerDuplexStream<Buffer, Buffer>) {
      begin(call);
      call.on("data", (note: Buffer) => {
        seen.messages++;
        if (!call.write(note)) {
          call.pause();
          call.once("drain", () => call.resume());
        }
        if (call.metadata.get("once").length > 0) end();
      });
      const end = () => {
        const { error, trailers } = endingOf(call.metadata);
        if (error) call.emit("error", error);
        else call.end(trailers);
      };
      call.on("end", end);
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return { port, seen, die: () => server.forceShutdown() };
}

/** What a client has got of a call. */
export interface Outcome {
  readonly bodies: Buffer[];
  readonly head: grpc.Metadata | undefined;
  readonly status: grpc.StatusObject;
}

/** The messages, headers and status of a call, when it has ended. */
export function outcomeOf(call: grpc.ClientReadableStream<Buffer>): Promise<Outcome> {
  const bodies: Buffer[] = [];
  let head: grpc.Metadata | undefined;
  call.on("metadata", (metadata: grpc.Metadata) => {
    head = metadata;
  });
  call.on("data", (body: Buffer) => bodies.push(body));
  call.on("error", () => {});
  return new Promise((resolve) => {
    call.on("status", (status: grpc.StatusObject) => resolve({ bodies, head, status }));
  });
}

/** A client of the four kinds; each method is called as a stream of both ways, which gRPC's wire allows for any. */
export class KindsClient extends grpc.Client {
  constructor(address: string, options: grpc.ClientOptions = {}) {
    super(address, grpc.credentials.createInsecure(), {
      "grpc.max_receive_message_length": -1,
      "grpc.use_local_subchannel_pool": 1,
      ...options,
    });
  }

  open(name: keyof typeof KINDS, metadata: Record<string, string | Buffer> = {}, options: grpc.CallOptions = {}) {
    const headers = new grpc.Metadata();
    for (const [key, value] of Object.entries(metadata)) headers.add(key, value);
    return this.makeBidiStreamRequest(`/kinds.Kinds/${name}`, same, same, headers, options);
  }

  /** Sends all messages and half-closes; resolves when the call has ended. */
  async call(
    name: keyof typeof KINDS,
    bodies: readonly Buffer[],
    metadata: Record<string, string | Buffer> = {},
    options: grpc.CallOptions = {},
  ): Promise<Outcome> {
    const call = this.open(name, metadata, options);
    const outcome = outcomeOf(call);
    for (const body of bodies) if (!call.write(body)) await new Promise((resolve) => call.once("drain", resolve));
    call.end();
    return outcome;
  }
}

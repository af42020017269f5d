// Two sidecars and the applications beside them: Echo, a Thrift service whose server speaks gRPC, and Kinds, a gRPC
// service that streams.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { setDetails } from "../../tools/rpc-status.ts";
import { protobufText, textOf } from "../matrix/echo.ts";
import { KINDS_PROTO } from "../matrix/grpc-kinds.ts";

const ECHO_THRIFT = `
namespace * test
exception Missing { 1: string text } (pb.code = "NOT_FOUND")
service Echo {
  string echo(1: string text) throws (1: Missing missing)
  oneway void note(1: string text)
}
`;

/** Writes the IDL of both services to a folder of its own; the `schema` line of a config that loads it. */
export function writeIdl(): { readonly schema: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), "causeway-mesh-"));
  writeFileSync(join(folder, "echo.thrift"), ECHO_THRIFT);
  writeFileSync(join(folder, "kinds.proto"), KINDS_PROTO);
  return {
    schema: `schema: { files: [${join(folder, "echo.thrift")}, ${join(folder, "kinds.proto")}] }`,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const same = (bytes: Buffer): Buffer => bytes;
const method = (path: string): grpc.MethodDefinition<Buffer, Buffer> => ({
  path,
  requestStream: false,
  responseStream: false,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
});

/** What the server has seen of a call. */
export interface SeenCall {
  readonly text: string;
  readonly metadata: Readonly<Record<string, grpc.MetadataValue>>;
  /** How long the caller would wait, in milliseconds. */
  readonly leftMs: number;
}

export interface EchoServer {
  readonly port: number;
  readonly seen: SeenCall[];
  readonly cancelled: string[];
  die(): void;
}

/**
 * Echo on grpc-js, which says `name` in a header. `missing` throws the exception, `code N` fails with that code and a
 * detail, `hang…` never answers, all else is echoed.
 */
export async function startEcho(name: string): Promise<EchoServer> {
  const seen: SeenCall[] = [];
  const cancelled: string[] = [];
  const server = new grpc.Server({ "grpc.max_receive_message_length": -1 });
  function echo(call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>): void {
    const text = textOf({ type: undefined, codec: "protobuf", bytes: call.request });
    const deadline = call.getDeadline();
    const leftMs = (deadline instanceof Date ? deadline.getTime() : deadline) - Date.now();
    seen.push({ text, metadata: call.metadata.getMap(), leftMs });
    call.on("cancelled", () => cancelled.push(text));
    const head = new grpc.Metadata();
    head.set("served-by", name);
    call.sendMetadata(head);
    const trailers = new grpc.Metadata();
    trailers.set("cost", "7");
    const [, code] = /^code (\d+)/.exec(text) ?? [];
    if (text === "missing") {
      const value = protobufText("shelf");
      setDetails(trailers, grpc.status.NOT_FOUND, "gone: 100 % ü", [{ name: "test.Missing", value }]);
      done({ code: grpc.status.NOT_FOUND, details: "gone: 100 % ü", metadata: trailers });
    } else if (code !== undefined) {
      const details = `as asked\n${code} ü`;
      setDetails(trailers, Number(code), details, [{ name: "test.Why", value: Buffer.of(1, 255) }]);
      done({ code: Number(code), details, metadata: trailers });
    } else if (!text.startsWith("hang")) done(null, call.request, trailers);
  }
  server.addService({ echo: method("/test.Echo/echo"), note: method("/test.Echo/note") }, { echo, note: echo });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return { port, seen, cancelled, die: () => server.forceShutdown() };
}

/** What became of a call on grpc-js. */
export interface EchoOutcome {
  readonly text: string | undefined;
  readonly status: grpc.StatusObject;
  readonly head: grpc.Metadata | undefined;
}

/** Echo's caller on grpc-js. */
export class EchoClient extends grpc.Client {
  constructor(address: string) {
    super(address, grpc.credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 });
  }

  begin(text: string, metadata: Record<string, string> = {}, options: grpc.CallOptions = {}) {
    const headers = new grpc.Metadata();
    for (const [key, value] of Object.entries(metadata)) headers.add(key, value);
    let reply: string | undefined;
    let head: grpc.Metadata | undefined;
    const outcome = Promise.withResolvers<EchoOutcome>();
    const request = protobufText(text);
    const call = this.makeUnaryRequest("/test.Echo/echo", same, same, request, headers, options, (error, bytes) => {
      if (!error && bytes) reply = textOf({ type: undefined, codec: "protobuf", bytes });
    });
    call.on("metadata", (received: grpc.Metadata) => {
      head = received;
    });
    // Comes before the callback.
    call.on("status", (status: grpc.StatusObject) =>
      setImmediate(() => outcome.resolve({ text: reply, status, head })),
    );
    return { outcome: outcome.promise, cancel: () => call.cancel() };
  }

  echo(text: string, metadata?: Record<string, string>, options?: grpc.CallOptions): Promise<EchoOutcome> {
    return this.begin(text, metadata, options).outcome;
  }
}

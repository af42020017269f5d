// The service Kinds on grpc-js, described by the derived .proto file, which keeps the bytes of every request it gets.
import * as grpc from "@grpc/grpc-js";
import { loadSync, type MessageTypeDefinition, type ServiceDefinition } from "@grpc/proto-loader";
import { setDetails } from "../../tools/rpc-status.ts";

/** What a handler is given: the message as proto-loader reads it. */
type Message = Record<string, unknown>;

/** protobufjs loses 64-bit and bool keys of maps, so this method gives back the bytes instead of what was read. */
const AS_BYTES = "echoMaps";

export interface GrpcServer {
  /** HOST:PORT */
  readonly address: string;
  /** The bytes of the requests to each method, in the order they came in. */
  readonly seen: Map<string, Buffer[]>;
  stop(): void;
}

const REFUSED = {
  reason: "closed",
  color: 4,
  where: [
    { x: 1, y: -1 },
    { x: 2, y: -2 },
  ],
};

/** Starts the server on a free port of 127.0.0.1. `proto` is imported from one of the `folders`. */
export async function startGrpcServer(proto: string, folders: readonly string[]): Promise<GrpcServer> {
  const definitions = loadSync(proto, { includeDirs: [...folders], keepCase: true, longs: String });
  const service = definitions["kinds.Kinds"] as ServiceDefinition;
  const seen = new Map<string, Buffer[]>();
  const notes: string[] = [];

  /** The status that stands for a declared exception. */
  const exception = (code: grpc.status, name: string, content: Message) => {
    const { serialize } = definitions[`kinds.${name}`] as MessageTypeDefinition<object, object>;
    const message = `${name} was thrown`;
    const metadata = new grpc.Metadata();
    setDetails(metadata, code, message, [{ name: `kinds.${name}`, value: serialize(content) }]);
    return { code, details: message, metadata };
  };
  const refused = () => exception(grpc.status.FAILED_PRECONDITION, "Refused", REFUSED);
  const failures = [
    undefined,
    () => exception(grpc.status.NOT_FOUND, "NotFound", { what: "shelf", id: "9007199254740993" }),
    refused,
    () => exception(grpc.status.UNKNOWN, "Plain", { message: "plainly wrong" }),
    () => ({ code: grpc.status.INTERNAL, details: "the shelf fell over" }),
  ];
  /** What a method answers; every other one echoes. */
  const answers: Record<string, (request: Message) => Message> = {
    ping: () => ({}),
    who: () => ({ success: "grpc-js" }),
    nothing: () => ({}),
    sum: ({ first, second, others }) => {
      const all = [first, second, ...((others as unknown[]) ?? [])] as (number | string)[];
      return { success: all.reduce((sum, value) => sum + BigInt(value), 0n).toString() };
    },
    fail: ({ how }) => {
      const failure = failures[how as number];
      if (failure) throw failure();
      return { success: how };
    },
    check: ({ good }) => {
      if (!good) throw refused();
      return {};
    },
    note: ({ text }) => {
      notes.push(text as string);
      return {};
    },
    notes: () => ({ success: notes }),
  };

  const recorded: Record<string, grpc.MethodDefinition<object, object>> = {};
  const handlers: grpc.UntypedServiceImplementation = {};
  for (const [name, method] of Object.entries(service)) {
    recorded[name] = {
      ...method,
      requestDeserialize(bytes: Buffer) {
        seen.set(name, [...(seen.get(name) ?? []), Buffer.from(bytes)]);
        const message = method.requestDeserialize(bytes);
        return name === AS_BYTES ? { value: Buffer.from(bytes) } : message;
      },
      ...(name === AS_BYTES && { responseSerialize: ({ success }: { success: Buffer }) => success }),
    } as grpc.MethodDefinition<object, object>;
    const answer = answers[name] ?? (({ value }: Message) => ({ success: value }));
    handlers[name] = ({ request }: { request: Message }, callback: grpc.sendUnaryData<object>) => {
      try {
        callback(null, answer(request));
      } catch (status) {
        callback(status as grpc.ServiceError);
      }
    };
  }

  const server = new grpc.Server();
  server.addService(recorded, handlers);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return { address: `127.0.0.1:${port}`, seen, stop: () => server.forceShutdown() };
}

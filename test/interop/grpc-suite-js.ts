// Cases of gRPC's interop suite (doc/interop-test-descriptions.md of gRPC) on grpc-js, as a client and as a server.
import { deepStrictEqual, strictEqual } from "node:assert";
import { readFileSync } from "node:fs";
import * as grpc from "@grpc/grpc-js";
import { loadFileDescriptorSetFromBuffer, type ServiceDefinition } from "@grpc/proto-loader";
import { type CommonCase, TEST_SERVICE } from "./grpc-suite.ts";

interface Payload {
  readonly body: Buffer;
}

/** The requests of all methods, as far as they are used here. */
interface Request {
  readonly response_size: number;
  readonly response_parameters: readonly { readonly size: number }[];
  readonly payload?: Payload;
  readonly response_status?: { readonly code: number; readonly message: string };
}

function definitionOf(descriptors: string): ServiceDefinition {
  const loaded = loadFileDescriptorSetFromBuffer(readFileSync(descriptors), { keepCase: true, defaults: true });
  return loaded[TEST_SERVICE] as ServiceDefinition;
}

const zeros = (size: number): Payload => ({ body: Buffer.alloc(size) });

/** The two keys that servers of the suite send back. */
const INITIAL = "x-grpc-test-echo-initial";
const TRAILING = "x-grpc-test-echo-trailing-bin";

function echo(call: grpc.ServerUnaryCall<Request, object> | grpc.ServerDuplexStream<Request, object>): grpc.Metadata {
  const [headers, trailers] = [new grpc.Metadata(), new grpc.Metadata()];
  for (const value of call.metadata.get(INITIAL)) headers.set(INITIAL, value);
  for (const value of call.metadata.get(TRAILING)) trailers.set(TRAILING, value);
  call.sendMetadata(headers);
  return trailers;
}

function failureOf({ response_status: status }: Request, metadata: grpc.Metadata): grpc.StatusObject | undefined {
  return status?.code ? { code: status.code, details: status.message, metadata } : undefined;
}

const HANDLERS: grpc.UntypedServiceImplementation = {
  EmptyCall: (_call: grpc.ServerUnaryCall<Request, object>, done: grpc.sendUnaryData<object>) => done(null, {}),
  UnaryCall(call: grpc.ServerUnaryCall<Request, object>, done: grpc.sendUnaryData<object>) {
    const trailers = echo(call);
    const failure = failureOf(call.request, trailers);
    if (failure) done(failure);
    else done(null, { payload: zeros(call.request.response_size) }, trailers);
  },
  StreamingInputCall(call: grpc.ServerReadableStream<Request, object>, done: grpc.sendUnaryData<object>) {
    let size = 0;
    call.on("data", ({ payload }: Request) => {
      size += payload?.body.length ?? 0;
    });
    call.on("end", () => done(null, { aggregated_payload_size: size }));
  },
  StreamingOutputCall(call: grpc.ServerWritableStream<Request, object>) {
    for (const { size } of call.request.response_parameters) call.write({ payload: zeros(size) });
    call.end();
  },
  FullDuplexCall(call: grpc.ServerDuplexStream<Request, object>) {
    const trailers = echo(call);
    call.on("data", (request: Request) => {
      const failure = failureOf(request, trailers);
      if (failure) {
        call.emit("error", failure);
        return;
      }
      for (const { size } of request.response_parameters) call.write({ payload: zeros(size) });
    });
    call.on("end", () => call.end(trailers));
  },
};

/** A server of the suite on grpc-js, on a free port of 127.0.0.1. */
export async function startJsServer(descriptors: string): Promise<{ readonly ready: string; stop(): Promise<void> }> {
  const server = new grpc.Server();
  const known = Object.entries(definitionOf(descriptors)).filter(([name]) => name in HANDLERS);
  server.addService(Object.fromEntries(known) as unknown as grpc.ServiceDefinition, HANDLERS);
  const port = await new Promise<number>((resolve, reject) => {
    const credentials = grpc.ServerCredentials.createInsecure();
    server.bindAsync("127.0.0.1:0", credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  return { ready: `127.0.0.1:${port}`, stop: async () => server.forceShutdown() };
}

type Response = { readonly payload: Payload; readonly aggregated_payload_size: number };
type Callback = (error: grpc.ServiceError | null, response: Response) => void;

/** The methods of a client that grpc-js makes of the descriptors. */
interface TestClient {
  EmptyCall(request: object, done: Callback): grpc.ClientUnaryCall;
  UnaryCall(request: object, metadata: grpc.Metadata, done: Callback): grpc.ClientUnaryCall;
  StreamingInputCall(done: Callback): grpc.ClientWritableStream<object>;
  StreamingOutputCall(request: object): grpc.ClientReadableStream<Response>;
  FullDuplexCall(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<object, Response>;
}

/** Runs cases on a client of grpc-js; the value is what went wrong. */
export async function runJsCases(
  address: string,
  descriptors: string,
  names: readonly CommonCase[],
): Promise<ReadonlyMap<string, string | undefined>> {
  const Client = grpc.makeGenericClientConstructor(definitionOf(descriptors) as grpc.ServiceDefinition, "TestService");
  const client = new Client(address, grpc.credentials.createInsecure());
  const outcomes = new Map<string, string | undefined>();
  for (const name of names) {
    const outcome = await CASES[name](client as unknown as TestClient).then(
      () => undefined,
      (error: unknown) => String(error),
    );
    outcomes.set(name, outcome);
  }
  client.close();
  return outcomes;
}

function unary(start: (done: Callback) => grpc.ClientUnaryCall): Promise<{ response: Response; call: Seen }> {
  return new Promise((resolve, reject) => {
    const call = start((error, response) => {
      // The status comes right behind the response.
      if (error) reject(error);
      else setImmediate(() => resolve({ response, call: seen }));
    });
    const seen = watch(call);
  });
}

interface Seen {
  headers: grpc.Metadata | undefined;
  status: grpc.StatusObject | undefined;
}

function watch(call: grpc.ClientUnaryCall | grpc.ClientDuplexStream<object, Response>): Seen {
  const seen: Seen = { headers: undefined, status: undefined };
  call.on("metadata", (headers: grpc.Metadata) => {
    seen.headers = headers;
  });
  call.on("status", (status: grpc.StatusObject) => {
    seen.status = status;
  });
  return seen;
}

async function sizesOf(stream: AsyncIterable<Response>): Promise<number[]> {
  const sizes: number[] = [];
  for await (const { payload } of stream) sizes.push(payload.body.length);
  return sizes;
}

const SIZES = { requests: [27182, 8, 1828, 45904], responses: [31415, 9, 2653, 58979] } as const;
const parameters = (...sizes: readonly number[]) => ({ response_parameters: sizes.map((size) => ({ size })) });

const CASES: Record<CommonCase, (client: TestClient) => Promise<void>> = {
  async empty_unary(client) {
    await unary((done) => client.EmptyCall({}, done));
  },
  async large_unary(client) {
    const request = { response_size: 314159, payload: zeros(271828) };
    const { response } = await unary((done) => client.UnaryCall(request, new grpc.Metadata(), done));
    strictEqual(response.payload.body.length, 314159);
  },
  async client_streaming(client) {
    const total = await new Promise<number>((resolve, reject) => {
      const call = client.StreamingInputCall((error, response) =>
        error ? reject(error) : resolve(response.aggregated_payload_size),
      );
      for (const size of SIZES.requests) call.write({ payload: zeros(size) });
      call.end();
    });
    strictEqual(total, 74922);
  },
  async server_streaming(client) {
    const sizes = await sizesOf(client.StreamingOutputCall(parameters(...SIZES.responses)));
    deepStrictEqual(sizes, SIZES.responses);
  },
  async ping_pong(client) {
    const call = client.FullDuplexCall(new grpc.Metadata());
    const answers = call[Symbol.asyncIterator]();
    for (const [i, size] of SIZES.responses.entries()) {
      call.write({ ...parameters(size), payload: zeros(SIZES.requests[i]!) });
      const { value } = await answers.next();
      strictEqual(value.payload.body.length, size);
    }
    call.end();
    strictEqual((await answers.next()).done, true);
  },
  async empty_stream(client) {
    const call = client.FullDuplexCall(new grpc.Metadata());
    call.end();
    deepStrictEqual(await sizesOf(call), []);
  },
  async custom_metadata(client) {
    const metadata = new grpc.Metadata();
    const trailing = Buffer.from("ababab", "hex");
    metadata.set(INITIAL, "test_initial_metadata_value");
    metadata.set(TRAILING, trailing);
    const request = { response_size: 314159, payload: zeros(271828) };
    const one = await unary((done) => client.UnaryCall(request, metadata, done));
    const stream = client.FullDuplexCall(metadata);
    const many = watch(stream);
    stream.write({ ...parameters(314159), payload: zeros(271828) });
    stream.end();
    deepStrictEqual(await sizesOf(stream), [314159]);
    for (const seen of [one.call, many]) {
      deepStrictEqual(seen.headers?.get(INITIAL), ["test_initial_metadata_value"]);
      deepStrictEqual(seen.status?.metadata.get(TRAILING), [trailing]);
    }
  },
  async status_code_and_message(client) {
    const status = { response_status: { code: 2, message: "test status message" } };
    await failsWith(2, "test status message", () =>
      unary((done) => client.UnaryCall(status, new grpc.Metadata(), done)),
    );
    const stream = client.FullDuplexCall(new grpc.Metadata());
    stream.write(status);
    stream.end();
    await failsWith(2, "test status message", () => sizesOf(stream));
  },
  async special_status_message(client) {
    const message = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n";
    const request = { response_status: { code: 2, message } };
    await failsWith(2, message, () => unary((done) => client.UnaryCall(request, new grpc.Metadata(), done)));
  },
  async cancel_after_begin(client) {
    await failsWith(
      grpc.status.CANCELLED,
      undefined,
      () =>
        new Promise<void>((resolve, reject) => {
          const call = client.StreamingInputCall((error) => (error ? reject(error) : resolve()));
          call.cancel();
        }),
    );
  },
  async cancel_after_first_response(client) {
    const call = client.FullDuplexCall(new grpc.Metadata());
    call.write({ ...parameters(31415), payload: zeros(27182) });
    const answers = call[Symbol.asyncIterator]();
    const { value } = await answers.next();
    strictEqual(value.payload.body.length, 31415);
    call.cancel();
    await failsWith(grpc.status.CANCELLED, undefined, () => answers.next());
  },
  async timeout_on_sleeping_server(client) {
    const call = client.FullDuplexCall(new grpc.Metadata(), { deadline: Date.now() + 1 });
    call.write({ payload: zeros(27182) });
    await failsWith(grpc.status.DEADLINE_EXCEEDED, undefined, () => sizesOf(call));
  },
};

async function failsWith(code: grpc.status, details: string | undefined, run: () => Promise<unknown>): Promise<void> {
  const failure = await run().then(
    () => undefined,
    (error: grpc.ServiceError) => error,
  );
  strictEqual(failure?.code, code, String(failure));
  if (details !== undefined) strictEqual(failure.details, details);
}

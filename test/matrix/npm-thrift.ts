// The service Echo on Apache's npm package, written by hand as its compiler would, so that no compiler is needed.
import { once } from "node:events";
import type { AddressInfo, Server, Socket } from "node:net";
import thrift from "thrift";

const { Thrift } = thrift;
const { CALL, EXCEPTION, ONEWAY, REPLY } = Thrift.MessageType;
const { STRING, STRUCT } = Thrift.Type;

/** A declared exception, with its text. */
export class Missing extends Error {}

export type Transport = "framed" | "buffered";

const TRANSPORTS = { framed: thrift.TFramedTransport, buffered: thrift.TBufferedTransport };

// biome-ignore lint/suspicious/noExplicitAny: the package's types do not cover what its generated code uses
type Untyped = any;

function writeText(output: Untyped, id: number, text: string): void {
  output.writeStructBegin("struct");
  output.writeFieldBegin("text", STRING, id);
  output.writeString(text);
  output.writeFieldEnd();
  output.writeFieldStop();
  output.writeStructEnd();
}

/** Reads a struct whose fields are strings or structs of strings: the id and text of its first field. */
function readText(input: Untyped): { id: number; text: string } | undefined {
  let found: { id: number; text: string } | undefined;
  input.readStructBegin();
  for (;;) {
    const { ftype, fid } = input.readFieldBegin();
    if (ftype === Thrift.Type.STOP) break;
    if (ftype === STRING) found ??= { id: fid, text: input.readString() };
    else if (ftype === STRUCT) found ??= { id: fid, text: readText(input)?.text ?? "" };
    else input.skip(ftype);
    input.readFieldEnd();
  }
  input.readStructEnd();
  return found;
}

/** What `createClient` builds: the shape of generated client code. */
class EchoClient {
  readonly _reqs: Record<number, (error: unknown, text?: string) => void> = {};
  #seqid = 0;
  readonly #output: Untyped;
  readonly #protocol: Untyped;

  constructor(output: Untyped, protocol: Untyped) {
    this.#output = output;
    this.#protocol = protocol;
  }

  send(name: string, type: number, text: string): number {
    const seqid = ++this.#seqid;
    const output = new this.#protocol(this.#output);
    output.writeMessageBegin(name, type, seqid);
    writeText(output, 1, text);
    output.writeMessageEnd();
    this.#output.flush();
    return seqid;
  }

  recv_echo(input: Untyped, type: number, seqid: number): void {
    const callback = this._reqs[seqid]!;
    delete this._reqs[seqid];
    if (type === EXCEPTION) {
      const exception = new Thrift.TApplicationException(0, "");
      (exception as Untyped).read(input);
      input.readMessageEnd();
      callback(exception);
      return;
    }
    const result = readText(input);
    input.readMessageEnd();
    if (result?.id === 1) callback(new Missing(result.text));
    else callback(null, result?.text);
  }

  recv_unknown(input: Untyped, type: number, seqid: number): void {
    this.recv_echo(input, type, seqid);
  }
}

export interface NpmThriftClient {
  call(name: "echo" | "unknown", text: string): Promise<string | undefined>;
  note(text: string): void;
  close(): void;
}

export async function connectNpmThrift(
  port: number,
  transport: Transport,
  options: { readonly strictWrite?: boolean; readonly path?: string } = {},
): Promise<NpmThriftClient> {
  const old = options.strictWrite === false;
  // Old style is how the protocol is constructed, not an option of the connection.
  const protocol = old
    ? class extends (thrift.TBinaryProtocol as Untyped) {
        constructor(trans: Untyped) {
          super(trans, false, false);
        }
      }
    : thrift.TBinaryProtocol;
  const settings = { transport: TRANSPORTS[transport], protocol } as Untyped;
  const connection: Untyped =
    options.path === undefined
      ? thrift.createConnection("127.0.0.1", port, settings)
      : (thrift as Untyped).createUDSConnection(options.path, settings);
  connection.on("error", () => {});
  connection.setMaxListeners(0);
  await once(connection, "connect");
  const client: EchoClient = (thrift as Untyped).createClient(EchoClient, connection);
  return {
    call: (name, text) =>
      new Promise((resolve, reject) => {
        connection.once("close", () => reject(new Error("closed")));
        const seqid = client.send(name, CALL, text);
        client._reqs[seqid] = (error, reply) => (error ? reject(error) : resolve(reply));
      }),
    note: (text) => void client.send("note", ONEWAY, text),
    close: () => connection.end(),
  };
}

export interface NpmThriftServer {
  readonly port: number;
  readonly notes: string[];
  readonly connections: Set<Socket>;
  close(): Promise<void>;
}

/** A framed server: echoes, throws Missing at `missing`, fails with a TApplicationException of type 6 at `fail`. */
export async function serveNpmThrift(): Promise<NpmThriftServer> {
  const notes: string[] = [];
  const processor = {
    process(input: Untyped, output: Untyped) {
      const { fname, rseqid } = input.readMessageBegin();
      const text = readText(input)?.text ?? "";
      input.readMessageEnd();
      if (fname === "note") {
        notes.push(text);
        return;
      }
      if (text === "fail" || fname !== "echo") {
        output.writeMessageBegin(fname, EXCEPTION, rseqid);
        (
          new Thrift.TApplicationException(fname === "echo" ? 6 : 1, "[grpc:8 RESOURCE_EXHAUSTED] full") as Untyped
        ).write(output);
      } else {
        output.writeMessageBegin(fname, REPLY, rseqid);
        if (text === "missing") {
          output.writeStructBegin("result");
          output.writeFieldBegin("missing", STRUCT, 1);
          writeText(output, 1, "shelf");
          output.writeFieldEnd();
          output.writeFieldStop();
          output.writeStructEnd();
        } else if (text === "nothing") {
          output.writeStructBegin("result");
          output.writeFieldStop();
          output.writeStructEnd();
        } else {
          writeText(output, 0, text);
        }
      }
      output.writeMessageEnd();
      output.flush();
    },
  };
  const options = { transport: thrift.TFramedTransport, protocol: thrift.TBinaryProtocol } as Untyped;
  const server: Server = (thrift as Untyped).createMultiplexServer(processor, options);
  const connections = new Set<Socket>();
  server.on("connection", (socket) => {
    connections.add(socket);
    socket.on("close", () => connections.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    notes,
    connections,
    async close() {
      for (const socket of connections) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

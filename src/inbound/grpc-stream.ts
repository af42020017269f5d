// One streaming call of a gRPC connection: what stands around its messages, in header lists of HTTP/2. The connection, and
// calls of one message, are left to grpc-connection.ts.
import { RpcError } from "../base/errors.ts";
import type { Metadata } from "../base/metadata.ts";
import type { CallHead } from "../protocol/grpc/read-call.ts";
import { type ServeStreamOptions, type StreamExchange, serveStream } from "../protocol/grpc/serve-stream.ts";
import { readStream, writeStreamEnd, writeStreamHead } from "../protocol/grpc/stream-verbs.ts";
import { writeReply } from "../protocol/grpc/write-reply.ts";
import type { HeaderList } from "../protocol/http2/header-list.ts";
import { newFacts } from "../rpc/call.ts";

/** The stream of HTTP/2 that a call is on. */
export interface CallerStream {
  /** Begins the response. Throws a RpcError for headers that cannot be carried. */
  begin(headers: HeaderList): void;
  /** False when something is queued: `drained` of the call is to be told when it is gone. */
  sendData(bytes: Uint8Array): boolean;
  consume(bytes: number): void;
  /**
   * Ends the response, with trailers behind what has `begun`, else with headers alone. What the caller still sends is
   * not for the call any more.
   */
  end(list: HeaderList, begun: boolean): void;
}

/** What a stream that has come in over HTTP/2 is served with. */
export interface GrpcStreamOptions extends Omit<ServeStreamOptions, "call"> {
  readonly expiresAtMs: number;
  readonly peer: string;
  /** Who the caller is, by its certificate. */
  readonly callerName: string | undefined;
}

/** The call of `head`, whose reply goes to the caller once it is told to run. */
export function serveGrpcStream(head: CallHead, wire: CallerStream, options: GrpcStreamOptions): StreamExchange {
  const { expiresAtMs, peer, callerName, ...others } = options;
  const { dress } = head;
  const call = readStream(head, { expiresAtMs, facts: newFacts("grpc", peer, callerName) });
  return serveStream(
    {
      begin: (reply) => wire.begin(writeStreamHead(dress, reply)),
      send: wire.sendData,
      consumed: wire.consume,
      end: (end, begun) => wire.end(begun ? writeStreamEnd(end) : withoutReply(head, end), begun),
    },
    { ...others, call },
  );
}

function withoutReply({ dress }: CallHead, end: Metadata | RpcError): HeaderList {
  const error = end instanceof RpcError ? end : new RpcError("INTERNAL", "the call ended before its reply began");
  return writeReply(dress, error).headers;
}

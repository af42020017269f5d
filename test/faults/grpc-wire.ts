// A gRPC client that sends whatever it is given in a good stream of node:http2, and says all that came back.
import { type ClientHttp2Session, connect as connectHttp2, type OutgoingHttpHeaders } from "node:http2";
import { connect } from "node:net";
import { expectClear } from "./clear.ts";

/** What became of a stream. */
export interface StreamOutcome {
  readonly httpStatus: number | undefined;
  /** From the trailers or, without them, from the headers. */
  readonly grpcStatus: number | undefined;
  readonly grpcMessage: string;
  readonly body: Buffer;
  /** The HTTP/2 error code that it closed with; 0 is none. */
  readonly resetCode: number;
}

/** A session on the unix socket at `path`; a failure of it shows on its streams. */
export function openSession(path: string): ClientHttp2Session {
  const session = connectHttp2("http://localhost", { createConnection: () => connect(path) });
  session.on("error", () => {});
  return session;
}

/** The headers of a call as every gRPC client sends them. */
export function callHeaders(method: string): OutgoingHttpHeaders {
  return { ":method": "POST", ":path": `/kinds.Kinds/${method}`, te: "trailers", "content-type": "application/grpc" };
}

/** A message behind its five bytes. */
export function prefixed(message: Buffer): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** Sends one stream and resolves when it has closed. */
export function exchangeStream(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  pieces: readonly Buffer[],
): Promise<StreamOutcome> {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers, { endStream: false });
    let httpStatus: number | undefined;
    let status: unknown;
    let message: unknown;
    const chunks: Buffer[] = [];
    const read = (received: Record<string, unknown>): void => {
      status = received["grpc-status"] ?? status;
      message = received["grpc-message"] ?? message;
    };
    stream.on("response", (received) => {
      httpStatus = received[":status"];
      read(received);
    });
    stream.on("trailers", read);
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", () => {});
    stream.on("close", () => {
      if (stream.sentHeaders === undefined) reject(new Error("the stream was never opened"));
      resolve({
        httpStatus,
        grpcStatus: status === undefined ? undefined : Number(status),
        grpcMessage: decodeURIComponent(String(message ?? "").replace(/%(?![0-9A-F]{2})/g, "%25")),
        body: Buffer.concat(chunks),
        resetCode: stream.rstCode ?? 0,
      });
    });
    for (const piece of pieces) stream.write(piece);
    stream.end();
  });
}

/** Holds an outcome to being a streaming answer: whole messages, then a status. Returns that and how many messages came. */
export function checkStream(
  { httpStatus, grpcStatus, grpcMessage, body, resetCode }: StreamOutcome,
  text: "our text" | "peer's text" = "our text",
): { readonly status: number; readonly messages: number } {
  if (resetCode !== 0) throw new Error(`the stream was reset with ${resetCode}`);
  if (httpStatus !== 200) throw new Error(`the HTTP status is ${httpStatus}`);
  if (grpcStatus === undefined || !(grpcStatus >= 0 && grpcStatus <= 16)) throw new Error(`grpc-status ${grpcStatus}`);
  if (grpcStatus !== 0 && text === "our text") expectClear(grpcMessage);
  let messages = 0;
  for (let at = 0; at < body.length; messages++) {
    if (at + 5 > body.length || body[at] !== 0 || at + 5 + body.readUInt32BE(at + 1) > body.length) {
      throw new Error(`no whole messages: ${body.toString("hex")}`);
    }
    at += 5 + body.readUInt32BE(at + 1);
  }
  return { status: grpcStatus, messages };
}

/**
 * Holds an outcome to being a whole gRPC answer, and returns its status; 0 comes with one whole message. What a server
 * says of its error may be anything.
 */
export function checkGrpc(
  { httpStatus, grpcStatus, grpcMessage, body, resetCode }: StreamOutcome,
  text: "our text" | "peer's text" = "our text",
): number {
  if (resetCode !== 0) throw new Error(`the stream was reset with ${resetCode}`);
  if (httpStatus !== 200) throw new Error(`the HTTP status is ${httpStatus}`);
  if (grpcStatus === undefined || !(grpcStatus >= 0 && grpcStatus <= 16)) throw new Error(`grpc-status ${grpcStatus}`);
  if (grpcStatus === 0) {
    if (body.length < 5 || body[0] !== 0 || body.readUInt32BE(1) !== body.length - 5) {
      throw new Error(`no message with the status OK: ${body.toString("hex")}`);
    }
  } else {
    if (body.length > 0) throw new Error("a message beside an error");
    if (text === "our text") expectClear(grpcMessage);
  }
  return grpcStatus;
}

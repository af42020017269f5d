// A caller of streams over HTTP/1.1 by the letter of the specifications: messages behind a flag and a length, and what ends them.
import {
  type Agent,
  type ClientRequest,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from "node:http";

/** A message with its prefix. */
export function envelope(message: Uint8Array | string, flag = 0): Buffer {
  const bytes = Buffer.from(message);
  const head = Buffer.of(flag, 0, 0, 0, 0);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

/** What came back of a call. */
export interface StreamAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly messages: readonly { readonly flag: number; readonly bytes: Buffer }[];
  /** The last frame, of Connect or of gRPC-Web. */
  readonly end: string;
}

/** Takes a body apart. */
export function readEnvelopes(body: Buffer): Pick<StreamAnswer, "messages" | "end"> {
  const messages: { flag: number; bytes: Buffer }[] = [];
  let end = "";
  for (let at = 0; at < body.length; ) {
    const flag = body[at]!;
    const bytes = body.subarray(at + 5, at + 5 + body.readUInt32BE(at + 1));
    if ((flag & 0x82) !== 0) end = bytes.toString();
    else messages.push({ flag, bytes });
    at += 5 + bytes.length;
  }
  return { messages, end };
}

export interface StreamRequest {
  readonly address: string;
  readonly path: string;
  readonly contentType: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Keeps connections; without it each request has one of its own, and asks for its end. */
  readonly agent?: Agent;
}

/** A POST whose body is still to be written; `response` resolves with its head. */
export function openStream({ address, path, contentType, headers, agent }: StreamRequest): {
  readonly outgoing: ClientRequest;
  readonly response: Promise<IncomingMessage>;
} {
  const [host, port] = address.split(":");
  const where = { host, port, agent: agent ?? false, method: "POST", path };
  const outgoing = httpRequest({ ...where, headers: { "content-type": contentType, ...headers } });
  const response = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.on("response", resolve).on("error", reject);
  });
  response.catch(() => {});
  outgoing.flushHeaders();
  return { outgoing, response };
}

/** All of a response. */
export async function answerOf(response: IncomingMessage): Promise<StreamAnswer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  const { statusCode: status = 0, headers } = response;
  const text = Buffer.concat(chunks);
  const isText = headers["content-type"]?.includes("grpc-web-text");
  // Pieces of base64, each padded.
  const pieces = isText ? (text.toString().match(/[^=]+={0,2}/g) ?? []) : [];
  const body = isText ? Buffer.concat(pieces.map((piece) => Buffer.from(piece, "base64"))) : text;
  return { status, headers, ...readEnvelopes(body) };
}

/** Sends a body whole and reads the answer whole. */
export async function callStream(request: StreamRequest, body: Buffer | string): Promise<StreamAnswer> {
  const { outgoing, response } = openStream(request);
  outgoing.end(body);
  return answerOf(await response);
}

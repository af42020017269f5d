// A caller that speaks gRPC-Web, as pages of a browser do: unary calls in a POST each, the trailers in the last frame of the body
// (grpc/grpc, doc/PROTOCOL-WEB.md). What gRPC and gRPC-Web have in common is the product's own.
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { formatAddress } from "../../src/base/address.ts";
import type { Clock } from "../../src/base/clock.ts";
import { RpcError } from "../../src/base/errors.ts";
import { type ReceivedResponse, readReply } from "../../src/protocol/grpc/read-reply.ts";
import { writeCall } from "../../src/protocol/grpc/write-call.ts";
import type { Call, Reply } from "../../src/rpc/call.ts";
import type { Connect } from "../../src/rpc/connect.ts";

/** Calls over `application/grpc-web`, or `application/grpc-web-text`, which is the same in base64. */
export function connectGrpcWeb(form: "binary" | "text", maxConnections: number, clock: Clock): Connect {
  const contentType = form === "text" ? "application/grpc-web-text" : "application/grpc-web+proto";
  return ({ address }) => {
    const authority = formatAddress(address);
    const agent = new Agent({ keepAlive: true, maxSockets: maxConnections });
    return {
      async handle(call) {
        const { headers, timeout, body } = writeCall(call, { authority, scheme: "http", nowMs: clock.nowMs() });
        const said = { "content-type": contentType, "x-grpc-web": "1", ...namesOf([...headers, ...timeout]) };
        const incoming = await post(`http://${authority}`, call, said, form === "text" ? inPieces(body) : body, agent);
        return read(incoming.head, form === "text" ? fromBase64(incoming.body) : incoming.body, call);
      },
      close: () => Promise.resolve(agent.destroy()),
    };
  };
}

/** What HTTP/1.1 has no name for is left out. */
function namesOf(list: readonly string[]): Record<string, string> {
  const named: Record<string, string> = {};
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i]!;
    if (!name.startsWith(":") && name !== "te" && name !== "content-type") named[name] = list[i + 1]!;
  }
  return named;
}

/** A writer may pad wherever it likes. */
function inPieces(body: Uint8Array): Buffer {
  const bytes = Buffer.from(body);
  return Buffer.from(bytes.toString("base64", 0, 5) + bytes.toString("base64", 5));
}

const fromBase64 = (body: Buffer): Buffer => Buffer.from(body.toString("latin1"), "base64");

function post(
  url: string,
  { method, signal }: Call,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
  agent: Agent,
): Promise<{ readonly head: IncomingMessage; readonly body: Buffer }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ head: IncomingMessage; body: Buffer }>();
  const outgoing = httpRequest(`${url}/${method.service}/${method.name}`, { method: "POST", headers, agent });
  const onAbort = (): void => {
    outgoing.destroy();
    reject(signal.reason);
  };
  signal.addEventListener("abort", onAbort);
  outgoing.on("error", (error) => reject(new RpcError("UNAVAILABLE", error.message, { cause: error })));
  outgoing.on("response", (head) => {
    const chunks: Buffer[] = [];
    head.on("error", reject).on("data", (chunk) => chunks.push(chunk));
    head.on("end", () => {
      signal.removeEventListener("abort", onAbort);
      resolve({ head, body: Buffer.concat(chunks) });
    });
  });
  outgoing.end(body);
  return promise;
}

function read({ statusCode, rawHeaders }: IncomingMessage, body: Buffer, { method }: Call): Reply {
  const headers = [":status", String(statusCode), ...rawHeaders.map((text, i) => (i % 2 ? text : text.toLowerCase()))];
  let message: ReceivedResponse["message"];
  let trailers: string[] | undefined;
  for (let at = 0; at < body.length; ) {
    const content = body.subarray(at + 5, at + 5 + body.readUInt32BE(at + 1));
    if (body[at] === 0x80) trailers = readTrailers(content);
    else message = { bytes: content, compression: undefined };
    at += 5 + content.length;
  }
  return readReply({ headers, message, trailers }, method);
}

function readTrailers(content: Buffer): string[] {
  const lines = content.toString("latin1").split("\r\n").filter(Boolean);
  return lines.flatMap((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]);
}

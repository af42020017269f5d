// Connect's unary calls to a server (connectrpc.com/docs/protocol), and plain JSON over HTTP, which is the same without its
// version header and with servers that need not know of Connect. connect.ts has the other side.
import { RpcError, type Status } from "../../base/errors.ts";
import type { Call, Payload, Reply } from "../../rpc/call.ts";
import { exceptionInResponse } from "../../rpc/response-oneof.ts";
import { readRetryInfo } from "../../rpc/retry-info.ts";
import { thrownException } from "../../rpc/status.ts";
import type { Method } from "../../schema/model.ts";
import { parseError, parseObject } from "./connect-error.ts";
import { mediaTypeOf } from "./dialect.ts";
import type { PeerResponse } from "./http.ts";
import { readResponseMetadata, writeRequestMetadata } from "./http-metadata.ts";
import { checkIdentity, codeOfHttpStatus, retryAfterOf, textOf, unexpectedResponse } from "./http-status.ts";
import { type WriteCall, writeTimeout } from "./outgoing.ts";

/** How calls are written. */
export interface ConnectCallOptions {
  /** What stands before `/package.Service/Method`; empty or with a slash at its start only. */
  readonly prefix: string;
  /** `connect`: Protobuf and Connect's version header. `http-json`: JSON and nothing of Connect's but the timeout. */
  readonly protocol: "connect" | "http-json";
}

/** Writes calls as POST to `prefix/package.Service/Method`. */
export function compileConnectCalls({ prefix, protocol }: ConnectCallOptions): WriteCall {
  const codec = protocol === "connect" ? "protobuf" : "json";
  const contentType = protocol === "connect" ? "application/proto" : "application/json";
  const said = ["content-type", contentType];
  if (protocol === "connect") said.push("connect-protocol-version", "1");
  else said.push("accept", contentType);

  return (call, nowMs) => {
    const { method, payload } = call;
    if (payload.codec !== codec) throw new RpcError("INTERNAL", `the call came as ${payload.codec}: expected ${codec}`);
    const headers = [...said];
    writeTimeout("connect-timeout-ms", call, nowMs, headers);
    call.facts.droppedMetadata += writeRequestMetadata(call.headers, headers);
    return {
      request: { path: `${prefix}/${method.service}/${method.name}`, headers, body: payload.bytes },
      readReply: (response) => readReply(response, method, codec, contentType),
    };
  };
}

function readReply(response: PeerResponse, method: Method, codec: "protobuf" | "json", contentType: string): Reply {
  checkIdentity(response.headers);
  const metadata = readResponseMetadata(response.headers, "trailer-");
  if (response.status !== 200) return failed(response, method, codec, metadata);
  if (mediaTypeOf(response.headers) !== contentType) throw unexpectedResponse(response, contentType);
  const payload: Payload = { type: method.response, codec, bytes: response.body };
  const exception = codec === "protobuf" ? exceptionInResponse(method, response.body) : undefined;
  return { kind: "result", payload, ...metadata, ...(exception && { exception }) };
}

/** A declared exception stands in an error's details; everything else is thrown. */
function failed(
  response: PeerResponse,
  method: Method,
  codec: Call["payload"]["codec"],
  metadata: ReturnType<typeof readResponseMetadata>,
): Reply {
  const status = statusOf(response, codec);
  if (!status) throw unexpectedResponse(response, "a Connect error");
  const { code, message, details } = status;
  const thrown = thrownException(method, details);
  if (!thrown) {
    const retryAfterMs = readRetryInfo(details) ?? retryAfterOf(response);
    throw new RpcError(code, message, { origin: "peer", sent: true, details, retryAfterMs, ...metadata });
  }
  const payload: Payload = { type: thrown.type, codec: "protobuf", bytes: thrown.bytes };
  return { kind: "exception", field: thrown.field, status, payload, ...metadata };
}

function statusOf({ status, headers, body }: PeerResponse, codec: Call["payload"]["codec"]): Status | undefined {
  const isJson = mediaTypeOf(headers) === "application/json";
  const json = isJson ? Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString() : "";
  const error = parseError(json);
  if (error || codec === "protobuf" || status < 400) return error;
  // Servers that know nothing of Connect say what they mean by their status, and some words.
  const message = parseObject(json)?.["message"];
  const text = typeof message === "string" ? message.slice(0, MAX_MESSAGE_CHARACTERS) : textOf(body);
  return { code: codeOfHttpStatus(status), message: text === "" ? `HTTP status ${status}` : text, details: [] };
}

const MAX_MESSAGE_CHARACTERS = 4_096;

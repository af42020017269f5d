// Thrift over HTTP to a server, as THttpClient of the official libraries calls it. thrift-http.ts has the other side.
import { RpcError } from "../../base/errors.ts";
import { statusOf } from "../thrift/header-keys.ts";
import { onewayReply, readReply } from "../thrift/read-reply.ts";
import { writeCall } from "../thrift/write-call.ts";
import { mediaTypeOf } from "./dialect.ts";
import type { PeerResponse } from "./http.ts";
import { readResponseMetadata, writeRequestMetadata } from "./http-metadata.ts";
import { checkIdentity, unexpectedResponse } from "./http-status.ts";
import { type WriteCall, writeTimeout } from "./outgoing.ts";

/** How calls are written. */
export interface ThriftHttpCallOptions {
  /** The path of a POST; `{service}` in it stands for the service's full name. */
  readonly path: string;
  readonly codec: "thrift-binary" | "thrift-compact";
  /** Whether the name is written as `Service:method`. */
  readonly multiplexed: boolean;
  readonly maxMessageBytes: number;
  readonly maxDepth: number;
}

/** Each response answers the call of its request, so the sequence id is the same for all, as the official clients have it. */
const SEQUENCE_ID = 1;

/** Writes calls as POST with one message as body. */
export function compileThriftHttpCalls(options: ThriftHttpCallOptions): WriteCall {
  const { path, codec, multiplexed, maxMessageBytes, maxDepth } = options;
  const envelope = codec === "thrift-compact" ? "compact" : "strict";
  const contentType = codec === "thrift-compact" ? "application/vnd.apache.thrift.compact" : "application/x-thrift";
  const said = ["content-type", contentType, "accept", contentType];
  const dialect = { framing: "unframed", envelope, sequenceId: SEQUENCE_ID, multiplexed } as const;
  const limits = { maxDepth, maxFrameBytes: maxMessageBytes };

  return (call, nowMs) => {
    const { method } = call;
    const { dress, message } = writeCall(call, { ...dialect, zlib: false, profile: false, nowMs });
    const headers = [...said];
    writeTimeout("client_timeout", call, nowMs, headers);
    call.facts.droppedMetadata += writeRequestMetadata(call.headers, headers);
    return {
      request: { path: path.replaceAll("{service}", method.service), headers, body: message },
      onceWritten: dress.answered ? undefined : onewayReply(method, codec),
      readReply(response) {
        checkIdentity(response.headers);
        const metadata = readResponseMetadata(response.headers, "cw-t-");
        if (response.status !== 200) {
          // Oneway calls have no answer, and some servers say so.
          if (dress.answered || response.status !== 204)
            throw unexpectedResponse(response, "200 with a Thrift message");
        }
        if (!dress.answered) return { ...onewayReply(method, codec), ...metadata };
        checkBody(response);
        return readReply(response.body, dress, method, limits, undefined, {
          ...metadata,
          status: saidStatus(response),
        });
      },
    };
  };
}

function saidStatus({ headers }: PeerResponse): ReturnType<typeof statusOf> {
  return statusOf(headers.get("cw-code"), headers.get("cw-message"), headers.get("cw-details-bin"));
}

function checkBody(response: PeerResponse): void {
  if (response.body.length === 0) {
    throw new RpcError("INTERNAL", "the response has no message in its body", { sent: true });
  }
  // Servers say all kinds of things here; but no message is of text.
  if (mediaTypeOf(response.headers).startsWith("text/html")) throw unexpectedResponse(response, "a Thrift message");
}

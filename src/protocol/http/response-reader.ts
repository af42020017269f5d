// Responses of a server over HTTP/1.1 (RFC 9112) as their bytes come. Requests are POST, one at a time on a connection. What a
// reader cannot be sure of is an error: where one response ends and the next begins must never be a matter of opinion.
import { ByteGatherer } from "../../base/bytes.ts";
import { RpcError } from "../../base/errors.ts";
import { asBuffer } from "../thrift/message.ts";
import type { PeerResponse } from "./http.ts";
import { malformedResponse, parseResponseHead, type ResponseHead } from "./response-head.ts";

/** Most bytes of a response's headers, with those of the responses before it that only say that it will come. */
const MAX_RESPONSE_HEAD_BYTES = 65_536;
/** Most bytes of a line that says the size of a chunk; what stands behind the size means nothing here. */
const MAX_CHUNK_LINE_BYTES = 1_024;

/** Reads the responses that come over one connection. */
export interface ResponseReader {
  /** Adds bytes, which from now on must not change: bodies are views of them where they can be. */
  push(chunk: Uint8Array): void;
  /**
   * The next whole response; undefined until more bytes come. Throws a RpcError: INTERNAL for what is no HTTP/1.1,
   * RESOURCE_EXHAUSTED beyond a limit; the connection then cannot be read on.
   */
  next(): PeerResponse | undefined;
  /** The response that the end of the connection makes whole; undefined when it is cut short. */
  end(): PeerResponse | undefined;
  /** Whether the connection may carry another request: the server keeps it, and nothing is left of what has come. */
  mayStay(): boolean;
}

/** What is read next, and how much of it. */
type State =
  | { readonly kind: "head" }
  | { readonly kind: "length"; readonly bytes: number }
  | { readonly kind: "close" }
  | { readonly kind: "chunk line" }
  | { readonly kind: "chunk"; readonly left: number }
  | { readonly kind: "chunk end" }
  | { readonly kind: "trailers" };

const NOTHING = Buffer.alloc(0);
const HEAD: State = { kind: "head" };
const CHUNK_LINE: State = { kind: "chunk line" };
const CHUNK_END: State = { kind: "chunk end" };
const TRAILERS: State = { kind: "trailers" };

/** A reader of responses whose bodies have at most `maxBytes`. */
export function createResponseReader(maxBytes: number): ResponseReader {
  /** What has come and is not used yet: `bytes` from `at` on. A line that comes in pieces is gathered in `held`. */
  let bytes: Buffer = NOTHING;
  let at = 0;
  let held = new ByteGatherer();
  /** How far from `at` on the end of a line was looked for in vain. */
  let searched = 0;
  let state: State = HEAD;
  let head: ResponseHead | undefined;
  let headBytes = 0;
  const body = new ByteGatherer();
  let keeps = true;

  /** Takes up to and with the `end` of a line or of several; undefined until it is there. Throws beyond `maxLength`. */
  function take(end: "\r\n" | "\r\n\r\n", maxLength: number, tooLong: () => RpcError): Buffer | undefined {
    const found = bytes.indexOf(end, at + Math.max(0, searched - end.length + 1), "latin1");
    const length = (found < 0 ? bytes.length : found + end.length) - at;
    if (length > maxLength) throw tooLong();
    if (found < 0) {
      searched = length;
      return undefined;
    }
    searched = 0;
    const taken = bytes.subarray(at, at + length);
    at += length;
    return taken;
  }

  function readHead(): boolean {
    checkStart(bytes, at);
    const taken = take("\r\n\r\n", MAX_RESPONSE_HEAD_BYTES - headBytes, headTooLarge);
    if (!taken) return false;
    headBytes += taken.length;
    const parsed = parseResponseHead(taken);
    // Such as 100 and 103: the response is still to come.
    if (parsed.status < 200) return true;
    head = parsed;
    keeps = parsed.keepAlive && parsed.body !== "close";
    if (typeof parsed.body !== "number") state = parsed.body === "chunked" ? CHUNK_LINE : { kind: "close" };
    else if (parsed.body > maxBytes) throw tooLarge(maxBytes);
    else state = { kind: "length", bytes: parsed.body };
    return true;
  }

  function readChunkLine(): boolean {
    const line = take("\r\n", MAX_CHUNK_LINE_BYTES, () =>
      malformedResponse("a line with the size of a chunk has no end"),
    );
    if (!line) return false;
    const size = chunkSize(line.toString("latin1", 0, line.length - 2));
    if (body.length + size > maxBytes) throw tooLarge(maxBytes);
    state = size === 0 ? TRAILERS : { kind: "chunk", left: size };
    return true;
  }

  /** Moves up to `count` bytes to the body and returns how many there were. */
  function gather(count: number, expectedBytes?: number): number {
    const piece = bytes.subarray(at, at + count);
    body.append(piece, expectedBytes);
    at += piece.length;
    return piece.length;
  }

  /** Reads one part; returns the response when that was its last, and otherwise whether there may be more to read. */
  function step(): PeerResponse | boolean {
    switch (state.kind) {
      case "head":
        return readHead();
      case "length": {
        const size = state.bytes;
        // The common case: a body that lies whole in one chunk is a view of it.
        if (body.length === 0 && bytes.length - at >= size) {
          at += size;
          return finish(bytes.subarray(at - size, at));
        }
        gather(size - body.length, size);
        return body.length === size ? finish(body.take()) : false;
      }
      case "close":
        if (body.length + bytes.length - at > maxBytes) throw tooLarge(maxBytes);
        gather(bytes.length - at);
        return false;
      case "chunk line":
        return readChunkLine();
      case "chunk": {
        const left = state.left - gather(state.left);
        state = left === 0 ? CHUNK_END : { kind: "chunk", left };
        return left === 0;
      }
      case "chunk end":
        if (bytes.length - at < 2) return false;
        if (bytes[at] !== CR || bytes[at + 1] !== LF) throw malformedResponse("a chunk is longer than its size says");
        at += 2;
        state = CHUNK_LINE;
        return true;
      case "trailers": {
        // They say nothing that a reply needs, and end with an empty line.
        const line = take("\r\n", MAX_RESPONSE_HEAD_BYTES - headBytes, headTooLarge);
        if (!line) return false;
        headBytes += line.length;
        return line.length === 2 ? finish(body.take()) : true;
      }
    }
  }

  function finish(whole: Uint8Array): PeerResponse {
    const { status, headers } = head!;
    head = undefined;
    headBytes = 0;
    state = HEAD;
    return { status, headers, body: whole };
  }

  return {
    push(chunk) {
      if (at === bytes.length) {
        bytes = asBuffer(chunk);
        at = 0;
        return;
      }
      // Only what is still held whole can grow in its place.
      if (at > 0 || held.length !== bytes.length) {
        held = new ByteGatherer();
        held.append(bytes.subarray(at));
        at = 0;
      }
      held.append(chunk);
      bytes = asBuffer(held.bytes);
    },
    next() {
      let result: PeerResponse | boolean = true;
      while (result === true && (at < bytes.length || state.kind === "length")) result = step();
      // What is used up is let go, so that an idle connection holds no memory.
      if (at === bytes.length) {
        bytes = NOTHING;
        at = 0;
        held = new ByteGatherer();
      }
      return typeof result === "boolean" ? undefined : result;
    },
    end() {
      return state.kind === "close" ? finish(body.take()) : undefined;
    },
    mayStay: () => keeps && state === HEAD && headBytes === 0 && at === bytes.length,
  };
}

const [CR, LF] = [0x0d, 0x0a];
const START = Buffer.from("HTTP/1.");

/** What is no HTTP may never have the end of its headers, so its first bytes must do. */
function checkStart(bytes: Buffer, at: number): void {
  const length = Math.min(START.length, bytes.length - at);
  for (let i = 0; i < length; i++) {
    if (bytes[at + i] === START[i]) continue;
    throw malformedResponse(`it begins with ${JSON.stringify(bytes.toString("latin1", at, at + 40))}`);
  }
}

/** RFC 9112, section 7.1: hexadecimal digits, and extensions that nobody has to understand. */
function chunkSize(line: string): number {
  const digits = /^([0-9a-f]{1,8})[\t ]*(?:;[\t\x20-\x7e\x80-\xff]*)?$/i.exec(line)?.[1];
  if (digits === undefined) throw malformedResponse(`${JSON.stringify(line.slice(0, 40))} is no size of a chunk`);
  return Number.parseInt(digits, 16);
}

function headTooLarge(): RpcError {
  const text = `the response has more than ${MAX_RESPONSE_HEAD_BYTES} bytes of headers`;
  return new RpcError("RESOURCE_EXHAUSTED", text, { sent: true });
}

function tooLarge(maxBytes: number): RpcError {
  const text = `the response passes the limit of ${maxBytes} bytes (maxMessageBytes)`;
  return new RpcError("RESOURCE_EXHAUSTED", text, { sent: true });
}

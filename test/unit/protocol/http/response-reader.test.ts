import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RpcError } from "../../../../src/base/errors.ts";
import type { PeerResponse } from "../../../../src/protocol/http/http.ts";
import { createResponseReader } from "../../../../src/protocol/http/response-reader.ts";

const MAX_BYTES = 1_000;

/** Lines end with CRLF, and a head with an empty one. */
function head(...lines: string[]): string {
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** What is read of bytes that come in pieces of so many. */
function read(text: string, pieceBytes = text.length, maxBytes = MAX_BYTES) {
  const reader = createResponseReader(maxBytes);
  const responses: PeerResponse[] = [];
  for (let at = 0; at < text.length; at += pieceBytes) {
    reader.push(Buffer.from(text.slice(at, at + pieceBytes), "latin1"));
    for (let response = reader.next(); response; response = reader.next()) responses.push(response);
  }
  return { reader, responses: responses.map(plain) };
}

function plain({ status, headers, body }: PeerResponse) {
  return { status, headers: [...headers], body: Buffer.from(body).toString("latin1") };
}

function errorOf(run: () => unknown): RpcError {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(RpcError);
    return error as RpcError;
  }
  throw new Error("nothing was thrown");
}

const WHOLE: readonly (readonly [string, string, ReturnType<typeof plain>, boolean])[] = [
  [
    "a body of a length",
    `${head("HTTP/1.1 200 OK", "Content-Type: text/plain", "content-length:5")}hello`,
    {
      status: 200,
      headers: [
        ["content-type", "text/plain"],
        ["content-length", "5"],
      ],
      body: "hello",
    },
    true,
  ],
  [
    "an empty body, and no reason behind the status",
    head("HTTP/1.1 200", "content-length: 0"),
    { status: 200, headers: [["content-length", "0"]], body: "" },
    true,
  ],
  [
    "chunks, with extensions and trailers, which are dropped",
    `${head("HTTP/1.1 200 OK", "Transfer-Encoding: Chunked")}5;a="b"\r\nhello\r\n00a \r\n, the worl\r\n0\r\ncost: 2\r\nmore: 3\r\n\r\n`,
    { status: 200, headers: [["transfer-encoding", "Chunked"]], body: "hello, the worl" },
    true,
  ],
  [
    "a response behind those that say that it will come",
    `${head("HTTP/1.1 100 Continue")}${head("HTTP/1.1 103 Early Hints", "link: </a>")}${head("HTTP/1.1 500 Oh", "content-length: 1")}x`,
    { status: 500, headers: [["content-length", "1"]], body: "x" },
    true,
  ],
  [
    "204, whatever it says of a body that cannot be there",
    head("HTTP/1.1 204 No Content", "content-length: 0"),
    { status: 204, headers: [["content-length", "0"]], body: "" },
    true,
  ],
  [
    "304, whose length is that of another response",
    head("HTTP/1.1 304 Not Modified", "content-length: 400"),
    { status: 304, headers: [["content-length", "400"]], body: "" },
    true,
  ],
  [
    "repeated headers, blanks around values, and bytes above ASCII",
    head("HTTP/1.1 200 OK", "a: \t1 \t", "A:2", "b:", "c: gr\xfc\xdf\xa0", "content-length: 0"),
    {
      status: 200,
      headers: [
        ["a", "1"],
        ["a", "2"],
        ["b", ""],
        ["c", "gr\xfc\xdf\xa0"],
        ["content-length", "0"],
      ],
      body: "",
    },
    true,
  ],
  [
    "a server that closes the connection",
    `${head("HTTP/1.1 200 OK", "connection: foo ,Close", "content-length: 1")}x`,
    {
      status: 200,
      headers: [
        ["connection", "foo ,Close"],
        ["content-length", "1"],
      ],
      body: "x",
    },
    false,
  ],
  [
    "HTTP/1.0, whose connections end",
    `${head("HTTP/1.0 200 OK", "content-length: 1")}x`,
    { status: 200, headers: [["content-length", "1"]], body: "x" },
    false,
  ],
  [
    "HTTP/1.0 that keeps the connection",
    `${head("HTTP/1.0 200 OK", "connection: keep-alive", "content-length: 1")}x`,
    {
      status: 200,
      headers: [
        ["connection", "keep-alive"],
        ["content-length", "1"],
      ],
      body: "x",
    },
    true,
  ],
];

describe("a whole response", () => {
  test.each(WHOLE)("%s", (_title, text, expected, mayStay) => {
    const { reader, responses } = read(text);
    expect(responses).toEqual([expected]);
    expect(reader.mayStay()).toBe(mayStay);
    expect(reader.end()).toBeUndefined();
  });

  test.each(WHOLE)("in pieces of any size: %s", (_title, text, expected, mayStay) => {
    for (let bytes = 1; bytes < text.length; bytes++) {
      const { reader, responses } = read(text, bytes);
      expect(responses).toEqual([expected]);
      expect(reader.mayStay()).toBe(mayStay);
    }
  });

  test("each of several is read by itself", () => {
    const kept = WHOLE.filter(([, , , mayStay]) => mayStay);
    const text = kept.map(([, bytes]) => bytes).join("");
    for (const bytes of [1, 7, 100, text.length]) {
      const { reader, responses } = read(text, bytes);
      expect(responses).toEqual(kept.map(([, , expected]) => expected));
      expect(reader.mayStay()).toBe(true);
    }
  });

  test("a body that lies in one chunk is a view of it", () => {
    const reader = createResponseReader(MAX_BYTES);
    const bytes = Buffer.from(`${head("HTTP/1.1 200 OK", "content-length: 5")}hello`);
    reader.push(bytes);
    expect(reader.next()?.body.buffer).toBe(bytes.buffer);
  });

  test("without a length it lasts until the connection ends, which then cannot stay", () => {
    const text = `${head("HTTP/1.1 200 OK")}hello`;
    for (const bytes of [1, 3, text.length]) {
      const { reader, responses } = read(text, bytes);
      expect(responses).toEqual([]);
      expect(reader.mayStay()).toBe(false);
      expect(plain(reader.end()!)).toEqual({ status: 200, headers: [], body: "hello" });
    }
  });
});

test("the end of the connection makes nothing whole that has a length", () => {
  for (const [, text] of WHOLE) {
    for (let length = 1; length < text.length; length++) {
      const { reader, responses } = read(text.slice(0, length));
      expect(responses).toEqual([]);
      expect(reader.end()).toBeUndefined();
      expect(reader.mayStay()).toBe(false);
    }
  }
});

test("what comes behind a response is no part of it, and the connection cannot stay", () => {
  const reader = createResponseReader(MAX_BYTES);
  reader.push(Buffer.from(`${head("HTTP/1.1 200 OK", "content-length: 1")}xHTTP/1.1 200 OK\r\n`));
  expect(plain(reader.next()!).body).toBe("x");
  expect(reader.mayStay()).toBe(false);
});

describe("malformed responses are INTERNAL", () => {
  const OK = "HTTP/1.1 200 OK";
  const CHUNKED = head(OK, "transfer-encoding: chunked");
  test.each([
    ["another protocol, before its line ends", "SSH-2.0"],
    ["another version", head("HTTP/2.0 200 OK", "content-length: 0")],
    ["a status of two digits", head("HTTP/1.1 20", "content-length: 0")],
    ["a status above 599", head("HTTP/1.1 600 OK", "content-length: 0")],
    ["no blank behind the status", head("HTTP/1.1 200OK", "content-length: 0")],
    ["two blanks before the status", head("HTTP/1.1  200 OK", "content-length: 0")],
    ["another protocol that nobody asked for", head("HTTP/1.1 101 Switching Protocols", "upgrade: h2c")],
    ["a header without a colon", head(OK, "content-length")],
    ["a header without a name", head(OK, ": 0")],
    ["a blank before the colon", head(OK, "content-length : 0")],
    ["a header that goes on in the next line", head(OK, "a: 1", " b", "content-length: 0")],
    ["a line that ends with LF alone", head(`${OK}\ncontent-length: 0`, "a: 1")],
    ["a header with CR in it", head(OK, "a: 1\rb: 2", "content-length: 0")],
    ["a header with NUL in it", head(OK, "a: 1\0", "content-length: 0")],
    ["a length that is no number", head(OK, "content-length: +1")],
    ["a length below zero", head(OK, "content-length: -1")],
    ["an empty length", head(OK, "content-length:")],
    ["a length in hexadecimal", head(OK, "content-length: 0x1")],
    ["a length of sixteen digits", head(OK, `content-length: ${"9".repeat(16)}`)],
    ["two lengths", head(OK, "content-length: 1", "content-length: 2")],
    ["one length twice", head(OK, "content-length: 1", "content-length: 1")],
    ["a list of lengths", head(OK, "content-length: 1, 1")],
    ["a length beside chunks", head(OK, "content-length: 1", "transfer-encoding: chunked")],
    ["chunks in HTTP/1.0", head("HTTP/1.0 200 OK", "transfer-encoding: chunked")],
    ["a coding that is not chunked", head(OK, "transfer-encoding: gzip, chunked")],
    ["chunked twice", head(OK, "transfer-encoding: chunked", "transfer-encoding: chunked")],
    ["something like chunked", head(OK, "transfer-encoding: xchunked")],
    ["a chunk without a size", `${CHUNKED}\r\n`],
    ["a chunk whose size is no hexadecimal number", `${CHUNKED}g\r\n`],
    ["a chunk of a size with a sign", `${CHUNKED}-1\r\n`],
    ["a chunk of a size with 0x", `${CHUNKED}0x1\r\n`],
    ["a chunk of a size of nine digits", `${CHUNKED}000000001\r\n`],
    ["a line of a chunk's size that ends with LF alone", `${CHUNKED}1\nx\r\n0\r\n\r\n`],
    ["a line of a chunk's size without end", `${CHUNKED}1;${"x".repeat(1_024)}`],
    ["a chunk that is longer than its size", `${CHUNKED}1\r\nxy\r\n`],
    ["a chunk that ends with LF alone", `${CHUNKED}1\r\nx\n0\r\n\r\n`],
  ])("%s", (_title, text) => {
    for (const bytes of [1, 5, text.length]) {
      expect(errorOf(() => read(text, bytes))).toMatchObject({ code: "INTERNAL", sent: true });
    }
  });
});

describe("beyond a limit is RESOURCE_EXHAUSTED", () => {
  const long = "x".repeat(MAX_BYTES + 1);
  test.each([
    ["a body by its length, before it comes", head("HTTP/1.1 200 OK", `content-length: ${long.length}`)],
    ["a body until the connection ends", head("HTTP/1.1 200 OK") + long],
    ["one chunk, before it comes", `${head("HTTP/1.1 200 OK", "transfer-encoding: chunked")}ffffffff\r\n`],
    [
      "many chunks",
      `${head("HTTP/1.1 200 OK", "transfer-encoding: chunked")}${"1\r\nx\r\n".repeat(MAX_BYTES)}1\r\nx\r\n`,
    ],
  ])("%s", (_title, text) => {
    const error = errorOf(() => read(text, 100));
    expect(error).toMatchObject({ code: "RESOURCE_EXHAUSTED", sent: true });
    expect(error.message).toContain("maxMessageBytes");
  });

  test.each([
    ["one header", head("HTTP/1.1 200 OK", `a: ${"x".repeat(65_536)}`)],
    ["a header that never ends", `HTTP/1.1 200 OK\r\na: ${"x".repeat(65_536)}`],
    ["responses that only say that another will come", head("HTTP/1.1 100 Continue").repeat(3_000)],
    [
      "trailers",
      `${head("HTTP/1.1 200 OK", "transfer-encoding: chunked")}0\r\n${`a: ${"x".repeat(1_000)}\r\n`.repeat(70)}`,
    ],
  ])("headers: %s", (_title, text) => {
    const error = errorOf(() => read(text, 1_000));
    expect(error).toMatchObject({ code: "RESOURCE_EXHAUSTED", sent: true });
    expect(error.message).toContain("bytes of headers");
  });
});

test("a head that comes byte by byte is read in time that grows with its length", () => {
  // Were it searched or copied anew for each byte, this would take minutes.
  const { responses } = read(head("HTTP/1.1 200 OK", `a: ${"x".repeat(65_000)}`, "content-length: 0"), 1);
  expect(responses).toHaveLength(1);
});

test("whatever comes, in whatever pieces, gives responses or a RpcError, and the same as in one piece", () => {
  const texts = WHOLE.map(([, text]) => text);
  const mutated = fc
    .tuple(fc.constantFrom(...texts), fc.nat(), fc.string({ maxLength: 3 }), fc.nat(3))
    .map(([text, place, piece, cut]) => {
      const at = place % text.length;
      return text.slice(0, at) + piece + text.slice(at + cut);
    });
  const outcome = (text: string, bytes: number) => {
    try {
      return read(text, bytes).responses;
    } catch (error) {
      expect(error).toBeInstanceOf(RpcError);
      return (error as RpcError).code;
    }
  };
  fc.assert(
    fc.property(mutated, fc.integer({ min: 1, max: 40 }), (text, bytes) => {
      expect(outcome(text, bytes)).toEqual(outcome(text, text.length));
    }),
  );
});

// FastCGI's records byte by byte, as its specification draws them.
import { describe, expect, test } from "vitest";
import { RpcError } from "../../../../src/base/errors.ts";
import { createRecordReader, type FastCgiRecord, RECORD } from "../../../../src/protocol/fastcgi/record.ts";
import { writeRequest } from "../../../../src/protocol/fastcgi/request.ts";
import { createResponseCollector } from "../../../../src/protocol/fastcgi/response.ts";

function record(type: number, content: string | Buffer, { id = 1, padding = 0, version = 1 } = {}): Buffer {
  const bytes = Buffer.from(content);
  const head = Buffer.from([version, type, 0, id, bytes.length >> 8, bytes.length & 255, padding, 0]);
  return Buffer.concat([head, bytes, Buffer.alloc(padding)]);
}

const END = record(RECORD.END_REQUEST, Buffer.alloc(8));

function readAll(bytes: Buffer, step = bytes.length): FastCgiRecord[] {
  const reader = createRecordReader();
  const records: FastCgiRecord[] = [];
  for (let at = 0; at < bytes.length; at += step) {
    reader.push(bytes.subarray(at, at + step));
    for (let next = reader.next(); next; next = reader.next()) records.push(next);
  }
  return records;
}

function respond(bytes: Buffer, maxBytes = 1_000) {
  const collector = createResponseCollector(maxBytes);
  return readAll(bytes)
    .map((each) => collector.push(each))
    .at(-1);
}

function failureOf(run: () => unknown): RpcError {
  try {
    run();
  } catch (error) {
    if (error instanceof RpcError) return error;
    throw error;
  }
  throw new Error("expected a RpcError");
}

describe("a request", () => {
  test("begins as a responder that keeps its connection, then has its variables and its body, each stream ended", () => {
    const bytes = writeRequest(["A", "1", "LONG", "x".repeat(130)], Buffer.from("body"));
    expect(Buffer.from(bytes).toString("hex")).toBe(
      [
        "01010001000800000001010000000000",
        `01040001008f0000010141310480000082${Buffer.from("LONG").toString("hex")}${"78".repeat(130)}`,
        "0104000100000000",
        "0105000100040000626f6479",
        "0105000100000000",
      ].join(""),
    );
  });

  test("has a long body in records of at most 65,528 bytes", () => {
    const body = Buffer.alloc(150_000, 7);
    const stdin = readAll(Buffer.from(writeRequest([], body))).filter(({ type }) => type === RECORD.STDIN);
    expect(stdin.map(({ content }) => content.length)).toEqual([65_528, 65_528, 18_944, 0]);
    expect(Buffer.concat(stdin.map(({ content }) => content)).equals(body)).toBe(true);
  });

  test("has lengths in bytes, not in characters", () => {
    const [, params] = readAll(Buffer.from(writeRequest(["é", "日"], Buffer.alloc(0))));
    expect(Buffer.from(params!.content).toString("hex")).toBe("0203c3a9e697a5");
  });
});

describe("records", () => {
  test("are read however the bytes are cut", () => {
    const bytes = Buffer.concat([record(RECORD.STDOUT, "one", { padding: 5 }), record(RECORD.STDERR, ""), END]);
    for (const step of [1, 3, 8, 9, bytes.length]) {
      const records = readAll(bytes, step);
      expect(records.map(({ type }) => type)).toEqual([RECORD.STDOUT, RECORD.STDERR, RECORD.END_REQUEST]);
      expect(Buffer.from(records[0]!.content).toString()).toBe("one");
    }
  });

  test("of another version are no FastCGI, and the error shows how they begin", () => {
    const reader = createRecordReader();
    reader.push(Buffer.from("HTTP/1.1 400 Bad Request\r\n"));
    expect(failureOf(() => reader.next())).toMatchObject({
      code: "INTERNAL",
      message: 'the reply begins with "HTTP/1.1 400 Bad Request\\r\\n": expected FastCGI, version 1',
    });
  });

  test("that have not come whole leave the reader not empty", () => {
    const reader = createRecordReader();
    reader.push(END.subarray(0, 10));
    expect(reader.next()).toBeUndefined();
    expect(reader.isEmpty()).toBe(false);
    reader.push(END.subarray(10));
    expect(reader.next()?.type).toBe(RECORD.END_REQUEST);
    expect(reader.isEmpty()).toBe(true);
  });
});

describe("a response", () => {
  const head = "Status: 404 Not Found\r\nContent-Type: text/plain\r\nX-A: 1\r\nX-A: 2\r\n\r\n";

  test("is put together from its records, its status and headers read, its errors kept apart", () => {
    const response = respond(
      Buffer.concat([
        record(RECORD.STDERR, "PHP Warning"),
        record(RECORD.STDOUT, head.slice(0, 30)),
        record(RECORD.STDOUT, `${head.slice(30)}bo`),
        record(RECORD.STDOUT, "dy"),
        record(RECORD.STDOUT, ""),
        END,
      ]),
    );
    expect(response).toEqual({
      status: 404,
      headers: ["content-type", "text/plain", "x-a", "1", "x-a", "2"],
      body: Buffer.from("body"),
      errors: "PHP Warning",
    });
  });

  test("is 200 without a status, and lines may end with a line feed alone", () => {
    const response = respond(Buffer.concat([record(RECORD.STDOUT, "A: b\n\nbody"), END]));
    expect(response).toMatchObject({ status: 200, headers: ["a", "b"], body: Buffer.from("body") });
  });

  test.each([
    ["no headers", "nothing here", "the response has no headers"],
    ["a line that is no header", "A: b\r\nnonsense\r\n\r\n", '"nonsense" is no header'],
    ["a status that is no number", "Status: fine\r\n\r\n", 'the status is "fine": expected three digits'],
  ])("with %s is an INTERNAL error", (_what, output, message) => {
    const failure = failureOf(() => respond(Buffer.concat([record(RECORD.STDOUT, output), END])));
    expect(failure).toMatchObject({ code: "INTERNAL", sent: true, message: expect.stringContaining(message) });
  });

  test("of an application that died before its headers says what is in its error log", () => {
    const failure = failureOf(() => respond(Buffer.concat([record(RECORD.STDERR, "Fatal: no memory"), END])));
    expect(failure.message).toContain("its error log says: Fatal: no memory");
  });

  test("beyond the limit is RESOURCE_EXHAUSTED, and at once where it cannot be headers", () => {
    const long = Buffer.concat([record(RECORD.STDOUT, `A: b\r\n\r\n${"x".repeat(1_001)}`), END]);
    expect(failureOf(() => respond(long))).toMatchObject({ code: "RESOURCE_EXHAUSTED", sent: true });
    const endless = createResponseCollector(1_000);
    const [part] = readAll(record(RECORD.STDOUT, Buffer.alloc(60_000)));
    endless.push(part!);
    expect(failureOf(() => endless.push(part!)).code).toBe("RESOURCE_EXHAUSTED");
  });

  test.each([
    [1, "it takes one request at a time"],
    [2, "it is overloaded"],
    [3, "it is no responder"],
    [9, "status 9"],
  ])("that ends with protocol status %i was refused: UNAVAILABLE, and not sent", (status, why) => {
    const end = Buffer.alloc(8);
    end[4] = status;
    expect(failureOf(() => respond(record(RECORD.END_REQUEST, end)))).toMatchObject({
      code: "UNAVAILABLE",
      sent: false,
      message: `the application refused the request: ${why}`,
    });
  });

  test("to another request, of another type or with a short end is an INTERNAL error", () => {
    for (const bytes of [
      record(RECORD.STDOUT, "A: b", { id: 2 }),
      record(RECORD.STDIN, "A: b"),
      record(RECORD.END_REQUEST, Buffer.alloc(3)),
    ]) {
      expect(failureOf(() => respond(bytes))).toMatchObject({ code: "INTERNAL", sent: true });
    }
  });

  test("keeps 4 KiB of errors and no more", () => {
    const errors = Array.from({ length: 10 }, () => record(RECORD.STDERR, "e".repeat(1_000)));
    const response = respond(Buffer.concat([...errors, record(RECORD.STDOUT, "A: b\r\n\r\n"), END]));
    expect(response?.errors.length).toBe(4_096);
  });
});

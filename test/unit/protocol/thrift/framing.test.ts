import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RpcError } from "../../../../src/base/errors.ts";
import { createFrameSplitter, createMessageSplitter, type Splitter } from "../../../../src/protocol/thrift/framing.ts";
import { COMPACT_EVERYTHING, EVERYTHING, envelopeOf, framed, messageOf } from "./messages.ts";

const LIMITS = { maxMessageBytes: 1_000_000, maxDepth: 64 };

type MakeMessage = (body?: Uint8Array, sequenceId?: number) => Uint8Array;
const strict: MakeMessage = (body, sequenceId) => messageOf(true, body, sequenceId);
const old: MakeMessage = (body, sequenceId) => messageOf(false, body, sequenceId);
const compact: MakeMessage = (body = COMPACT_EVERYTHING, sequenceId) => envelopeOf("compact", body, sequenceId);

const dialects: [string, () => Splitter, (message: Uint8Array) => Uint8Array, MakeMessage][] = [
  ["framed strict", () => createFrameSplitter({ maxFrameBytes: 1_000_000 }), framed, strict],
  ["framed old", () => createFrameSplitter({ maxFrameBytes: 1_000_000 }), framed, old],
  ["unframed strict", () => createMessageSplitter(LIMITS), (message) => message, strict],
  ["unframed old", () => createMessageSplitter(LIMITS), (message) => message, old],
  ["unframed compact", () => createMessageSplitter(LIMITS), (message) => message, compact],
];

function drain(splitter: Splitter): string[] {
  const found: string[] = [];
  for (let message = splitter.next(); message; message = splitter.next())
    found.push(Buffer.from(message).toString("hex"));
  return found;
}

function hex(...messages: Uint8Array[]): string[] {
  return messages.map((message) => Buffer.from(message).toString("hex"));
}

function thrownBy(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}

describe.each(dialects)("%s", (_name, create, wrap, make) => {
  const first = make();
  const second = make(Buffer.of(0), 8);
  const head = make === compact ? "18808024" : "0b000100090000";
  const large = make(Buffer.concat([Buffer.from(head, "hex"), Buffer.alloc(0x90000), Buffer.of(0)]));
  const stream = Buffer.concat([wrap(first), wrap(second), wrap(first)]);

  test("splits one byte at a time", () => {
    const splitter = create();
    const found: string[] = [];
    for (let i = 0; i < stream.length; i++) {
      splitter.push(stream.subarray(i, i + 1));
      found.push(...drain(splitter));
    }
    expect(found).toEqual(hex(first, second, first));
    expect(splitter.unfinished.length).toBe(0);
    expect(splitter.isEmpty).toBe(true);
  });

  test("is not empty from the first byte of a message to its last", () => {
    const whole = wrap(first);
    for (let i = 1; i < whole.length; i++) {
      const splitter = create();
      splitter.push(Buffer.concat([whole, whole.subarray(0, i)]));
      expect(drain(splitter)).toEqual(hex(first));
      expect(splitter.isEmpty).toBe(false);
    }
  });

  test("splits at every place in two", () => {
    for (let i = 0; i <= stream.length; i++) {
      const splitter = create();
      splitter.push(stream.subarray(0, i));
      const found = drain(splitter);
      splitter.push(stream.subarray(i));
      expect([...found, ...drain(splitter)], `at ${i}`).toEqual(hex(first, second, first));
    }
  });

  test("splits chunks of any sizes, also when more come before the last are used up", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }), fc.boolean(), (sizes, lazy) => {
        const splitter = create();
        const found: string[] = [];
        for (let at = 0, i = 0; at < stream.length; i++) {
          const size = sizes[i % sizes.length]!;
          splitter.push(stream.subarray(at, at + size));
          at += size;
          const message = lazy ? splitter.next() : undefined;
          if (message) found.push(...hex(message));
          if (!lazy) found.push(...drain(splitter));
        }
        expect([...found, ...drain(splitter)]).toEqual(hex(first, second, first));
      }),
    );
  });

  test("a whole message is a view of its chunk, not a copy", () => {
    const splitter = create();
    splitter.push(stream);
    expect(splitter.next()?.buffer).toBe(stream.buffer);
  });

  test("a large message comes whole from many chunks", () => {
    const splitter = create();
    const bytes = wrap(large);
    for (let at = 0; at < bytes.length; at += 1_000) {
      expect(splitter.next()).toBeUndefined();
      splitter.push(bytes.subarray(at, at + 1_000));
    }
    expect(Buffer.compare(splitter.next()!, large)).toBe(0);
  });

  test("what is there of a message that is not whole begins with its header", () => {
    const splitter = create();
    splitter.push(wrap(first).subarray(0, 30));
    expect(splitter.next()).toBeUndefined();
    expect(hex(splitter.unfinished)[0]).toBe(hex(first)[0]!.slice(0, splitter.unfinished.length * 2));
  });
});

test("a frame above the limit is refused by its length alone", () => {
  const splitter = createFrameSplitter({ maxFrameBytes: 100 });
  splitter.push(Buffer.from([0, 0, 0, 101]));
  expect(thrownBy(() => splitter.next())).toMatchObject({
    code: "RESOURCE_EXHAUSTED",
    message: expect.stringContaining("101"),
  });
  const exact = createFrameSplitter({ maxFrameBytes: 100 });
  exact.push(Buffer.concat([Buffer.from([0, 0, 0, 100]), Buffer.alloc(100)]));
  expect(exact.next()?.length).toBe(100);
});

test.each([
  ["an unframed reply", strict()],
  ["HTTP", Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")],
  ["bytes that mean nothing", Buffer.from("7fffffffdeadbeefdeadbeef", "hex")],
])("%s where a frame is expected is no frame that is too large", (_, bytes) => {
  const splitter = createFrameSplitter({ maxFrameBytes: 100 });
  splitter.push(bytes);
  expect(thrownBy(() => splitter.next())).toMatchObject({
    code: "INVALID_ARGUMENT",
    message: expect.stringContaining("no frame of Thrift"),
  });
});

test("who finds HTTP where Thrift was expected is told so", () => {
  const splitter = createFrameSplitter({ maxFrameBytes: 100 });
  splitter.push(Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"));
  expect(thrownBy(() => splitter.next())).toMatchObject({ message: expect.stringContaining("this is HTTP") });
});

test("a frame above the limit is one by the message in it, too", () => {
  const splitter = createFrameSplitter({ maxFrameBytes: 100 });
  splitter.push(Buffer.from("10000000800100020000000470696e67", "hex"));
  expect(thrownBy(() => splitter.next())).toMatchObject({ code: "RESOURCE_EXHAUSTED" });
});

describe("an unframed message", () => {
  const outcomeOf = (body: string, make = strict) => {
    const splitter = createMessageSplitter(LIMITS);
    splitter.push(make(Buffer.from(body.replaceAll(" ", ""), "hex")));
    return thrownBy(() => splitter.next());
  };

  test.each([
    ["a string longer than the limit", "0b 0001 7fffffff", "RESOURCE_EXHAUSTED"],
    ["a string of negative length", "0b 0001 ffffffff", "INVALID_ARGUMENT"],
    ["a list with more elements than bytes are allowed", "0f 0001 0c 7fffffff", "RESOURCE_EXHAUSTED"],
    ["fixed elements that together pass the limit", "0f 0001 0a 000f0000", "RESOURCE_EXHAUSTED"],
    ["a list of negative size", "0f 0001 08 ffffffff", "INVALID_ARGUMENT"],
    ["an unknown field type", "05 0001", "INVALID_ARGUMENT"],
    ["an unknown element type", "0f 0001 01 00000001", "INVALID_ARGUMENT"],
    ["an unknown value type of a map", "0d 0001 08 11 00000001", "INVALID_ARGUMENT"],
  ])("with %s is an error", (_name, body, code) => {
    expect(outcomeOf(body)).toMatchObject({ name: "RpcError", code });
  });

  test.each([
    ["a string longer than the limit", "18 ffffffff07", "RESOURCE_EXHAUSTED"],
    ["a length that is no 32 bits", "18 ffffffffff01", "INVALID_ARGUMENT"],
    ["a list with more elements than bytes are allowed", "19 fc ffffffff07", "RESOURCE_EXHAUSTED"],
    ["fixed elements that together pass the limit", "19 f7 80a03d", "RESOURCE_EXHAUSTED"],
    ["a map with more entries than bytes are allowed", "1b ffffffff07 cc", "RESOURCE_EXHAUSTED"],
    ["an unknown field type", "1e", "INVALID_ARGUMENT"],
    ["an unknown element type", "19 10", "INVALID_ARGUMENT"],
    ["an unknown value type of a map", "1b 01 5e", "INVALID_ARGUMENT"],
    ["an integer of eleven bytes", "16 ffffffffffffffffffff01", "INVALID_ARGUMENT"],
  ])("in compact, with %s is an error", (_name, body, code) => {
    expect(outcomeOf(body, compact)).toMatchObject({ name: "RpcError", code });
  });

  test("in compact, nested as deep as the limit passes, one deeper is an error", () => {
    const nested = (depth: number) => `${"1c".repeat(depth - 1)}${"00".repeat(depth)}`;
    expect(outcomeOf(nested(64), compact)).toBeInstanceOf(Uint8Array);
    expect(outcomeOf(nested(65), compact)).toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  test("of Kitex-Protobuf is an error: nothing in it says where it ends", () => {
    expect(outcomeOf("", (body) => envelopeOf("kitex-protobuf", body ?? EVERYTHING))).toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });

  test("nested as deep as the limit passes, one deeper is an error", () => {
    const nested = (depth: number) => `${"0c0001".repeat(depth - 1)}${"00".repeat(depth)}`;
    expect(outcomeOf(nested(64))).toBeInstanceOf(Uint8Array);
    expect(outcomeOf(nested(65))).toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("64 levels"),
    });
  });

  test("that begins with another version is an error", () => {
    const splitter = createMessageSplitter(LIMITS);
    splitter.push(Buffer.from([0x80, 0x02, 0, 1]));
    expect(thrownBy(() => splitter.next())).toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  test.each([
    ["binary", strict()],
    ["compact", compact()],
  ])(
    "%s that has been changed anywhere gives messages, waits or throws a RpcError, and nothing else",
    (_name, original) => {
      const change = fc.tuple(fc.nat(original.length - 1), fc.integer({ min: 0, max: 255 }));
      fc.assert(
        fc.property(
          fc.array(change, { minLength: 1, maxLength: 4 }),
          fc.integer({ min: 1, max: 80 }),
          (changes, size) => {
            const bytes = Buffer.from(original);
            for (const [at, byte] of changes) bytes[at] = byte;
            const splitter = createMessageSplitter({ maxMessageBytes: 10_000, maxDepth: 8 });
            const outcome = thrownBy(() => {
              for (let at = 0; at < bytes.length; at += size) {
                splitter.push(bytes.subarray(at, at + size));
                drain(splitter);
              }
              return "fine";
            });
            expect(outcome === "fine" || outcome instanceof RpcError).toBe(true);
          },
        ),
        { numRuns: 3_000 },
      );
    },
  );
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RpcError } from "../../../../src/base/errors.ts";
import {
  readApplicationException,
  writeApplicationException,
} from "../../../../src/protocol/thrift/application-exception.ts";
import type { Dress } from "../../../../src/protocol/thrift/dress.ts";
import { MESSAGE, readMessageHeader, writeMessage } from "../../../../src/protocol/thrift/message.ts";
import { type CallContext, readCall } from "../../../../src/protocol/thrift/read-call.ts";
import { onewayReply, readReply } from "../../../../src/protocol/thrift/read-reply.ts";
import { writeCall } from "../../../../src/protocol/thrift/write-call.ts";
import { writeReply } from "../../../../src/protocol/thrift/write-reply.ts";
import { callOf, lookup, replyOf, textOf, thriftMethods, thriftNested, thriftText } from "../../../matrix/echo.ts";
import { EVERYTHING } from "./messages.ts";

const [echo, note] = thriftMethods as [(typeof thriftMethods)[0], (typeof thriftMethods)[0]];

function context(changes: Partial<CallContext> = {}): CallContext {
  const { signal, facts } = callOf("thrift", "echo", "");
  const dialect = { framing: "framed", envelope: "strict" } as const;
  return { lookup, service: undefined, dialect, signal, facts, ...changes };
}

function request(name: string, type: number = MESSAGE.CALL, strict = true, sequenceId = -5): Uint8Array {
  return writeMessage({ envelope: strict ? "strict" : "old", name, type, sequenceId }, 0, thriftText(1, "hello"));
}

const PLAIN = { envelope: "strict", sequenceId: 1, multiplexed: false, zlib: false, profile: false, nowMs: 0 } as const;
const LIMITS = { maxDepth: 64, maxFrameBytes: 1_000_000 };

function errorOf(run: () => unknown): RpcError {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(RpcError);
    return error as RpcError;
  }
  throw new Error("nothing was thrown");
}

describe("readCall", () => {
  test.each([true, false])("reads a call, strict %s, and the reply wears its dress", (strict) => {
    const read = readCall(request("echo", MESSAGE.CALL, strict), context());
    if (!("call" in read)) throw read.error;
    expect(read.call.method).toBe(echo);
    expect(textOf(read.call.payload)).toBe("hello");
    const reply = writeReply(read.dress, replyOf(read.call, "world"))!;
    expect(readMessageHeader(reply.subarray(4))).toMatchObject({
      envelope: strict ? "strict" : "old",
      name: "echo",
      type: MESSAGE.REPLY,
      sequenceId: -5,
    });
    expect(Buffer.from(reply).readUInt32BE(0)).toBe(reply.length - 4);
  });

  test("a multiplexed name finds its method, and the reply carries the bare one", () => {
    const read = readCall(request("Echo:echo"), context());
    expect("call" in read && read.call.method).toBe(echo);
    expect(read.dress.name).toBe("echo");
  });

  test.each([MESSAGE.CALL, MESSAGE.ONEWAY])(
    "a method that the IDL calls oneway is never answered, message type %i",
    (type) => {
      const read = readCall(request("note", type), context());
      expect("call" in read && read.call.method).toBe(note);
      expect(writeReply(read.dress, new RpcError("INTERNAL", "x"))).toBeUndefined();
    },
  );

  test.each([
    [MESSAGE.CALL, true],
    [MESSAGE.ONEWAY, false],
  ])("a method that the IDL calls oneway is answered in Kitex-Protobuf to message type %i: %s", (type, answered) => {
    const message = writeMessage(
      { envelope: "kitex-protobuf", name: "note", type, sequenceId: 1 },
      0,
      new Uint8Array(0),
    );
    const read = readCall(message, context({ dialect: { framing: "framed", envelope: "kitex-protobuf" } }));
    if (!("call" in read)) throw read.error;
    const reply = writeReply(read.dress, onewayReply(read.call.method, "protobuf"));
    expect(reply !== undefined).toBe(answered);
  });

  test("a oneway message is not answered even if its method is unknown; a call is, with UNKNOWN_METHOD", () => {
    const silent = readCall(request("gone", MESSAGE.ONEWAY), context());
    expect("error" in silent && writeReply(silent.dress, silent.error)).toBeUndefined();
    const read = readCall(request("gone"), context());
    if (!("error" in read)) throw new Error("expected an error");
    const reply = writeReply(read.dress, read.error)!.subarray(4);
    const header = readMessageHeader(reply)!;
    expect(header).toMatchObject({ type: MESSAGE.EXCEPTION, name: "gone", sequenceId: -5 });
    expect(readApplicationException(reply, header, 64)).toMatchObject({ type: 1 });
  });

  test.each([
    ["a reply", MESSAGE.REPLY, 2],
    ["an unknown message type", 77, 2],
  ])("%s is an INVALID_MESSAGE_TYPE", (_name, type, expected) => {
    const read = readCall(request("echo", type), context());
    if (!("error" in read)) throw new Error("expected an error");
    const reply = writeReply(read.dress, read.error)!.subarray(4);
    expect(readApplicationException(reply, readMessageHeader(reply)!, 64).type).toBe(expected);
  });

  test("an unframed call is answered unframed, a oneway one cannot be taken back", () => {
    const read = readCall(request("echo"), context({ dialect: { framing: "unframed", envelope: "strict" } }));
    expect(readMessageHeader(writeReply(read.dress, new RpcError("ABORTED", "x"))!)).toMatchObject({
      type: MESSAGE.EXCEPTION,
    });
    const gone = context({ signal: AbortSignal.abort() });
    const oneway = readCall(request("note"), gone);
    expect("call" in oneway && oneway.call.signal.aborted).toBe(false);
  });

  test("a reply of another codec becomes an exception", () => {
    const read = readCall(request("echo"), context());
    const reply = writeReply(read.dress, replyOf(callOf("protobuf", "echo", ""), "x"))!;
    expect(readMessageHeader(reply.subarray(4))).toMatchObject({ type: MESSAGE.EXCEPTION });
  });

  test("a message changed anywhere is a call or an error to answer with", () => {
    const original = writeMessage({ envelope: "strict", name: "echo", type: 1, sequenceId: 1 }, 0, EVERYTHING);
    fc.assert(
      fc.property(fc.nat(40), fc.integer({ min: 0, max: 255 }), fc.nat(original.length), (at, byte, length) => {
        const bytes = Buffer.from(original).subarray(0, length);
        if (at < length) bytes[at] = byte;
        const read = readCall(bytes, context());
        expect("call" in read || read.error instanceof RpcError).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });
});

describe("readReply", () => {
  const options = { ...PLAIN, framing: "framed", sequenceId: 9 } as const;
  const { dress } = writeCall(callOf("thrift", "echo", "x"), options);
  const reply = (body: Uint8Array, changes: { type?: number; name?: string; sequenceId?: number } = {}) =>
    writeMessage({ envelope: "strict", name: "echo", type: MESSAGE.REPLY, sequenceId: 9, ...changes }, 0, body);

  test("field 0 is the result, a field of throws the exception, and the payload of both is the whole struct", () => {
    const body = thriftText(0, "x");
    expect(readReply(reply(body), dress, echo, LIMITS)).toMatchObject({
      kind: "result",
      payload: { type: echo.response },
    });
    const thrown = readReply(reply(thriftNested(1, "shelf")), dress, echo, LIMITS);
    expect(thrown).toMatchObject({ kind: "exception", field: echo.throws[0], payload: { type: echo.response } });
    expect(Buffer.compare(thrown.payload.bytes, thriftNested(1, "shelf"))).toBe(0);
  });

  test("a field that the IDL does not know is looked past", () => {
    const unknown = EVERYTHING.subarray(0, EVERYTHING.length - 1);
    expect(readReply(reply(Buffer.concat([unknown, thriftText(0, "x")])), dress, echo, LIMITS).kind).toBe("result");
  });

  test("nothing at all is the result of a void method and MISSING_RESULT of any other", () => {
    const written = writeCall(callOf("thrift", "note", "x"), options);
    expect(written.dress.answered).toBe(false);
    const empty = reply(Buffer.of(0), { name: "note" });
    expect(readReply(empty, { ...written.dress, name: "note" }, note, LIMITS).kind).toBe("result");
    const error = errorOf(() => readReply(reply(Buffer.of(0)), dress, echo, LIMITS));
    expect(error).toMatchObject({ code: "INTERNAL", sent: true, message: expect.stringContaining("missing result") });
    const toCaller = writeReply({ ...dress, framing: "unframed" }, error)!;
    expect(readApplicationException(toCaller, readMessageHeader(toCaller)!, 64).type).toBe(5);
  });

  test("an undeclared exception alone is a missing result that names its field", () => {
    const error = errorOf(() => readReply(reply(thriftNested(33, "x")), dress, echo, LIMITS));
    expect(error.message).toContain("field 33");
  });

  test.each([
    ["another sequence id", { sequenceId: 8 }, "sequence id 8"],
    ["another name", { name: "other" }, '"other"'],
    ["a message type that is no reply", { type: MESSAGE.CALL }, "message type 1"],
  ])("%s is INTERNAL and sent", (_name, changes, text) => {
    const error = errorOf(() => readReply(reply(thriftText(0, "x"), changes), dress, echo, LIMITS));
    expect(error).toMatchObject({ code: "INTERNAL", sent: true, message: expect.stringContaining(text) });
  });

  test("an exception is the peer's; one for another call still tells its text", () => {
    const body = writeApplicationException("strict", { type: 1, message: "no such method" });
    const own = errorOf(() => readReply(reply(body, { type: MESSAGE.EXCEPTION }), dress, echo, LIMITS));
    expect(own).toMatchObject({ code: "UNIMPLEMENTED", origin: "peer", message: "no such method" });
    const other = errorOf(() =>
      readReply(reply(body, { type: MESSAGE.EXCEPTION, sequenceId: 0 }), dress, echo, LIMITS),
    );
    expect(other).toMatchObject({
      code: "INTERNAL",
      origin: "here",
      message: expect.stringContaining("no such method"),
    });
  });

  test("a reply changed anywhere is a reply or a RpcError that was sent", () => {
    for (const [type, body] of [
      [MESSAGE.REPLY, EVERYTHING],
      [MESSAGE.EXCEPTION, writeApplicationException("strict", { type: 6, message: "x" })],
    ] as const) {
      const original = reply(body, { type });
      fc.assert(
        fc.property(
          fc.nat(original.length - 1),
          fc.integer({ min: 0, max: 255 }),
          fc.nat(original.length),
          (at, byte, length) => {
            const bytes = Buffer.from(original).subarray(0, length);
            if (at < length) bytes[at] = byte;
            let outcome: unknown;
            try {
              outcome = readReply(bytes, dress, echo, LIMITS);
            } catch (error) {
              outcome = error;
              expect(error).toMatchObject({ name: "RpcError", sent: true });
            }
            expect(outcome).toBeDefined();
          },
        ),
        { numRuns: 2_000 },
      );
    }
  });
});

test("writeCall writes the bare service in front for a multiplexed server, and oneway as its type", () => {
  const options = { ...PLAIN, framing: "unframed", multiplexed: true } as const;
  const written = writeCall(callOf("thrift", "note", "x"), options);
  expect(readMessageHeader(written.message)).toMatchObject({ name: "Echo:note", type: MESSAGE.ONEWAY });
  const dress: Dress = written.dress;
  expect(dress.name).toBe("note");
  expect(onewayReply(note, "thrift-binary").payload.bytes).toEqual(new Uint8Array(1));
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RpcError } from "../../../../src/base/errors.ts";
import { Metadata } from "../../../../src/base/metadata.ts";
import { type Dress, isKitexMux, readSignalFrame, writeKitexReset } from "../../../../src/protocol/thrift/dress.ts";
import { createFrameSplitter } from "../../../../src/protocol/thrift/framing.ts";
import { replyKeyOf, requestKeyOf, ttheaderKeyOf } from "../../../../src/protocol/thrift/kitex-keys.ts";
import { MESSAGE, readMessageHeader } from "../../../../src/protocol/thrift/message.ts";
import { readCall } from "../../../../src/protocol/thrift/read-call.ts";
import { readReply } from "../../../../src/protocol/thrift/read-reply.ts";
import { readTTHeader } from "../../../../src/protocol/thrift/ttheader.ts";
import { writeCall } from "../../../../src/protocol/thrift/write-call.ts";
import { writeReply } from "../../../../src/protocol/thrift/write-reply.ts";
import { callOf, lookup, replyOf } from "../../../matrix/echo.ts";

const LIMITS = { maxDepth: 64, maxFrameBytes: 1_000_000 };
const WIRE = { framing: "ttheader", sequenceId: 7, multiplexed: false, zlib: false, profile: false, nowMs: 0 } as const;

/** A call with these headers, its frame without the length, and what an inbound reads of it. */
function callWith(headers: [string, string][], wire: "thrift" | "protobuf" = "thrift") {
  const call = { ...callOf(wire, "echo", "hello"), headers: Metadata.from(headers) };
  const envelope = wire === "thrift" ? ("strict" as const) : ("kitex-protobuf" as const);
  const { dress, message } = writeCall(call, { ...WIRE, envelope });
  return { call, dress, frame: message.subarray(4) };
}

function keysOf(frame: Uint8Array): string[] {
  return readTTHeader(frame).pairs.filter((_, i) => i % 2 === 0);
}

describe("keys of metainfo", () => {
  test.each([
    ["RPC_PERSIST_USER_ID", "rpc-persist-user-id"],
    ["RPC_TRANSIT_A1", "rpc-transit-a1"],
    ["RPC_TRANSIT_temp", "rpc_transit_temp"],
    ["RPC_PERSIST_userId", "rpc_persist_user.id"],
    ["RPC_PERSIST_a.B-c", "rpc_persist_a...b-c"],
    ["RPC_PERSIST_MY_BIN", "rpc_persist_.m.y_.b.i.n"],
    ["RPC_PERSIST_", "rpc_persist_"],
    ["RPC_OTHER_X", "rpc_other_x"],
    ["X-Tenant", "x-tenant"],
  ])("%s of a call is %s in metadata", (wire, key) => {
    expect(requestKeyOf(wire)).toBe(key);
  });

  test.each([
    ["SEEN_BY", "rpc-backward-seen-by"],
    ["lowerCase", "rpc_backward_lower.case"],
    ["seen", "seen"],
    ["X-Tenant", "x-tenant"],
  ])("%s of a reply is %s in metadata", (wire, key) => {
    expect(replyKeyOf(wire)).toBe(key);
  });

  test("whatever the key, it reaches the next hop as it was", () => {
    const name = fc.string({ minLength: 1 }).filter((text) => /^[\x20-\x7e]+$/.test(text));
    const kind = fc.constantFrom("PERSIST", "TRANSIT");
    fc.assert(
      fc.property(kind, name, (prefix, suffix) => {
        const key = `RPC_${prefix}_${suffix}`;
        const metadata = requestKeyOf(key);
        expect(metadata).toBe(metadata.toLowerCase());
        expect(ttheaderKeyOf(metadata)).toBe(key);
        if (/^\w+$/.test(suffix)) expect(ttheaderKeyOf(replyKeyOf(suffix))).toBe(suffix);
      }),
    );
  });

  test.each(["rpc-other", "rpc_other_x", "rpc-persist", "tenant", "rpc"])("%s is no key of metainfo", (key) => {
    expect(ttheaderKeyOf(key)).toBe(key);
  });

  test("they are in capitals on calls and replies, and only on TTHeader", () => {
    const headers: [string, string][] = [
      ["rpc-persist-user-id", "7"],
      ["rpc_transit_temp", "t"],
      ["tenant", "a"],
    ];
    const { dress, call, frame } = callWith(headers);
    expect(keysOf(frame)).toEqual(["cw", "isn", "RPC_PERSIST_USER_ID", "RPC_TRANSIT_temp", "tenant"]);
    const read = readCallOf(frame);
    expect([...read.call.headers]).toEqual(headers);
    const reply = { ...replyOf(call, "x"), headers: Metadata.from([["rpc-backward-seen", "1"]]) };
    const answer = writeReply(dress, reply)!.subarray(4);
    expect(keysOf(answer)).toEqual(["cw", "SEEN"]);
    expect([...readReply(answer, dress, call.method, LIMITS).headers]).toEqual([["rpc-backward-seen", "1"]]);
    const theader = writeCall(call, { ...WIRE, framing: "theader", envelope: "strict" }).message;
    expect(Buffer.from(theader).toString("latin1")).toContain("rpc-persist-user-id");
  });

  test("a checksum of the bytes and a proxy's word on the address are not for the next hop", () => {
    const { frame } = callWith([
      ["crc32c", "ab"],
      ["rip", "10.0.0.1"],
      ["tenant", "a"],
    ]);
    expect(keysOf(frame)).toEqual(["cw", "isn", "tenant"]);
  });
});

function readCallOf(frame: Uint8Array) {
  const { signal, facts } = callOf("thrift", "echo", "");
  const dialect = { framing: "ttheader", envelope: "strict" } as const;
  const headers = { cancellable: () => signal, nowMs: 0, maxFrameBytes: 1_000_000, fromSidecar: false };
  const read = readCall(frame, { lookup, service: undefined, dialect, signal, facts, headers });
  if (!("call" in read)) throw read.error;
  return read;
}

describe("business errors", () => {
  const business = new RpcError("INTERNAL", "no such shelf: 棚", {
    origin: "peer",
    sent: true,
    headers: Metadata.from([["rpc-backward-a", "1"]]),
    trailers: Metadata.from([
      ["biz-status", "404"],
      ["biz-extra", '{"k":"v"}'],
      ["other", "o"],
    ]),
  });

  test.each(["thrift", "protobuf"] as const)("a Kitex client gets an empty result with the status, %s", (wire) => {
    const { dress, call } = callWith([], wire);
    const frame = writeReply({ ...dress, profile: false }, business)!.subarray(4);
    const { payload, pairs } = readTTHeader(frame);
    const message = wire === "thrift" ? payload : payload.subarray(4);
    const { type, bodyOffset } = readMessageHeader(message)!;
    expect(type).toBe(MESSAGE.REPLY);
    expect([...message.subarray(bodyOffset)]).toEqual(wire === "thrift" ? [0] : []);
    const said = new Map(pairs.flatMap((key, i) => (i % 2 === 0 ? [[key, pairs[i + 1]]] : [])));
    expect(said.get("biz-status")).toBe("404");
    expect(said.get("biz-message")).toBe("no such shelf: 棚");
    expect(said.get("biz-extra")).toBe('{"k":"v"}');
    expect(() => readReply(frame, dress, call.method, LIMITS)).toThrow(
      expect.objectContaining({ code: "INTERNAL", message: business.message, origin: "peer", sent: true }),
    );
    try {
      readReply(frame, dress, call.method, LIMITS);
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      expect([...error.headers]).toEqual([["rpc-backward-a", "1"]]);
      expect(new Map(error.trailers)).toEqual(new Map(business.trailers));
    }
  });

  test("whoever speaks the profile gets an exception, with the status among the trailers", () => {
    const { dress } = callWith([]);
    const frame = writeReply({ ...dress, profile: true }, business)!.subarray(4);
    const { payload, pairs } = readTTHeader(frame);
    expect(readMessageHeader(payload)?.type).toBe(MESSAGE.EXCEPTION);
    expect(pairs).toContain("cw-t-biz-status");
  });

  test.each(["0", "", "x", "4294967297"])("the status %j is none, and the reply a result", (status) => {
    const { dress, call } = callWith([]);
    const reply = { ...replyOf(call, "x"), headers: Metadata.from([["biz-status", status]]) };
    const frame = writeReply(dress, reply)!.subarray(4);
    expect(readReply(frame, dress, call.method, LIMITS).kind).toBe("result");
  });

  test("one whose headers are too large is told as an exception without them", () => {
    const { dress } = callWith([]);
    const large = new RpcError("INTERNAL", "x", {
      trailers: Metadata.from([
        ["biz-status", "1"],
        ["biz-extra", "y".repeat(40_000)],
      ]),
    });
    const frame = writeReply({ ...dress, profile: false }, large)!.subarray(4);
    expect(readMessageHeader(readTTHeader(frame).payload)?.type).toBe(MESSAGE.EXCEPTION);
  });
});

describe("the end of a connection", () => {
  test("Kitex says it by an empty reply to sequence id 0", () => {
    const splitter = createFrameSplitter({ maxFrameBytes: 1_000 });
    splitter.push(Buffer.from(writeKitexReset()));
    const frame = splitter.next()!;
    expect(readSignalFrame(frame)).toEqual({ sequenceId: 0, signal: "reset" });
    const { payload, pairs } = readTTHeader(frame);
    expect(pairs).toEqual(["crrst", "1"]);
    expect(readMessageHeader(payload)).toMatchObject({ type: MESSAGE.REPLY, sequenceId: 0 });
  });

  test("any other message with sequence id 0 is a message", () => {
    const { call, dress } = callWith([]);
    const frame = writeCall(call, { ...WIRE, envelope: "strict", sequenceId: 0 }).message.subarray(4);
    expect(readSignalFrame(frame)).toBeUndefined();
    const reset = writeReply({ ...dress, frameId: 7 }, replyOf(call, "x"), true)!.subarray(4);
    expect(readSignalFrame(reset)).toBeUndefined();
  });

  test("a caller that matches replies by id and does not speak the profile is Kitex's", () => {
    const ttheader: Dress = { ...callWith([]).dress, flags: 1, profile: false };
    expect(isKitexMux(ttheader)).toBe(true);
    expect(isKitexMux({ ...ttheader, profile: true })).toBe(false);
    expect(isKitexMux({ ...ttheader, flags: 0 })).toBe(false);
    expect(isKitexMux({ ...ttheader, framing: "theader" })).toBe(false);
  });
});

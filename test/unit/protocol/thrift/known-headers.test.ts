import fc from "fast-check";
import { expect, test } from "vitest";
import { RpcError } from "../../../../src/base/errors.ts";
import { Metadata } from "../../../../src/base/metadata.ts";
import {
  readReplyHeaders,
  readRequestHeaders,
  writeRequestHeaders,
} from "../../../../src/protocol/thrift/header-keys.ts";
import { createKnownHeaders } from "../../../../src/protocol/thrift/known-headers.ts";
import { type CallHeads, callHead, replyHead } from "../../../../src/protocol/thrift/known-heads.ts";
import { encodeHeaders, readTTHeader, writeTTHeader } from "../../../../src/protocol/thrift/ttheader.ts";
import { thriftMethods } from "../../../matrix/echo.ts";

const NO_NUMBERS = new Map<number, string>();

function frameOf(pairs: readonly string[], numbered: ReadonlyMap<number, string> = NO_NUMBERS): Buffer {
  const head = { flags: 0, sequenceId: 1, protocolId: 0, zlib: false, pairs, numbered };
  return writeTTHeader(head, (room) => Buffer.alloc(room)).subarray(4);
}

test("headers are kept when they come for the second time, and found from then on", () => {
  const known = createKnownHeaders<string>();
  const bytes = Buffer.from("..abcdef..");
  for (const added of [false, true]) {
    expect(known.get(bytes, 2, 8)).toBeUndefined();
    expect(known.add(bytes, 2, 8, "abcdef")).toBe(added);
  }
  expect(known.get(Buffer.from("abcdef"), 0, 6)).toBe("abcdef");
  bytes.fill(0);
  expect(known.get(Buffer.from("abcdef"), 0, 6)).toBe("abcdef");
  expect(known.get(Buffer.from("abcdeg"), 0, 6)).toBeUndefined();
  expect(known.get(Buffer.from("abcdef\0"), 0, 7)).toBeUndefined();
});

test("headers above 512 bytes are not kept", () => {
  const known = createKnownHeaders<string>();
  const bytes = Buffer.alloc(513, 1);
  for (let i = 0; i < 3; i++) {
    expect(known.get(bytes, 0, 513)).toBeUndefined();
    expect(known.add(bytes, 0, 513, "large")).toBe(false);
  }
});

test("whatever came before, headers are found by their own bytes alone", () => {
  const known = createKnownHeaders<string>();
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 6, max: 3 }), { maxLength: 500 }), (all) => {
      for (const bytes of all) {
        const text = Buffer.from(bytes).toString("hex");
        const found = known.get(bytes, 0, bytes.length);
        if (found === undefined) known.add(bytes, 0, bytes.length, text);
        else expect(found).toBe(text);
      }
    }),
  );
});

test("a frame with the same headers says the same, and its own sequence id", () => {
  const frame = frameOf(["isn", "Echo", "Tenant", "a", "cw-hops", "1"], new Map([[12, "150"]]));
  const reads = [1, 2, 3, 4].map((id) => {
    frame.writeInt32BE(id, 4);
    const read = readTTHeader(frame);
    return {
      read,
      app: readRequestHeaders(read, "ttheader", false),
      sidecar: readRequestHeaders(read, "ttheader", true),
    };
  });
  expect(reads.map(({ read }) => read.sequenceId)).toEqual([1, 2, 3, 4]);
  expect(reads.map(({ read }) => read.isKnown)).toEqual([false, true, true, true]);
  for (const { app, sidecar } of reads) {
    expect([app.service, app.timeoutMs, [...app.metadata]]).toEqual(["Echo", 150, [["tenant", "a"]]]);
    // What only sidecars may say is not believed because a sidecar has said the same.
    expect([...sidecar.metadata]).toEqual([
      ["tenant", "a"],
      ["cw-hops", "1"],
    ]);
  }
  expect(reads[3]!.app).toBe(reads[2]!.app);
});

test("headers that are wrong are wrong each time", () => {
  const bad = frameOf([], new Map([[12, "soon"]]));
  const cut = frameOf(["a", "b"]);
  cut[FIRST_LENGTH] = 0xff;
  for (let i = 0; i < 4; i++) {
    expect(() => readRequestHeaders(readTTHeader(bad), "ttheader", false)).toThrow(RpcError);
    expect(() => readTTHeader(cut)).toThrow(RpcError);
  }
});

/** Where the length of the first key is, behind the fixed part, two bytes, the kind of block and its count. */
const FIRST_LENGTH = 10 + 2 + 1 + 2;

test("the same headers of a reply are read as a reply's, whatever they were read as before", () => {
  const frame = frameOf(["cw", "1", "cw-t-cost", "2", "served-by", "one"]);
  for (let i = 0; i < 3; i++) {
    expect([...readRequestHeaders(readTTHeader(frame), "ttheader", false).metadata]).toEqual([["served-by", "one"]]);
    expect([...readReplyHeaders(readTTHeader(frame), "ttheader").trailers]).toEqual([["cost", "2"]]);
  }
});

test("the headers of a call are the same whether they were written before or not, but for its timeout", () => {
  const heads: CallHeads = new WeakMap();
  const method = thriftMethods[0]!;
  const metadata = [Metadata.EMPTY, Metadata.from([["tenant", "a"]])];
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          metadata: fc.constantFrom(...metadata),
          service: fc.constantFrom("Echo", "test.Echo"),
          upstream: fc.constantFrom("one", "two", undefined),
          timeoutMs: fc.oneof(fc.constantFrom(Number.POSITIVE_INFINITY, -3, 0.2, 9.5, 99.01), fc.nat(20_000)),
        }),
        { minLength: 2, maxLength: 20 },
      ),
      (calls) => {
        for (const call of calls) {
          const says = { ...call, method: method.name, messageType: 1 };
          const plain = encodeHeaders({ protocolId: 0, ...writeRequestHeaders(says, "ttheader") });
          expect(Buffer.from(callHead(method, 0, says, heads))).toEqual(plain);
        }
      },
    ),
  );
});

test("a reply that says something is not taken for one that says nothing", () => {
  const plain = { headers: Metadata.EMPTY, trailers: Metadata.EMPTY, status: undefined, reset: false };
  const written = (reply: typeof plain, protocolId = 0) => Buffer.from(replyHead(protocolId, reply)).toString("latin1");
  expect(written(plain)).toBe(written(plain));
  expect(written(plain, 2).startsWith("\x02")).toBe(true);
  expect(written(plain)[0]).toBe("\0");
  expect(written({ ...plain, reset: true })).toContain("crrst");
  expect(written({ ...plain, trailers: Metadata.from([["cost", "2"]]) })).toContain("cw-t-cost");
  expect(written(plain)).not.toContain("crrst");
});

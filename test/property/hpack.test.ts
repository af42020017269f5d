// HPACK: what is encoded is what is decoded, over many blocks of a connection; mutated blocks and frames are refused in
// good order and within bounds. CAUSEWAY_PROPERTY_RUNS sets how many are tried; a failure prints the seed to repeat it.
import fc from "fast-check";
import { expect, test } from "vitest";
import { RpcError } from "../../src/base/errors.ts";
import { createHttp2Connection } from "../../src/protocol/http2/connection.ts";
import { ConnectionFault } from "../../src/protocol/http2/error-codes.ts";
import { FRAME, PREFACE } from "../../src/protocol/http2/frame.ts";
import { HpackDecoder } from "../../src/protocol/http2/hpack-decoder.ts";
import { HpackEncoder } from "../../src/protocol/http2/hpack-encoder.ts";
import { block, connectionStep } from "./arbitrary-headers.ts";

const RUNS = Number(process.env["CAUSEWAY_PROPERTY_RUNS"] ?? 300);

test("any lists of a connection come back as they were, whatever the table's sizes", () => {
  fc.assert(
    fc.property(fc.array(connectionStep, { maxLength: 30 }), (steps) => {
      const encoder = new HpackEncoder();
      const decoder = new HpackDecoder(1_000_000);
      for (const step of steps) {
        if (typeof step === "number") {
          encoder.limitTable(step);
          decoder.limitTable(step);
          continue;
        }
        const length = encoder.encode(step, 1_000_000);
        const { list, tooLarge } = decoder.decode(Buffer.from(encoder.block.subarray(0, length)), 0, length);
        expect(list).toEqual(step);
        expect(tooLarge).toBe(false);
      }
    }),
    { numRuns: RUNS },
  );
});

test("any bytes are a list within its limit or a COMPRESSION_ERROR", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.uint8Array({ maxLength: 200 }), block), { maxLength: 10 }), (blocks) => {
      const decoder = new HpackDecoder(2_000);
      try {
        for (const bytes of blocks) {
          const { list } = decoder.decode(Buffer.from(bytes), 0, bytes.length);
          expect(list.join("").length + 16 * list.length).toBeLessThanOrEqual(2_000);
          expect(decoder.tableBytes).toBeLessThanOrEqual(4_096);
        }
      } catch (error) {
        expect(error).toBeInstanceOf(ConnectionFault);
      }
    }),
    { numRuns: 5 * RUNS },
  );
});

const frames = fc.array(
  fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc
      .tuple(
        fc.integer({ min: 0, max: 11 }),
        fc.integer({ min: 0, max: 63 }),
        fc.integer({ min: 0, max: 6 }),
        fc.oneof(fc.uint8Array({ maxLength: 60 }), block),
      )
      .map(([type, flags, id, payload]) => {
        const head = Buffer.alloc(9);
        head.writeUIntBE(payload.length, 0, 3);
        head[3] = type;
        head[4] = flags;
        head.writeUInt32BE(id, 5);
        return Buffer.concat([head, payload]);
      }),
  ),
  { maxLength: 40 },
);

test.each(["server", "client"] as const)(
  "any frames at a %s are taken, reset or ended with a GOAWAY, never thrown",
  (role) => {
    const ends = { good: 0, goneAway: 0 };
    fc.assert(
      fc.property(frames, fc.integer({ min: 1, max: 100 }), (chunks, cut) => {
        let failure: unknown;
        const connection = createHttp2Connection<undefined>(
          role,
          { nowMs: () => 0 },
          {
            onHeaders: (stream) =>
              role === "server" && connection.sendHeaders(stream, [":status", "200"], stream.id % 4 === 3),
            onData(stream, bytes) {
              connection.consume(stream, bytes.length);
              connection.sendData(stream, Buffer.from(bytes), false);
            },
            onTrailers: (stream) => connection.sendHeaders(stream, ["grpc-status", "0"], true),
            onReset: () => {},
            onClose: () => {},
            onDrain: () => {},
            onSettings: () => {},
            onGoAway: () => {},
            onPong: () => {},
            onOutput: () => {},
            onFinished: () => {},
            onFailed(error) {
              failure = error;
            },
          },
        );
        connection.takeOutput();
        if (role === "client") {
          for (let i = 0; i < 3; i++) {
            connection.openStream([":method", "POST", ":scheme", "http", ":path", "/"], false, undefined);
          }
        }
        const settings = Buffer.from([0, 0, 0, FRAME.SETTINGS, 0, 0, 0, 0, 0]);
        const bytes = Buffer.concat([...(role === "server" ? [PREFACE] : []), settings, ...chunks]);
        for (let at = 0; at < bytes.length; at += cut) connection.receive(bytes.subarray(at, at + cut));
        let last = Buffer.alloc(0);
        for (let taken = connection.takeOutput(); taken; taken = connection.takeOutput()) last = Buffer.from(taken);
        if (failure === undefined) {
          ends.good++;
          return;
        }
        ends.goneAway++;
        expect(failure).toBeInstanceOf(RpcError);
        expect((failure as RpcError).cause).toBeInstanceOf(ConnectionFault);
        expect(last.includes(Buffer.from([FRAME.GOAWAY, 0, 0, 0, 0, 0]))).toBe(true);
        expect(connection.openStreams).toBe(0);
      }),
      { numRuns: 5 * RUNS },
    );
    expect(ends.good).toBeGreaterThan(0);
    expect(ends.goneAway).toBeGreaterThan(0);
  },
);

import { describe, expect, test } from "vitest";
import { detect, MAX_PREFIX_BYTES } from "../../../../src/protocol/thrift/detect.ts";
import { framed, messageOf } from "./messages.ts";

const LIMIT = 16_384_000;
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** What is told when bytes come one at a time, and how many were needed. */
function byteByByte(bytes: Uint8Array) {
  for (let count = 0; count <= bytes.length; count++) {
    const detection = detect(bytes.subarray(0, count), LIMIT);
    if (detection.kind !== "more") return { detection, count };
  }
  return { detection: { kind: "more" as const }, count: bytes.length };
}

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(" ", ""), "hex");
}

const longName = Buffer.concat([Buffer.from([0, 0, 0, 255]), Buffer.alloc(255, "n"), Buffer.from([1, 0, 0, 0, 1, 0])]);

const served: [string, Uint8Array, object][] = [
  ["the HTTP/2 preface", PREFACE, { kind: "grpc" }],
  ["strict binary", messageOf(true), { kind: "thrift", framing: "unframed", envelope: "strict" }],
  ["strict binary in a frame", framed(messageOf(true)), { kind: "thrift", framing: "framed", envelope: "strict" }],
  ["old binary", messageOf(false), { kind: "thrift", framing: "unframed", envelope: "old" }],
  ["old binary in a frame", framed(messageOf(false)), { kind: "thrift", framing: "framed", envelope: "old" }],
  ["old binary with a name of 255 bytes", longName, { kind: "thrift", framing: "unframed", envelope: "old" }],
  ["the same in a frame", framed(longName), { kind: "thrift", framing: "framed", envelope: "old" }],
  ["compact", hex("82 21 01"), { framing: "unframed", envelope: "compact" }],
  ["compact in a frame", hex("00 00 00 20 82 21"), { framing: "framed", envelope: "compact" }],
  ["THeader", hex("00 00 00 20 0f ff"), { kind: "thrift", framing: "theader" }],
  ["TTHeader", hex("00 00 00 20 10 00"), { kind: "thrift", framing: "ttheader" }],
  ["Kitex-Protobuf in a frame", hex("00 00 00 20 90 01"), { framing: "framed", envelope: "kitex-protobuf" }],
  ...["GET / HTTP/1.1", "POST /", "PUT /", "HEAD /", "OPTIONS *", "DELETE /", "PATCH /"].map(
    (line): [string, Uint8Array, object] => [line, Buffer.from(line), { kind: "http1" }],
  ),
];

test.each(served)("%s is told from its first bytes, whole or byte by byte", (_name, bytes, expected) => {
  expect(detect(bytes, LIMIT)).toMatchObject(expected);
  const { detection, count } = byteByByte(bytes);
  expect(detection).toMatchObject(expected);
  expect(count).toBeLessThanOrEqual(MAX_PREFIX_BYTES);
});

test.each([
  ["TLS", "16 03 01", "TLS"],
  ["a frame above the limit", "01 00 00 00", "above the limit of 16384000"],
  ["zeros", "00 00 00 00 00 00 00 00", "no protocol that is known"],
  ["a name with a control character", "00 00 00 02 61 0a", "no protocol that is known"],
  ["an old header with message type 9", "00 00 00 01 61 09", "no protocol that is known"],
  ["a framed name longer than 255", "00 00 04 00 00 00 01 00", "no protocol that is known"],
  ["a text", "48 45 4c 4f", "above the limit"],
])("%s is refused with its reason", (_name, text, reason) => {
  const bytes = hex(text);
  const { detection } = byteByByte(bytes);
  expect(detection).toMatchObject({ kind: "refused", reason: expect.stringContaining(reason) });
});

describe("a beginning that fits several", () => {
  test.each(["", "50", "5052", "505249", "16", "80", "82", "00000020", "0000002080", "0000000161"])(
    "%j needs more bytes",
    (text) => {
      expect(detect(hex(text), LIMIT)).toEqual({ kind: "more" });
    },
  );

  test("never needs more than the bounded prefix, whatever comes", () => {
    for (let first = 0; first < 256; first++) {
      for (const rest of [0, 1, 0x61, 0x80, 0xff]) {
        const bytes = Buffer.alloc(MAX_PREFIX_BYTES, rest);
        bytes[0] = first;
        expect(detect(bytes, LIMIT).kind, `${first} ${rest}`).not.toBe("more");
      }
    }
  });
});

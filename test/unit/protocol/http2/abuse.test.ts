// Peers that keep the rules of HTTP/2 and still mean no good: each way has its bound.
import { describe, expect, test } from "vitest";
import { FLAG, FRAME } from "../../../../src/protocol/http2/frame.ts";
import {
  blockOf,
  createSubject,
  data,
  frame,
  headers,
  REQUEST,
  RESPONSE,
  request,
  type Subject,
  settings,
  uint32,
} from "./http2-fixture.ts";

const CALM = "failed RESOURCE_EXHAUSTED HTTP/2 ENHANCE_YOUR_CALM: ";
const cancel = (id: number) => frame(FRAME.RST_STREAM, 0, id, uint32(8));
const ping = frame(FRAME.PING, 0, 0, Buffer.alloc(8));
const widen = (id: number, by = 1) => frame(FRAME.WINDOW_UPDATE, 0, id, uint32(by));

/** Why the connection was ended, if it was. */
function end(subject: Subject): string | undefined {
  const last = subject.events.at(-1);
  return last?.startsWith(CALM) ? last.slice(CALM.length) : undefined;
}

/** Hears a frame again and again, taking the output; returns how often until the connection was ended. */
function flood(subject: Subject, next: (i: number) => Buffer, most = 100_000): number {
  for (let i = 0; i < most; i++) {
    subject.hear(next(i));
    subject.said();
    if (end(subject) !== undefined) return i;
  }
  return most;
}

describe("a flood", () => {
  const rate = { burst: 50, perSecond: 10 };

  test("of streams that are opened and reset at once", () => {
    const subject = createSubject("server", { resets: rate });
    expect(flood(subject, (i) => Buffer.concat([request(2 * i + 1), cancel(2 * i + 1)]))).toBe(50);
    expect(end(subject)).toBe("too many streams were reset");
  });

  test("of streams that are made to be reset by us", () => {
    const subject = createSubject("server", { resets: rate });
    expect(flood(subject, (i) => Buffer.concat([request(2 * i + 1), widen(2 * i + 1, 0)]))).toBe(50);
  });

  test("of streams above the limit", () => {
    const subject = createSubject("server", { resets: rate, maxConcurrentStreams: 1 });
    expect(flood(subject, (i) => request(2 * i + 1))).toBe(51);
  });

  test("of cancels is none where as many calls end in good order, or in the long run", () => {
    const subject = createSubject("server", { resets: rate });
    const both = (i: number) => {
      const answered = subject.streams.get(4 * i - 3);
      if (answered) subject.connection.sendHeaders(answered, RESPONSE, true);
      return Buffer.concat([request(4 * i + 1, true), request(4 * i + 3), cancel(4 * i + 3)]);
    };
    expect(flood(subject, both, 1_000)).toBe(1_000);
    const slow = createSubject("server", { resets: rate });
    const tenPerSecond = (i: number) => {
      slow.time.nowMs += 100;
      return Buffer.concat([request(2 * i + 1), cancel(2 * i + 1)]);
    };
    expect(flood(slow, tenPerSecond, 1_000)).toBe(1_000);
  });

  test("of PINGs; answers to calls make up for them", () => {
    expect(flood(createSubject("server", { pings: rate }), () => ping)).toBe(50);
    const subject = createSubject("server", { pings: rate });
    subject.hear(request(1, true));
    const stream = subject.streams.get(1)!;
    subject.connection.sendHeaders(stream, RESPONSE, false);
    const busy = (i: number) => {
      if (i % 40 === 0) subject.connection.sendData(stream, Buffer.of(1), false);
      return ping;
    };
    expect(flood(subject, busy, 1_000)).toBe(1_000);
  });

  test("of SETTINGS", () => {
    expect(flood(createSubject("server", { settings: rate }), () => settings([4, 1]))).toBe(49);
    const answers = createSubject("server", { settings: rate });
    expect(flood(answers, () => frame(FRAME.SETTINGS, FLAG.ACK, 0))).toBe(49);
  });

  test.each([
    ["empty DATA", () => data(1, "")],
    ["DATA of single bytes", () => data(1, "x")],
    ["WINDOW_UPDATE", () => widen(0)],
    ["WINDOW_UPDATE on a stream", () => widen(1)],
    ["PRIORITY", () => frame(FRAME.PRIORITY, 0, 1, Buffer.alloc(5))],
    ["unknown frames", () => frame(0xee, 0, 0, "00")],
    ["GOAWAY", () => frame(FRAME.GOAWAY, 0, 0, uint32(0, 0))],
    ["answers to PINGs that were not sent", () => frame(FRAME.PING, FLAG.ACK, 0, Buffer.alloc(8))],
  ])("of %s", (_name, next) => {
    const subject = createSubject("server", { idleFrames: rate });
    subject.hear(request(1));
    expect(flood(subject, next, 1_000)).toBeLessThanOrEqual(54);
    expect(end(subject)).toContain("bring no call further");
  });

  test("of frames on a stream that we have reset", () => {
    const subject = createSubject("server", { idleFrames: rate });
    subject.hear(request(1));
    subject.connection.resetStream(subject.streams.get(1)!, 8);
    expect(flood(subject, () => data(1, Buffer.alloc(100)), 1_000)).toBeLessThanOrEqual(54);
  });

  test("but not of whole messages, however small", () => {
    const subject = createSubject("server", { idleFrames: rate });
    subject.hear(request(1));
    expect(flood(subject, () => data(1, Buffer.alloc(5)), 1_000)).toBe(1_000);
  });

  test("of tiny windows, each worth a byte", () => {
    const subject = createSubject("server", { idleFrames: rate });
    subject.hear(settings([4, 0]), request(1, true));
    subject.connection.sendData(subject.streams.get(1)!, Buffer.alloc(10_000), true);
    expect(flood(subject, () => widen(1), 1_000)).toBeLessThanOrEqual(54);
  });

  test("of informational responses", () => {
    const subject = createSubject("client", { idleFrames: rate });
    subject.connection.openStream(REQUEST, true, "");
    expect(flood(subject, () => headers(1, [":status", "103"]), 1_000)).toBe(50);
  });

  test("of questions whose answers are not read ends, whatever their rate", () => {
    const subject = createSubject("server", { maxQueuedAcks: 100, pings: { burst: 1_000_000, perSecond: 1 } });
    for (let i = 0; i < 101; i++) subject.hear(ping);
    expect(end(subject)).toContain("not read");
  });
});

describe("header blocks", () => {
  test("in too many CONTINUATION frames, empty or not", () => {
    for (const piece of ["", "82"]) {
      const subject = createSubject("server", { maxContinuations: 10 });
      subject.hear(frame(FRAME.HEADERS, 0, 1, "82"));
      expect(flood(subject, () => frame(FRAME.CONTINUATION, 0, 1, piece), 1_000)).toBe(10);
    }
  });

  test("that are too large end the connection before they are kept", () => {
    const subject = createSubject("server", { maxHeaderBlockBytes: 10_000 });
    const large = frame(FRAME.HEADERS, FLAG.END_HEADERS, 1, Buffer.alloc(11_000));
    subject.hear(large.subarray(0, 9));
    expect(end(subject)).toContain("10000 bytes");
    const pieces = createSubject("server", { maxHeaderBlockBytes: 10_000 });
    pieces.hear(frame(FRAME.HEADERS, 0, 1, Buffer.alloc(6_000, 0x82)));
    pieces.hear(frame(FRAME.CONTINUATION, 0, 1, Buffer.alloc(6_000, 0x82)));
    expect(end(pieces)).toContain("10000 bytes");
  });

  test("that become too large when they are decoded reset their stream and nothing else", () => {
    const subject = createSubject("server", { maxHeaderListBytes: 5_000 });
    // A field of 4,000 bytes enters the table, and is referred to by single bytes.
    const field = blockOf(["x", "y".repeat(4_000)]);
    const bomb = Buffer.concat([Buffer.of(0x40), field.subarray(1), Buffer.alloc(8_000, 0xbe)]);
    subject.hear(frame(FRAME.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, 1, bomb), request(3, true));
    expect(subject.saidText()).toEqual(["RST_STREAM 1 11"]);
    expect(subject.events).toEqual([`headers 3 ${REQUEST.join(",")} end`]);
  });
});

test("half-open streams count until they have ended", () => {
  const subject = createSubject("server", { maxConcurrentStreams: 3 });
  for (const id of [1, 3, 5]) {
    subject.hear(request(id));
    subject.connection.sendHeaders(subject.streams.get(id)!, RESPONSE, true);
  }
  subject.said();
  subject.hear(request(7));
  expect(subject.saidText()).toEqual(["RST_STREAM 7 7"]);
  subject.hear(data(1, "", true), request(9));
  expect(subject.events.at(-1)).toContain("headers 9");
});

test("more settings in a frame than there are", () => {
  const subject = createSubject("server");
  subject.hear(settings(...Array.from({ length: 65 }, () => [4, 1] as const)));
  expect(end(subject)).toBeDefined();
});

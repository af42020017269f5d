// Windows both ways (RFC 9113 section 5.2), what waits for them, and how ours grow.
import { describe, expect, test } from "vitest";
import { ERROR_CODE } from "../../../../src/protocol/http2/error-codes.ts";
import { FLAG, FRAME } from "../../../../src/protocol/http2/frame.ts";
import type { Http2Options } from "../../../../src/protocol/http2/options.ts";
import {
  createSubject,
  data,
  type Frame,
  frame,
  REQUEST,
  RESPONSE,
  request,
  type Subject,
  settings,
  uint32,
} from "./http2-fixture.ts";

const widen = (id: number, by: number) => frame(FRAME.WINDOW_UPDATE, 0, id, uint32(by));

function sizes(frames: readonly Frame[]): [id: number, bytes: number, end: boolean][] {
  return frames
    .filter(({ type }) => type === FRAME.DATA)
    .map(({ id, payload, flags }) => [id, payload.length, (flags & FLAG.END_STREAM) !== 0]);
}

function updates(frames: readonly Frame[]): [id: number, bytes: number][] {
  return frames
    .filter(({ type }) => type === FRAME.WINDOW_UPDATE)
    .map(({ id, payload }) => [id, payload.readUInt32BE(0)]);
}

/** A server with streams 1, 3, … open for answers. */
function serverWith(streams: number, options: Partial<Http2Options> = {}): Subject {
  const subject = createSubject("server", options);
  for (let i = 0; i < streams; i++) subject.hear(request(2 * i + 1, true));
  subject.said();
  subject.events.length = 0;
  return subject;
}

describe("sending", () => {
  test("goes as far as the stream's window, waits, and goes on", () => {
    const subject = serverWith(1);
    subject.hear(settings([4, 10]), widen(0, 1_000_000));
    subject.said();
    const stream = subject.streams.get(1)!;
    expect(subject.connection.sendData(stream, Buffer.alloc(25), true)).toBe(false);
    expect(stream.queuedBytes).toBe(15);
    expect(sizes(subject.said())).toEqual([[1, 10, false]]);
    subject.hear(widen(1, 5));
    expect(sizes(subject.said())).toEqual([[1, 5, false]]);
    subject.hear(settings([4, 20]));
    expect(sizes(subject.said())).toEqual([[1, 10, true]]);
    expect(subject.events.slice(-3)).toEqual(["close 1", "drain 1", "settings"]);
  });

  test("a window that settings made negative has to be made good first", () => {
    const subject = serverWith(1);
    const stream = subject.streams.get(1)!;
    subject.connection.sendData(stream, Buffer.alloc(1_000), false);
    subject.said();
    subject.hear(settings([4, 100]));
    subject.connection.sendData(stream, Buffer.alloc(50), false);
    subject.hear(widen(1, 900));
    expect(sizes(subject.said())).toEqual([]);
    subject.hear(widen(1, 20));
    expect(sizes(subject.said())).toEqual([[1, 20, false]]);
    subject.hear(widen(1, 30));
    expect(subject.events.at(-1)).toBe("drain 1");
  });

  test("trailers come behind all data, in one go with the end", () => {
    const subject = serverWith(1);
    subject.hear(settings([4, 3]));
    const stream = subject.streams.get(1)!;
    subject.connection.sendHeaders(stream, RESPONSE, false);
    subject.connection.sendData(stream, Buffer.from("abcdef"), false);
    subject.connection.sendHeaders(stream, ["grpc-status", "0"], true);
    expect(subject.saidText().slice(1)).toEqual([`HEADERS 1 ${RESPONSE.join(" ")}`, "DATA 1 abc"]);
    subject.hear(widen(1, 3));
    expect(subject.saidText()).toEqual(["DATA 1 def", "HEADERS 1 grpc-status 0 end"]);
    expect(subject.connection.openStreams).toBe(0);
  });

  test("streams take turns with the connection's window", () => {
    const subject = serverWith(3);
    subject.hear(settings([4, 1_000_000]));
    subject.said();
    for (const id of [1, 3, 5]) subject.connection.sendData(subject.streams.get(id)!, Buffer.alloc(50_000), true);
    expect(sizes(subject.said()).reduce((sum, [, bytes]) => sum + bytes, 0)).toBe(65_535);
    subject.hear(widen(0, 3 * 16_384));
    const turns = sizes(subject.said()).map(([id]) => id);
    expect(turns.slice(0, 2)).toEqual([3, 5]);
  });

  test("the output holds so much and no more, and the rest follows as it is taken", () => {
    const subject = serverWith(1, { maxOutputBytes: 100_000 });
    subject.hear(settings([4, 10_000_000]), widen(0, 10_000_000));
    subject.said();
    const stream = subject.streams.get(1)!;
    expect(subject.connection.sendData(stream, Buffer.alloc(5_000_000), true)).toBe(false);
    expect(stream.queuedBytes).toBeGreaterThan(4_800_000);
    expect(sizes(subject.said()).reduce((sum, [, bytes]) => sum + bytes, 0)).toBe(5_000_000);
    expect(subject.events.slice(-2)).toEqual(["close 1", "drain 1"]);
  });

  test("what waits on a stream is forgotten when it is reset", () => {
    const subject = serverWith(1);
    subject.hear(settings([4, 1]));
    const stream = subject.streams.get(1)!;
    subject.connection.sendData(stream, Buffer.alloc(100), true);
    subject.said();
    subject.connection.resetStream(stream, ERROR_CODE.CANCEL);
    subject.hear(widen(1, 100), widen(0, 100));
    expect(subject.saidText()).toEqual(["RST_STREAM 1 8"]);
    expect(subject.connection.sendData(stream, Buffer.alloc(1), true)).toBe(true);
  });

  test("frames are no larger than the peer takes", () => {
    const subject = serverWith(1);
    subject.hear(settings([4, 1_000_000], [5, 20_000]), widen(0, 1_000_000));
    subject.said();
    subject.connection.sendData(subject.streams.get(1)!, Buffer.alloc(50_000), true);
    expect(sizes(subject.said())).toEqual([
      [1, 20_000, false],
      [1, 20_000, false],
      [1, 10_000, true],
    ]);
  });
});

describe("receiving", () => {
  const windows = { streamWindowBytes: 65_535, connectionWindowBytes: 100_000 } as const;

  test("the peer gets room as the consumer takes data, half a window at a time", () => {
    const subject = createSubject("server", windows);
    subject.onData = () => {};
    subject.hear(request(1), data(1, Buffer.alloc(40_000)));
    const stream = subject.streams.get(1)!;
    subject.connection.consume(stream, 32_000);
    expect(updates(subject.said())).toEqual([]);
    subject.connection.consume(stream, 8_000);
    expect(updates(subject.said())).toEqual([[1, 40_000]]);
    subject.hear(data(1, Buffer.alloc(10_000)));
    subject.connection.consume(stream, 1_000_000);
    expect(updates(subject.said())).toEqual([[0, 50_000]]);
  });

  test("a consumer that takes nothing holds the peer to its window", () => {
    const subject = createSubject("server", windows);
    subject.onData = () => {};
    subject.hear(request(1), data(1, Buffer.alloc(60_000)), data(1, Buffer.alloc(5_536)), request(3, true));
    expect(subject.resets.get(1)).toMatchObject({ code: ERROR_CODE.FLOW_CONTROL_ERROR, by: "fault" });
    expect(subject.events.at(-1)).toContain("headers 3");
  });

  test("streams that nobody reads hold back themselves, and the others only when too much waits in all", () => {
    const subject = createSubject("server", { ...windows, maxUnconsumedBytes: 120_000 });
    subject.onData = () => {};
    const given = () => updates(subject.said()).filter(([id]) => id === 0);
    subject.hear(request(1), data(1, Buffer.alloc(60_000)));
    expect(given()).toEqual([[0, 60_000]]);
    subject.hear(request(3), data(3, Buffer.alloc(60_000)));
    expect(given()).toEqual([[0, 60_000]]);
    // Beyond what may wait: the window is all that is left.
    subject.hear(request(5), data(5, Buffer.alloc(60_000)));
    expect(given()).toEqual([]);
    subject.hear(request(7), data(7, Buffer.alloc(40_001)));
    expect(subject.events.at(-1)).toContain("FLOW_CONTROL_ERROR");
  });

  test("the connection's window is given back when what waits is taken", () => {
    const subject = createSubject("server", { ...windows, maxUnconsumedBytes: 50_000 });
    subject.onData = () => {};
    for (const id of [1, 3]) subject.hear(request(id), data(id, Buffer.alloc(60_000)));
    subject.said();
    subject.connection.consume(subject.streams.get(1)!, 60_000);
    subject.connection.consume(subject.streams.get(3)!, 60_000);
    subject.hear(request(5), data(5, Buffer.alloc(65_535)), request(7), data(7, Buffer.alloc(34_465)));
    expect(subject.events.at(-1)).toContain("data 7");
  });

  test("DATA beyond the connection's window ends the connection", () => {
    const subject = createSubject("server", windows);
    subject.onData = () => {};
    for (const id of [1, 3]) subject.hear(request(id), data(id, Buffer.alloc(50_001)));
    expect(subject.events.at(-1)).toContain("FLOW_CONTROL_ERROR");
  });

  test("padding and data for nobody are given back without a consumer", () => {
    const subject = createSubject("server", windows);
    subject.onData = () => {};
    const padded = frame(FRAME.DATA, FLAG.PADDED, 1, Buffer.concat([Buffer.of(255), Buffer.alloc(255)]));
    subject.hear(request(1), ...Array.from({ length: 200 }, () => padded));
    const stream = subject.streams.get(1)!;
    expect(stream.unconsumed).toBe(0);
    subject.hear(data(1, Buffer.alloc(20_000)));
    subject.connection.resetStream(stream, ERROR_CODE.CANCEL);
    subject.hear(data(1, Buffer.alloc(30_000)));
    const given = updates(subject.said()).filter(([id]) => id === 0);
    expect(given.reduce((sum, [, bytes]) => sum + bytes, 0)).toBe(200 * 256 + 50_000);
  });

  test("data is in the consumer's hands also after the stream has ended", () => {
    const subject = createSubject("server", windows);
    subject.onData = () => {};
    subject.hear(request(1), data(1, Buffer.alloc(60_000), true));
    const stream = subject.streams.get(1)!;
    subject.connection.sendHeaders(stream, RESPONSE, true);
    expect(updates(subject.said())).toEqual([]);
    subject.connection.consume(stream, 60_000);
    expect(updates(subject.said())).toEqual([[0, 60_000]]);
  });

  test("a window below the default holds once the peer knows of it", () => {
    const subject = createSubject("server", { streamWindowBytes: 1_000 }, false);
    subject.onData = () => {};
    subject.hear(Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), settings(), request(1), data(1, Buffer.alloc(2_000)));
    expect(subject.resets.size).toBe(0);
    subject.hear(frame(FRAME.SETTINGS, FLAG.ACK, 0), request(3), data(3, Buffer.alloc(1_001)));
    expect(subject.resets.get(3)).toMatchObject({ code: ERROR_CODE.FLOW_CONTROL_ERROR });
  });
});

test("a stream that went beyond a smaller window before it knew of it gets its update", () => {
  const subject = createSubject("server", { streamWindowBytes: 1_000 }, false);
  subject.hear(Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), settings(), request(1), data(1, Buffer.alloc(2_000)));
  subject.said();
  subject.hear(frame(FRAME.SETTINGS, FLAG.ACK, 0));
  expect(updates(subject.said())).toEqual([[1, 2_000]]);
});

describe("our windows", () => {
  const options = {
    streamWindowBytes: 100_000,
    connectionWindowBytes: 100_000,
    maxStreamWindowBytes: 1_000_000,
    maxConnectionWindowBytes: 2_000_000,
    maxFrameBytes: 100_000,
  } as const;

  /** Sends as much as one round trip allows, `rounds` times, on a stream; returns the stream's last update. */
  function fill(subject: Subject, rounds: number, bytesPerRound: (window: number) => number): number {
    let window = 100_000;
    let ping: Frame | undefined;
    for (let round = 0; round < rounds; round++) {
      const bytes = bytesPerRound(window);
      for (let sent = 0; sent < bytes; sent += 50_000)
        subject.hear(data(1, Buffer.alloc(Math.min(50_000, bytes - sent))));
      window -= bytes;
      if (ping) subject.hear(frame(FRAME.PING, FLAG.ACK, 0, ping.payload));
      const frames = subject.said();
      ping = frames.find(({ type }) => type === FRAME.PING);
      for (const [id, more] of updates(frames)) if (id === 1) window += more;
    }
    return window;
  }

  test("grow up to their limit while the peer fills them within a round trip", () => {
    const subject = createSubject("server", options);
    subject.hear(request(1));
    expect(fill(subject, 60, (window) => window)).toBe(1_000_000);
  });

  test("stay as they are while the peer sends little in a round trip", () => {
    const subject = createSubject("server", options);
    subject.hear(request(1));
    expect(fill(subject, 60, () => 20_000)).toBeLessThanOrEqual(100_000);
  });
});

test("a client's upload waits for the server's window in the same way", () => {
  const subject = createSubject("client");
  const stream = subject.connection.openStream(REQUEST, false, "")!;
  expect(subject.connection.sendData(stream, Buffer.alloc(70_000), true)).toBe(false);
  expect(sizes(subject.said()).reduce((sum, [, bytes]) => sum + bytes, 0)).toBe(65_535);
  subject.hear(widen(0, 10_000), widen(1, 10_000));
  expect(sizes(subject.said())).toEqual([[1, 70_000 - 65_535, true]]);
});

// The state machine of a connection, frame by frame, as RFC 9113 has it.
import { describe, expect, test } from "vitest";
import { ERROR_CODE } from "../../../../src/protocol/http2/error-codes.ts";
import { FLAG, FRAME, PREFACE } from "../../../../src/protocol/http2/frame.ts";
import {
  blockOf,
  createSubject,
  data,
  type Frame,
  frame,
  headers,
  literal,
  REQUEST,
  RESPONSE,
  request,
  SETTINGS_ACK,
  settings,
  uint32,
} from "./http2-fixture.ts";

const CONTENT = REQUEST.join(",");
const reset = (id: number, code: number) => frame(FRAME.RST_STREAM, 0, id, uint32(code));

function goAwayCode(frames: readonly Frame[]): number | undefined {
  return frames.findLast(({ type }) => type === FRAME.GOAWAY)?.payload.readUInt32BE(4);
}

function resetCodes(frames: readonly Frame[]): [id: number, code: number][] {
  return frames.filter(({ type }) => type === FRAME.RST_STREAM).map(({ id, payload }) => [id, payload.readUInt32BE(0)]);
}

test("a client whose server answers in HTTP/1 says so", () => {
  const { subject } = clientWithStream();
  subject.hear(Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"));
  expect(subject.events.at(-1)).toContain("the peer answers in HTTP/1");
});

/** A client with one open stream. */
function clientWithStream(endStream = true) {
  const subject = createSubject("client");
  const stream = subject.connection.openStream(REQUEST, endStream, "call");
  if (!stream) throw new Error("no stream was free");
  subject.said();
  return { subject, stream };
}

describe("a server", () => {
  test("begins with its settings and takes a whole call", () => {
    const subject = createSubject("server", {}, false);
    expect(subject.saidText()).toEqual(["SETTINGS 0", `WINDOW_UPDATE 0 ${4 * 1024 * 1024 - 65_535}`]);
    subject.hear(Buffer.concat([PREFACE, settings(), request(1), data(1, "hello", true)]));
    expect(subject.events).toEqual(["settings", `headers 1 ${CONTENT}`, 'data 1 "hello" end']);
    const stream = subject.streams.get(1)!;
    subject.connection.sendHeaders(stream, RESPONSE, false);
    subject.connection.sendData(stream, Buffer.from("answer"), false);
    subject.connection.sendHeaders(stream, ["grpc-status", "0"], true);
    expect(subject.saidText()).toEqual([
      "SETTINGS 0 ack",
      "HEADERS 1 :status 200 content-type application/grpc",
      "DATA 1 answer",
      "HEADERS 1 grpc-status 0 end",
    ]);
    expect(subject.events.at(-1)).toBe("close 1");
    expect(subject.connection.openStreams).toBe(0);
  });

  test("takes the same bytes one by one, data as it comes", () => {
    const subject = createSubject("server", {}, false);
    const padded = frame(
      FRAME.DATA,
      FLAG.PADDED | FLAG.END_STREAM,
      1,
      Buffer.concat([Buffer.of(2), Buffer.from("ab"), Buffer.alloc(2)]),
    );
    const all = Buffer.concat([PREFACE, settings(), frame(0x2a, 0, 0, "aabbcc"), request(1), padded]);
    for (const byte of all) subject.hear(Buffer.of(byte));
    expect(subject.events).toEqual(["settings", `headers 1 ${CONTENT}`, 'data 1 "a"', 'data 1 "b" end']);
  });

  test("puts together header blocks in several frames, padded and with priority", () => {
    const subject = createSubject("server");
    const block = blockOf([...REQUEST, "x", "y".repeat(100)]);
    const first = Buffer.concat([Buffer.of(3), Buffer.alloc(5), block.subarray(0, 10), Buffer.alloc(3)]);
    subject.hear(
      frame(FRAME.HEADERS, FLAG.PADDED | FLAG.PRIORITY | FLAG.END_STREAM, 1, first),
      frame(FRAME.CONTINUATION, 0, 1, block.subarray(10, 50)),
      frame(FRAME.CONTINUATION, FLAG.END_HEADERS, 1, block.subarray(50)),
    );
    expect(subject.events).toEqual([`headers 1 ${CONTENT},x,${"y".repeat(100)} end`]);
  });

  test("gives trailers", () => {
    const subject = createSubject("server");
    subject.hear(request(1), headers(1, ["a", "b"], true));
    expect(subject.events).toEqual([`headers 1 ${CONTENT}`, "trailers 1 a,b"]);
  });

  test("refuses streams above the limit as not processed, and takes them once others have ended", () => {
    const subject = createSubject("server", { maxConcurrentStreams: 1 });
    subject.hear(request(1), request(3), data(3, "on its way", true));
    expect(resetCodes(subject.said())).toEqual([[3, ERROR_CODE.REFUSED_STREAM]]);
    subject.hear(reset(1, ERROR_CODE.CANCEL), request(5, true));
    expect(subject.events.slice(1)).toEqual(["reset 1 8 peer", "close 1", `headers 5 ${CONTENT} end`]);
  });

  test("says goodbye in two steps and loses no stream that was on its way", () => {
    const subject = createSubject("server");
    subject.hear(request(1, true));
    subject.connection.shutDown();
    const [goAway, ping] = subject.said();
    expect(goAway!.payload).toEqual(uint32(2 ** 31 - 1, 0));
    subject.hear(request(3, true), frame(FRAME.PING, FLAG.ACK, 0, ping!.payload), request(5, true), data(5, "late"));
    expect(subject.saidText()).toEqual(["GOAWAY 0 3 0"]);
    for (const id of [1, 3]) subject.connection.sendHeaders(subject.streams.get(id)!, RESPONSE, true);
    expect(subject.events.slice(-3)).toEqual(["close 1", "close 3", "finished"]);
    expect(subject.streams.has(5)).toBe(false);
  });

  test("an idle one that says goodbye is finished once the peer knows", () => {
    const subject = createSubject("server");
    subject.connection.shutDown();
    const ping = subject.said()[1]!;
    expect(subject.events).toEqual([]);
    subject.hear(frame(FRAME.PING, FLAG.ACK, 0, ping.payload));
    expect(subject.events).toEqual(["finished"]);
  });
});

describe("a client", () => {
  test("begins with the preface and takes a whole answer", () => {
    const subject = createSubject("client", {}, false);
    expect(Buffer.from(subject.connection.takeOutput()!).subarray(0, PREFACE.length)).toEqual(PREFACE);
    subject.hear(settings());
    const stream = subject.connection.openStream(REQUEST, false, "call")!;
    subject.connection.sendData(stream, Buffer.from("question"), true);
    expect(subject.saidText()).toEqual(["SETTINGS 0 ack", `HEADERS 1 ${REQUEST.join(" ")}`, "DATA 1 question end"]);
    subject.hear(
      headers(1, [":status", "103"]),
      headers(1, RESPONSE),
      data(1, "ok"),
      headers(1, ["grpc-status", "0"], true),
    );
    expect(subject.events).toEqual([
      "settings",
      `headers 1 ${RESPONSE.join(",")}`,
      'data 1 "ok"',
      "trailers 1 grpc-status,0",
      "close 1",
    ]);
    expect(stream.context).toBe("call");
  });

  test("opens no more streams than the peer lets it, and a hundred before it knows", () => {
    const subject = createSubject("client", {}, false);
    expect(subject.connection.freeStreams).toBe(100);
    subject.hear(settings([3, 2]));
    expect(subject.connection.freeStreams).toBe(2);
    subject.connection.openStream(REQUEST, true, "");
    subject.connection.openStream(REQUEST, true, "");
    expect(subject.connection.openStream(REQUEST, true, "")).toBeUndefined();
    subject.hear(headers(1, RESPONSE, true));
    expect(subject.connection.openStream(REQUEST, true, "")?.id).toBe(5);
  });

  test("after a GOAWAY streams above its last are not processed, the others go on, and no more are opened", () => {
    const subject = createSubject("client");
    for (let i = 0; i < 3; i++) subject.connection.openStream(REQUEST, true, "");
    subject.hear(frame(FRAME.GOAWAY, 0, 0, Buffer.concat([uint32(1, 0), Buffer.from("bye")])));
    expect(subject.events).toEqual([
      "reset 3 7 goaway unprocessed",
      "close 3",
      "reset 5 7 goaway unprocessed",
      "close 5",
      "goaway 1 0 bye",
    ]);
    expect(subject.connection.isUsable).toBe(false);
    expect(subject.connection.openStream(REQUEST, true, "")).toBeUndefined();
    subject.hear(headers(1, RESPONSE, true));
    expect(subject.events.slice(-2)).toEqual([`headers 1 ${RESPONSE.join(",")} end`, "close 1"]);
  });

  test("REFUSED_STREAM is not processed, other codes may have been", () => {
    const { subject } = clientWithStream();
    subject.connection.openStream(REQUEST, true, "");
    subject.hear(reset(1, ERROR_CODE.REFUSED_STREAM), reset(3, ERROR_CODE.CANCEL));
    expect(subject.events).toEqual(["reset 1 7 peer unprocessed", "close 1", "reset 3 8 peer", "close 3"]);
  });

  test("ignores what was on its way when it reset a stream", () => {
    const { subject, stream } = clientWithStream();
    subject.connection.resetStream(stream, ERROR_CODE.CANCEL);
    subject.hear(headers(1, RESPONSE), data(1, "late"), reset(1, 0));
    expect(subject.events).toEqual(["close 1"]);
    expect(resetCodes(subject.said())).toEqual([[1, ERROR_CODE.CANCEL]]);
  });

  test("headers that HTTP/2 cannot carry open no stream", () => {
    const subject = createSubject("client");
    expect(() => subject.connection.openStream([...REQUEST, "bad", "a\nb"], true, "")).toThrow("bad");
    expect(subject.said()).toEqual([]);
    expect(subject.connection.openStream(REQUEST, true, "")?.id).toBe(1);
  });

  test("a transport that ends resets what is open", () => {
    const { subject } = clientWithStream();
    subject.connection.transportEnded();
    expect(subject.events).toEqual(["reset 1 8 connection", "close 1"]);
    expect(subject.connection.isUsable).toBe(false);
  });

  test("headers larger than a frame of the peer continue", () => {
    const subject = createSubject("client");
    const values = Array.from({ length: 3 }, (_, i) => [`x${i}`, "v".repeat(10_000)]).flat();
    subject.connection.openStream([...REQUEST, ...values], true, "");
    const frames = subject.said();
    expect(frames.map(({ type, flags }) => [type, flags])).toEqual([
      [FRAME.HEADERS, FLAG.END_STREAM],
      [FRAME.CONTINUATION, FLAG.END_HEADERS],
    ]);
  });
});

test("a PING is answered with its payload, and an answer is told to who asked", () => {
  const subject = createSubject("server");
  subject.hear(frame(FRAME.PING, 0, 0, "0102030405060708"));
  const number = subject.connection.ping();
  const [answer, question] = subject.said();
  expect(answer).toMatchObject({ type: FRAME.PING, flags: FLAG.ACK, payload: Buffer.from("0102030405060708", "hex") });
  subject.hear(frame(FRAME.PING, FLAG.ACK, 0, question!.payload));
  expect(subject.events).toEqual([`pong ${number}`]);
});

const { PROTOCOL_ERROR, FLOW_CONTROL_ERROR, STREAM_CLOSED, FRAME_SIZE_ERROR, COMPRESSION_ERROR } = ERROR_CODE;

describe("a connection error at a server", () => {
  const cases: readonly (readonly [name: string, code: number, bytes: Buffer])[] = [
    ["DATA on stream 0", PROTOCOL_ERROR, data(0, "x")],
    ["DATA on an idle stream", PROTOCOL_ERROR, data(1, "x")],
    [
      "DATA on a stream that both sides have ended",
      STREAM_CLOSED,
      Buffer.concat([request(1, true), reset(1, 0), data(1, "x")]),
    ],
    [
      "padding longer than DATA",
      PROTOCOL_ERROR,
      Buffer.concat([request(1), frame(FRAME.DATA, FLAG.PADDED, 1, "0561")]),
    ],
    [
      "padded DATA without a pad length",
      FRAME_SIZE_ERROR,
      Buffer.concat([request(1), frame(FRAME.DATA, FLAG.PADDED, 1)]),
    ],
    ["padding longer than HEADERS", PROTOCOL_ERROR, frame(FRAME.HEADERS, FLAG.PADDED | FLAG.END_HEADERS, 1, "0582")],
    [
      "HEADERS too short for their priority",
      FRAME_SIZE_ERROR,
      frame(FRAME.HEADERS, FLAG.PRIORITY | FLAG.END_HEADERS, 1, "82"),
    ],
    ["HEADERS on stream 0", PROTOCOL_ERROR, headers(0, REQUEST)],
    ["HEADERS on an even stream", PROTOCOL_ERROR, request(2)],
    ["HEADERS on a stream that has ended", STREAM_CLOSED, Buffer.concat([request(5, true), request(3)])],
    [
      "a header block that is interrupted",
      PROTOCOL_ERROR,
      Buffer.concat([frame(FRAME.HEADERS, 0, 1, "82"), data(1, "x")]),
    ],
    [
      "a header block of another stream in between",
      PROTOCOL_ERROR,
      Buffer.concat([frame(FRAME.HEADERS, 0, 1, "82"), frame(FRAME.CONTINUATION, 4, 3)]),
    ],
    ["CONTINUATION without HEADERS", PROTOCOL_ERROR, frame(FRAME.CONTINUATION, FLAG.END_HEADERS, 1, "82")],
    ["a malformed header block", COMPRESSION_ERROR, frame(FRAME.HEADERS, FLAG.END_HEADERS, 1, "80")],
    ["PRIORITY on stream 0", PROTOCOL_ERROR, frame(FRAME.PRIORITY, 0, 0, "0000000000")],
    ["PRIORITY of 4 bytes", FRAME_SIZE_ERROR, frame(FRAME.PRIORITY, 0, 1, "00000000")],
    ["RST_STREAM on stream 0", PROTOCOL_ERROR, reset(0, 0)],
    ["RST_STREAM on an idle stream", PROTOCOL_ERROR, reset(1, 0)],
    ["RST_STREAM of 3 bytes", FRAME_SIZE_ERROR, frame(FRAME.RST_STREAM, 0, 1, "000000")],
    ["SETTINGS on a stream", PROTOCOL_ERROR, frame(FRAME.SETTINGS, 0, 1)],
    ["SETTINGS of 5 bytes", FRAME_SIZE_ERROR, frame(FRAME.SETTINGS, 0, 0, "0000000000")],
    ["an answer to SETTINGS with a payload", FRAME_SIZE_ERROR, frame(FRAME.SETTINGS, FLAG.ACK, 0, "000000000000")],
    ["ENABLE_PUSH of 2", PROTOCOL_ERROR, settings([2, 2])],
    ["INITIAL_WINDOW_SIZE of 2^31", FLOW_CONTROL_ERROR, settings([4, 2 ** 31])],
    ["MAX_FRAME_SIZE of 16,383", PROTOCOL_ERROR, settings([5, 16_383])],
    ["MAX_FRAME_SIZE of 2^24", PROTOCOL_ERROR, settings([5, 2 ** 24])],
    [
      "PUSH_PROMISE",
      PROTOCOL_ERROR,
      Buffer.concat([request(1), frame(FRAME.PUSH_PROMISE, FLAG.END_HEADERS, 1, "0000000282")]),
    ],
    ["PING on a stream", PROTOCOL_ERROR, frame(FRAME.PING, 0, 1, "0000000000000000")],
    ["PING of 7 bytes", FRAME_SIZE_ERROR, frame(FRAME.PING, 0, 0, "00000000000000")],
    ["GOAWAY on a stream", PROTOCOL_ERROR, frame(FRAME.GOAWAY, 0, 1, uint32(0, 0))],
    ["GOAWAY of 4 bytes", FRAME_SIZE_ERROR, frame(FRAME.GOAWAY, 0, 0, uint32(0))],
    ["WINDOW_UPDATE of 0 for the connection", PROTOCOL_ERROR, frame(FRAME.WINDOW_UPDATE, 0, 0, uint32(0))],
    ["WINDOW_UPDATE on an idle stream", PROTOCOL_ERROR, frame(FRAME.WINDOW_UPDATE, 0, 1, uint32(1))],
    ["WINDOW_UPDATE of 3 bytes", FRAME_SIZE_ERROR, frame(FRAME.WINDOW_UPDATE, 0, 0, "000001")],
    [
      "a window of the connection above 2^31 - 1",
      FLOW_CONTROL_ERROR,
      frame(FRAME.WINDOW_UPDATE, 0, 0, uint32(2 ** 31 - 1)),
    ],
    ["a frame above the limit", FRAME_SIZE_ERROR, frame(0x2a, 0, 0, Buffer.alloc(65_537))],
  ];

  test.each(cases)("%s", (_name, code, bytes) => {
    const subject = createSubject("server");
    subject.hear(bytes, request(99));
    expect(goAwayCode(subject.said())).toBe(code);
    expect(subject.events.at(-1)).toMatch(/^failed /);
    subject.hear(request(101));
    expect(subject.said()).toEqual([]);
  });

  test("anything but the preface, or but SETTINGS behind it", () => {
    for (const bytes of [
      Buffer.from("GET / HTTP/1.1\r\n\r\n"),
      Buffer.concat([PREFACE, request(1)]),
      Buffer.concat([PREFACE, SETTINGS_ACK]),
    ]) {
      const subject = createSubject("server", {}, false);
      subject.hear(bytes);
      expect(goAwayCode(subject.said())).toBe(PROTOCOL_ERROR);
    }
  });

  test("settings that make a stream's window too large", () => {
    const subject = createSubject("server");
    subject.hear(request(1), frame(FRAME.WINDOW_UPDATE, 0, 1, uint32(2 ** 31 - 65_536)), settings([4, 65_536]));
    expect(goAwayCode(subject.said())).toBe(FLOW_CONTROL_ERROR);
  });

  test("ends every open stream", () => {
    const subject = createSubject("server");
    subject.hear(request(1), request(3), data(0, ""));
    expect(subject.events.slice(2, -1)).toEqual(["reset 1 1 connection", "close 1", "reset 3 1 connection", "close 3"]);
  });
});

describe("a connection error at a client", () => {
  test.each([
    ["HEADERS on a stream that it has not opened", PROTOCOL_ERROR, headers(3, RESPONSE)],
    ["HEADERS on a stream of the server", PROTOCOL_ERROR, headers(2, RESPONSE)],
    ["ENABLE_PUSH of 1", PROTOCOL_ERROR, settings([2, 1])],
    ["PUSH_PROMISE", PROTOCOL_ERROR, frame(FRAME.PUSH_PROMISE, FLAG.END_HEADERS, 1, "0000000282")],
  ])("%s", (_name, code, bytes) => {
    const { subject } = clientWithStream();
    subject.hear(bytes);
    expect(goAwayCode(subject.said())).toBe(code);
  });
});

describe("a stream error at a server", () => {
  const without = (name: string) => REQUEST.filter((_, i) => REQUEST[i - (i % 2)] !== name);
  const cases: readonly (readonly [name: string, code: number, bytes: Buffer])[] = [
    ["a request without :path", PROTOCOL_ERROR, headers(1, without(":path"), true)],
    ["a request without :method", PROTOCOL_ERROR, headers(1, without(":method"), true)],
    ["a request without :scheme", PROTOCOL_ERROR, headers(1, without(":scheme"), true)],
    ["a request with :status", PROTOCOL_ERROR, headers(1, [...REQUEST, ":status", "200"], true)],
    ["upper case in a name", PROTOCOL_ERROR, headers(1, [...REQUEST, "X-A", "b"], true)],
    ["a field of HTTP/1", PROTOCOL_ERROR, headers(1, [...REQUEST, "connection", "close"], true)],
    ["a pseudo header behind others", PROTOCOL_ERROR, headers(1, ["a", "b", ...REQUEST], true)],
    ["pseudo headers in trailers", PROTOCOL_ERROR, Buffer.concat([request(1), headers(1, [":path", "/"], true)])],
    ["trailers that do not end the stream", PROTOCOL_ERROR, Buffer.concat([request(1), headers(1, ["a", "b"])])],
    ["DATA behind the end", STREAM_CLOSED, Buffer.concat([request(1, true), data(1, "x")])],
    ["HEADERS behind the end", STREAM_CLOSED, Buffer.concat([request(1, true), headers(1, ["a", "b"], true)])],
    ["WINDOW_UPDATE of 0", PROTOCOL_ERROR, Buffer.concat([request(1), frame(FRAME.WINDOW_UPDATE, 0, 1, uint32(0))])],
    [
      "a window above 2^31 - 1",
      FLOW_CONTROL_ERROR,
      Buffer.concat([request(1), frame(FRAME.WINDOW_UPDATE, 0, 1, uint32(2 ** 31 - 1))]),
    ],
    [
      "more DATA than content-length",
      PROTOCOL_ERROR,
      Buffer.concat([headers(1, [...REQUEST, "content-length", "1"]), data(1, "xy")]),
    ],
    [
      "less DATA than content-length",
      PROTOCOL_ERROR,
      Buffer.concat([headers(1, [...REQUEST, "content-length", "3"]), data(1, "xy", true)]),
    ],
    [
      "less DATA than content-length before trailers",
      PROTOCOL_ERROR,
      Buffer.concat([headers(1, [...REQUEST, "content-length", "3"]), data(1, "xy"), headers(1, ["a", "b"], true)]),
    ],
    ["a content-length without a body", PROTOCOL_ERROR, headers(1, [...REQUEST, "content-length", "3"], true)],
  ];

  test.each(cases)("%s resets it and nothing else", (_name, code, bytes) => {
    const subject = createSubject("server");
    subject.hear(bytes, data(1, "was on its way", true), request(3, true));
    expect(resetCodes(subject.said())).toEqual([[1, code]]);
    expect(subject.events.at(-1)).toBe(`headers 3 ${CONTENT} end`);
  });

  test("a request to CONNECT needs no path", () => {
    const subject = createSubject("server");
    subject.hear(headers(1, [":method", "CONNECT", ":authority", "a"]));
    expect(subject.events).toEqual(["headers 1 :method,CONNECT,:authority,a"]);
  });
});

describe("a stream error at a client", () => {
  test.each([
    ["a response without :status", headers(1, ["a", "b"])],
    ["a response with :path", headers(1, [...RESPONSE, ":path", "/"])],
    ["a status that is none", headers(1, [":status", "20"])],
    ["DATA before the headers", data(1, "x")],
    ["an informational response at the end", headers(1, [":status", "100"], true)],
    ["an upgrade", headers(1, [":status", "101"])],
  ])("%s", (_name, bytes) => {
    const { subject } = clientWithStream();
    subject.hear(bytes);
    expect(resetCodes(subject.said())).toEqual([[1, PROTOCOL_ERROR]]);
    expect(subject.events).toEqual(["reset 1 1 fault", "close 1"]);
  });
});

test("the encoder follows the smallest of several table sizes in one frame", () => {
  const subject = createSubject("server");
  subject.hear(settings([1, 0], [1, 100]), request(1, true));
  subject.connection.sendHeaders(subject.streams.get(1)!, RESPONSE, true);
  const block = subject.said().find(({ type }) => type === FRAME.HEADERS)!.payload;
  expect(block[0]).toBe(0x20);
});

test("an owner's error in an event ends the connection and is not thrown", () => {
  const subject = createSubject("server");
  subject.onData = () => {
    throw new Error("the owner's own");
  };
  subject.hear(request(1), data(1, "x"));
  expect(goAwayCode(subject.said())).toBe(ERROR_CODE.INTERNAL_ERROR);
  expect(subject.events.at(-1)).toContain("the owner's own");
});

test("a literal of the fixture is what the connection takes for it", () => {
  expect(literal("a", "b").toString("hex")).toBe("0001610162");
});

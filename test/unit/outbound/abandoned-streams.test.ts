import { expect, test } from "vitest";
import { createAbandonedStreams } from "../../../src/outbound/abandoned-streams.ts";
import { Http2Stream } from "../../../src/protocol/http2/stream.ts";
import { createFakeClock } from "../../fake-clock.ts";

function setUp({ allowed = 0, maxStreams = 1_000_000 } = {}) {
  const clock = createFakeClock();
  const open: Http2Stream<string>[] = [];
  const resets: number[] = [];
  const state = { allowed, tooMany: 0 };
  const abandoned = createAbandonedStreams<string>({
    http2: {
      get openStreams() {
        return open.length;
      },
      get freeStreams() {
        return maxStreams - open.length;
      },
      resetStream(stream) {
        resets.push(stream.id);
        end(stream);
      },
    },
    clock,
    mayReset: () => state.allowed-- > 0,
    onTooMany: () => void state.tooMany++,
  });
  function add(): Http2Stream<string> {
    const stream = new Http2Stream<string>(2 * open.length + 1, 0, 0, 0);
    stream.context = "its call";
    open.push(stream);
    abandoned.add(stream);
    return stream;
  }
  function end(stream: Http2Stream<string>): void {
    stream.closed = true;
    abandoned.closed(stream);
  }
  return { clock, resets, state, abandoned, add, end };
}

test("a stream is reset at once where that is allowed, and holds nothing of its call", () => {
  const { resets, abandoned, add, clock } = setUp({ allowed: 1 });
  expect(add().context).toBeUndefined();
  expect(resets).toEqual([1]);
  expect(abandoned.size()).toBe(0);
  expect(clock.pending).toBe(0);
});

test("else they are reset in their order as it becomes allowed, with one timer, and those that end by themselves are not", () => {
  const { resets, abandoned, add, end, clock, state } = setUp();
  const streams = [add(), add(), add(), add()];
  expect(streams.every(({ context }) => context === undefined)).toBe(true);
  expect(clock.pending).toBe(1);
  end(streams[1]!);
  state.allowed = 2;
  clock.advance(100);
  expect(resets).toEqual([1, 5]);
  expect(abandoned.size()).toBe(1);
  state.allowed = 1;
  clock.advance(100);
  expect(resets).toEqual([1, 5, 7]);
  expect(clock.pending).toBe(0);
});

test("half of the streams that the peer allows are too many, and a thousand where it allows any", () => {
  const few = setUp({ maxStreams: 10 });
  for (let i = 0; i < 4; i++) few.add();
  expect(few.state.tooMany).toBe(0);
  few.add();
  expect(few.state.tooMany).toBe(1);
  const many = setUp();
  for (let i = 0; i < 999; i++) many.add();
  expect(many.state.tooMany).toBe(0);
  many.add();
  expect(many.state.tooMany).toBe(1);
});

test("a stream that has closed already needs nothing", () => {
  const { abandoned, resets } = setUp({ allowed: 1 });
  const stream = new Http2Stream<string>(1, 0, 0, 0);
  stream.closed = true;
  abandoned.add(stream);
  expect([abandoned.size(), resets]).toEqual([0, []]);
});

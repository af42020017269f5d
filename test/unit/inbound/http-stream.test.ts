import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { Metadata } from "../../../src/base/metadata.ts";
import { carryStream } from "../../../src/inbound/http-stream.ts";
import type { HttpResponseStream } from "../../../src/protocol/http/http.ts";
import { createFakeClock } from "../../fake-clock.ts";

/** A request and its response without sockets, and all that was asked of them. */
function exchange({ closes = false } = {}) {
  const asked: string[] = [];
  const written: string[] = [];
  let release: (() => void) | undefined;
  const outgoing = new Writable({
    highWaterMark: 10,
    write(chunk, _encoding, done) {
      written.push(String(chunk));
      release = done;
    },
  });
  let response: HttpResponseStream | undefined;
  const clock = createFakeClock();
  const told = (what: string) => () => void asked.push(what);
  const carried = carryStream(
    (opened) => {
      response = opened;
      return {
        data: (bytes) => void asked.push(`data ${bytes.length}`),
        ended: told("ended"),
        left: told("left"),
        drained: told("drained"),
      };
    },
    {
      outgoing,
      begin: told("begin"),
      closes,
      pause: told("pause"),
      resume: told("resume"),
      end: (isRead) => void asked.push(`end ${isRead}`),
      cut: told("cut"),
    },
    clock,
  );
  if (!response) throw new Error("the stream was not opened");
  return { ...carried, asked, written, response, clock, drain: () => release?.() };
}

const KIB = 1024;

test("a body is paused while too much of it has not been consumed, and what comes all the same waits", async () => {
  const { data, asked, response, ended } = exchange();
  data(Buffer.alloc(40 * KIB));
  data(Buffer.alloc(40 * KIB));
  data(Buffer.alloc(1));
  ended();
  expect(asked).toEqual(["data 40960", "data 40960", "pause"]);
  response.consumed(10 * KIB);
  await Promise.resolve();
  expect(asked).toHaveLength(3);
  response.consumed(40 * KIB);
  await Promise.resolve();
  // The next request comes over the same connection.
  expect(asked.slice(3)).toEqual(["data 1", "resume", "ended"]);
});

test("a connection that is to be closed is not, while the rest of a request may be on its way", () => {
  const ended = exchange({ closes: true });
  ended.response.end();
  ended.data(Buffer.alloc(10));
  expect(ended.asked).toEqual([]);
  ended.ended();
  ended.clock.advance(10_000);
  expect(ended.asked).toEqual(["end true"]);

  const endless = exchange({ closes: true });
  endless.response.end();
  endless.clock.advance(999);
  expect(endless.asked).toEqual([]);
  endless.clock.advance(1);
  endless.ended();
  expect(endless.asked).toEqual(["end false"]);

  const gone = exchange({ closes: true });
  gone.response.end();
  gone.left();
  gone.clock.advance(10_000);
  expect(gone.asked).toEqual([]);
});

test("reading goes on when what waited has been taken", async () => {
  const { data, asked, response } = exchange();
  data(Buffer.alloc(70 * KIB));
  response.consumed(70 * KIB);
  await Promise.resolve();
  expect(asked).toEqual(["data 71680", "pause", "resume"]);
});

test("a caller whose body comes without end although it is paused is cut", () => {
  const { data, asked } = exchange();
  data(Buffer.alloc(70 * KIB));
  for (let i = 0; i < 17; i++) data(Buffer.alloc(1024 * KIB));
  expect(asked).toEqual(["data 71680", "pause", "left", "cut"]);
});

test("what is written in one turn leaves in one piece, and who writes hears when it does not", async () => {
  const { written, response, asked, drain } = exchange();
  response.begin(200, Metadata.EMPTY);
  for (const piece of ["one ", "two ", "three"]) expect(response.write(Buffer.from(piece))).toBe(true);
  await expect.poll(() => written).toEqual(["one two three"]);
  expect(response.write(Buffer.from("four"))).toBe(false);
  drain();
  await expect.poll(() => asked).toContain("drained");
  expect(response.write(Buffer.from("five"))).toBe(true);
});

test("behind an answer some of the body is thrown away, and too much of it cuts the connection", () => {
  const { data, asked, response } = exchange();
  data(Buffer.alloc(70 * KIB));
  response.end();
  expect(asked.slice(1)).toEqual(["pause", "resume", "end false"]);
  data(Buffer.alloc(1024 * KIB));
  expect(asked).not.toContain("cut");
  data(Buffer.alloc(1));
  expect(asked).toContain("cut");
});

test("the end of the body is told once it has come, and not behind an answer", () => {
  const first = exchange();
  first.ended();
  first.response.end();
  expect(first.asked).toEqual(["ended", "end true"]);
  const second = exchange();
  second.response.end();
  second.ended();
  expect(second.asked).toEqual(["end false"]);
});

test("of a caller that has gone nothing is asked any more", () => {
  const { data, left, asked, response, ended } = exchange();
  data(Buffer.alloc(70 * KIB));
  left();
  left();
  response.consumed(70 * KIB);
  response.write(Buffer.from("more"));
  response.end();
  data(Buffer.alloc(1));
  ended();
  expect(asked).toEqual(["data 71680", "pause", "left"]);
});

import { expect, test } from "vitest";
import { WaitingLine } from "../../../src/outbound/waiting-line.ts";

const waiter = (name: string) => ({ name, left: false });

test("the first who has not left is the next", () => {
  const line = new WaitingLine<ReturnType<typeof waiter>>("a:1", 10);
  const [first, second, third] = [waiter("first"), waiter("second"), waiter("third")];
  for (const each of [first, second, third]) expect(line.add(each)).toBeUndefined();
  first.left = true;
  expect(line.count).toBe(2);
  expect(line.next()).toBe(second);
  expect(line.takeAll()).toEqual([third]);
  expect(line.next()).toBeUndefined();
});

test("a line that is full refuses, and those who have left take no room", () => {
  const line = new WaitingLine<ReturnType<typeof waiter>>("a:1", 2);
  const [first, second, third] = [waiter("first"), waiter("second"), waiter("third")];
  line.add(first);
  line.add(second);
  expect(line.add(third)).toMatchObject({
    code: "RESOURCE_EXHAUSTED",
    sent: false,
    message: "2 calls wait for a connection to a:1 already (maxPending)",
  });
  first.left = true;
  expect(line.add(third)).toBeUndefined();
  expect(line.takeAll()).toEqual([second, third]);
});

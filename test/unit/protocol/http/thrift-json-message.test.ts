import { expect, test } from "vitest";
import { readJsonMessage, writeJsonMessage } from "../../../../src/protocol/http/thrift-json-message.ts";

const read = (text: string) => readJsonMessage(Buffer.from(text));

test("a message is taken apart, white space and escapes in its head included", () => {
  const { struct, ...head } = read(' [ 1 , "Shop:gr\\u00fc\\"n é" , 1 , -7 , {"1":{"str":"]"}} ] \n');
  expect(head).toEqual({ name: 'Shop:grü"n é', type: 1, sequenceId: -7 });
  expect(JSON.parse(Buffer.from(struct).toString())).toEqual({ 1: { str: "]" } });
});

test("what is written is read again", () => {
  const head = { name: 'é"', type: 2, sequenceId: 2 ** 31 - 1 };
  const { struct, ...readHead } = readJsonMessage(writeJsonMessage(head, Buffer.from("{}")));
  expect(readHead).toEqual(head);
  expect(Buffer.from(struct).toString()).toBe("{}");
});

test.each([
  "",
  "[",
  "[]",
  '[2,"a",1,1,{}]',
  "[1,a,1,1,{}]",
  '[1,"a",1,1,{}',
  '[1,"\\q",1,1,{}]',
  '{"a":1}',
  '[1,"a",1,1.5,{}]',
])("%j is no message, and the error says what is one", (text) => {
  expect(() => read(text)).toThrow('a Thrift message in JSON is [1,"name",type,sequenceId,{…}]');
});

test("a head that does not end is not searched further than its bound", () => {
  expect(() => read(`[1,"${"a".repeat(10_000_000)}",1,1,{}]`)).toThrow("a Thrift message in JSON");
});

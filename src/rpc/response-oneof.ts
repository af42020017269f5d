// Looks into a Protobuf response that is a oneof of a method's result and its exceptions, without decoding it: whoever counts or
// judges replies wants to know which of them came.
import type { Field, Method } from "../schema/model.ts";
import { ONEOF_SUCCESS_NUMBER } from "../schema/result-numbers.ts";

/** The exception that the response holds, told by the number of its first field; undefined where responses are results alone. */
export function exceptionInResponse({ rules, response }: Method, bytes: Uint8Array): Field | undefined {
  if (rules.oneof === undefined || !response) return undefined;
  const field = response.fieldsById.get(firstNumber(bytes));
  if (!field) return undefined;
  const isSuccess = field.rules.field === undefined ? field.id === ONEOF_SUCCESS_NUMBER : field.rules.field === 0;
  return isSuccess ? undefined : field;
}

/** The field number of the key that the message begins with; 0 for none. */
function firstNumber(bytes: Uint8Array): number {
  let key = 0;
  for (let i = 0; i < 5; i++) {
    const byte = bytes[i] ?? 0;
    key += (byte & 127) * 2 ** (7 * i);
    if (byte < 128) return Math.floor(key / 8);
  }
  return 0;
}

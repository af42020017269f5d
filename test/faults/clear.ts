// What an error must be to help a person.
import { expect } from "vitest";

/** How JavaScript, V8 and WebAssembly speak of a mistake in our code; nobody who sent bad bytes can do anything with it. */
const FAULTS_OF_OURS =
  /undefined|is not a function|cannot read prop|invalid array|call stack|unreachable|out of memory|out of bounds|out of range\. it must|memory access|not iterable|not yet|\[object/i;

/** Holds a message to being one for people: there is one, and it does not speak of our own code. */
export function expectClear(message: string): void {
  expect(message).not.toBe("");
  if (FAULTS_OF_OURS.test(message)) throw new Error(`not a clear error: ${message}`);
}

// Calls that wait for a connection to an endpoint, first come first served, and no more of them than are allowed.
import { RpcError } from "../base/errors.ts";

/** Somebody in a line, who sets `left` when it does not want its turn any more. */
export interface InLine {
  readonly left: boolean;
}

/** A line of at most `maxPending`. */
export class WaitingLine<Waiter extends InLine> {
  readonly #name: string;
  readonly #maxPending: number;
  #waiters: Waiter[] = [];

  /** `name` is what errors call the endpoint. */
  constructor(name: string, maxPending: number) {
    this.#name = name;
    this.#maxPending = maxPending;
  }

  /** Puts somebody at the end; where there is no room, returns the error to be told instead. */
  add(waiter: Waiter): RpcError | undefined {
    if (this.#waiters.length >= this.#maxPending) {
      this.#waiters = this.#waiters.filter(({ left }) => !left);
      if (this.#waiters.length >= this.#maxPending) return tooManyPending(this.#name, this.#maxPending);
    }
    this.#waiters.push(waiter);
    return undefined;
  }

  /** Takes out the first who has not left. */
  next(): Waiter | undefined {
    let waiter = this.#waiters.shift();
    while (waiter?.left) waiter = this.#waiters.shift();
    return waiter;
  }

  /** Takes out all who have not left. */
  takeAll(): readonly Waiter[] {
    const all = this.#waiters;
    this.#waiters = [];
    return all.filter(({ left }) => !left);
  }

  /** How many stand in line, with those who have left and were not noticed yet. */
  get length(): number {
    return this.#waiters.length;
  }

  /** How many wait. */
  get count(): number {
    return this.#waiters.reduce((sum, { left }) => (left ? sum : sum + 1), 0);
  }
}

/** The error of a call too many: it was not sent, and might be taken elsewhere. */
export function tooManyPending(name: string, maxPending: number): RpcError {
  const text = `${maxPending} calls wait for a connection to ${name} already (maxPending)`;
  return new RpcError("RESOURCE_EXHAUSTED", text);
}

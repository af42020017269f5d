// Calling something off. An AbortSignal says the same and is an EventTarget besides, which costs every call more than the
// rest of its deadline does; what needs one can be given one, because these are a part of it.

/** Tells whether something was called off, and tells those who listen when it is; every AbortSignal is one. */
export interface CancelSignal {
  readonly aborted: boolean;
  /** Why; undefined until then. */
  readonly reason: unknown;
  /** Listeners are called once, with the signal already aborted, and must not throw. */
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** Calls something off, once; what comes after is not heard. */
export class Canceller implements CancelSignal {
  aborted = false;
  reason: unknown = undefined;
  /** Most signals have one listener at a time, so only a second one makes a set. */
  #first: (() => void) | undefined;
  #others: Set<() => void> | undefined;

  addEventListener(_: "abort", listener: () => void): void {
    if (this.aborted || listener === this.#first) return;
    if (this.#first === undefined) {
      this.#first = listener;
      return;
    }
    this.#others ??= new Set();
    this.#others.add(listener);
  }

  removeEventListener(_: "abort", listener: () => void): void {
    if (listener === this.#first) this.#first = undefined;
    else this.#others?.delete(listener);
  }

  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    const [first, others] = [this.#first, this.#others];
    this.#first = undefined;
    this.#others = undefined;
    first?.();
    if (others) for (const listener of others) listener();
  }
}

/** The signal of what nobody can call off. */
export const NEVER_CANCELLED: CancelSignal = {
  aborted: false,
  reason: undefined,
  addEventListener() {},
  removeEventListener() {},
};

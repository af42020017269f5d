// How often a peer may do what costs us more than it: a token bucket that looks at the clock only when it is empty.
import { ConnectionFault, ERROR_CODE } from "./error-codes.ts";
import type { Rate } from "./options.ts";

/** Allows `burst` at once and `perSecond` in the long run. */
export class Budget {
  readonly #rate: Rate;
  readonly #nowMs: () => number;
  readonly #what: string;
  #left: number;
  #filledAtMs: number;

  /** `what` is said to a peer that passes it. */
  constructor(rate: Rate, nowMs: () => number, what: string) {
    this.#rate = rate;
    this.#nowMs = nowMs;
    this.#what = what;
    this.#left = rate.burst;
    this.#filledAtMs = nowMs();
  }

  /** Throws a ConnectionFault ENHANCE_YOUR_CALM when nothing is left. */
  spend(): void {
    if (--this.#left >= 0) return;
    const nowMs = this.#nowMs();
    const { burst, perSecond } = this.#rate;
    this.#left = Math.min(burst, Math.floor(((nowMs - this.#filledAtMs) / 1_000) * perSecond)) - 1;
    if (this.#left < 0) throw new ConnectionFault(ERROR_CODE.ENHANCE_YOUR_CALM, this.#what);
    this.#filledAtMs = nowMs;
  }

  /** Gives some back, up to the burst. */
  earn(count: number): void {
    this.#left = Math.min(this.#rate.burst, this.#left + count);
  }

  /** Gives all back. */
  refill(): void {
    this.#left = this.#rate.burst;
  }
}

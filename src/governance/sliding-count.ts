// A count over the last seconds: what happened before is forgotten a slot at a time.

/** A count that forgets. */
export interface SlidingCount {
  add(nowMs: number, amount?: number): void;
  /** What was added in the window that ends now. */
  sum(nowMs: number): number;
  clear(): void;
}

const SLOTS = 10;

/** A count over `windowMs`, exact to a tenth of it. */
export function createSlidingCount(windowMs: number): SlidingCount {
  const slotMs = windowMs / SLOTS;
  const slots = new Float64Array(SLOTS);
  let total = 0;
  let newest = Number.NEGATIVE_INFINITY;

  function moveTo(nowMs: number): number {
    const slot = Math.floor(nowMs / slotMs);
    if (slot - newest >= SLOTS) clear();
    else {
      for (let passed = newest + 1; passed <= slot; passed++) {
        const at = indexOf(passed);
        total -= slots[at]!;
        slots[at] = 0;
      }
    }
    if (slot > newest) newest = slot;
    return indexOf(newest);
  }

  function clear(): void {
    slots.fill(0);
    total = 0;
  }

  return {
    add(nowMs, amount = 1) {
      const at = moveTo(nowMs);
      slots[at]! += amount;
      total += amount;
    },
    sum(nowMs) {
      moveTo(nowMs);
      return total;
    },
    clear,
  };
}

/** The clock's zero means nothing, so its readings may be negative. */
function indexOf(slot: number): number {
  return ((slot % SLOTS) + SLOTS) % SLOTS;
}

// Many timers of which hardly one ever fires: each call has a deadline, and nearly all end before it. Adding and calling
// off cost next to nothing here, where Node's timers are made and unmade one by one.

/** Something to run at a time. */
interface Timer {
  readonly atMs: number;
  /** Undefined when it was called off, or has run. */
  run: (() => void) | undefined;
}

/** What the queue stands on. */
export interface TimerSource {
  nowMs(): number;
  /** Calls `run` once after `delayMs`, or somewhat before; the function that is returned calls it off. */
  after(delayMs: number, run: () => void): () => void;
}

/** So many timers that were called off may stand beside those that were not. */
const MOST_DEAD = 64;

/**
 * A binary heap (Williams, Algorithm 232) in which timers that are called off stay until they would be due, or until they
 * are as many as the others; one timer of the source, for the earliest.
 */
export class TimerQueue {
  readonly #source: TimerSource;
  /** No timer is due before those at 2i+1 and 2i+2 of the one at i. */
  #heap: Timer[] = [];
  #dead = 0;
  /** When the source will call, and how to call that off. */
  #armedForMs = Number.POSITIVE_INFINITY;
  #disarm: (() => void) | undefined;
  readonly #fire = (): void => this.#run();

  constructor(source: TimerSource) {
    this.#source = source;
  }

  /** How many timers wait. */
  get size(): number {
    return this.#heap.length - this.#dead;
  }

  /** Runs `run` once at `atMs` or soon after; the function that is returned calls it off. */
  add(atMs: number, run: () => void): () => void {
    const timer: Timer = { atMs, run };
    this.#heap.push(timer);
    this.#raise(this.#heap.length - 1);
    this.#arm();
    return () => {
      if (timer.run === undefined) return;
      timer.run = undefined;
      this.#dead++;
      if (this.#dead > MOST_DEAD && 2 * this.#dead > this.#heap.length) this.#sweep();
    };
  }

  #arm(): void {
    const first = this.#heap[0];
    if (first === undefined || first.atMs >= this.#armedForMs) return;
    this.#armedForMs = first.atMs;
    this.#disarm?.();
    this.#disarm = this.#source.after(first.atMs - this.#source.nowMs(), this.#fire);
  }

  #run(): void {
    this.#armedForMs = Number.POSITIVE_INFINITY;
    this.#disarm = undefined;
    const nowMs = this.#source.nowMs();
    try {
      for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
        if (first.run !== undefined && first.atMs > nowMs) break;
        this.#removeFirst();
        const { run } = first;
        if (run === undefined) {
          this.#dead--;
          continue;
        }
        first.run = undefined;
        run();
      }
    } finally {
      this.#arm();
    }
  }

  #removeFirst(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#lower(0);
  }

  #sweep(): void {
    this.#heap = this.#heap.filter(({ run }) => run !== undefined);
    this.#dead = 0;
    for (let at = (this.#heap.length >> 1) - 1; at >= 0; at--) this.#lower(at);
  }

  #raise(from: number): void {
    const heap = this.#heap;
    const timer = heap[from]!;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent]!.atMs <= timer.atMs) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = timer;
  }

  #lower(from: number): void {
    const heap = this.#heap;
    const timer = heap[from]!;
    let at = from;
    for (let child = 2 * at + 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && heap[child + 1]!.atMs < heap[child]!.atMs) child++;
      if (heap[child]!.atMs >= timer.atMs) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = timer;
  }
}

// Work over many things, a few at a time: a directory of ten thousand files must not be ten thousand open requests.

/** Runs `run` on each of `all`, on at most `most` at once; rejects with the first failure. */
export async function eachAtOnce<T>(all: Iterable<T>, most: number, run: (one: T) => Promise<void>): Promise<void> {
  const rest = all[Symbol.iterator]();
  async function work(): Promise<void> {
    for (let next = rest.next(); !next.done; next = rest.next()) await run(next.value);
  }
  await Promise.all(Array.from({ length: most }, work));
}

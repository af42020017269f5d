// Which bad answer a server gives next, when many calls are on their way: those of one key go one after the other.

export interface Turns<T> {
  /** What is to be answered under this key now. */
  current(key: string): T | undefined;
  /** Runs `exchange` with this answer, behind those that came before it under the same key. */
  take(key: string, answer: T, exchange: () => Promise<void>): Promise<void>;
}

export function createTurns<T>(): Turns<T> {
  const answers = new Map<string, T>();
  const last = new Map<string, Promise<void>>();
  return {
    current: (key) => answers.get(key),
    take(key, answer, exchange) {
      const turn = (last.get(key) ?? Promise.resolve()).then(() => {
        answers.set(key, answer);
        return exchange();
      });
      // One that fails fails alone.
      last.set(
        key,
        turn.catch(() => {}),
      );
      return turn;
    },
  };
}

// What the house writes to its log; app.ts gives it pino.

/** Facts first, then a sentence, as pino has it. */
export interface Log {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

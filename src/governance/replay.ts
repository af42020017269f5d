// The messages that an attempt at a stream has taken, kept as long as there may be another attempt.
import type { Payload } from "../rpc/call.ts";
import type { Messages } from "../rpc/stream.ts";

/** Most bytes of messages that are kept, and how many messages; with more sent there is no other attempt. */
const MAX_KEPT_BYTES = 64 * 1024;
const MAX_KEPT_MESSAGES = 64;

/** One call's messages, for one attempt after the other. */
export interface Replay {
  /** All messages from the first on, for an attempt that follows the last one. */
  messages(): Messages;
  /** Whether another attempt would get all of them. */
  isWhole(): boolean;
  /** There will be no other attempt: nothing is kept any more. */
  release(): void;
}

/** Keeps what is read of `messages`, up to 64 KiB and 64 messages. */
export function createReplay(messages: Messages): Replay {
  const source = messages[Symbol.asyncIterator]();
  /** The source's steps: those before `position` have been taken by this attempt, the others by the one before only. */
  const steps: Promise<IteratorResult<Payload>>[] = [];
  let position = 0;
  let keptBytes = 0;
  let keeping = true;

  function stopKeeping(): void {
    if (!keeping) return;
    keeping = false;
    steps.splice(0, position);
  }

  function keep(step: Promise<IteratorResult<Payload>>): void {
    steps.push(step);
    position++;
    if (steps.length > MAX_KEPT_MESSAGES) stopKeeping();
    step.then(
      ({ done, value }) => {
        keptBytes += done ? 0 : value.bytes.length;
        if (keptBytes > MAX_KEPT_BYTES) stopKeeping();
      },
      () => {},
    );
  }

  function next(): Promise<IteratorResult<Payload>> {
    if (!keeping) return steps.shift() ?? source.next();
    const known = steps[position];
    if (known) {
      position++;
      return known;
    }
    const step = source.next();
    keep(step);
    return step;
  }

  return {
    messages() {
      position = 0;
      return {
        [Symbol.asyncIterator]: () => ({ next }),
        poll: () => (keeping || steps.length > 0 ? undefined : messages.poll?.()),
      };
    },
    isWhole: () => keeping,
    release: stopKeeping,
  };
}

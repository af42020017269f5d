// One instance in a registry: put there, kept alive, taken out. A registry that is out of reach is tried again.
import type { Clock, Stop } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Instance, Registrar, Registration } from "../rpc/endpoint.ts";

/** An instance that others find as long as this lives. */
export interface Publication {
  /** Takes it out; resolves when the registry knows, or cannot be reached. */
  end(): Promise<void>;
}

/** A registry that was out of reach is asked again after this time. */
const RETRY_MS = 1_000;

/** Publishes an instance, and renews its lease three times per length of it. */
export function publish(registrar: Registrar, instance: Instance, clock: Clock, log: Log): Publication {
  const facts = { upstream: instance.upstream, instance: instance.id };
  let registration: Registration | undefined;
  let ended = false;
  let failing = false;
  let stopTimer: Stop = () => {};

  async function renew(): Promise<void> {
    let waitMs = instance.leaseMs / 3;
    try {
      if (registration) await registration.heartbeat();
      else registration = await registrar.register(instance);
      failing = false;
    } catch (error) {
      waitMs = Math.min(waitMs, RETRY_MS);
      // Once: it is tried every second.
      if (!failing) log.warn({ ...facts, error: String(error) }, "the registry cannot be told of a local instance");
      failing = true;
    }
    if (!ended) stopTimer = clock.after(waitMs, next);
  }

  /** The last that was begun: what ends comes behind it. */
  let renewing = renew();
  function next(): void {
    renewing = renew();
  }

  return {
    async end() {
      ended = true;
      stopTimer();
      await renewing;
      await registration?.deregister().catch((error: unknown) => {
        log.warn({ ...facts, error: String(error) }, "the registry keeps a local instance until its lease is over");
      });
    },
  };
}

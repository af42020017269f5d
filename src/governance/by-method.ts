// What is worked out once per method, so that a call's cost does not grow with the number of rules or services.
import type { Method } from "../schema/model.ts";

/** Remembers what `build` makes of each method, as long as somebody has the method. */
export function byMethod<T extends {}>(build: (method: Method) => T): (method: Method) => T {
  const known = new WeakMap<Method, T>();
  return (method) => {
    const found = known.get(method);
    if (found) return found;
    const built = build(method);
    known.set(method, built);
    return built;
  };
}

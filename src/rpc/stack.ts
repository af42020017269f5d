// Layers in request order, the first outermost.
import type { Handler, Layer } from "./call.ts";

/** One handler from layers that read top to bottom in request order, with `last` at the bottom. */
export function stack(layers: readonly Layer[], last: Handler): Handler {
  return layers.reduceRight<Handler>((next, layer) => layer(next), last);
}

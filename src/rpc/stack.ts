// Layers in request order, the first outermost.

/** One handler from layers that read top to bottom in request order, with `last` at the bottom. */
export function stack<H>(layers: readonly ((next: H) => H)[], last: H): H {
  return layers.reduceRight<H>((next, layer) => layer(next), last);
}

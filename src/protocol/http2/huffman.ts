// HPACK's Huffman code (RFC 7541 section 5.2 and appendix B), both ways.

/**
 * How many bits each symbol takes, `a` for 5, in order of the symbols 0 to 256 (EOS). The code is canonical: symbols of
 * one length have consecutive codes in order, so the lengths say everything.
 */
const LENGTHS =
  "isxxxxxxxtzxxzxxxxxxxxzxxxxxxxxxbffhibdgffdgdbbbaaabbbbbbbcdkbhfibccccccccccccccccccccccdcdioijb" +
  "kabababbbaccbbbabcbaabccccckgjixprpprrrsrssssststtrstssssqrsrsstrqprrssqsrrtqrssqqrqsrssprrrsrrs" +
  "vvporsruvvvwwvtuoqvwwvwtqqvvxwwwptpqrqqsrruuttvsvwvvwwwwwxwwwwwvz";
const LONGEST_BITS = 30;
const EOS = 256;

const codeBits = new Uint8Array(EOS + 1);
const codes = new Uint32Array(EOS + 1);
for (let bits = 5, code = 0; bits <= LONGEST_BITS; bits++, code *= 2) {
  for (let symbol = 0; symbol <= EOS; symbol++) {
    if (LENGTHS.charCodeAt(symbol) - 97 + 5 !== bits) continue;
    codeBits[symbol] = bits;
    codes[symbol] = code++;
  }
}

/** A step's flags beside the state and the symbol: whether it completes a symbol, or the text must not go on like this. */
const EMITS = 1 << 16;
const FAILS = 1 << 17;

/**
 * The decoder as a machine that takes four bits a step, which complete at most one symbol. Entry `state << 4 | bits` is
 * `FAILS | EMITS | symbol << 8 | next state`.
 */
const steps = new Uint32Array(EOS << 4);
/** States that the code may end in: the bits since the last symbol are at most seven ones. */
const mayEnd = new Uint8Array(EOS);
buildSteps();

function buildSteps(): void {
  // The code's tree: a state is an inner node; children are inner nodes or, below zero, symbols as ~symbol.
  const children: [number, number][] = [[0, 0]];
  for (let symbol = 0; symbol <= EOS; symbol++) {
    let node = 0;
    for (let bit = codeBits[symbol]! - 1; bit > 0; bit--) {
      const side = (codes[symbol]! >>> bit) & 1;
      if (children[node]![side] === 0) children[node]![side] = children.push([0, 0]) - 1;
      node = children[node]![side]!;
    }
    children[node]![codes[symbol]! & 1] = ~symbol;
  }
  for (let state = 0; state < EOS; state++) {
    for (let nibble = 0; nibble < 16; nibble++) {
      let node = state;
      let step = 0;
      for (let bit = 3; bit >= 0; bit--) {
        node = children[node]![(nibble >> bit) & 1]!;
        if (node >= 0) continue;
        step |= ~node === EOS ? FAILS : EMITS | (~node << 8);
        node = 0;
      }
      steps[(state << 4) | nibble] = step | node;
    }
  }
  for (let depth = 0, node = 0; depth <= 7; depth++) {
    mayEnd[node] = 1;
    node = children[node]![1];
  }
}

/**
 * Decodes `source` from `start` to `end` into `target`, which has room for 8/5 of it, and returns how many bytes it came
 * to; -1 when it holds EOS or ends in padding that is not at most seven ones.
 */
export function decodeHuffman(source: Uint8Array, start: number, end: number, target: Uint8Array): number {
  let state = 0;
  let length = 0;
  let failed = 0;
  for (let i = start; i < end; i++) {
    const byte = source[i]!;
    const high = steps[(state << 4) | (byte >> 4)]!;
    if (high & EMITS) target[length++] = high >> 8;
    const low = steps[((high & 0xff) << 4) | (byte & 15)]!;
    if (low & EMITS) target[length++] = low >> 8;
    failed |= high | low;
    state = low & 0xff;
  }
  return failed & FAILS || mayEnd[state] === 0 ? -1 : length;
}

/** How many bytes a text of characters up to U+00FF takes. */
export function huffmanBytes(text: string): number {
  let bits = 0;
  for (let i = 0; i < text.length; i++) bits += codeBits[text.charCodeAt(i)]!;
  return (bits + 7) >> 3;
}

/** Writes the code of a text of characters up to U+00FF at `offset`, and returns the offset behind it. */
export function encodeHuffman(text: string, target: Uint8Array, offset: number): number {
  let at = offset;
  /** Bits that are not yet written, the latest lowest; fewer than eight between two steps. */
  let pending = 0;
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i);
    const code = codes[symbol]!;
    // A code of 30 bits and seven pending ones would not fit into 32 bits together.
    for (let left = codeBits[symbol]!; left > 0; ) {
      const taken = Math.min(left, 16);
      left -= taken;
      pending = (pending << taken) | ((code >>> left) & ((1 << taken) - 1));
      count += taken;
      while (count >= 8) {
        count -= 8;
        target[at++] = pending >>> count;
      }
      pending &= (1 << count) - 1;
    }
  }
  if (count > 0) target[at++] = (pending << (8 - count)) | (0xff >> count);
  return at;
}

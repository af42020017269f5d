// Which of an upstream's endpoints a call may go to, by their labels: those that a route demands, else those that the call's
// own labels ask for where there are any.
import type { AnyCall } from "../rpc/call.ts";
import type { Endpoint, Labels } from "../rpc/endpoint.ts";
import { SIDECAR_KEY } from "../rpc/sidecar-keys.ts";

/** Metadata that begins so names a label that follows a call through its hops: `cw-label-version: v2`. */
export const { LABEL_PREFIX } = SIDECAR_KEY;

/** Whether an endpoint has all of these labels. */
export function hasLabels({ labels = {} }: Endpoint, wanted: Labels): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}

/** Peers choose what they ask for: so many different wishes are remembered. */
const MAX_WISHES = 256;

/** Reads the labels that calls ask for; equal ones are one object, for what is remembered by them. */
export function createLabelReader(): (call: AnyCall) => Labels | undefined {
  const known = new Map<string, Labels>();
  return ({ headers }) => {
    let key = "";
    for (const [name, value] of headers) {
      if (name.startsWith(LABEL_PREFIX))
        key += `${name.length - LABEL_PREFIX.length}:${name.slice(LABEL_PREFIX.length)}=${value.length}:${value};`;
    }
    if (key === "" || key.length > MAX_KEY) return undefined;
    const found = known.get(key);
    if (found) return found;
    if (known.size >= MAX_WISHES) known.clear();
    const labels: Record<string, string> = Object.create(null);
    for (const [name, value] of headers) {
      if (name.startsWith(LABEL_PREFIX)) labels[name.slice(LABEL_PREFIX.length)] ??= value;
    }
    known.set(key, labels);
    return labels;
  };
}

/** Longer wishes are not heeded. */
const MAX_KEY = 1_024;

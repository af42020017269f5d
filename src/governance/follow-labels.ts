// Labels that follow a call through an application: what it calls while it serves a call with labels asks for them, too. The
// application says nothing of labels; its calls are known by the trace, which it passes on anyway.
import type { Metadata } from "../base/metadata.ts";
import type { AnyCall, Layer } from "../rpc/call.ts";
import { isFromSidecar } from "../rpc/sidecar-keys.ts";
import { type StreamLayer, whenOver } from "../rpc/stream.ts";
import { LABEL_PREFIX } from "./subset.ts";
import { readTraceContext } from "./trace-context.ts";

/** What calls of one trace ask for while they are served here. */
interface Wish {
  readonly labels: Metadata;
  /** Calls with labels that are being served. */
  calls: number;
}

/** Layers for calls of both kinds. */
export interface FollowLabels {
  readonly calls: Layer;
  readonly streams: StreamLayer;
}

/**
 * Remembers the labels of calls that sidecars send, as long as they are served, and adds them to the application's own calls of
 * the same trace, which say none. Of two calls of one trace with labels the later counts.
 */
export function followLabels(): FollowLabels {
  /** By trace id. */
  const wishes = new Map<string, Wish>();

  /** Remembers a call's labels; what forgets them, or undefined where there is nothing to remember. */
  function remember({ headers }: AnyCall): (() => void) | undefined {
    if (!headers.hasPrefix(LABEL_PREFIX)) return undefined;
    const traceId = readTraceContext(headers)?.traceId;
    if (traceId === undefined) return undefined;
    const labels = headers.filter((key) => key.startsWith(LABEL_PREFIX));
    wishes.set(traceId, { labels, calls: (wishes.get(traceId)?.calls ?? 0) + 1 });
    return () => {
      const wish = wishes.get(traceId);
      if (wish && --wish.calls === 0) wishes.delete(traceId);
    };
  }

  /** The application's call with the labels of the one that it serves. */
  function labelled<C extends AnyCall>(call: C): C {
    const traceId = readTraceContext(call.headers)?.traceId;
    const wish = traceId === undefined ? undefined : wishes.get(traceId);
    return wish ? { ...call, headers: call.headers.behind(wish.labels) } : call;
  }

  return {
    calls: (next) => (call) => {
      if (!isFromSidecar(call.headers)) return next(wishes.size === 0 ? call : labelled(call));
      const forget = remember(call);
      return forget ? next(call).finally(forget) : next(call);
    },
    streams: (next) => (call) => {
      if (!isFromSidecar(call.headers)) return next(wishes.size === 0 ? call : labelled(call));
      const forget = remember(call);
      return forget ? whenOver(next(call), forget) : next(call);
    },
  };
}

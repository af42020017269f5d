// The callers beside: they do nothing wrong, all the time, on connections of their own, and must notice nothing.

import type { ClientHttp2Session } from "node:http2";
import { setTimeout as delay } from "node:timers/promises";
import { callHeaders, exchangeStream, openSession, prefixed } from "./grpc-wire.ts";
import { type Dialect, ThriftWire, thriftText } from "./thrift-wire.ts";
import { framed, thriftMessage } from "./upstreams.ts";

let calls = 0;

/** Calls echoString on a connection that others use as well; throws unless it gets its text back. */
export async function callThrift(wire: ThriftWire, { framed: inFrames, strict }: Dialect): Promise<void> {
  const sequenceId = ++calls;
  const text = `healthy ${sequenceId}`;
  const message = thriftMessage({ strict, name: "echoString", type: 1, sequenceId }, thriftText(1, text));
  wire.write(inFrames ? framed(message) : message);
  const answer = await wire.next();
  if (!answer) throw new Error("a healthy call on the same connection got no answer");
  const { header, body } = answer;
  const good = header.type === 2 && header.sequenceId === sequenceId && header.name === "echoString";
  if (!good || !body.equals(thriftText(0, text))) {
    throw new Error(`a healthy call got ${header.name} ${header.type} ${header.sequenceId} ${body.toString("latin1")}`);
  }
}

/** The same over gRPC. */
export async function callGrpc(session: ClientHttp2Session): Promise<void> {
  const text = Buffer.from(`healthy ${++calls}`);
  const message = prefixed(Buffer.concat([Buffer.of(0x0a, text.length), text]));
  const outcome = await exchangeStream(session, callHeaders("echoString"), [message]);
  if (outcome.grpcStatus !== 0 || !outcome.body.equals(message)) {
    throw new Error(`a healthy gRPC call got ${JSON.stringify(outcome)}`);
  }
}

export interface HealthyCallers {
  /** Rejects with the first failure of any call. */
  stop(): Promise<void>;
}

/** Starts a framed Thrift caller, an unframed one and a gRPC caller, each with one call after the other. */
export function startHealthyCallers(path: string): HealthyCallers {
  let stopping = false;
  let done = 0;
  async function loop(call: () => Promise<void>, close: () => void): Promise<void> {
    try {
      while (!stopping) {
        await call();
        done++;
        // They need not keep the machine busy to be there all the time.
        await delay(1);
      }
    } finally {
      close();
    }
  }
  const loops = [true, false].map((inFrames) => {
    const dialect = { framed: inFrames, strict: true };
    const wire = new ThriftWire(path, dialect);
    return loop(
      () => callThrift(wire, dialect),
      () => wire.destroy(),
    );
  });
  const session = openSession(path);
  loops.push(
    loop(
      () => callGrpc(session),
      () => session.close(),
    ),
  );
  const all = Promise.all(loops);
  // A failure is for `stop` to tell.
  all.catch(() => {});
  return {
    async stop() {
      stopping = true;
      await all;
      if (done === 0) throw new Error("no healthy call was made");
    },
  };
}

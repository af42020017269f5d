// Cases of the cross test that fail, and why. The list only shrinks: one that is in it and passes fails the test.
import type { Cell, ServerWire, Wire } from "./wires.ts";

/** Cells and the cases of them that fail; what is undefined fits all. */
export interface KnownFailure {
  readonly client?: Cell["client"];
  readonly clientProtocol?: Wire["protocol"];
  readonly server?: Cell["server"];
  readonly serverTransport?: ServerWire["transport"];
  readonly cases: readonly string[];
  readonly reason: string;
}

export const KNOWN_FAILURES: readonly KnownFailure[] = [
  {
    client: "php",
    clientProtocol: "json",
    cases: ["testDouble: infinity", "testBinary: every byte"],
    reason: "the library for PHP writes nothing where the value should be, as json_encode refuses it",
  },
];

/** Why a case is expected to fail on a route; undefined when it is not. */
export function reasonToFail(cell: Cell, name: string): string | undefined {
  return KNOWN_FAILURES.find(
    ({ client, clientProtocol, server, serverTransport, cases }) =>
      (client ?? cell.client) === cell.client &&
      (clientProtocol ?? cell.clientWire.protocol) === cell.clientWire.protocol &&
      (server ?? cell.server) === cell.server &&
      (serverTransport ?? cell.serverWire.transport) === cell.serverWire.transport &&
      cases.includes(name),
  )?.reason;
}

import { expect, test } from "vitest";
import { publish } from "../../../src/discovery/publication.ts";
import type { Instance } from "../../../src/rpc/endpoint.ts";
import { createFakeClock } from "../../fake-clock.ts";
import { quietLog } from "../../quiet-log.ts";

const instance: Instance = {
  id: "a",
  upstream: "shop",
  address: { kind: "tcp", host: "10.0.0.1", port: 80 },
  weight: 1,
  labels: {},
  leaseMs: 30_000,
};

function setUp() {
  const clock = createFakeClock();
  const said: string[] = [];
  const warnings: string[] = [];
  let isThere = true;
  const tell = async (what: string) => {
    said.push(what);
    if (!isThere) throw new Error("no such directory");
  };
  const registrar = {
    async register() {
      await tell("register");
      return { heartbeat: () => tell("heartbeat"), deregister: () => tell("deregister") };
    },
  };
  const log = { ...quietLog, warn: (_: object, message: string) => void warnings.push(message) };
  const publication = () => publish(registrar, instance, clock, log);
  const settle = async () => {
    for (let i = 0; i < 10; i++) await Promise.resolve();
  };
  function turn(to: boolean): void {
    isThere = to;
  }
  return { clock, said, warnings, publication, settle, turn };
}

test("an instance is registered at once, kept alive three times a lease, and taken out at the end", async () => {
  const { clock, said, publication, settle } = setUp();
  const published = publication();
  await settle();
  clock.advance(10_000);
  await settle();
  clock.advance(10_000);
  await settle();
  await published.end();
  expect(said).toEqual(["register", "heartbeat", "heartbeat", "deregister"]);
  expect(clock.pending).toBe(0);
});

test("a registry that is out of reach is tried every second, and complained about once", async () => {
  const { clock, said, warnings, publication, settle, turn } = setUp();
  turn(false);
  const published = publication();
  await settle();
  clock.advance(1_000);
  await settle();
  turn(true);
  clock.advance(1_000);
  await settle();
  expect(said).toEqual(["register", "register", "register"]);
  expect(warnings).toHaveLength(1);
  await published.end();
});

test("an end while the registry is being told comes after that", async () => {
  const { said, publication } = setUp();
  await publication().end();
  expect(said).toEqual(["register", "deregister"]);
});

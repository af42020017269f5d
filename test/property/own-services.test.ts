// Whatever bytes ask reflection or health, they are answered or refused with a RpcError. CAUSEWAY_PROPERTY_RUNS sets how many
// are tried; a failure prints the seed to repeat it.
import fc from "fast-check";
import { test } from "vitest";
import { createDescriptorIndex } from "../../src/admin/descriptor-index.ts";
import { createGrpcHealth } from "../../src/admin/grpc-health.ts";
import { HEALTH_PROTO, REFLECTION_PROTOS } from "../../src/admin/grpc-protos.ts";
import { createReflection } from "../../src/admin/reflection.ts";
import { RpcError } from "../../src/base/errors.ts";
import { createStaticResolver } from "../../src/discovery/static.ts";
import type { Payload } from "../../src/rpc/call.ts";
import type { StreamHandler } from "../../src/rpc/stream.ts";
import type { Method } from "../../src/schema/model.ts";
import { methodIn, streamCall } from "../unit/admin/streams.ts";

const RUNS = Number(process.env["CAUSEWAY_PROPERTY_RUNS"] ?? 300);
const NAMES = ["grpc.health.v1.Health", "grpc/health/v1/health.proto", "Check", ".", ""];

/** Fields such as the requests have, well formed or cut short, and bytes that are none. */
const request: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc
    .tuple(fc.integer({ min: 1, max: 8 }), fc.constantFrom(...NAMES), fc.integer({ min: -2, max: 3 }))
    .map(([field, name, longer]) =>
      Buffer.from([(field << 3) | 2, Math.max(0, name.length + longer), ...Buffer.from(name)]),
    ),
);

async function firstOf(handle: StreamHandler, method: Method, bytes: Uint8Array): Promise<Payload | undefined> {
  const { messages } = await handle(streamCall(method, [bytes]));
  const { value, done } = await messages[Symbol.asyncIterator]().next();
  return done ? undefined : value;
}

async function answersOrRefuses(handle: StreamHandler, method: Method, bytes: Uint8Array): Promise<boolean> {
  try {
    return (await firstOf(handle, method, bytes)) !== undefined;
  } catch (error) {
    return error instanceof RpcError && error.code === "INVALID_ARGUMENT";
  }
}

test("reflection answers any bytes or refuses them", async () => {
  const files = [HEALTH_PROTO, ...REFLECTION_PROTOS];
  const reflect = createReflection({ index: createDescriptorIndex(files), services: NAMES });
  const method = methodIn(REFLECTION_PROTOS[0]!, "ServerReflectionInfo");
  await fc.assert(
    fc.asyncProperty(request, (bytes) => answersOrRefuses(reflect, method, bytes)),
    { numRuns: RUNS },
  );
});

test("health answers any bytes or refuses them", async () => {
  const services = new Map(NAMES.map((name) => [name, undefined]));
  const { watch } = createGrpcHealth({ services, resolver: createStaticResolver(new Map()) });
  const method = methodIn(HEALTH_PROTO, "Watch");
  await fc.assert(
    fc.asyncProperty(request, (bytes) => answersOrRefuses(watch, method, bytes)),
    { numRuns: RUNS },
  );
});

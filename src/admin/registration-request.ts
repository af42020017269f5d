// What a server says of itself when it registers: the JSON of causeway.registration.v1.RegisterRequest, checked.
import { z } from "zod";
import type { Address } from "../base/address.ts";
import { RpcError } from "../base/errors.ts";
import { addressOption, labelsOption } from "../discovery/endpoint-option.ts";
import type { InstanceCodec, InstanceFraming, LocalInstance } from "../discovery/local-instances.ts";
import { type ProbeKind, probeMethodOption, probePathOption, probeServiceOption } from "../rpc/health-check.ts";

export interface RegisterRequest {
  readonly instance: LocalInstance;
  readonly leaseMs: number;
}

const DEFAULTS = { leaseMs: 30_000, intervalMs: 5_000, timeoutMs: 1_000, weight: 100 } as const;

/** Enums as JSON has them: by name, or by number. */
const CODECS = ["CODEC_UNSPECIFIED", "CODEC_THRIFT_BINARY", "CODEC_THRIFT_COMPACT", "CODEC_PROTOBUF"] as const;
const CODEC_OF: Readonly<Record<(typeof CODECS)[number], InstanceCodec | undefined>> = {
  CODEC_UNSPECIFIED: undefined,
  CODEC_THRIFT_BINARY: "thrift-binary",
  CODEC_THRIFT_COMPACT: "thrift-compact",
  CODEC_PROTOBUF: "protobuf",
};
const FRAMINGS = [
  "FRAMING_UNSPECIFIED",
  "FRAMING_FRAMED",
  "FRAMING_UNFRAMED",
  "FRAMING_THEADER",
  "FRAMING_TTHEADER",
  "FRAMING_GRPC",
  "FRAMING_HTTP",
  "FRAMING_FASTCGI",
] as const;
const FRAMING_OF: Readonly<Record<(typeof FRAMINGS)[number], InstanceFraming | undefined>> = {
  FRAMING_UNSPECIFIED: undefined,
  FRAMING_FRAMED: "framed",
  FRAMING_UNFRAMED: "unframed",
  FRAMING_THEADER: "theader",
  FRAMING_TTHEADER: "ttheader",
  FRAMING_GRPC: "grpc",
  FRAMING_HTTP: "http",
  FRAMING_FASTCGI: "fastcgi",
};

function enumOf<const Names extends readonly [string, ...string[]]>(names: Names) {
  const byNumber = (value: unknown) => (typeof value === "number" ? (names[value] ?? value) : value);
  return z.preprocess(byNumber, z.enum(names)).default(names[0] as Names[number]);
}

/** A google.protobuf.Duration in JSON: seconds with up to nine digits of fraction, and an `s`. */
function duration(defaultMs: number, minMs: number, maxMs: number) {
  return z
    .string()
    .regex(/^-?\d{1,12}(?:\.\d{1,9})?s$/, { error: 'expected a duration in seconds, as in "1.5s"' })
    .transform((text) => Number(text.slice(0, -1)) * 1_000)
    .refine((ms) => ms >= minMs && ms <= maxMs, { error: `expected ${minMs / 1_000}s to ${maxMs / 1_000}s` })
    .default(defaultMs);
}

const serviceName = z.string().max(512);

/** PHP writes an empty mapping as an empty list. */
const mapping = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess((value) => (Array.isArray(value) && value.length === 0 ? {} : value), schema);

const healthCheckSchema = z
  .strictObject({
    tcp: mapping(z.strictObject({})).optional(),
    http: z.strictObject({ path: probePathOption }).optional(),
    grpc: mapping(z.strictObject({ service: probeServiceOption.default("") })).optional(),
    thrift: z.strictObject({ method: probeMethodOption, service: probeServiceOption.default("") }).optional(),
    interval: duration(DEFAULTS.intervalMs, 100, 300_000),
    timeout: duration(DEFAULTS.timeoutMs, 10, 60_000),
  })
  .refine(({ tcp, http, grpc, thrift }) => [tcp, http, grpc, thrift].filter(Boolean).length <= 1, {
    error: "expected one of tcp, http, grpc and thrift",
  });

const instanceSchema = z.strictObject({
  upstream: z.string().min(1).max(253),
  services: z.array(serviceName.min(1)).max(1_000).default([]),
  address: addressOption
    .refine((address) => address.kind === "unix" || address.port > 0, {
      error: "expected the port that the server listens on",
    })
    .transform(reachable),
  codec: enumOf(CODECS),
  framing: enumOf(FRAMINGS),
  weight: z.coerce.number().int().min(0).max(65_535).default(0),
  labels: mapping(labelsOption).default({}),
  healthCheck: mapping(healthCheckSchema).prefault({}),
});

/** Whoever listens on all addresses of this host is reached on loopback. */
function reachable(address: Address): Address {
  if (address.kind === "unix") return address;
  const loopback = { "0.0.0.0": "127.0.0.1", "::": "::1" }[address.host];
  return loopback === undefined ? address : { ...address, host: loopback };
}

/** Proto's JSON has names of both kinds. */
const requestSchema = z.strictObject({
  instance: z.preprocess((value) => {
    if (typeof value !== "object" || value === null || !("health_check" in value)) return value;
    const { health_check: healthCheck, ...others } = value;
    return { ...others, healthCheck };
  }, instanceSchema),
  lease: duration(DEFAULTS.leaseMs, 1_000, 600_000),
});

/** Reads a request; throws a RpcError INVALID_ARGUMENT that names each field that is wrong. */
export function parseRegisterRequest(text: string): RegisterRequest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new RpcError("INVALID_ARGUMENT", `expected JSON of a RegisterRequest: ${String(error)}`);
  }
  const parsed = requestSchema.safeParse(json);
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "the request"}: ${message}`);
    throw new RpcError("INVALID_ARGUMENT", faults.join("; ").slice(0, 1_000));
  }
  const { instance, lease: leaseMs } = parsed.data;
  const { codec, framing, weight, services, healthCheck, ...others } = instance;
  const { interval: intervalMs, timeout: timeoutMs } = healthCheck;
  return {
    leaseMs,
    instance: {
      ...others,
      services,
      codec: CODEC_OF[codec],
      framing: FRAMING_OF[framing],
      // A weight of 100 is what endpoints have of which nothing is said.
      weight: (weight || DEFAULTS.weight) / 100,
      healthCheck: { probe: probeOf(healthCheck, services), intervalMs, timeoutMs },
    },
  };
}

function probeOf({ http, grpc, thrift }: z.output<typeof healthCheckSchema>, services: readonly string[]): ProbeKind {
  if (http) return { kind: "http", path: http.path };
  if (grpc) return { kind: "grpc", service: grpc.service };
  if (thrift) return { kind: "thrift", method: thrift.method, service: thrift.service || (services[0] ?? "") };
  return { kind: "tcp" };
}

// Whether the names in policies are names of something: a rule for a method that is not there would guard nothing.
import { unknownName, type YamlPath } from "../base/yaml.ts";
import { CODEC_WIRES } from "../codec/codec.ts";
import { compileFieldReader } from "../codec/read-field.ts";
import { compileTranscoder } from "../codec/transcode.ts";
import type { Config } from "../config.ts";
import { compileMethodSet, type MethodSet } from "../governance/method-set.ts";
import type { LinkedSchema } from "../schema/link.ts";
import { type Method, methodsOf, type Schema } from "../schema/model.ts";
import type { Fault } from "./config-fault.ts";
import { codecOf } from "./upstream-codec.ts";

/** Looks up every service, method and field that the policies of a config name. */
export function checkPolicies(config: Config, linked: LinkedSchema, fault: Fault): void {
  const names = createNames(config, linked.schema);
  const { routes, faults, authorize } = config;
  for (const [i, { match }] of routes.entries()) {
    names.check(match.methods, ["routes", i, "match", "methods"], fault);
    if (!match.field) continue;
    const isMeant = compileMethodSet(match.methods, linked.methods);
    checkField(match.field.path, isMeant, ["routes", i, "match", "field", "path"], linked, fault);
  }
  for (const [i, { match }] of faults.entries()) names.check(match.methods, ["faults", i, "match", "methods"], fault);
  for (const [upstream, { degrade }] of Object.entries(config.upstreams)) {
    for (const [i, { only, answer }] of degrade.entries()) {
      const at = ["upstreams", upstream, "degrade", i];
      names.check(only, [...at, "only"], fault);
      if (answer.reply) checkReply(answer.reply, only, [...at, "answer", "reply"], config, linked, fault);
    }
  }
  for (const [upstream, options] of Object.entries(config.upstreams)) {
    const { rateLimit, policies, balance } = options;
    for (const [i, { only, per }] of rateLimit.entries()) {
      const at = ["upstreams", upstream, "rateLimit", i];
      names.check(only, [...at, "only"], fault);
      if (typeof per !== "object" || !("field" in per)) continue;
      checkField(per.field, compileMethodSet(only, linked.methods), [...at, "per", "field"], linked, fault);
    }
    if (balance.policy === "maglev" && balance.field !== undefined) {
      const wire = CODEC_WIRES[codecOf(options)] ?? "protobuf";
      const isMeant = (method: Method) => method.wire === wire;
      checkField(balance.field, isMeant, ["upstreams", upstream, "balance", "field"], linked, fault);
    }
    for (const [i, { only }] of policies.entries()) {
      names.check(only, ["upstreams", upstream, "policies", i, "only"], fault);
    }
  }
  for (const [i, { methods }] of (authorize?.rules ?? []).entries()) {
    names.check(methods, ["authorize", "rules", i, "methods"], fault);
  }
}

/** Whether any method that a rule is for has the field in its requests. */
function checkField(path: string, isMeant: MethodSet, at: YamlPath, linked: LinkedSchema, fault: Fault): void {
  const readable = new Set<string>();
  for (const method of allMethods(linked.schema)) {
    const { request, wire } = method;
    if (!request || !isMeant(method)) continue;
    const codec = wire === "thrift" ? "thrift-binary" : "protobuf";
    if (compileFieldReader(request, path, codec)) return;
    for (const { name } of request.fields) if (compileFieldReader(request, name, codec)) readable.add(name);
  }
  const some = [...readable].sort().slice(0, 10).join(", ");
  const expected = `expected ${some === "" ? "" : `${some}, or `}the path to one inside, such as order.id`;
  fault(
    at,
    `no request that the rule is for has this field as a text, an integer, a bool or an enum, ${JSON.stringify(path)}: ${expected}`,
  );
}

/** Whether a reply that the config has is one, of every method that it is for. */
function checkReply(
  reply: object,
  names: readonly string[] | undefined,
  at: YamlPath,
  { limits }: Config,
  linked: LinkedSchema,
  fault: Fault,
): void {
  const isMeant = compileMethodSet(names, linked.methods);
  const json = Buffer.from(JSON.stringify(reply));
  for (const { thrift, protobuf, response } of new Set(linked.methods.values())) {
    if (!isMeant(thrift) && !isMeant(protobuf)) continue;
    const method = `${protobuf.service}/${protobuf.name}`;
    const why = whyNot(() => {
      const losses = { unknownFields: 0, duplicates: 0 };
      for (const codec of ["thrift-binary", "protobuf"] as const) {
        compileTranscoder(response, "json", codec, limits)(json, losses);
      }
      if (losses.unknownFields > 0) throw new Error(`${protobuf.response?.fullName} lacks a field of it`);
    });
    if (why === undefined) continue;
    fault(at, `it is no response of ${method}: ${why}`);
    return;
  }
}

function whyNot(attempt: () => void): string | undefined {
  try {
    attempt();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function allMethods({ services }: Schema): readonly Method[] {
  return [...services.values()].flat().flatMap(methodsOf);
}

/** The services and methods that a policy may name. */
function createNames({ upstreams, health, reflection }: Config, schema: Schema) {
  const opaque = new Set(Object.values(upstreams).flatMap(({ opaqueServices }) => opaqueServices));
  const own = [...(health ? OWN.health : []), ...(reflection ? OWN.reflection : [])];
  const services = new Set([...schema.services.keys(), ...opaque, ...own]);
  const loose = new Set([...opaque, ...own]);
  return {
    check(names: readonly string[] | undefined, at: YamlPath, fault: Fault): void {
      for (const [i, name] of (names ?? []).entries()) {
        const slash = name.indexOf("/");
        const service = slash < 0 ? name : name.slice(0, slash);
        const method = slash < 0 ? "*" : name.slice(slash + 1);
        if (!services.has(service)) fault([...at, i], unknownName("service", service, [...services]));
        else if (method !== "*" && !loose.has(service)) {
          const known = (schema.services.get(service) ?? []).flatMap(methodsOf).map((each) => each.name);
          if (!known.includes(method)) fault([...at, i], unknownName(`method of ${service}`, method, known));
        }
      }
    },
  };
}

/** What the sidecar answers itself. */
const OWN = {
  health: ["grpc.health.v1.Health"],
  reflection: ["grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"],
};

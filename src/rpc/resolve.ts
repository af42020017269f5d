// From the name on the wire to the Method of the schema. Where the call then goes is the route's business.
import { LRUCache } from "lru-cache";
import { RpcError } from "../base/errors.ts";
import { type Method, methodsOf, type Service, type Wire } from "../schema/model.ts";

/** Finds methods by what a wire says. All throw a RpcError UNIMPLEMENTED that says what would have been understood. */
export interface Lookup {
  /** `service` is a full name, as in gRPC's path `/service/method`. */
  grpc(service: string, method: string): Method;
  /**
   * `name` is the message's name: `method`, or `Service:method` (multiplexed, split at the first `:`). `service` is the
   * one that a header or the listener's configuration names, if any; full or bare.
   */
  thrift(name: string, service: string | undefined): Method;
  /** The same for messages whose body is Protobuf: a method of the Protobuf services. */
  kitexProtobuf(name: string, service: string | undefined): Method;
}

/** Peers choose the names of opaque methods, so the memory for them is bounded: by count, and by characters of the names. */
const OPAQUE = { maxMethods: 1024, maxCharacters: 65_536 };

/** Method by name, by full name of the service. */
type Table = ReadonlyMap<string, ReadonlyMap<string, Method>>;

/**
 * A lookup over loaded services, inherited methods included. A method of a service that is not loaded is opaque: its
 * request and response are undefined, and of what kind it is nobody knows.
 */
export function createLookup(services: Iterable<Service>): Lookup {
  const loaded = [...services];
  const protobuf = tableOf(loaded, "protobuf");
  const thrift = tableOf(loaded, "thrift");
  const opaque = { thrift: createOpaqueMethods("thrift"), protobuf: createOpaqueMethods("protobuf") };

  return {
    grpc(service, method) {
      const methods = protobuf.get(service);
      return methods ? methodOf(service, methods, method) : opaque.protobuf(service, method);
    },
    thrift: lookupByMessage(thrift, opaque.thrift),
    kitexProtobuf: lookupByMessage(protobuf, opaque.protobuf),
  };
}

/** Finds methods by the name of a message, which says the service or does not. */
function lookupByMessage(table: Table, opaque: (service: string, method: string) => Method): Lookup["thrift"] {
  const fullNames = Map.groupBy(table.keys(), bareName);
  const servicesByMethod = Map.groupBy(
    [...table].flatMap(([service, methods]) => [...methods.keys()].map((method) => ({ service, method }))),
    ({ method }) => method,
  );

  function methodIn(service: string, method: string): Method {
    const methods = table.get(service);
    if (methods) return methodOf(service, methods, method);
    const candidates = fullNames.get(service) ?? [];
    const only = candidates[0];
    if (only === undefined) return opaque(service, method);
    if (candidates.length > 1) {
      throw unimplemented(`the service name ${quote(service)} is ambiguous, expected one of ${list(candidates)}`);
    }
    return methodOf(only, table.get(only)!, method);
  }

  function onlyServiceWith(method: string): Method {
    const candidates = servicesByMethod.get(method) ?? [];
    const only = candidates[0];
    const say = `name the service in the message's name (Service:${clip(method)}), in a header, or as defaultService of the listener`;
    if (only === undefined) throw unimplemented(`no loaded service has a method ${quote(method)}; ${say}`);
    if (candidates.length > 1) {
      throw unimplemented(
        `the method ${quote(method)} is in ${list(candidates.map((candidate) => candidate.service))}; ${say}`,
      );
    }
    return methodOf(only.service, table.get(only.service)!, method);
  }

  return (name, service) => {
    const colon = name.indexOf(":");
    if (colon >= 0) return methodIn(name.slice(0, colon), name.slice(colon + 1));
    return service === undefined ? onlyServiceWith(name) : methodIn(service, name);
  };
}

function tableOf(services: readonly Service[], wire: Wire): Table {
  const table = new Map<string, ReadonlyMap<string, Method>>();
  for (const service of services) {
    if (service.wire !== wire || table.has(service.fullName)) continue;
    table.set(service.fullName, new Map(methodsOf(service).map((method) => [method.name, method])));
  }
  return table;
}

function methodOf(service: string, methods: ReadonlyMap<string, Method>, name: string): Method {
  const method = methods.get(name);
  if (!method) {
    throw unimplemented(
      `the service ${service} has no method ${quote(name)}${methods.size ? `, expected one of ${list([...methods.keys()])}` : ""}`,
    );
  }
  return method;
}

function createOpaqueMethods(wire: Wire): (service: string, method: string) => Method {
  const known = new LRUCache<string, Method>({
    max: OPAQUE.maxMethods,
    maxSize: OPAQUE.maxCharacters,
    sizeCalculation: (_, key) => key.length,
  });
  return (service, name) => {
    if (service === "" || name === "") {
      throw unimplemented(`${quote(`${service}/${name}`)} lacks the name of a service or a method`);
    }
    const key = `${service.length}/${service}/${name}`; // no two pairs share a key, whatever their names hold
    const found = known.get(key);
    if (found) return found;
    const method = opaqueMethod(wire, service, name);
    known.set(key, method);
    return method;
  };
}

function opaqueMethod(wire: Wire, service: string, name: string): Method {
  return {
    wire,
    service,
    name,
    request: undefined,
    response: undefined,
    throws: [],
    oneway: false,
    streaming: "none",
    idempotent: false,
    doc: undefined,
    annotations: [],
    rules: {},
    position: { file: "", line: 1, column: 1 },
  };
}

function bareName(fullName: string): string {
  return fullName.slice(fullName.lastIndexOf(".") + 1);
}

function unimplemented(message: string): RpcError {
  return new RpcError("UNIMPLEMENTED", message);
}

/** Names come from peers: none makes a message of ours long. */
function clip(name: string): string {
  return name.length > 80 ? `${name.slice(0, 80)}…` : name;
}

function quote(name: string): string {
  return JSON.stringify(clip(name));
}

function list(names: readonly string[]): string {
  const shown = [...names].sort().slice(0, 10);
  return names.length > shown.length ? `${shown.join(", ")} and ${names.length - shown.length} more` : shown.join(", ");
}

// How servers on this host register themselves: idl/causeway/registration.proto as JSON over HTTP. Plain data in and out;
// what becomes of the instances is discovery's.
import { RpcError, toRpcError } from "../base/errors.ts";
import { Metadata } from "../base/metadata.ts";
import type { InstanceLease, LocalInstances } from "../discovery/local-instances.ts";
import { CONNECT_CODES, printError } from "../protocol/http/connect-error.ts";
import type { HttpHandler, HttpRequest, HttpResponse } from "../protocol/http/http.ts";
import { parseRegisterRequest } from "./registration-request.ts";

const INSTANCES_PATH = "/v1/instances";

/** Whether a request to an HTTP port is about instances. */
export function isRegistration({ path }: HttpRequest): boolean {
  return (
    path.startsWith(INSTANCES_PATH) && (path.length === INSTANCES_PATH.length || path[INSTANCES_PATH.length] === "/")
  );
}

/** Far more than the longest request that is within all other bounds needs in practice. */
const MAX_BODY_BYTES = 65_536;
const JSON_TYPE = Metadata.from([["content-type", "application/json"]]);

/** Answers PUT, heartbeats and DELETE, to callers on this host only; errors are Connect's. */
export function createRegistrationHandler(instances: LocalInstances): HttpHandler {
  async function answer(request: HttpRequest): Promise<unknown> {
    const { method, path, body, peer } = request;
    if (!isThisHost(peer)) throw new RpcError("PERMISSION_DENIED", "only servers on this host can register here");
    const [, id, action] = /^\/v1\/instances(?:\/([^/]*)(?:\/([^/]*))?)?$/.exec(path) ?? [];
    if (id === undefined && path === INSTANCES_PATH && method === "PUT") {
      if (body.byteLength > MAX_BODY_BYTES) {
        throw new RpcError("INVALID_ARGUMENT", `${body.byteLength} bytes: expected at most ${MAX_BODY_BYTES}`);
      }
      const { instance, leaseMs } = parseRegisterRequest(Buffer.from(body).toString("utf8"));
      return leaseOf(await instances.register(instance, leaseMs));
    }
    if (id && action === "heartbeat" && method === "POST") return leaseOf(instances.heartbeat(id));
    if (id && action === undefined && method === "DELETE") {
      instances.deregister(id);
      return {};
    }
    const served = ["PUT /v1/instances", "POST /v1/instances/{id}/heartbeat", "DELETE /v1/instances/{id}"];
    throw new RpcError("UNIMPLEMENTED", `expected one of ${served.join(", ")}`);
  }

  return async (request): Promise<HttpResponse> => {
    try {
      return { status: 200, headers: JSON_TYPE, body: JSON.stringify(await answer(request)) };
    } catch (thrown) {
      const error = toRpcError(thrown);
      return {
        status: CONNECT_CODES[error.code].httpStatus,
        headers: JSON_TYPE,
        body: printError(error, () => undefined),
      };
    }
  };
}

function leaseOf({ id, leaseMs }: InstanceLease): unknown {
  return { id, lease: `${leaseMs / 1_000}s` };
}

/** As inbound names peers: loopback addresses and unix sockets are reached from this host alone. */
function isThisHost(peer: string): boolean {
  return peer === "loopback" || peer === "unix" || LOOPBACK.test(peer);
}

/** IPv4's, alone or inside IPv6, and ::1 in any notation; with a port behind or without. */
const LOOPBACK = /^\[?(?:(?:0{0,4}:)*ffff:)?127\.|^\[?(?:0{0,4}:){2,7}0{0,3}1(?:\]|$)/i;

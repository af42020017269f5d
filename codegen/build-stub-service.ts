// Services and methods of the stub model: what a caller gives and gets, and how that stands on the wire.
import type { Report } from "../src/base/diagnostic.ts";
import type { FieldLink, LinkedSchema, MessageLink } from "../src/schema/link.ts";
import {
  type Field,
  type FieldType,
  type MessageType,
  type Method,
  methodsOf,
  type Service,
} from "../src/schema/model.ts";
import { namedOf, ownFieldOf, ownTypeOf, type StubTypes, twinFieldOf } from "./build-stub-field.ts";
import type { StubBody, StubField, StubMethod, StubService, StubThrow } from "./stub-model.ts";

/** What building services needs. */
export interface ServiceContext extends StubTypes {
  /** Undefined when the wire is the IDL's own. */
  readonly linked: LinkedSchema | undefined;
  readonly services: Map<Service, StubService>;
  readonly report: Report;
}

/** A service with all that it inherits; built once. */
export function buildService(context: ServiceContext, service: Service): StubService {
  const known = context.services.get(service);
  if (known) return known;
  const { linked, wire } = context;
  const flat = linked?.schema.services.get(service.fullName)?.find((each) => each.wire === service.wire);
  const all = flat ? flat.methods : methodsOf(service);
  const methods = all.flatMap((method) => buildMethod(context, service, method));
  const first = all.map((method) => linked?.methods.get(method)).find((link) => link !== undefined);
  const built: StubService = {
    ...namedOf(service),
    fullName: service.fullName,
    wireName: first?.[wire].service ?? service.fullName,
    base: service.base && buildService(context, service.base),
    methods,
  };
  context.services.set(service, built);
  return built;
}

function buildMethod(context: ServiceContext, service: Service, method: Method): StubMethod[] {
  const { linked, wire, report } = context;
  if (method.streaming !== "none") {
    const text = `method "${method.name}" of ${service.fullName} is streaming, and is left out of the stubs: only gRPC and Connect carry streams`;
    report({ severity: "warning", position: method.position, message: text });
    return [];
  }
  const shape = linked ? twinMethodOf(context, method) : ownMethodOf(context, method);
  if (!shape) return [];
  const { oneway, idempotent } = method;
  return [
    {
      ...namedOf(method),
      wireName: linked?.methods.get(method)?.[wire].name ?? method.name,
      oneway,
      idempotent,
      ...shape,
    },
  ];
}

type MethodShape = Pick<StubMethod, "parameters" | "result" | "throws" | "request" | "response" | "exceptions">;

const BARE: StubBody = { kind: "bare" };

function ownMethodOf(context: ServiceContext, method: Method): MethodShape | undefined {
  const { request, response } = method;
  if (!request || !response) return undefined;
  if (method.wire === "thrift") {
    const parameters = request.fields.map((field) => ownFieldOf(context, namedOf(field), field));
    const fields = response.fields.map((field) => resultFieldOf(ownFieldOf(context, namedOf(field), field)));
    const result = response.fieldsById.get(0);
    return {
      parameters,
      result: result && ownTypeOf(context, result.type),
      throws: throwsOf(context, method),
      request: { kind: "fields", fields: parameters },
      response: { kind: "fields", fields },
      exceptions: "fields",
    };
  }
  const parameter = loneField(context, method, request, "request", 1);
  const result: FieldType = { kind: "message", type: response, delimited: false };
  return {
    parameters: [parameter],
    result: ownTypeOf(context, result),
    throws: [],
    request: BARE,
    response: BARE,
    exceptions: "details",
  };
}

function twinMethodOf(context: ServiceContext, method: Method): MethodShape | undefined {
  const link = context.linked?.methods.get(method);
  const { request, response } = method;
  if (!link || !request || !response) return undefined;
  if (method.wire === "protobuf") {
    // The message is the one argument, by the id that the derived method has.
    const argument = link.request.kind === "field" ? link.request.field.id : undefined;
    const result = link.response.kind === "field" ? link.response.field.id : undefined;
    const parameter = loneField(context, method, request, "request", argument ?? 1);
    const success = loneField(context, method, response, "success", result ?? 0);
    return {
      parameters: [parameter],
      result: success.type,
      throws: [],
      request: argument === undefined ? BARE : { kind: "fields", fields: [parameter] },
      response: result === undefined ? BARE : { kind: "fields", fields: [success] },
      exceptions: "details",
    };
  }
  const own = ownMethodOf(context, method);
  if (!own) return undefined;
  const bare = (body: typeof link.request): boolean => body.kind === "field";
  const requestLink = link.request.link;
  const responseLink = link.response.link;
  const fieldsOfLink = (fields: readonly Field[], from: MessageLink): readonly StubField[] =>
    fields.flatMap((field) => twinsOf(context, field, from.fields));
  const parameters = bare(link.request) ? own.parameters : fieldsOfLink(request.fields, requestLink);
  const results = link.oneof ? response.fields : response.fields.filter(({ id }) => id === 0);
  return {
    ...own,
    parameters,
    request: bare(link.request) ? BARE : { kind: "fields", fields: parameters },
    response: bare(link.response)
      ? BARE
      : { kind: "fields", fields: fieldsOfLink(results, responseLink).map((field) => resultFieldOf(field)) },
    throws: own.throws.map((thrown) => {
      const field = response.fieldsById.get(thrown.id);
      const number = link.oneof && responseLink.fields.find((each) => each.thrift === field)?.protobuf.id;
      return number ? { ...thrown, id: number } : thrown;
    }),
    exceptions: link.oneof ? "fields" : "details",
  };
}

function twinsOf(context: ServiceContext, field: Field, links: readonly FieldLink[]): StubField[] {
  const link = links.find((each) => each.thrift === field);
  return link ? [twinFieldOf(context, namedOf(field), field, link)] : [];
}

/** Of a result at most one field is there, so none is missed by itself. */
function resultFieldOf(field: StubField): StubField {
  return { ...field, optional: true, required: false, write: "present", absent: "keep", defaultValue: undefined };
}

function loneField(
  context: ServiceContext,
  { position }: Method,
  type: MessageType,
  name: string,
  id: number,
): StubField {
  return {
    name,
    doc: undefined,
    deprecated: false,
    position,
    id,
    type: ownTypeOf(context, { kind: "message", type, delimited: false }),
    optional: false,
    required: true,
    write: "always",
    absent: "keep",
    defaultValue: undefined,
    oneof: undefined,
  };
}

function throwsOf({ messages }: ServiceContext, { throws }: Method): StubThrow[] {
  return throws.flatMap((field) => {
    const type = field.type.kind === "message" ? messages.get(field.type.type) : undefined;
    return type ? [{ ...namedOf(field), id: field.id, type }] : [];
  });
}

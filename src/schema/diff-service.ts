// What changed between two versions of a service: its methods, by name, inherited ones included.
import { compareFields, compareFieldType } from "./diff-message.ts";
import { type Comparison, compareTypes } from "./diff-type.ts";
import { type Field, type MessageType, type Method, methodsOf, type Service } from "./model.ts";

/** Compares services; a method that several inherit is compared, and missed, once. */
export function createServiceComparer(comparison: Comparison): (before: Service, after: Service) => void {
  const seen = new Set<Method>();
  return (before, after) => {
    compareBases(comparison, before, after);
    const named = new Map(methodsOf(after).map((method) => [method.name, method]));
    for (const method of methodsOf(before)) {
      const partner = named.get(method.name);
      if (seen.has(method)) continue;
      seen.add(method);
      if (partner) compareMethods(comparison, method, partner);
      else {
        comparison.report({
          rule: "METHOD_REMOVED",
          position: method.position,
          about: method.position,
          what: `method "${method.name}" was removed from service "${after.name}"`,
          advice: "old callers fail; keep the method until nobody calls it",
        });
      }
    }
  };
}

function compareBases({ pairs, report }: Comparison, before: Service, after: Service): void {
  if (!before.base) return;
  const base = pairs.services.get(before.base);
  for (let each = after.base; each; each = each.base) {
    if (each === base || each === before.base || each.fullName === before.base.fullName) return;
  }
  report({
    rule: "SERVICE_EXTENDS",
    position: after.position,
    about: before.position,
    what: `service "${after.name}" no longer extends "${before.base.fullName}"`,
    advice: "its stubs no longer stand for those of its base; keep extending it",
  });
}

function compareMethods(comparison: Comparison, before: Method, after: Method): void {
  const { report } = comparison;
  const head = { position: after.position, about: before.position };
  if (before.oneway !== after.oneway) {
    const word = ({ oneway }: Method): string => (oneway ? "oneway" : "answered");
    const what = `method "${after.name}" changed from ${word(before)} to ${word(after)}`;
    const advice = "one side would wait for an answer that never comes; add a method instead";
    report({ rule: "METHOD_ONEWAY", ...head, what, advice });
  }
  if (before.streaming !== after.streaming) {
    const what = `method "${after.name}" changed its streaming from ${before.streaming} to ${after.streaming}`;
    report({ rule: "METHOD_STREAMING", ...head, what, advice: "add a method instead" });
  }
  if (before.idempotent && !after.idempotent) {
    const what = `method "${after.name}" is no longer idempotent`;
    const advice = "old callers still repeat it, or send it as GET; keep it so, or add a method";
    report({ rule: "METHOD_IDEMPOTENT", ...head, what, advice });
  }
  const { request, response } = before;
  if (!request || !response || !after.request || !after.response) return;
  if (before.wire === "protobuf") {
    compareBodies(comparison, head, `the request of "${after.name}"`, request, after.request);
    compareBodies(comparison, head, `the response of "${after.name}"`, response, after.response);
    return;
  }
  compareFields(comparison, request, after.request, "argument");
  if (before.oneway !== after.oneway) return;
  compareResults(comparison, before, after, response, after.response);
  compareThrows(comparison, before, after);
}

type Head = Pick<Parameters<Comparison["report"]>[0], "position" | "about">;

function compareBodies(
  comparison: Comparison,
  head: Head,
  subject: string,
  before: MessageType,
  after: MessageType,
): void {
  const message = (type: MessageType) => ({ kind: "message", type, delimited: false }) as const;
  const change = compareTypes(comparison, "protobuf", message(before), message(after));
  if (!change) return;
  const qualified = before.name === after.name;
  const [from, to] = qualified ? [before.fullName, after.fullName] : [before.name, after.name];
  comparison.report({
    rule: change.breaks ? "METHOD_TYPE" : "METHOD_TYPE_COMPATIBLE",
    ...head,
    what: `${subject} changed from ${from} to ${to}, ${change.why}`,
    advice: change.breaks
      ? "keep the message, or add a method"
      : "both versions read the bytes, but generated code changes; keep the message, or add a method",
  });
}

/** Field 0 of a result; none means void. */
function compareResults(
  comparison: Comparison,
  method: Method,
  { name, position }: Method,
  before: MessageType,
  after: MessageType,
): void {
  const [old, now] = [before.fieldsById.get(0), after.fieldsById.get(0)];
  if (old && now)
    compareFieldType(comparison, "thrift", old, now, { subject: `the result of "${name}"`, other: "a method" });
  else if (old || now) {
    comparison.report({
      rule: "METHOD_RESULT",
      position: now?.position ?? position,
      about: old?.position ?? method.position,
      what: `method "${name}" changed from ${old ? "returning a value to void" : "void to returning a value"}`,
      advice: "callers of the other version miss a result; add a method instead",
    });
  }
}

function compareThrows(comparison: Comparison, before: Method, after: Method): void {
  const { report } = comparison;
  const byId = (fields: readonly Field[]) => new Map(fields.map((field) => [field.id, field]));
  const [old, now] = [byId(before.throws), byId(after.throws)];
  for (const [id, field] of old) {
    const partner = now.get(id);
    if (partner) {
      compareFieldType(comparison, "thrift", field, partner, {
        subject: `exception "${partner.name}" (${id}) of "${after.name}"`,
        other: "an exception",
      });
      continue;
    }
    const what = `method "${after.name}" no longer throws "${field.name}" (${id})`;
    const advice = "new callers take what an old server throws for a missing result; keep it declared";
    report({ rule: "THROWS_REMOVED", position: field.position, about: field.position, what, advice });
  }
  for (const [id, field] of now) {
    if (old.has(id)) continue;
    const what = `method "${after.name}" now throws "${field.name}" (${id}) too`;
    const advice = "old callers take it for a missing result; return the failure, or add a method";
    report({ rule: "THROWS_ADDED", position: field.position, about: field.position, what, advice });
  }
}

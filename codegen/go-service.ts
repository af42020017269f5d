// A service as a Go client and, where servers are wanted, the interface that one implements.
import { commentLines, type GoFile, quoted } from "./go-file.ts";
import { printMessage } from "./go-message.ts";
import type { GoMethod, GoService } from "./go-names.ts";
import { hasDefaults } from "./go-thrift.ts";
import type { StubField, StubMethod, StubService, StubType } from "./stub-model.ts";

/** Prints all that belongs to a service. */
export function printService(go: GoFile, service: StubService, server: boolean): void {
  const names = go.names.services.get(service);
  if (!names) return;
  printClient(go, service, names);
  for (const [method, own] of names.methods) printCall(go, service, names, method, own);
  if (server) printServer(go, service, names);
  printMethods(go, service, names);
}

function printClient(go: GoFile, service: StubService, { client, create }: GoService): void {
  go.print("", `// ${client} calls ${service.fullName} through the local sidecar. It may be used by many goroutines.`);
  const comment = commentLines(service);
  if (comment.length > 0) go.print("//", ...comment);
  go.block(`type ${client} struct {`, () => go.print(`client *${go.runtime("Client")}`), "}");
  go.print("", `// ${create} returns a ${client} over client, or where that is nil over the client of the process.`);
  go.block(
    `func ${create}(client *${go.runtime("Client")}) *${client} {`,
    () => {
      go.block("if client == nil {", () => go.print(`client = ${go.runtime("Default")}()`), "}");
      go.print(`return &${client}{client: client}`);
    },
    "}",
  );
}

/** `(ctx context.Context, sku string) (success *Item, err error)`. */
function signature(go: GoFile, method: StubMethod, { parameters }: GoMethod, named: boolean): string {
  const given = method.parameters.map((field) => `${parameters.get(field)} ${go.fieldTypeOf(field)}`);
  const all = [`ctx ${go.standard("context", "Context")}`, ...given].join(", ");
  const result = resultType(go, method);
  if (result === undefined) return `(${all}) error`;
  return named ? `(${all}) (success ${result}, err error)` : `(${all}) (${result}, error)`;
}

function resultType(go: GoFile, { result, oneway }: StubMethod): string | undefined {
  return result === undefined || oneway ? undefined : go.typeOf(result);
}

function printCall(go: GoFile, service: StubService, { client }: GoService, method: StubMethod, own: GoMethod): void {
  go.print("");
  go.doc(method, `${own.name} calls ${service.fullName}.${method.name}.`);
  go.block(
    `func (c *${client}) ${own.name}${signature(go, method, own, true)} {`,
    () => printCallBody(go, method, own),
    "}",
  );
}

function printCallBody(go: GoFile, method: StubMethod, own: GoMethod): void {
  const { args, result: resultMessage } = own;
  const request = args
    ? `&${nameOf(go, args)}{${method.parameters.map((field) => `${fieldOf(go, args, field)}: ${own.parameters.get(field)}`).join(", ")}}`
    : (own.parameters.get(method.parameters[0]!) ?? "nil");
  const call = (into: string): string => `c.client.Call(ctx, ${own.variable}, ${request}, ${into})`;
  if (method.oneway) {
    go.print(`return ${call("nil")}`);
    return;
  }
  const hasResult = method.result !== undefined;
  const failed = thrownBy(go, method, "err");
  if (!resultMessage) {
    go.print(`success = ${newOf(go, method.result!)}`);
    const fail = (): void => go.print(`return nil, ${failed}`);
    go.block(`if err = ${call("success")}; err != nil {`, fail, "}");
    go.print("return success, nil");
    return;
  }
  go.print(`var result ${nameOf(go, resultMessage)}`);
  const fail = (): void => go.print(hasResult ? `return success, ${failed}` : `return ${failed}`);
  go.block(`if err ${hasResult ? "=" : ":="} ${call("&result")}; err != nil {`, fail, "}");
  const clauses = resultMessage.fields
    .filter((field) => field !== successOf(method))
    .map((field) => ({
      condition: `result.${fieldOf(go, resultMessage, field)} != nil`,
      value: `result.${fieldOf(go, resultMessage, field)}`,
    }));
  const success = successOf(method);
  const name = success && fieldOf(go, resultMessage, success);
  if (success && mayMiss(method, success)) {
    clauses.push({ condition: `result.${name} == nil`, value: `${go.runtime("MissingResult")}(${own.variable})` });
  }
  const wayOut = (value: string): string => (hasResult ? `return success, ${value}` : `return ${value}`);
  if (clauses.length === 1) {
    const [{ condition, value }] = clauses as [{ condition: string; value: string }];
    go.block(`if ${condition} {`, () => go.print(wayOut(value)), "}");
  } else if (clauses.length > 1) {
    go.print("switch {");
    for (const { condition, value } of clauses) {
      go.print(`case ${condition}:`);
      go.indented(() => go.print(wayOut(value)));
    }
    go.print("}");
  }
  if (success) go.print(`return ${isValue(success.type) ? "*" : ""}result.${name}, nil`);
  else go.print("return nil");
}

/** An error, with what the method declares taken out of its details. */
function thrownBy(go: GoFile, { throws, exceptions }: StubMethod, error: string): string {
  if (throws.length === 0 || exceptions === "fields") return error;
  const types = [...new Set(throws.map(({ type }) => go.messageName(type)))];
  return `${go.runtime("Thrown")}(${[error, ...types.map((type) => `new(${type})`)].join(", ")})`;
}

function successOf({ response, result }: StubMethod): StubField | undefined {
  return result && response.kind === "fields" ? response.fields.find(({ name }) => name === "success") : undefined;
}

/** On Protobuf an empty list is not there. */
function mayMiss({ exceptions }: StubMethod, { type }: StubField): boolean {
  return exceptions === "fields" || !(type.kind === "list" || type.kind === "map");
}

/** What is a pointer where it may be absent. */
function isValue(type: StubType): boolean {
  return (type.kind === "scalar" && type.api !== "bytes") || type.kind === "enum";
}

function nameOf(go: GoFile, type: NonNullable<GoMethod["args"]>): string {
  return go.names.messages.get(type)!.name;
}

function fieldOf(go: GoFile, type: NonNullable<GoMethod["args"]>, field: StubField): string {
  return go.names.messages.get(type)!.fields.get(field)!;
}

function newOf(go: GoFile, type: StubType): string {
  return `new(${go.typeOf(type).slice(1)})`;
}

function printServer(go: GoFile, service: StubService, names: GoService): void {
  const { handler, register, methods } = names;
  go.print(
    "",
    `// ${handler} is what a server of ${service.fullName} implements. Its methods are called from many goroutines.`,
  );
  if (methods.size === 0) go.print(`type ${handler} interface{}`);
  else {
    const body = (): void => {
      for (const [method, own] of methods) {
        const comment = commentLines(method);
        if (comment.length > 0) go.print("", ...comment);
        go.print(`${own.name}${signature(go, method, own, false)}`);
      }
    };
    go.block(`type ${handler} interface {`, body, "}");
  }
  go.print("", `// ${register} lets server serve ${service.fullName} by handler.`);
  const body = (): void => {
    go.print(`server.Service(${quoted(service.wireName)})`);
    for (const [method, own] of methods) printHandle(go, method, own);
  };
  go.block(`func ${register}(server *${go.runtime("Server")}, handler ${handler}) {`, body, "}");
}

function printHandle(go: GoFile, method: StubMethod, own: GoMethod): void {
  const message = go.runtime("Message");
  const context = go.standard("context", "Context");
  const body = (): void => {
    const { args } = own;
    let given: readonly string[];
    if (args) {
      const create = hasDefaults(args) ? `new${nameOf(go, args)}()` : `new(${nameOf(go, args)})`;
      go.print(`args := ${create}`);
      given = method.parameters.map((field) => `args.${fieldOf(go, args, field)}`);
    } else {
      go.print(`args := ${newOf(go, method.parameters[0]!.type)}`);
      given = ["args"];
    }
    go.block("if err := read(args); err != nil {", () => go.print("return nil, err"), "}");
    const call = `handler.${own.name}(${["ctx", ...given].join(", ")})`;
    if (method.oneway) go.print(`return nil, ${call}`);
    else printAnswer(go, method, own, call);
  };
  go.block(
    `server.Handle(${own.variable}, func(ctx ${context}, read func(${message}) error) (${message}, error) {`,
    body,
    "})",
  );
}

function printAnswer(go: GoFile, method: StubMethod, { result }: GoMethod, call: string): void {
  const success = successOf(method);
  const hasResult = method.result !== undefined;
  if (hasResult) {
    go.print(`success, err := ${call}`);
    go.block("if err != nil {", () => printThrow(go, method, result), "}");
  } else go.block(`if err := ${call}; err != nil {`, () => printThrow(go, method, result), "}");
  if (!result) {
    go.print("return success, nil");
    return;
  }
  if (!success) {
    go.print(`return new(${nameOf(go, result)}), nil`);
    return;
  }
  if (!isValue(success.type) && success.type.kind !== "message") {
    go.block("if success == nil {", () => go.print(`success = ${go.typeOf(success.type)}{}`), "}");
  }
  const value = isValue(success.type) ? "&success" : "success";
  go.print(`return &${nameOf(go, result)}{${fieldOf(go, result, success)}: ${value}}, nil`);
}

/** On Protobuf an exception is found in the error by the runtime. */
function printThrow(go: GoFile, method: StubMethod, result: GoMethod["result"]): void {
  const thrown =
    result && method.exceptions === "fields" ? result.fields.filter((field) => field !== successOf(method)) : [];
  if (result && thrown.length > 0) {
    go.print(`var result ${nameOf(go, result)}`);
    const conditions = thrown.map(
      (field) => `${go.standard("errors", "As")}(err, &result.${fieldOf(go, result, field)})`,
    );
    go.block(`if ${conditions.join(" || ")} {`, () => go.print("return &result, nil"), "}");
  }
  go.print("return nil, err");
}

/** What the runtime is told of each method, and the messages that carry arguments and results. */
function printMethods(go: GoFile, service: StubService, { methods }: GoService): void {
  if (methods.size === 0) return;
  const codec = go.runtime(go.file.wire === "thrift" ? "ThriftBinary" : "Protobuf");
  const rows = [...methods].map(([method, { variable }]) => {
    const oneway = method.oneway ? ", Oneway: true" : "";
    const value = `${go.runtime("Method")}{Service: ${quoted(service.wireName)}, Name: ${quoted(method.wireName)}, Codec: ${codec}${oneway}}`;
    return [variable, "=", value];
  });
  go.print("");
  go.block("var (", () => go.columns(rows), ")");
  for (const { args, result } of methods.values()) {
    for (const type of [args, result]) if (type) printMessage(go, type, go.file.wire, false);
  }
}

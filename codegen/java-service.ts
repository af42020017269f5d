// A service as an interface, its blocking and asynchronous clients, and what serves an implementation of it.
import type { JavaContext } from "./java-context.ts";
import { type JavaFile, printDoc, printMarks } from "./java-file.ts";
import {
  boxedType,
  constantOf,
  isPrimitive,
  isZeroConstant,
  javaType,
  stringLiteral,
  unwrapped,
  zeroOf,
} from "./java-types.ts";
import { upperSnakeCase } from "./names.ts";
import type { StubField, StubMessage, StubMethod, StubService } from "./stub-model.ts";

interface Printed {
  readonly context: JavaContext;
  readonly service: StubService;
  /** Each method with its name. */
  readonly methods: readonly { readonly method: StubMethod; readonly name: string }[];
}

function printed(context: JavaContext, service: StubService): Printed {
  const { methods } = context.names.services.get(service)!;
  return { context, service, methods: service.methods.map((method, i) => ({ method, name: methods[i]! })) };
}

/** The interface that clients and implementations share. */
export function printService(context: JavaContext, service: StubService): void {
  const { file, names } = context;
  const { service: own } = names.services.get(service)!;
  const { methods } = printed(context, service);
  const base = service.base && file.use(names.services.get(service.base)!.service);
  printDoc(file, service);
  if (service.deprecated) file.print(`@${file.jdk("java.lang.Deprecated")}`);
  printMarks(file);
  file.block(
    `public interface ${own.path[0]} ${base === undefined ? "" : `extends ${base} `}{`,
    () => {
      for (const { method, name } of methods.slice(service.base?.methods.length ?? 0)) {
        file.print("");
        printMethodDoc(context, method);
        file.print(`${signature(context, method, name)};`);
      }
    },
    "}",
  );
}

function printMethodDoc({ file, names }: JavaContext, method: StubMethod): void {
  const parameters = names.parameters.get(method)!;
  const tags = method.parameters.flatMap(({ doc }, i) =>
    doc === undefined ? [] : [`@param ${parameters[i]} ${doc.replaceAll("\n", " ")}`],
  );
  printDoc(file, method, { tags });
  if (method.deprecated) file.print(`@${file.jdk("java.lang.Deprecated")}`);
}

function signature(context: JavaContext, method: StubMethod, name: string): string {
  const { file, names } = context;
  const result = method.result ? javaType(file, names, method.result) : "void";
  const thrown = thrownTypes(context, method);
  return `${result} ${name}(${parametersOf(context, method)})${thrown.length > 0 ? ` throws ${thrown.join(", ")}` : ""}`;
}

function parametersOf({ file, names }: JavaContext, method: StubMethod): string {
  const own = names.parameters.get(method)!;
  return method.parameters.map((field, i) => `${parameterType(file, names, field)} ${own[i]}`).join(", ");
}

function parameterType(file: JavaFile, names: JavaContext["names"], { type, optional }: StubField): string {
  return optional ? boxedType(file, names, type) : javaType(file, names, type);
}

function thrownTypes({ file, names }: JavaContext, { throws }: StubMethod): readonly string[] {
  return [...new Set(throws.map(({ type }) => file.use(names.types.get(type)!)))];
}

/** The blocking client, with the asynchronous one inside it. */
export function printClient(context: JavaContext, service: StubService): void {
  const { file, names } = context;
  const { methods } = printed(context, service);
  const { service: own, client } = names.services.get(service)!;
  const name = client.path[0]!;
  const channel = file.jdk("causeway.Channel");
  const options = file.jdk("causeway.CallOptions");
  printDoc(
    file,
    { doc: undefined, deprecated: service.deprecated },
    {
      notes: [
        `Calls ${service.fullName} through the local sidecar. Errors that are not declared are {@link causeway.RpcException}s.`,
      ],
    },
  );
  if (service.deprecated) file.print(`@${file.jdk("java.lang.Deprecated")}`);
  printMarks(file);
  file.block(
    `public final class ${name} implements ${file.use(own)} {`,
    () => {
      for (const { method, name: each } of methods) printDescriptor(context, service, method, each, name);
      file.print(`private final ${channel} channel;`, `private final ${options} options;`, "");
      file.block(`public ${name}(${channel} channel) {`, () => file.print(`this(channel, ${options}.DEFAULT);`), "}");
      file.print("");
      file.block(
        `private ${name}(${channel} channel, ${options} options) {`,
        () => file.print("this.channel = channel;", "this.options = options;"),
        "}",
      );
      file.print("", "/** The same client, with a deadline or metadata for its calls. */");
      file.block(
        `public ${name} with(${options} options) {`,
        () => file.print(`return new ${name}(channel, options);`),
        "}",
      );
      file.print("", "/** The same calls without waiting. */");
      file.block("public Async async() {", () => file.print("return new Async(channel, options);"), "}");
      for (const { method, name: each } of methods) {
        file.print("", "@Override");
        if (method.deprecated) file.print(`@${file.jdk("java.lang.Deprecated")}`);
        file.block(`public ${signature(context, method, each)} {`, () => printCall(context, method, each), "}");
      }
      for (const { method, name: each } of methods) {
        if (method.request.kind === "fields") printWriteArguments(context, method, each);
        printReadResult(context, method, each);
      }
      file.print("", "/** Calls without waiting: cancelling a future cancels its call. */");
      file.block(
        "public static final class Async {",
        () => {
          file.print(`private final ${channel} channel;`, `private final ${options} options;`, "");
          file.block(
            `private Async(${channel} channel, ${options} options) {`,
            () => file.print("this.channel = channel;", "this.options = options;"),
            "}",
          );
          for (const { method, name: each } of methods) {
            file.print("");
            printMethodDoc(context, method);
            const result = method.result ? boxedType(file, names, method.result) : "Void";
            file.block(
              `public ${file.jdk("java.util.concurrent.CompletableFuture")}<${result}> ${each}(${parametersOf(context, method)}) {`,
              () =>
                file.print(
                  `return channel.callAsync(${constantName(each)}, ${argumentsOf(context, method, each)}, options);`,
                ),
              "}",
            );
          }
        },
        "}",
      );
    },
    "}",
  );
}

/** Underscores at the end tell apart what differs in case alone. */
function constantName(name: string): string {
  return `${upperSnakeCase(name) || name}${/_*$/.exec(name)?.[0] ?? ""}_METHOD`;
}

function capital(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function printDescriptor(
  context: JavaContext,
  service: StubService,
  method: StubMethod,
  name: string,
  client: string,
): void {
  const { file, names, wire } = context;
  const type = file.jdk("causeway.Method");
  const result = method.result ? boxedType(file, names, method.result) : "Void";
  const thrown =
    method.exceptions === "details" && method.throws.length > 0
      ? `${file.jdk("java.util.Map")}.of(${uniqueThrows(method)
          .map((each) => `${stringLiteral(each.wireName)}, ${file.use(names.types.get(each)!)}::read`)
          .join(", ")})`
      : `${file.jdk("java.util.Map")}.of()`;
  const wireName = `${file.jdk("causeway.Wire")}.${wire.wire === "thrift" ? "THRIFT" : "PROTOBUF"}`;
  const parts = [
    wireName,
    stringLiteral(service.wireName),
    stringLiteral(method.wireName),
    String(method.oneway),
    `${client}::read${capital(name)}`,
    thrown,
  ];
  file.print(`private static final ${type}<${wire.output}, ${wire.input}, ${result}> ${constantName(name)} =`);
  file.indented(() => file.indented(() => file.print(`new ${type}<>(${parts.join(", ")});`)));
  file.print("");
}

function uniqueThrows({ throws }: StubMethod): readonly StubMessage[] {
  return [...new Set(throws.map(({ type }) => type))];
}

/** What writes the arguments of a call. */
function argumentsOf({ names }: JavaContext, method: StubMethod, name: string): string {
  const own = names.parameters.get(method)!;
  if (method.request.kind === "bare") return `${own[0]}::write`;
  return `out -> write${capital(name)}(${["out", ...own].join(", ")})`;
}

function printCall(context: JavaContext, method: StubMethod, name: string): void {
  const { file } = context;
  file.print(
    `${method.result ? "return " : ""}channel.call(${constantName(name)}, ${argumentsOf(context, method, name)}, options);`,
  );
}

function printWriteArguments(context: JavaContext, method: StubMethod, name: string): void {
  const { file, names, wire } = context;
  const own = names.parameters.get(method)!;
  const parameters = [`${wire.output} out`, ...(method.parameters.length > 0 ? [parametersOf(context, method)] : [])];
  file.print("");
  file.block(
    `private static void write${capital(name)}(${parameters.join(", ")}) {`,
    () => {
      for (const [i, field] of method.parameters.entries())
        printField(context, field, own[i]!, isNullableParameter(field));
      if (wire.wire === "thrift") file.print("out.stop();");
    },
    "}",
  );
}

/** A struct that is not there is not sent. */
function isNullableParameter({ optional, required, type }: StubField): boolean {
  return optional || (!required && unwrapped(type).kind === "message");
}

function printField({ file, wire }: JavaContext, field: StubField, value: string, nullable: boolean): void {
  const condition = wire.writtenIf(field, value, nullable);
  const statement = wire.writeField(field, value);
  file.print(condition === undefined ? statement : `if (${condition}) ${statement}`);
}

function printReadResult(context: JavaContext, method: StubMethod, name: string): void {
  const { file, names, wire } = context;
  const result = method.result ? boxedType(file, names, method.result) : "Void";
  const throwing = method.exceptions === "fields" && method.throws.length > 0;
  const throwsClause = throwing ? ` throws ${thrownTypes(context, method).join(", ")}` : "";
  file.print("");
  file.block(
    `private static ${result} read${capital(name)}(${wire.input} in)${throwsClause} {`,
    () => {
      if (method.response.kind === "bare") {
        const read = `${result}.read(in)`;
        const union = method.result?.kind === "message" && method.result.type.kind === "union";
        file.print(`return ${union ? `in.required(${read}, "success")` : read};`);
        return;
      }
      const success = successOf(method);
      if (success) file.print(`${result} success = ${emptySuccess(context, success)};`);
      const cases = method.response.fields.flatMap((field) => {
        if (field === success) return wire.readCases(field, "success", (value) => `success = ${value}`);
        return wire.readCases(field, "null", (value) => `throw ${value}`);
      });
      wire.readLoop(cases);
      if (success) file.print(`return in.required(success, "success");`);
      else file.print("return null;");
    },
    "}",
  );
}

/** The field of the result itself; the others are exceptions. */
function successOf({ response, result, throws }: StubMethod): StubField | undefined {
  if (response.kind === "bare" || !result) return undefined;
  return response.fields.find(
    ({ id, type }) => !(type.kind === "message" && throws.some((each) => each.id === id && each.type === type.type)),
  );
}

/** A Protobuf container that is empty is not there. */
function emptySuccess({ file, names, wire }: JavaContext, { type }: StubField): string {
  const container = type.kind === "list" || type.kind === "map";
  return container && wire.wire === "protobuf" ? zeroOf(file, names, type) : "null";
}

/** What serves an implementation. */
export function printServer(context: JavaContext, service: StubService): void {
  const { file, names, wire } = context;
  const { methods } = printed(context, service);
  const { service: own, server } = names.services.get(service)!;
  const type = file.jdk("causeway.Service");
  const wireName = `${file.jdk("causeway.Wire")}.${wire.wire === "thrift" ? "THRIFT" : "PROTOBUF"}`;
  if (service.deprecated || service.methods.some(({ deprecated }) => deprecated)) file.usesDeprecated();
  printDoc(
    file,
    { doc: undefined, deprecated: false },
    {
      notes: [
        `Serves implementations of {@link ${file.use(own)}}: give what {@link #of} makes to a {@link causeway.Server}.`,
      ],
    },
  );
  printMarks(file);
  file.block(
    `public final class ${server.path[0]} {`,
    () => {
      file.print(`private ${server.path[0]}() {}`, "");
      file.block(
        `public static ${type} of(${file.use(own)} implementation) {`,
        () => {
          if (methods.length === 0) {
            file.print(`return new ${type}(${stringLiteral(service.wireName)});`);
            return;
          }
          file.print(`return new ${type}(${stringLiteral(service.wireName)})`);
          file.indented(() => {
            file.indented(() => {
              for (const [i, { method, name }] of methods.entries()) {
                const end = i === methods.length - 1 ? ";" : "";
                file.print(
                  `.method(${wireName}, ${stringLiteral(method.wireName)}, ${method.oneway}, in -> ${handlerName(name)}(implementation, in))${end}`,
                );
              }
            });
          });
        },
        "}",
      );
      for (const { method, name } of methods) printHandler(context, service, method, name);
    },
    "}",
  );
}

function handlerName(name: string): string {
  return `handle${capital(name)}`;
}

function printHandler(context: JavaContext, service: StubService, method: StubMethod, name: string): void {
  const { file, names, wire } = context;
  const own = names.services.get(service)!.service;
  const consumer = file.jdk("java.util.function.Consumer");
  file.print("");
  file.block(
    `private static ${consumer}<${wire.output}> ${handlerName(name)}(${file.use(own)} implementation, ${wire.input} in) throws Exception {`,
    () => {
      const given = printReadArguments(context, method);
      const call = `implementation.${name}(${given.join(", ")})`;
      if (method.exceptions === "details" || method.throws.length === 0) {
        printAnswer(context, method, call);
        return;
      }
      const caught = new Set<StubMessage>();
      const response = method.response.kind === "fields" ? method.response.fields : [];
      file.print("try {");
      file.indented(() => printAnswer(context, method, call));
      for (const { id, type } of method.throws) {
        const field = response.find((each) => each.id === id);
        if (caught.has(type) || !field) continue;
        caught.add(type);
        file.print(`} catch (${file.use(names.types.get(type)!)} thrown) {`);
        file.indented(() => printLambda(context, [wire.writeField(field, "thrown")]));
      }
      file.print("}");
    },
    "}",
  );
}

/** Reads the arguments into locals, and gives what the implementation is called with. */
function printReadArguments(context: JavaContext, method: StubMethod): readonly string[] {
  const { file, names, wire } = context;
  const own = names.parameters.get(method)!;
  if (method.request.kind === "bare") {
    const [field] = method.parameters;
    if (!field) return [];
    const type = boxedType(file, names, field.type);
    const union = field.type.kind === "message" && field.type.type.kind === "union";
    file.print(`${type} ${own[0]} = ${union ? `in.required(${type}.read(in), "${field.name}")` : `${type}.read(in)`};`);
    return own;
  }
  for (const [i, field] of method.parameters.entries()) {
    const { type, required } = field;
    const initial = argumentDefault(context, field);
    const declared = required ? boxedType(file, names, type) : parameterType(file, names, field);
    file.print(`${declared} ${own[i]} = ${initial};`);
  }
  const cases = method.parameters.flatMap((field, i) =>
    wire.readCases(field, own[i]!, (value) => `${own[i]} = ${value}`),
  );
  wire.readLoop(cases);
  for (const [i, field] of method.parameters.entries())
    if (field.absent === "error") file.print(`in.required(${own[i]}, "${field.name}");`);
  return own;
}

function argumentDefault({ file, names, wire }: JavaContext, field: StubField): string {
  const { type, defaultValue, optional, required, absent } = field;
  if (optional || (required && absent === "error")) return "null";
  const container = type.kind === "list" || type.kind === "map";
  const own = defaultValue !== undefined && absent === "keep" && !(container && wire.wire === "protobuf");
  if (own && !isZeroConstant(defaultValue)) return constantOf(file, names, type, defaultValue);
  return zeroOf(file, names, type);
}

function printAnswer(context: JavaContext, method: StubMethod, call: string): void {
  const { file, names, wire } = context;
  if (!method.result) {
    file.print(`${call};`);
    printLambda(context, []);
    return;
  }
  const { response, result } = method;
  const type = javaType(file, names, result);
  file.print(`${type} success = ${call};`);
  if (!isPrimitive(result)) file.print(`${file.jdk("java.util.Objects")}.requireNonNull(success, "the result");`);
  if (response.kind === "bare") {
    file.print("return success::write;");
    return;
  }
  const success = successOf(method);
  printLambda(context, success ? [wire.writeField(success, "success")] : []);
}

function printLambda({ file, wire }: JavaContext, statements: readonly string[]): void {
  const lines = [...statements, ...(wire.wire === "thrift" ? ["out.stop();"] : [])];
  if (lines.length === 0) file.print("return out -> {};");
  else file.block("return out -> {", () => file.print(...lines), "};");
}

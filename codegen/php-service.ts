// The PHP classes of a service: its client, and with --server the interface to implement and what serves it.

import { camelCase, pascalCase } from "./names.ts";
import { docOf, type PhpFile } from "./php-file.ts";
import { createLocals, type Locals, propertyName } from "./php-names.ts";
import { type ReadCase, readFields } from "./php-read.ts";
import { arrayDoc, declaredType, isNullable, literal, nullableType, stringLiteral, zeroOf } from "./php-types.ts";
import { writeField, writePresent } from "./php-write.ts";
import type { StubField, StubMethod, StubService, StubThrow } from "./stub-model.ts";

/** A method with its names in PHP. */
interface PhpMethod {
  readonly method: StubMethod;
  readonly name: string;
  /** In the order of the parameters. */
  readonly parameters: readonly { readonly field: StubField; readonly variable: string }[];
  /** With the parameters and what the method body calls its own taken. */
  readonly locals: Locals;
}

function methodsOf({ methods }: StubService): readonly PhpMethod[] {
  const taken = createLocals("__construct");
  const lower = new Map<string, number>();
  return methods.map((method) => {
    // Methods are case-insensitive.
    const wanted = camelCase(method.name) || "_";
    const count = lower.get(wanted.toLowerCase()) ?? 0;
    lower.set(wanted.toLowerCase(), count + 1);
    const locals = createLocals("options", "in", "out", "error");
    const parameters = method.parameters.map((field) => ({ field, variable: `$${locals.fresh(propertyName(field))}` }));
    return { method, name: count === 0 ? wanted : taken.fresh(`${wanted}${count + 1}`), parameters, locals };
  });
}

/** Prints the class that calls a service. */
export function printClient(file: PhpFile, service: StubService, isThrift: boolean): void {
  const channel = file.runtime("Channel");
  const { lines, tags } = docOf(service);
  file.doc([...lines, ...(lines.length > 0 ? [""] : []), `Calls ${service.fullName} through the sidecar.`], tags);
  file.print(`final class ${file.names.serviceOf(service).client} implements ${file.runtime("RuntimeVersion1")}`, "{");
  file.indented(() => {
    file.print(`private readonly ${channel} $channel;`, "");
    file.doc([], [`@param ?${channel} $channel null for the one that all clients share`]);
    file.print(`public function __construct(?${channel} $channel = null)`, "{");
    file.indented(() => file.print(`$this->channel = $channel ?? ${channel}::shared();`));
    file.print("}");
    for (const method of methodsOf(service)) {
      file.print("");
      const options = `?${file.runtime("CallOptions")} $options = null`;
      printSignature(file, method, [options], "", throwsTags(file, method.method, true));
      file.indented(() => printCall(file, service, method, isThrift));
      file.print("}");
    }
  });
  file.print("}");
}

/** Doc comment and head of a method; `end` is `;` for one without a body, which is open otherwise. */
function printSignature(
  file: PhpFile,
  { method, name, parameters }: PhpMethod,
  more: readonly string[],
  end: string,
  throws: readonly string[],
): void {
  const { lines, tags } = docOf(method);
  const paramTags = parameters.flatMap(({ field, variable }) => {
    const array = arrayDoc(file, field.type, isNullableParameter(field));
    return array === undefined ? [] : [`@param ${array} ${variable}`];
  });
  const { result } = method;
  const array = result && arrayDoc(file, result, false);
  const returnTags = array === undefined ? [] : [`@return ${array}`];
  file.doc(lines, [...paramTags, ...returnTags, ...throws, ...tags]);
  const declared = parameters.map(({ field, variable }, i) => {
    const { type, defaultValue } = field;
    const nullable = isNullableParameter(field);
    const start = `${nullable ? nullableType(file, type) : declaredType(file, type)} ${variable}`;
    // A default is of use only where all behind have one too.
    const rest = parameters
      .slice(i)
      .every((each) => each.field.defaultValue !== undefined && each.field.type.kind !== "message");
    return rest && defaultValue && type.kind !== "message" ? `${start} = ${literal(file, type, defaultValue)}` : start;
  });
  const returned = result ? declaredType(file, result) : "void";
  const head = `public function ${name}`;
  const all = [...declared, ...more];
  const line = `${head}(${all.join(", ")}): ${returned}${end}`;
  if (line.length + 4 <= 120) file.print(line, ...(end === "" ? ["{"] : []));
  else file.list(head, all, `: ${returned}${end === "" ? " {" : end}`, true);
}

function isNullableParameter(field: StubField): boolean {
  return field.optional && isNullable(field);
}

function throwsTags(file: PhpFile, { throws, oneway }: StubMethod, isCaller: boolean): readonly string[] {
  const declared = [...new Set(throws.map(({ type }) => file.classOf(type)))].map((name) => `@throws ${name}`);
  return [...declared, ...(isCaller || !oneway ? [`@throws ${file.runtime("RpcException")}`] : [])];
}

function printCall(
  file: PhpFile,
  service: StubService,
  { method, parameters, locals }: PhpMethod,
  isThrift: boolean,
): void {
  const wire = isThrift ? "Thrift" : "Protobuf";
  file.print(`$out = new ${file.runtime(`${wire}Writer`)}();`);
  const context = { file, locals, thrift: isThrift };
  if (method.request.kind === "fields") {
    for (const [i, field] of method.request.fields.entries()) {
      const { variable = "" } = parameters[i] ?? {};
      const given = isNullableParameter(field) ? field : { ...field, required: true };
      writeField(context, given, variable);
    }
    if (isThrift) file.print("$out->stop();");
  } else for (const { variable } of parameters) file.print(`${variable}->write($out);`);
  const target = [stringLiteral(service.wireName), stringLiteral(method.wireName), "$out", "$options"];
  if (method.oneway) {
    file.list("$this->channel->send", target, ";");
    return;
  }
  const call = () => file.list(`$in = $this->channel->call${wire}`, target, ";");
  const declared =
    method.exceptions === "details" ? new Map(method.throws.map(({ type }) => [type.wireName, type])) : new Map();
  if (declared.size > 0) {
    file.print("try {");
    file.indented(call);
    file.print(`} catch (${file.runtime("RpcException")} $error) {`);
    file.indented(() => {
      const classes = [...declared].map(([name, type]) => `${stringLiteral(name)} => ${file.classOf(type)}::class`);
      file.print("throw $error->declared([");
      file.indented(() => file.print(...classes.map((line) => `${line},`)));
      file.print("]);");
    });
    file.print("}");
  } else call();
  printResult(file, method, locals, isThrift);
}

function printResult(file: PhpFile, method: StubMethod, locals: Locals, thrift: boolean): void {
  const { result, response } = method;
  if (response.kind === "bare") {
    if (result?.kind === "message") file.print(`return ${file.classOf(result.type)}::read($in);`);
    return;
  }
  const success = response.fields.find(({ name }) => name === "success");
  const variable = `$${locals.fresh("result")}`;
  const isRepeated = !thrift && (result?.kind === "list" || result?.kind === "map");
  const cases = response.fields.flatMap((field): ReadCase[] => {
    if (field === success) return [{ field, target: variable, before: variable }];
    const thrown = method.throws.find(({ id }) => id === field.id);
    return thrown ? [{ field, target: "", done: (value) => `throw ${value};` }] : [];
  });
  if (success) file.print(`${variable} = ${isRepeated ? "[]" : "null"};`);
  readFields({ file, locals, thrift }, cases);
  if (!success) return;
  const missing = `throw $in->malformed('the answer of ${method.name} has no result')`;
  file.print(isRepeated ? `return ${variable};` : `return ${variable} ?? ${missing};`);
}

/** Prints the interface that an implementation of a service has. */
export function printContract(file: PhpFile, service: StubService): void {
  const { lines, tags } = docOf(service);
  file.doc(lines.length > 0 ? lines : [`What serves ${service.fullName}.`], tags);
  file.print(`interface ${file.names.serviceOf(service).contract}`, "{");
  file.indented(() => {
    for (const [i, method] of methodsOf(service).entries()) {
      if (i > 0) file.print("");
      printSignature(file, method, [], ";", throwsTags(file, method.method, false));
    }
  });
  file.print("}");
}

/** Prints the class that serves a service with an implementation. */
export function printService(file: PhpFile, service: StubService, isThrift: boolean): void {
  const wire = isThrift ? "Thrift" : "Protobuf";
  const { contract, service: name } = file.names.serviceOf(service);
  const reader = file.runtime(`${wire}Reader`);
  const code = file.runtime("Code");
  const methods = methodsOf(service);
  file.doc([`Serves ${service.fullName}: give it to a front controller.`]);
  file.print(`final class ${name} implements ${file.runtime("Service")}, ${file.runtime("RuntimeVersion1")}`, "{");
  file.indented(() => {
    file.print(`public function __construct(private readonly ${contract} $implementation)`, "{", "}", "");
    file.print("public function name(): string", "{");
    file.indented(() => file.print(`return ${stringLiteral(service.wireName)};`));
    file.print("}", "", "public function isProtobuf(): bool", "{");
    file.indented(() => file.print(`return ${!isThrift};`));
    file.print("}", "", "public function serve(string $method, string $body, int $at): ?string", "{");
    file.indented(() => {
      if (methods.length > 0) file.print(`$in = new ${reader}($body, $at, ${code}::InvalidArgument);`);
      file.print("return match ($method) {");
      file.indented(() => {
        for (const { method, name: own } of methods) {
          file.print(`${stringLiteral(method.wireName)} => $this->handle${pascalOf(own)}($in),`);
        }
        const error = `${file.runtime("RpcException")}::unknownMethod(${stringLiteral(service.wireName)}, $method)`;
        file.print(`default => throw ${error},`);
      });
      file.print("};");
    });
    file.print("}");
    for (const method of methods) {
      file.print("", `private function handle${pascalOf(method.name)}(${reader} $in): ?string`, "{");
      file.indented(() => printHandler(file, method, isThrift));
      file.print("}");
    }
  });
  file.print("}");
}

function pascalOf(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function printHandler(file: PhpFile, { method, name, parameters, locals }: PhpMethod, thrift: boolean): void {
  const context = { file, locals, thrift };
  if (method.request.kind === "bare") {
    for (const { field, variable } of parameters) {
      if (field.type.kind === "message") file.print(`${variable} = ${file.classOf(field.type.type)}::read($in);`);
    }
  } else {
    const { fields } = method.request;
    const cases = fields.map((field, i): ReadCase => {
      const { variable: target = "" } = parameters[i] ?? {};
      return { field, target, before: target };
    });
    for (const [i, { target }] of cases.entries()) file.print(`${target} = ${argumentStart(file, fields[i]!)};`);
    readFields(context, cases);
    for (const [i, { target }] of cases.entries()) {
      const field = fields[i]!;
      if (argumentStart(file, field) !== "null" || isNullableParameter(field)) continue;
      file.print(`${target} ?? throw $in->malformed('the argument ${field.name} is missing');`);
    }
  }
  const call = (before: string): void => {
    const variables = parameters.map(({ variable }) => variable);
    file.list(`${before}$this->implementation->${name}`, variables, ";");
  };
  if (method.oneway) {
    call("");
    file.print("return null;");
    return;
  }
  const result = `$${locals.fresh("result")}`;
  file.print(
    `$out = new ${file.runtime(thrift ? "ThriftWriter" : "ProtobufWriter")}(${file.runtime("Code")}::Internal);`,
  );
  const catches = catchesOf(method.throws);
  const answer = () => {
    call(method.result ? `${result} = ` : "");
    if (method.result) printSuccess(file, method, result, locals, thrift);
  };
  if (catches.length === 0) answer();
  else {
    file.print("try {");
    file.indented(answer);
    for (const thrown of catches) {
      const variable = `$${locals.fresh("exception")}`;
      file.print(`} catch (${file.classOf(thrown.type)} ${variable}) {`);
      file.indented(() => printThrown(file, method, thrown, variable, locals, thrift));
    }
    file.print("}");
  }
  if (thrift && method.response.kind === "fields") file.print("$out->stop();");
  file.print("return $out->bytes;");
}

/** Of two exceptions of one type, PHP cannot tell which is meant: it is the first. */
function catchesOf(throws: readonly StubThrow[]): readonly StubThrow[] {
  return throws.filter(({ type }, i) => throws.findIndex((each) => each.type === type) === i);
}

function argumentStart(file: PhpFile, field: StubField): string {
  const { type, defaultValue, absent } = field;
  if (absent === "error" || isNullableParameter(field) || type.kind === "message") return "null";
  return defaultValue && absent === "keep" ? literal(file, type, defaultValue) : zeroOf(file, type);
}

function printSuccess(file: PhpFile, { response }: StubMethod, result: string, locals: Locals, thrift: boolean): void {
  if (response.kind === "bare") {
    file.print(`${result}->write($out);`);
    return;
  }
  const success = response.fields.find(({ name }) => name === "success");
  if (success) writePresent({ file, locals, thrift }, success, result);
}

function printThrown(
  file: PhpFile,
  { exceptions, response }: StubMethod,
  { id, type }: StubThrow,
  variable: string,
  locals: Locals,
  thrift: boolean,
): void {
  if (exceptions === "details") {
    const code = pascalCase(type.code);
    const error = file.runtime("RpcException");
    const said = [`${file.runtime("Code")}::${code}`, stringLiteral(type.wireName), variable];
    file.list(`throw ${error}::ofDeclared`, said, ";");
    return;
  }
  const field = response.kind === "fields" ? response.fields.find((each) => each.id === id) : undefined;
  if (field) writePresent({ file, locals, thrift }, field, variable);
}

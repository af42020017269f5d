// The builder that stands inside a record or an exception.
import type { Component } from "./java-component.ts";
import type { JavaContext } from "./java-context.ts";
import { printWrapped } from "./java-file.ts";
import { boxedType, constantOf, isPrimitive, isZeroConstant, zeroOf } from "./java-types.ts";

/** Prints the class `Builder` of a type with components. */
export function printBuilder(context: JavaContext, name: string, components: readonly Component[]): void {
  const { file } = context;
  file.print("", `/** Makes a {@link ${name}}. What is not set is absent, or has its default. */`);
  file.block(
    "public static final class Builder {",
    () => {
      for (const component of components) file.print(`${builderField(context, component)};`);
      file.print("", "private Builder() {}");
      for (const { name: own, type, field } of components) {
        file.print("");
        if (field?.deprecated) file.print("/** @deprecated in the IDL */", `@${file.jdk("java.lang.Deprecated")}`);
        file.block(
          `public Builder ${own}(${type} value) {`,
          () => file.print(`this.${own} = value;`, "return this;"),
          "}",
        );
      }
      file.print("", "/** Throws a NullPointerException that names the field when one that is required is not set. */");
      file.block(
        `public ${name} build() {`,
        () => {
          for (const { name: own, field } of components) {
            if (field?.required && isPrimitive(field.type)) {
              file.print(`${file.jdk("java.util.Objects")}.requireNonNull(${own}, "${own}");`);
            }
          }
          printWrapped(
            file,
            `return new ${name}(`,
            components.map(({ name: own }) => own),
            ");",
          );
        },
        "}",
      );
    },
    "}",
  );
}

/** A required value is null until it is set, even where the component is a primitive. */
function builderField({ file, names }: JavaContext, { name, type, nullable, field }: Component): string {
  if (!field || nullable) return `private ${type} ${name}`;
  const { required, defaultValue } = field;
  const value = defaultValue && constantOf(file, names, field.type, defaultValue);
  if (required)
    return `private ${boxedType(file, names, field.type)} ${name}${value === undefined ? "" : ` = ${value}`}`;
  if (defaultValue !== undefined && !isZeroConstant(defaultValue)) return `private ${type} ${name} = ${value}`;
  return isPrimitive(field.type)
    ? `private ${type} ${name}`
    : `private ${type} ${name} = ${zeroOf(file, names, field.type)}`;
}

// The components of a record: fields, and oneofs, whose members share one.
import type { JavaContext } from "./java-context.ts";
import { boxedType, isNullable, javaType } from "./java-types.ts";
import type { StubField, StubMessage, StubOneof } from "./stub-model.ts";

/** A component of a record: a field, or all members of a oneof. */
export interface Component {
  readonly name: string;
  readonly type: string;
  readonly nullable: boolean;
  readonly field: StubField | undefined;
  readonly oneof: StubOneof | undefined;
}

/** The components of a message, in the order of its fields. */
export function componentsOf({ file, names }: JavaContext, message: StubMessage): readonly Component[] {
  const seen = new Set<string>();
  return message.fields.flatMap((field): Component[] => {
    if (field.oneof === undefined) {
      const nullable = isNullable(field);
      const type = nullable ? boxedType(file, names, field.type) : javaType(file, names, field.type);
      return [{ name: names.fields.get(field)!, type, nullable, field, oneof: undefined }];
    }
    if (seen.has(field.oneof)) return [];
    seen.add(field.oneof);
    const oneof = message.oneofs.find(({ name }) => name === field.oneof)!;
    const own = names.types.get(message)!;
    const type = file.use({ package: own.package, path: [...own.path, names.oneofs.get(oneof)!] });
    return [{ name: names.fields.get(oneof)!, type, nullable: true, field: undefined, oneof }];
  });
}

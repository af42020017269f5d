// How the values of single fields stand as text, where people compare them with what a config says.
import type { EnumType, Field } from "../schema/model.ts";

/** Longer values are not looked at. */
export const MAX_VALUE_BYTES = 1_024;

/** UTF-8 bytes as text. */
export function textAt(bytes: Uint8Array, at: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + at, end - at).toString("utf8");
}

/** The name of an enum's number, without what a derived enum puts in front; the number itself where it has none. */
function enumText({ valuesByNumber }: EnumType, number: bigint): string {
  const value = valuesByNumber.get(Number(number));
  return value?.rules.name ?? value?.name ?? String(number);
}

/** The same for an enum's value by either of its names. */
export function enumNameText({ values }: EnumType, given: string): string {
  const value = values.find(({ name, rules }) => name === given || rules.name === given);
  return value?.rules.name ?? given;
}

/** An integer of a field's type. */
export function integerText({ type }: Field, value: bigint): string {
  if (type.kind === "enum") return enumText(type.type, BigInt.asIntN(32, value));
  return type.kind === "scalar" && type.name === "bool" ? String(value !== 0n) : String(value);
}

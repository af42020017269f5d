// What a .proto file keeps free for nobody, or for extensions, and whether the next version still does.
import type { Comparison } from "./diff-type.ts";
import type { EnumType, MessageType, NumberRange, Reserved } from "./model.ts";

/** Whether nothing new may take this number. */
export function isReserved(number: number, reserved: Reserved | undefined): boolean {
  return reserved?.ranges.some(({ from, to }) => from <= number && number <= to) ?? false;
}

/** Reports what two versions of a message or enum no longer reserve: it would be used again. */
export function compareReserved<T extends MessageType | EnumType>({ report }: Comparison, before: T, after: T): void {
  const head = { position: after.position, about: before.position };
  const what = "values" in after ? "enum" : "message";
  const freed = uncovered(before.reserved?.ranges ?? [], after.reserved?.ranges ?? []);
  if (freed) {
    report({
      rule: "RESERVED_REMOVED",
      ...head,
      what: `${what} "${after.name}" no longer reserves ${rangeText(freed)}`,
      advice: "peers of old versions still send it with its old meaning; keep it reserved",
    });
  }
  const names = new Set(after.reserved?.names);
  const freedNames = before.reserved?.names.filter((name) => !names.has(name)) ?? [];
  if (freedNames.length > 0) {
    report({
      rule: "RESERVED_NAME_REMOVED",
      ...head,
      what: `${what} "${after.name}" no longer reserves the name ${freedNames.map((name) => `"${name}"`).join(", ")}`,
      advice: "JSON of old versions still has it with its old meaning; keep it reserved",
    });
  }
}

/** Reports numbers that were free for extensions and are no longer. */
export function compareExtensionRanges({ report }: Comparison, before: MessageType, after: MessageType): void {
  const lost = uncovered(before.extensionRanges ?? [], after.extensionRanges ?? []);
  if (!lost) return;
  report({
    rule: "EXTENSION_RANGE_REMOVED",
    position: after.position,
    about: before.position,
    what: `message "${after.name}" no longer has ${rangeText(lost)} for extensions`,
    advice: "extensions in other files break; keep the range",
  });
}

/** The first stretch of `ranges` that is in none of `others`. */
function uncovered(ranges: readonly NumberRange[], others: readonly NumberRange[]): NumberRange | undefined {
  const sorted = others.toSorted((a, b) => a.from - b.from);
  for (const { from, to } of ranges) {
    let next = from;
    for (const other of sorted) if (other.from <= next && other.to >= next) next = other.to + 1;
    if (next > to) continue;
    const end = sorted.find((other) => other.from > next)?.from ?? to + 1;
    return { from: next, to: Math.min(to, end - 1) };
  }
  return undefined;
}

function rangeText({ from, to }: NumberRange): string {
  return from === to ? String(from) : `${from} to ${to}`;
}

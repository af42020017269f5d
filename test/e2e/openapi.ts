// Holds answers of the admin port against its description in docs/openapi.yaml.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { parse } from "yaml";
import { z } from "zod";

type Json = Readonly<Record<string, unknown>>;

const description: unknown = parse(readFileSync(join(import.meta.dirname, "../../docs/openapi.yaml"), "utf8"));

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What is at a path of keys in the description. */
function at(...keys: readonly string[]): unknown {
  return keys.reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), description);
}

/** The value with what `$ref` stands for in its place. */
function inlined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inlined);
  if (!isObject(value)) return value;
  if (typeof value["$ref"] === "string") return inlined(at(...value["$ref"].split("/").slice(1)));
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, inlined(each)]));
}

/** All pairs of method and path that are described. */
export function describedPages(): readonly (readonly [method: string, path: string])[] {
  return Object.entries(Object(at("paths"))).flatMap(([path, methods]) =>
    Object.keys(Object(methods)).map((method) => [method.toUpperCase(), path] as const),
  );
}

/** Asks, and expects an answer of this status that is as described; returns its body, as JSON where it is that. */
export async function ask(
  admin: string,
  method: string,
  target: string,
  status = 200,
  body?: string,
): Promise<unknown> {
  const response = await fetch(`${admin}${target}`, { method, ...(body !== undefined && { body }) });
  const what = `${method} ${target}`;
  expect(response.status, what).toBe(status);
  const path = target.replace(/\?.*/s, "");
  const described = inlined(at("paths", path, method.toLowerCase(), "responses", String(status)));
  const content = isObject(described) ? described["content"] : undefined;
  const [type = ""] = (response.headers.get("content-type") ?? "").split(";");
  const kind = isObject(content) ? content[type] : undefined;
  expect(kind, `${what}: ${status} as ${type} is described`).toBeDefined();
  const value: unknown = type === "application/json" ? await response.json() : await response.text();
  const schema = isObject(kind) ? kind["schema"] : undefined;
  const { error } = z.fromJSONSchema(isObject(schema) ? schema : false).safeParse(value);
  expect(error && z.prettifyError(error), what).toBeUndefined();
  return value;
}

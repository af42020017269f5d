// GET /explain: what would become of a call. The app knows; here are the words on the wire.
import { Metadata } from "../base/metadata.ts";
import { type HttpHandler, type HttpResponse, textResponse } from "../protocol/http/http.ts";

/** The call that is asked about; see causeway explain. */
export interface ExplainQuery {
  readonly call: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly caller: string | undefined;
}

/**
 * Answers `/explain?call=Service/method&header=key:value&caller=NAME`, where `header` may come more than once, with the
 * explanation as JSON; 404 with a sentence where `explain` has one instead.
 */
export function createExplainPage(explain: (query: ExplainQuery) => object | string): HttpHandler {
  return ({ query }) => {
    const given = new URLSearchParams(query);
    const headers = given.getAll("header").map(parseHeader);
    const call = given.get("call");
    if (call === null || headers.includes(undefined)) {
      return textResponse(400, "expected /explain?call=Service/method, and then header=key:value or caller=NAME");
    }
    const asked = {
      call,
      headers: headers.filter((each) => each !== undefined),
      caller: given.get("caller") ?? undefined,
    };
    const explanation = explain(asked);
    return typeof explanation === "string" ? textResponse(404, explanation) : jsonResponse(200, explanation);
  };
}

/** `key:value` or `key=value`; undefined for neither. */
export function parseHeader(text: string): readonly [string, string] | undefined {
  const [, key, value] = /^([^:=\s]+)[:=]\s*(.*)$/s.exec(text) ?? [];
  return key === undefined || value === undefined ? undefined : [key, value];
}

/** Plain data as JSON. */
export function jsonResponse(status: number, value: object): HttpResponse {
  const headers = Metadata.from([["content-type", "application/json"]]);
  return { status, headers, body: `${JSON.stringify(value, undefined, 2)}\n` };
}

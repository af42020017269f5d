// The errors that Kitex calls BizStatusError: an application's own code and text, which no IDL declares. They travel in
// trailers, as Kitex has them over gRPC; TTHeader's names for them are left to protocol/thrift.
import type { RpcError } from "../base/errors.ts";

/** The keys of trailers, in lower case. The text is the error's own. */
export const BUSINESS_KEY = {
  /** A decimal of 32 bits, not 0; applications choose its meaning. */
  STATUS: "biz-status",
  /** A JSON object of strings; absent when there is nothing to say. */
  EXTRA: "biz-extra",
} as const;

/** Whether a value is the status of a business error; Kitex looks past any other. */
export function isBusinessStatus(value: string | undefined): boolean {
  if (value === undefined || !/^[+-]?\d{1,10}$/.test(value)) return false;
  const status = Number(value);
  return status !== 0 && status === (status | 0);
}

/** Whether an error is an application's answer rather than a failure to answer. */
export function isBusinessError({ trailers }: RpcError): boolean {
  return trailers.size > 0 && isBusinessStatus(trailers.get(BUSINESS_KEY.STATUS));
}

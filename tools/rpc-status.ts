// google.rpc.Status, in which gRPC servers put details of an error, for grpc-js, which leaves it to others.
import type { Metadata, status } from "@grpc/grpc-js";
import protobuf from "protobufjs";

const KEY = "grpc-status-details-bin";

const Status = protobuf
  .parse(
    `syntax = "proto3";
     message Any { string type_url = 1; bytes value = 2; }
     message Status { int32 code = 1; string message = 2; repeated Any details = 3; }`,
    { keepCase: true },
  )
  .root.lookupType("Status");

/** One detail: a message of type `name`, encoded. */
export interface StatusDetail {
  /** package.Message */
  readonly name: string;
  readonly value: Uint8Array;
}

/** Adds the status with its details to the trailing metadata. */
export function setDetails(metadata: Metadata, code: status, message: string, details: readonly StatusDetail[]): void {
  const any = details.map(({ name, value }) => ({ type_url: `type.googleapis.com/${name}`, value }));
  metadata.set(KEY, Buffer.from(Status.encode(Status.fromObject({ code, message, details: any })).finish()));
}

/** The details in the trailing metadata of a failed call. */
export function detailsOf(metadata: Metadata): StatusDetail[] {
  const [bytes] = metadata.get(KEY);
  if (!Buffer.isBuffer(bytes)) return [];
  const { details } = Status.toObject(Status.decode(bytes), { defaults: true, arrays: true });
  return details.map(({ type_url, value }: { type_url: string; value: Uint8Array }) => ({
    name: type_url.slice(type_url.lastIndexOf("/") + 1),
    value,
  }));
}

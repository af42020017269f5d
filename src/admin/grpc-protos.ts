// The IDL of the services that every gRPC server is expected to have beside its own: health (doc/health-checking.md of
// gRPC) and reflection (doc/server-reflection.md). Names and numbers are theirs.
import type { SchemaFile } from "../schema/model.ts";
import { parseProtoIdl } from "../schema/proto-idl.ts";
import { resolveProto } from "../schema/proto-resolve.ts";

const HEALTH = `syntax = "proto3";
package grpc.health.v1;
service Health {
  rpc Check(HealthCheckRequest) returns (HealthCheckResponse);
  rpc List(HealthListRequest) returns (HealthListResponse);
  rpc Watch(HealthCheckRequest) returns (stream HealthCheckResponse);
}
message HealthCheckRequest { string service = 1; }
message HealthCheckResponse {
  enum ServingStatus { UNKNOWN = 0; SERVING = 1; NOT_SERVING = 2; SERVICE_UNKNOWN = 3; }
  ServingStatus status = 1;
}
message HealthListRequest {}
message HealthListResponse { map<string, HealthCheckResponse> statuses = 1; }
`;

const reflection = (version: string): string => `syntax = "proto3";
package grpc.reflection.${version};
service ServerReflection {
  rpc ServerReflectionInfo(stream ServerReflectionRequest) returns (stream ServerReflectionResponse);
}
message ServerReflectionRequest {
  string host = 1;
  oneof message_request {
    string file_by_filename = 3;
    string file_containing_symbol = 4;
    ExtensionRequest file_containing_extension = 5;
    string all_extension_numbers_of_type = 6;
    string list_services = 7;
  }
}
message ExtensionRequest { string containing_type = 1; int32 extension_number = 2; }
message ServerReflectionResponse {
  string valid_host = 1;
  ServerReflectionRequest original_request = 2;
  oneof message_response {
    FileDescriptorResponse file_descriptor_response = 4;
    ExtensionNumberResponse all_extension_numbers_response = 5;
    ListServiceResponse list_services_response = 6;
    ErrorResponse error_response = 7;
  }
}
message FileDescriptorResponse { repeated bytes file_descriptor_proto = 1; }
message ExtensionNumberResponse { string base_type_name = 1; repeated int32 extension_number = 2; }
message ListServiceResponse { repeated ServiceResponse service = 1; }
message ServiceResponse { string name = 1; }
message ErrorResponse { int32 error_code = 1; string error_message = 2; }
`;

/** grpc.health.v1. */
export const HEALTH_PROTO: SchemaFile = parse("grpc/health/v1/health.proto", HEALTH);

/** grpc.reflection.v1 and v1alpha, which say the same in two packages. */
export const REFLECTION_PROTOS: readonly SchemaFile[] = ["v1", "v1alpha"].map((version) =>
  parse(`grpc/reflection/${version}/reflection.proto`, reflection(version)),
);

function parse(path: string, text: string): SchemaFile {
  const fail = ({ message }: { readonly message: string }): never => {
    throw new Error(`${path}: ${message}`);
  };
  const document = parseProtoIdl(path, text, fail);
  const file = document && resolveProto(document, new Map(), fail, path);
  if (!file) throw new Error(`${path} cannot be read`);
  return file;
}

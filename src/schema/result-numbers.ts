// Where the success of a Thrift result, whose id 0 is not for Protobuf, stands in a response.

/** Alone in the response; exceptions travel apart from it. */
export const SUCCESS_NUMBER = 1;

/** Beside the exceptions in a oneof, by a number that no Thrift id can have. */
export const ONEOF_SUCCESS_NUMBER = 32_768;

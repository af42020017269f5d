"""Cases of gRPC's interop suite on Python's grpcio, as a client and as a server.

    suite.py client DESCRIPTORS|reflection HOST:PORT CASE...
    suite.py server DESCRIPTORS

With "reflection" the client has no descriptors but those that the server gives it.
"""

import queue
import sys
from concurrent import futures

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

SERVICE = "grpc.testing.TestService"
INITIAL = "x-grpc-test-echo-initial"
TRAILING = "x-grpc-test-echo-trailing-bin"
REQUESTS = [27182, 8, 1828, 45904]
RESPONSES = [31415, 9, 2653, 58979]


class Types:
    """Message classes by the methods of the service."""

    def __init__(self, pool):
        self.pool = pool
        self.methods = pool.FindServiceByName(SERVICE).methods_by_name

    def request(self, method):
        return message_factory.GetMessageClass(self.methods[method].input_type)

    def response(self, method):
        return message_factory.GetMessageClass(self.methods[method].output_type)

    def payload(self, size):
        return message_factory.GetMessageClass(self.pool.FindMessageTypeByName("grpc.testing.Payload"))(body=bytes(size))


def load(path):
    files = descriptor_pb2.FileDescriptorSet()
    with open(path, "rb") as file:
        files.ParseFromString(file.read())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return Types(pool)


def serve(types):
    def echo(context):
        metadata = dict(context.invocation_metadata())
        if INITIAL in metadata:
            context.send_initial_metadata(((INITIAL, metadata[INITIAL]),))
        if TRAILING in metadata:
            context.set_trailing_metadata(((TRAILING, metadata[TRAILING]),))

    def check(request, context):
        status = request.response_status
        if status.code:
            code = next(code for code in grpc.StatusCode if code.value[0] == status.code)
            context.abort(code, status.message)

    def empty(request, context):
        return types.response("EmptyCall")()

    def unary(request, context):
        echo(context)
        check(request, context)
        return types.response("UnaryCall")(payload=types.payload(request.response_size))

    def streaming_input(requests, context):
        size = sum(len(request.payload.body) for request in requests)
        return types.response("StreamingInputCall")(aggregated_payload_size=size)

    def streaming_output(request, context):
        for parameters in request.response_parameters:
            yield types.response("StreamingOutputCall")(payload=types.payload(parameters.size))

    def full_duplex(requests, context):
        echo(context)
        for request in requests:
            check(request, context)
            yield from streaming_output(request, context)

    def handler(make, method, run):
        return make(run, types.request(method).FromString, types.response(method).SerializeToString)

    handlers = {
        "EmptyCall": handler(grpc.unary_unary_rpc_method_handler, "EmptyCall", empty),
        "UnaryCall": handler(grpc.unary_unary_rpc_method_handler, "UnaryCall", unary),
        "StreamingInputCall": handler(grpc.stream_unary_rpc_method_handler, "StreamingInputCall", streaming_input),
        "StreamingOutputCall": handler(grpc.unary_stream_rpc_method_handler, "StreamingOutputCall", streaming_output),
        "FullDuplexCall": handler(grpc.stream_stream_rpc_method_handler, "FullDuplexCall", full_duplex),
    }
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(f"ready 127.0.0.1:{port}", flush=True)
    sys.stdin.read()


class Client:
    def __init__(self, channel, types):
        self.types = types
        kinds = {
            "EmptyCall": channel.unary_unary,
            "UnaryCall": channel.unary_unary,
            "StreamingInputCall": channel.stream_unary,
            "StreamingOutputCall": channel.unary_stream,
            "FullDuplexCall": channel.stream_stream,
        }
        self.calls = {
            name: kind(
                f"/{SERVICE}/{name}", types.request(name).SerializeToString, types.response(name).FromString
            )
            for name, kind in kinds.items()
        }

    def request(self, method, size=None, sizes=(), payload=None, status=None):
        request = self.types.request(method)()
        if size is not None:
            request.response_size = size
        for each in sizes:
            request.response_parameters.add(size=each)
        if payload is not None:
            request.payload.CopyFrom(self.types.payload(payload))
        if status is not None:
            request.response_status.code, request.response_status.message = status
        return request

    def empty_unary(self):
        self.calls["EmptyCall"](self.request("EmptyCall"), timeout=10)

    def large_unary(self):
        response = self.calls["UnaryCall"](self.request("UnaryCall", size=314159, payload=271828), timeout=10)
        equal(len(response.payload.body), 314159)

    def client_streaming(self):
        requests = (self.request("StreamingInputCall", payload=size) for size in REQUESTS)
        equal(self.calls["StreamingInputCall"](requests, timeout=10).aggregated_payload_size, 74922)

    def server_streaming(self):
        request = self.request("StreamingOutputCall", sizes=RESPONSES)
        sizes = [len(response.payload.body) for response in self.calls["StreamingOutputCall"](request, timeout=10)]
        equal(sizes, RESPONSES)

    def ping_pong(self):
        # One request is written for each answer that was read.
        pending = queue.Queue()
        call = self.calls["FullDuplexCall"](iter(pending.get, None), timeout=10)
        for request, response in zip(REQUESTS, RESPONSES):
            pending.put(self.request("FullDuplexCall", sizes=[response], payload=request))
            equal(len(next(call).payload.body), response)
        pending.put(None)
        equal(list(call), [])

    def empty_stream(self):
        equal(list(self.calls["FullDuplexCall"](iter(()), timeout=10)), [])

    def custom_metadata(self):
        metadata = ((INITIAL, "test_initial_metadata_value"), (TRAILING, b"\xab\xab\xab"))
        request = self.request("UnaryCall", size=314159, payload=271828)
        _, unary = self.calls["UnaryCall"].with_call(request, metadata=metadata, timeout=10)
        request = self.request("FullDuplexCall", sizes=[314159], payload=271828)
        stream = self.calls["FullDuplexCall"](iter((request,)), metadata=metadata, timeout=10)
        equal([len(response.payload.body) for response in stream], [314159])
        for call in (unary, stream):
            equal(dict(call.initial_metadata()).get(INITIAL), "test_initial_metadata_value")
            equal(dict(call.trailing_metadata()).get(TRAILING), b"\xab\xab\xab")

    def status_code_and_message(self):
        status = (2, "test status message")
        request = self.request("UnaryCall", status=status)
        fails(grpc.StatusCode.UNKNOWN, status[1], lambda: self.calls["UnaryCall"](request, timeout=10))
        request = self.request("FullDuplexCall", status=status)
        fails(
            grpc.StatusCode.UNKNOWN,
            status[1],
            lambda: list(self.calls["FullDuplexCall"](iter((request,)), timeout=10)),
        )

    def special_status_message(self):
        message = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
        request = self.request("UnaryCall", status=(2, message))
        fails(grpc.StatusCode.UNKNOWN, message, lambda: self.calls["UnaryCall"](request, timeout=10))

    def cancel_after_begin(self):
        pending = queue.Queue()
        call = self.calls["StreamingInputCall"].future(iter(pending.get, None), timeout=10)
        call.cancel()
        pending.put(None)
        equal((call.cancelled(), call.code()), (True, grpc.StatusCode.CANCELLED))

    def cancel_after_first_response(self):
        pending = queue.Queue()
        call = self.calls["FullDuplexCall"](iter(pending.get, None), timeout=10)
        pending.put(self.request("FullDuplexCall", sizes=[31415], payload=27182))
        equal(len(next(call).payload.body), 31415)
        call.cancel()
        pending.put(None)
        fails(grpc.StatusCode.CANCELLED, None, lambda: list(call))

    def timeout_on_sleeping_server(self):
        pending = queue.Queue()
        pending.put(self.request("FullDuplexCall", payload=27182))
        call = self.calls["FullDuplexCall"](iter(pending.get, None), timeout=0.001)
        fails(grpc.StatusCode.DEADLINE_EXCEEDED, None, lambda: list(call))
        pending.put(None)


def fails(code, details, run):
    try:
        run()
    except grpc.RpcError as error:
        equal(error.code(), code)
        if details is not None:
            equal(error.details(), details)
    else:
        raise AssertionError("expected a status, the call was OK")


def equal(got, expected):
    if got != expected:
        raise AssertionError(f"expected {expected!r}, got {got!r}")


def run(channel, types, names):
    client = Client(channel, types)
    for name in names:
        try:
            getattr(client, name)()
            failure = ""
        except Exception as error:
            failure = " ".join(repr(error).split())
        print(f"case\t{name}\t{failure}", flush=True)


def main(mode, descriptors, *arguments):
    if mode == "server":
        serve(load(descriptors))
        return
    with grpc.insecure_channel(arguments[0]) as channel:
        if descriptors == "reflection":
            types = Types(descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(channel)))
        else:
            types = load(descriptors)
        run(channel, types, arguments[1:])


main(*sys.argv[1:])

"""Apache Thrift's library for Python as client and as server of its own cross-test service.

    cross.py client FILE-OF-A-TEXT HOST:PORT/TRANSPORT/PROTOCOL/NAMING/NUMBER...
    cross.py server TRANSPORT/PROTOCOL/NAMING...

TRANSPORT is framed, buffered, theader, theader-zlib or http; PROTOCOL binary, compact or json; NAMING plain or multiplexed. The
number is what a oneway call says, for the test to find again in the server's output.
"""

import json
import logging
import math
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "gen"))

from thrift.protocol.TBinaryProtocol import TBinaryProtocolFactory
from thrift.protocol.TCompactProtocol import TCompactProtocolFactory
from thrift.protocol.THeaderProtocol import THeaderProtocolFactory
from thrift.protocol.TJSONProtocol import TJSONProtocolFactory
from thrift.protocol.TMultiplexedProtocol import TMultiplexedProtocol
from thrift.server.TServer import TThreadedServer
from thrift.Thrift import TApplicationException, TException
from thrift.TMultiplexedProcessor import TMultiplexedProcessor
from thrift.transport.THeaderTransport import THeaderClientType, THeaderSubprotocolID, THeaderTransformID
from thrift.transport.THttpClient import THttpClient
from thrift.transport.TSocket import TServerSocket, TSocket
from thrift.transport.TTransport import (
    TBufferedTransport,
    TBufferedTransportFactory,
    TFramedTransport,
    TFramedTransportFactory,
    TMemoryBuffer,
    TTransportFactoryBase,
)

from ThriftTest import SecondService, ThriftTest
from ThriftTest.ttypes import Insanity, Numberz, Xception, Xception2, Xtruct, Xtruct2

MAP_OF_MAPS = {-4: {i: i for i in range(-4, 0)}, 4: {i: i for i in range(1, 5)}}


def protocol_factory(transport, protocol):
    if transport.startswith("theader"):
        ids = {"binary": THeaderSubprotocolID.BINARY, "compact": THeaderSubprotocolID.COMPACT}
        return THeaderProtocolFactory(allowed_client_types=(THeaderClientType.HEADERS,), default_protocol=ids[protocol])
    factories = {"binary": TBinaryProtocolFactory, "compact": TCompactProtocolFactory, "json": TJSONProtocolFactory}
    return factories[protocol]()


# The client


def open_client(address, transport, protocol):
    host, port = address.split(":")
    if transport == "http":
        wire = THttpClient(f"http://{address}/")
    else:
        socket = TSocket(host, int(port))
        socket.setTimeout(10_000)
        wraps = {"framed": TFramedTransport, "buffered": TBufferedTransport}
        wire = wraps.get(transport, lambda inner: inner)(socket)
    made = protocol_factory(transport, protocol).getProtocol(wire)
    if transport == "theader-zlib":
        made.trans.add_transform(THeaderTransformID.ZLIB)
    wire.open()
    return made


def equal(want, got):
    if want != got:
        raise AssertionError(f"want {want!r}, got {got!r}")


def returns(call, *values):
    def run():
        for value in values:
            equal(value, call(value))

    return run


def throws(call, want):
    def run():
        try:
            call()
        except (Xception, Xception2) as got:
            return equal(want, got)
        raise AssertionError("nothing was thrown")

    return run


def breaks(call):
    def run():
        try:
            call()
        except TApplicationException:
            return
        raise AssertionError("nothing was thrown")

    return run


def scalar_cases(c, text):
    return {
        "testVoid": lambda: equal(None, c.testVoid()),
        "testString: empty": returns(c.testString, ""),
        "testString: many scripts": returns(c.testString, text),
        "testString: control characters": returns(c.testString, "\b\f\n\r\t\x01\x7f"),
        "testBool": returns(c.testBool, True, False),
        "testByte": returns(c.testByte, -128, -1, 0, 1, 127),
        "testI32": returns(c.testI32, -(2**31), -1, 0, 1, 2**31 - 1),
        "testI64": returns(c.testI64, -(2**63), -34359738368, -1, 0, 1, 9007199254740993, 2**63 - 1),
        "testDouble": returns(c.testDouble, -5.25, 0.1, 1e300, 5e-324, 4294967296.0, math.pi),
        "testDouble: infinity": returns(c.testDouble, -math.inf, math.inf),
        "testBinary: empty": returns(c.testBinary, b""),
        "testBinary: every byte": returns(c.testBinary, bytes(range(256))),
    }


def some_xtruct(text):
    return Xtruct(string_thing=text, byte_thing=-3, i32_thing=70000, i64_thing=-5000000000)


def bare(insanity):
    """An Insanity with its fields as plain values, absent ones as empty ones."""
    return dict(insanity.userMap or {}), list(insanity.xtructs or [])


def insane(v):
    return {1: {Numberz.TWO: bare(v), Numberz.THREE: bare(v)}, 2: {Numberz.SIX: ({}, [])}}


def container_cases(c, text):
    truck = Insanity(
        userMap={Numberz.FIVE: 5, Numberz.EIGHT: 8}, xtructs=[some_xtruct("Goodbye4"), some_xtruct("Hello2")]
    )
    zero = Xtruct(string_thing="", byte_thing=0, i32_thing=0, i64_thing=0)
    strings = {"a": "2", "b": "with\nnewline", "": "empty", text: text}
    multi = Xtruct(string_thing="Hello2", byte_thing=42, i32_thing=4242, i64_thing=424242)
    return {
        "testStruct": returns(c.testStruct, some_xtruct(text), zero),
        "testNest": returns(c.testNest, Xtruct2(byte_thing=1, struct_thing=some_xtruct("Zero"), i32_thing=5)),
        "testMap": returns(c.testMap, {}, {-2: -12, 0: -10, 2: -8}),
        "testStringMap": returns(c.testStringMap, {}, strings),
        "testSet": returns(c.testSet, set(), {-2, -1, 0, 1, 300}),
        "testList": returns(c.testList, [], [0, -1, 70000, 0]),
        "testEnum": returns(c.testEnum, Numberz.ONE, Numberz.FIVE, Numberz.EIGHT),
        "testTypedef": returns(c.testTypedef, 309858235082523),
        "testMapMap": lambda: equal(MAP_OF_MAPS, c.testMapMap(1)),
        "testInsanity": lambda: equal(
            insane(truck), {k: {n: bare(i) for n, i in v.items()} for k, v in c.testInsanity(truck).items()}
        ),
        "testMulti": lambda: equal(
            multi, c.testMulti(42, 4242, 424242, {-1: "blah", 2: text}, Numberz.EIGHT, 24)
        ),
    }


def exception_cases(c):
    first = Xception(errorCode=1001, message="This is an Xception")
    second = Xception2(errorCode=2002, struct_thing=Xtruct(string_thing="This is an Xception2"))
    fine = Xtruct(string_thing="foobar")

    def stripped():
        got = c.testMultiException("success", "foobar")
        equal(fine.string_thing, got.string_thing)

    def second_thrown():
        try:
            c.testMultiException("Xception2", "ignored")
        except Xception2 as got:
            equal((second.errorCode, second.struct_thing.string_thing), (got.errorCode, got.struct_thing.string_thing))
            return
        raise AssertionError("nothing was thrown")

    return {
        "testException: Xception": throws(
            lambda: c.testException("Xception"), Xception(errorCode=1001, message="Xception")
        ),
        "testException: TException": breaks(lambda: c.testException("TException")),
        "testException: none": lambda: equal(None, c.testException("success")),
        "testMultiException: Xception": throws(lambda: c.testMultiException("Xception", "ignored"), first),
        "testMultiException: Xception2": second_thrown,
        "testMultiException: none": stripped,
    }


def cases_of(address, transport, protocol, naming, text, number):
    made = open_client(address, transport, protocol)
    named = naming == "multiplexed"
    c = ThriftTest.Client(TMultiplexedProtocol(made, "ThriftTest") if named else made)
    # How a reply is read has nothing to do with how the call was named.
    c._iprot = made
    cases = scalar_cases(c, text) | container_cases(c, text) | exception_cases(c)
    cases["testOneway"] = lambda: equal(None, c.testOneway(number))
    cases["testVoid: after a oneway call"] = lambda: equal(None, c.testVoid())
    if named:
        second = SecondService.Client(made, TMultiplexedProtocol(made, "SecondService"))
        cases["secondtestString"] = returns(second.secondtestString, text)
    return cases


def client(text_file, *routes):
    with open(text_file, encoding="utf-8") as file:
        text = file.read()
    for index, route in enumerate(routes):
        address, transport, protocol, naming, number = route.split("/")
        for name, run in cases_of(address, transport, protocol, naming, text, int(number)).items():
            detail = ""
            try:
                run()
            except Exception as problem:
                detail = f"{type(problem).__name__}: {problem}"
            print(json.dumps({"route": index, "name": name, "ok": detail == "", "detail": detail}), flush=True)


# The server


class Handler:
    """Does what the comments of the service's IDL say."""

    def echo(self, value):
        return value

    testString = testBool = testByte = testI32 = testI64 = testDouble = testBinary = echo
    testStruct = testNest = testMap = testStringMap = testSet = testList = testEnum = testTypedef = echo
    secondtestString = echo

    def testVoid(self):
        pass

    def testMapMap(self, hello):
        return MAP_OF_MAPS

    def testInsanity(self, argument):
        return {1: {Numberz.TWO: argument, Numberz.THREE: argument}, 2: {Numberz.SIX: Insanity()}}

    def testMulti(self, arg0, arg1, arg2, arg3, arg4, arg5):
        return Xtruct(string_thing="Hello2", byte_thing=arg0, i32_thing=arg1, i64_thing=arg2)

    def testException(self, arg):
        if arg == "Xception":
            raise Xception(errorCode=1001, message=arg)
        if arg == "TException":
            raise TException("undeclared")

    def testMultiException(self, arg0, arg1):
        if arg0 == "Xception":
            raise Xception(errorCode=1001, message="This is an Xception")
        if arg0 == "Xception2":
            raise Xception2(errorCode=2002, struct_thing=Xtruct(string_thing="This is an Xception2"))
        return Xtruct(string_thing=arg1)

    def testOneway(self, number):
        print("oneway", number, flush=True)


def processor_of(naming):
    main = ThriftTest.Processor(Handler())
    if naming == "plain":
        return main
    both = TMultiplexedProcessor()
    both.registerProcessor("ThriftTest", main)
    both.registerProcessor("SecondService", SecondService.Processor(Handler()))
    return both


def serve_http(processor, factory):
    """The library's own HTTP server has HTTP/1.0 only and chooses no port; this is the same few lines with both."""

    class Page(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # The head goes out with the body.
        wbufsize = -1

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            out = TMemoryBuffer()
            processor.process(factory.getProtocol(TMemoryBuffer(body)), factory.getProtocol(out))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-thrift")
            self.send_header("Content-Length", str(len(out.getvalue())))
            self.end_headers()
            self.wfile.write(out.getvalue())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address


def serve(transport, protocol, naming):
    processor = processor_of(naming)
    factory = protocol_factory(transport, protocol)
    if transport == "http":
        return serve_http(processor, factory)
    socket = TServerSocket("127.0.0.1", 0)
    socket.listen()
    address = socket.handle.getsockname()
    wraps = {"framed": TFramedTransportFactory, "buffered": TBufferedTransportFactory}
    server = TThreadedServer(processor, socket, wraps.get(transport, TTransportFactoryBase)(), factory, daemon=True)
    # It would listen once more, on another port.
    socket.listen = lambda: None
    threading.Thread(target=server.serve, daemon=True).start()
    return address


def server(*wires):
    # The library tells of what handlers throw, at length.
    logging.disable()
    addresses = [serve(*wire.split("/")) for wire in wires]
    print("ready", *(f"{host}:{port}" for host, port in addresses), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    {"client": client, "server": server}[sys.argv[1]](*sys.argv[2:])

<?php

/**
 * Apache Thrift's library for PHP as client and as server of its own cross-test service; pages are front.php's.
 *
 *     php cross.php client FILE-OF-A-TEXT HOST:PORT/TRANSPORT/PROTOCOL/NAMING/NUMBER...
 *     php cross.php server TRANSPORT/PROTOCOL/NAMING
 *
 * TRANSPORT is framed, buffered or http; PROTOCOL binary, compact or json; NAMING plain or multiplexed. The
 * number is what a oneway call says, for the test to find again in the server's output.
 */

declare(strict_types=1);

require __DIR__ . '/load.php';

use Thrift\Exception\TApplicationException;
use Thrift\Exception\TException;
use Thrift\Exception\TTransportException;
use Thrift\Factory\TBinaryProtocolFactory;
use Thrift\Factory\TCompactProtocolFactory;
use Thrift\Factory\TJSONProtocolFactory;
use Thrift\Factory\TProtocolFactory;
use Thrift\Factory\TTransportFactory;
use Thrift\Protocol\TMultiplexedProtocol;
use Thrift\Protocol\TProtocol;
use Thrift\Server\TForkingServer;
use Thrift\Server\TServerSocket;
use Thrift\Server\TSimpleServer;
use Thrift\Transport\TBufferedTransport;
use Thrift\Transport\TFramedTransport;
use Thrift\Transport\THttpClient;
use Thrift\Transport\TSocket;
use Thrift\Transport\TTransport;
use ThriftTest\Insanity;
use ThriftTest\Numberz;
use ThriftTest\SecondServiceClient;
use ThriftTest\ThriftTestClient;
use ThriftTest\Xception;
use ThriftTest\Xception2;
use ThriftTest\Xtruct;
use ThriftTest\Xtruct2;

function protocolFactory(string $protocol): TProtocolFactory
{
    return match ($protocol) {
        'binary' => new TBinaryProtocolFactory(true, true),
        'compact' => new TCompactProtocolFactory(),
        'json' => new TJSONProtocolFactory(),
    };
}

// The client

/** @param list<string> $routes */
function clients(string $text, array $routes): void
{
    foreach ($routes as $route => $spec) {
        [$address, $transport, $protocol, $naming, $number] = explode('/', $spec);
        $wire = transportTo($address, $transport);
        $made = protocolFactory($protocol)->getProtocol($wire);
        $wire->open();
        foreach (casesOf($made, $naming, $text, (int) $number) as $name => $run) {
            $detail = '';
            try {
                $run();
            } catch (Throwable $problem) {
                $detail = get_class($problem) . ': ' . $problem->getMessage();
            }
            $line = ['route' => $route, 'name' => $name, 'ok' => $detail === '', 'detail' => $detail];
            echo json_encode($line, JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE), "\n";
        }
        $wire->close();
    }
}

function transportTo(string $address, string $transport): TTransport
{
    [$host, $port] = explode(':', $address);
    if ($transport === 'http') {
        return new THttpClient($host, (int) $port, '/');
    }
    $socket = new TSocket($host, (int) $port);
    $socket->setSendTimeout(5_000);
    $socket->setRecvTimeout(10_000);
    return $transport === 'framed' ? new TFramedTransport($socket) : new TBufferedTransport($socket, 4096, 4096);
}

/** @return array<string, callable(): void> */
function casesOf(TProtocol $protocol, string $naming, string $text, int $number): array
{
    $isNamed = $naming === 'multiplexed';
    $named = fn (string $service) => $isNamed ? new TMultiplexedProtocol($protocol, $service) : $protocol;
    $c = new ThriftTestClient($protocol, $named('ThriftTest'));
    $cases = scalarCases($c, $text) + containerCases($c, $text) + exceptionCases($c) + [
        'testOneway' => fn () => mustEqual(null, $c->testOneway($number)),
        'testVoid: after a oneway call' => fn () => mustEqual(null, $c->testVoid()),
    ];
    if (!$isNamed) {
        return $cases;
    }
    $second = new SecondServiceClient($protocol, $named('SecondService'));
    return $cases + ['secondtestString' => returns($second->secondtestString(...), $text)];
}

function mustEqual(mixed $want, mixed $got): void
{
    // The printed form tells types apart and looks inside objects, where == does the one and === the other.
    if (var_export(ordered($want), true) !== var_export(ordered($got), true)) {
        throw new RuntimeException('want ' . json_encode($want) . ', got ' . json_encode($got));
    }
}

/** The value with the keys of every array in order: maps and sets have none. Lists keep theirs. */
function ordered(mixed $value): mixed
{
    if (is_object($value)) {
        return [get_class($value), ordered(get_object_vars($value))];
    }
    if (!is_array($value)) {
        return $value;
    }
    $value = array_map(ordered(...), $value);
    if (!array_is_list($value)) {
        ksort($value);
    }
    return $value;
}

/** A case of a call that gives back its argument. */
function returns(callable $call, mixed ...$values): callable
{
    return function () use ($call, $values): void {
        foreach ($values as $value) {
            mustEqual($value, $call($value));
        }
    };
}

/** What a call throws. */
function failureOf(callable $call): Throwable
{
    try {
        $call();
    } catch (Throwable $got) {
        return $got;
    }
    throw new RuntimeException('nothing was thrown');
}

/** A case of a call that throws what is declared. */
function throws(callable $call, Exception $want): callable
{
    return function () use ($call, $want): void {
        $got = failureOf($call);
        if (get_class($want) !== get_class($got)) {
            throw $got;
        }
        foreach (array_column($want::$_TSPEC, 'var') as $field) {
            mustEqual($want->$field, $got->$field);
        }
    };
}

function scalarCases(ThriftTestClient $c, string $text): array
{
    $everyByte = implode('', array_map(chr(...), range(0, 255)));
    $wide = [PHP_INT_MIN, -34359738368, -1, 0, 1, 9007199254740993, PHP_INT_MAX];
    return [
        'testVoid' => fn () => mustEqual(null, $c->testVoid()),
        'testString: empty' => returns($c->testString(...), ''),
        'testString: many scripts' => returns($c->testString(...), $text),
        'testString: control characters' => returns($c->testString(...), "\x08\f\n\r\t\x01\x7f"),
        'testBool' => returns($c->testBool(...), true, false),
        'testByte' => returns($c->testByte(...), -128, -1, 0, 1, 127),
        'testI32' => returns($c->testI32(...), -2147483648, -1, 0, 1, 2147483647),
        'testI64' => returns($c->testI64(...), ...$wide),
        'testDouble' => returns($c->testDouble(...), -5.25, 0.1, 1e300, 5e-324, 4294967296.0, M_PI),
        'testDouble: infinity' => returns($c->testDouble(...), -INF, INF),
        'testBinary: empty' => returns($c->testBinary(...), ''),
        'testBinary: every byte' => returns($c->testBinary(...), $everyByte),
    ];
}

function xtruct(string $text): Xtruct
{
    return new Xtruct([
        'string_thing' => $text, 'byte_thing' => -3, 'i32_thing' => 70000, 'i64_thing' => -5000000000,
    ]);
}

function containerCases(ThriftTestClient $c, string $text): array
{
    $truck = new Insanity([
        'userMap' => [Numberz::FIVE => 5, Numberz::EIGHT => 8], 'xtructs' => [xtruct('Goodbye4'), xtruct('Hello2')],
    ]);
    $zero = new Xtruct(['string_thing' => '', 'byte_thing' => 0, 'i32_thing' => 0, 'i64_thing' => 0]);
    $nest = new Xtruct2(['byte_thing' => 1, 'struct_thing' => xtruct('Zero'), 'i32_thing' => 5]);
    $strings = ['a' => '2', 'b' => "with\nnewline", '' => 'empty', $text => $text];
    $multi = new Xtruct([
        'string_thing' => 'Hello2', 'byte_thing' => 42, 'i32_thing' => 4242, 'i64_thing' => 424242,
    ]);
    // A set is an array whose keys are the elements.
    $set = [-2 => true, -1 => true, 0 => true, 1 => true, 300 => true];
    return [
        'testStruct' => returns($c->testStruct(...), xtruct($text), $zero),
        'testNest' => returns($c->testNest(...), $nest),
        'testMap' => returns($c->testMap(...), [], [-2 => -12, 0 => -10, 2 => -8]),
        'testStringMap' => returns($c->testStringMap(...), [], $strings),
        'testSet' => returns($c->testSet(...), [], $set),
        'testList' => returns($c->testList(...), [], [0, -1, 70000, 0]),
        'testEnum' => returns($c->testEnum(...), Numberz::ONE, Numberz::FIVE, Numberz::EIGHT),
        'testTypedef' => returns($c->testTypedef(...), 309858235082523),
        'testMapMap' => fn () => mustEqual(mapOfMaps(), $c->testMapMap(1)),
        'testInsanity' => function () use ($c, $truck): void {
            $got = $c->testInsanity($truck);
            // Whether fields without a value are absent or empty is the server's choice.
            $got[2][Numberz::SIX]->userMap ??= [];
            $got[2][Numberz::SIX]->xtructs ??= [];
            $empty = new Insanity(['userMap' => [], 'xtructs' => []]);
            mustEqual([1 => [2 => $truck, 3 => $truck], 2 => [6 => $empty]], $got);
        },
        'testMulti' => fn () => mustEqual(
            $multi,
            $c->testMulti(42, 4242, 424242, [-1 => 'blah', 2 => $text], Numberz::EIGHT, 24)
        ),
    ];
}

/** @return array<int, array<int, int>> */
function mapOfMaps(): array
{
    return [-4 => [-4 => -4, -3 => -3, -2 => -2, -1 => -1], 4 => [1 => 1, 2 => 2, 3 => 3, 4 => 4]];
}

function exceptionCases(ThriftTestClient $c): array
{
    $named = new Xception(['errorCode' => 1001, 'message' => 'Xception']);
    $first = new Xception(['errorCode' => 1001, 'message' => 'This is an Xception']);
    return [
        'testException: Xception' => throws(fn () => $c->testException('Xception'), $named),
        'testException: TException' => function () use ($c): void {
            $got = failureOf(fn () => $c->testException('TException'));
            if (!$got instanceof TApplicationException) {
                throw $got;
            }
        },
        'testException: none' => fn () => mustEqual(null, $c->testException('success')),
        'testMultiException: Xception' => throws(fn () => $c->testMultiException('Xception', 'ignored'), $first),
        'testMultiException: Xception2' => function () use ($c): void {
            $got = failureOf(fn () => $c->testMultiException('Xception2', 'ignored'));
            if (!$got instanceof Xception2) {
                throw $got;
            }
            mustEqual([2002, 'This is an Xception2'], [$got->errorCode, $got->struct_thing->string_thing]);
        },
        'testMultiException: none' => fn () => mustEqual(
            'foobar',
            $c->testMultiException('success', 'foobar')->string_thing
        ),
    ];
}

// The server: a process a wire, because it serves until it is ended

/** Says where it listens, at a port that is free. */
final class Listener extends TServerSocket
{
    public function __construct()
    {
        parent::__construct('127.0.0.1', 0);
    }

    public function listen()
    {
        parent::listen();
        echo 'ready ', stream_socket_get_name($this->listener_, false), "\n";
    }
}

final class Framing extends TTransportFactory
{
    public static function getTransport(TTransport $transport)
    {
        return new TFramedTransport($transport);
    }
}

final class Buffering extends TTransportFactory
{
    public static function getTransport(TTransport $transport)
    {
        return new TBufferedTransport($transport, 4096, 4096);
    }
}

/**
 * The library lets what a handler throws undeclared end the server; here it ends the connection alone. After a call of an
 * unknown method the library reads no more from a connection that it leaves open; here it goes on.
 */
final class Survivor
{
    public function __construct(private object $processor)
    {
    }

    public function process(TProtocol $input, TProtocol $output): bool
    {
        try {
            $this->processor->process($input, $output);
            return true;
        } catch (TTransportException $gone) {
            throw $gone;
        } catch (TException $undeclared) {
            $input->getTransport()->close();
            throw new TTransportException($undeclared->getMessage());
        }
    }
}

/** A process for each connection behind framed wires, one connection at a time behind buffered ones. */
function serve(string $transport, string $protocol, string $naming): void
{
    $processor = new Survivor(processorOf($naming));
    $transports = $transport === 'framed' ? new Framing() : new Buffering();
    $protocols = protocolFactory($protocol);
    $server = $transport === 'framed' ? TForkingServer::class : TSimpleServer::class;
    (new $server($processor, new Listener(), $transports, $transports, $protocols, $protocols))->serve();
}

match ($argv[1]) {
    'client' => clients(file_get_contents($argv[2]), array_slice($argv, 3)),
    'server' => serve(...explode('/', $argv[2])),
};

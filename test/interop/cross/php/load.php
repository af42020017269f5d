<?php

/** Apache Thrift's library, the generated code in `gen` beside this file, and the handler of the cross-test service. */

declare(strict_types=1);

error_reporting(E_ALL & ~E_DEPRECATED);

use Thrift\Exception\TException;
use Thrift\TMultiplexedProcessor;
use ThriftTest\Insanity;
use ThriftTest\Numberz;
use ThriftTest\SecondServiceIf;
use ThriftTest\SecondServiceProcessor;
use ThriftTest\ThriftTestIf;
use ThriftTest\ThriftTestProcessor;
use ThriftTest\Xception;
use ThriftTest\Xception2;
use ThriftTest\Xtruct;

spl_autoload_register(function (string $class): void {
    // Folders are named like namespaces, but Debian leaves the first one out for the library.
    $folder = str_starts_with($class, 'Thrift\\') ? (getenv('PHP_THRIFT') ?: '/usr/lib/php') : __DIR__ . '/gen';
    $file = $folder . '/' . str_replace('\\', '/', preg_replace('/^Thrift\\\\/', '', $class)) . '.php';
    if (is_file($file)) {
        require_once $file;
    }
});

// What a handler throws undeclared ends the process, and need not be told at length.
set_exception_handler(function (Throwable $problem): void {
    http_response_code(500);
    exit(255);
});

function processorOf(string $naming): object
{
    $handler = new Handler();
    $main = new ThriftTestProcessor($handler);
    if ($naming === 'plain') {
        return $main;
    }
    $both = new TMultiplexedProcessor();
    $both->registerProcessor('ThriftTest', $main);
    $both->registerProcessor('SecondService', new SecondServiceProcessor($handler));
    return $both;
}

/** Does what the comments of the service's IDL say. */
final class Handler implements ThriftTestIf, SecondServiceIf
{
    public function testVoid()
    {
    }

    public function testString($thing)
    {
        return $thing;
    }

    public function testBool($thing)
    {
        return $thing;
    }

    public function testByte($thing)
    {
        return $thing;
    }

    public function testI32($thing)
    {
        return $thing;
    }

    public function testI64($thing)
    {
        return $thing;
    }

    public function testDouble($thing)
    {
        return $thing;
    }

    public function testBinary($thing)
    {
        return $thing;
    }

    public function testStruct(Xtruct $thing)
    {
        return $thing;
    }

    public function testNest(\ThriftTest\Xtruct2 $thing)
    {
        return $thing;
    }

    public function testMap(array $thing)
    {
        return $thing;
    }

    public function testStringMap(array $thing)
    {
        return $thing;
    }

    public function testSet(array $thing)
    {
        return $thing;
    }

    public function testList(array $thing)
    {
        return $thing;
    }

    public function testEnum($thing)
    {
        return $thing;
    }

    public function testTypedef($thing)
    {
        return $thing;
    }

    public function secondtestString($thing)
    {
        return $thing;
    }

    public function testMapMap($hello)
    {
        return [-4 => [-4 => -4, -3 => -3, -2 => -2, -1 => -1], 4 => [1 => 1, 2 => 2, 3 => 3, 4 => 4]];
    }

    public function testInsanity(Insanity $argument)
    {
        return [
            1 => [Numberz::TWO => $argument, Numberz::THREE => $argument],
            2 => [Numberz::SIX => new Insanity()],
        ];
    }

    public function testMulti($arg0, $arg1, $arg2, array $arg3, $arg4, $arg5)
    {
        return new Xtruct([
            'string_thing' => 'Hello2', 'byte_thing' => $arg0, 'i32_thing' => $arg1, 'i64_thing' => $arg2,
        ]);
    }

    public function testException($arg)
    {
        if ($arg === 'Xception') {
            throw new Xception(['errorCode' => 1001, 'message' => $arg]);
        }
        if ($arg === 'TException') {
            throw new TException('undeclared');
        }
    }

    public function testMultiException($arg0, $arg1)
    {
        if ($arg0 === 'Xception') {
            throw new Xception(['errorCode' => 1001, 'message' => 'This is an Xception']);
        }
        if ($arg0 === 'Xception2') {
            $thing = new Xtruct(['string_thing' => 'This is an Xception2']);
            throw new Xception2(['errorCode' => 2002, 'struct_thing' => $thing]);
        }
        return new Xtruct(['string_thing' => $arg1]);
    }

    public function testOneway($secondsToSleep)
    {
        file_put_contents(getenv('NOTES'), "oneway $secondsToSleep\n", FILE_APPEND | LOCK_EX);
    }
}

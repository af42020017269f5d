<?php

/**
 * The official Apache Thrift library for PHP as a client of the service Kinds: runs named cases one after the other and
 * prints one line of JSON for each, for the test that started this program.
 *
 *     php client.php FOLDER-OF-GENERATED-CODE HOST PORT framed|buffered|http strict|old
 */

declare(strict_types=1);

error_reporting(E_ALL & ~E_DEPRECATED);

use Kinds\Choice;
use Kinds\Choices;
use Kinds\Color;
use Kinds\Failure;
use Kinds\Inner;
use Kinds\KindsClient;
use Kinds\Lists;
use Kinds\Maps;
use Kinds\Nested;
use Kinds\NotFound;
use Kinds\Nothing;
use Kinds\Plain;
use Kinds\Point;
use Kinds\Presence;
use Kinds\Refused;
use Kinds\Scalars;
use Kinds\Sets;
use Kinds\Size;
use Kinds\Tree;
use Thrift\Exception\TApplicationException;
use Thrift\Protocol\TBinaryProtocol;
use Thrift\Transport\TBufferedTransport;
use Thrift\Transport\TFramedTransport;
use Thrift\Transport\THttpClient;
use Thrift\Transport\TSocket;
use Thrift\Type\TMessageType;

[, $generated, $host, $port, $transport, $dialect] = $argv;

$library = getenv('PHP_THRIFT') ?: '/usr/lib/php';
spl_autoload_register(function (string $class) use ($library, $generated): void {
    // Folders are named like namespaces, but Debian leaves the first one out for the library.
    $folder = str_starts_with($class, 'Thrift\\') ? $library : $generated;
    $file = $folder . '/' . str_replace('\\', '/', preg_replace('/^Thrift\\\\/', '', $class)) . '.php';
    if (is_file($file)) {
        require_once $file;
    }
});

$socket = new TSocket($host, (int) $port);
$socket->setSendTimeout(5_000);
$socket->setRecvTimeout(10_000);
$wire = match ($transport) {
    'framed' => new TFramedTransport($socket),
    'http' => new THttpClient($host, (int) $port, '/kinds.Kinds'),
    default => new TBufferedTransport($socket, 4096, 4096),
};
$protocol = new TBinaryProtocol($wire, $dialect === 'strict', $dialect === 'strict');
$wire->open();
report(cases(new KindsClient($protocol), $protocol));
$wire->close();

/** @param array<string, callable(): void> $cases */
function report(array $cases): void
{
    foreach ($cases as $name => $run) {
        $detail = '';
        try {
            $run();
        } catch (Throwable $problem) {
            $detail = get_class($problem) . ': ' . $problem->getMessage();
        }
        $flags = JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE;
        echo json_encode(['name' => $name, 'ok' => $detail === '', 'detail' => $detail], $flags), "\n";
    }
}

function mustEqual(mixed $want, mixed $got): void
{
    // The printed form tells types apart and looks inside objects, where == does the one and === the other.
    if (var_export(ordered($want), true) !== var_export(ordered($got), true)) {
        throw new RuntimeException('want ' . json_encode($want) . ', got ' . json_encode($got));
    }
}

/** The value with the keys of every array in order: maps and sets have none. */
function ordered(mixed $value): mixed
{
    if (is_object($value)) {
        return [get_class($value) => ordered(get_object_vars($value))];
    }
    if (!is_array($value)) {
        return $value;
    }
    ksort($value, SORT_STRING);
    return array_map(ordered(...), $value);
}

/** A case of a call that gives back its argument. */
function returns(callable $call, mixed $value): callable
{
    return fn () => mustEqual($value, $call($value));
}

/** A case of a call that throws what is declared. */
function throws(callable $call, Exception $want): callable
{
    return function () use ($call, $want): void {
        try {
            $call();
        } catch (Exception $got) {
            mustEqual(get_class($want), get_class($got));
            foreach (array_column($want::$_TSPEC, 'var') as $field) {
                mustEqual($want->$field, $got->$field);
            }
            return;
        }
        throw new RuntimeException('nothing was thrown');
    };
}

/** A case of a call that fails with a TApplicationException. */
function breaks(callable $call, int $type, string $text): callable
{
    return function () use ($call, $type, $text): void {
        try {
            $call();
        } catch (TApplicationException $got) {
            mustEqual($type, $got->getCode());
            if (!str_contains($got->getMessage(), $text)) {
                throw new RuntimeException("want a message with \"$text\", got \"{$got->getMessage()}\"");
            }
            return;
        }
        throw new RuntimeException('nothing was thrown');
    };
}

/** @return array<string, callable(): void> */
function cases(KindsClient $c, TBinaryProtocol $protocol): array
{
    return scalarCases($c) + structCases($c) + containerCases($c) + unionCases($c) + callCases($c, $protocol);
}

function sameBits(KindsClient $c, float $value): callable
{
    return fn () => mustEqual(bin2hex(pack('E', $value)), bin2hex(pack('E', $c->echoDouble($value))));
}

function scalarCases(KindsClient $c): array
{
    $nan = unpack('E', hex2bin('7ff8000000000abc'))[1];
    return [
        'echoBool: true' => returns($c->echoBool(...), true),
        'echoBool: false' => returns($c->echoBool(...), false),
        'echoByte: least' => returns($c->echoByte(...), -128),
        'echoByte: most' => returns($c->echoByte(...), 127),
        'echoI16: least' => returns($c->echoI16(...), -32768),
        'echoI16: most' => returns($c->echoI16(...), 32767),
        'echoI32: least' => returns($c->echoI32(...), -2147483648),
        'echoI32: most' => returns($c->echoI32(...), 2147483647),
        'echoI32: zero' => returns($c->echoI32(...), 0),
        'echoI64: least' => returns($c->echoI64(...), PHP_INT_MIN),
        'echoI64: most' => returns($c->echoI64(...), PHP_INT_MAX),
        'echoI64: beyond 2^53' => returns($c->echoI64(...), 9007199254740993),
        'echoDouble: pi' => sameBits($c, M_PI),
        'echoDouble: negative zero' => sameBits($c, -0.0),
        'echoDouble: least above zero' => sameBits($c, 5e-324),
        'echoDouble: infinity' => sameBits($c, -INF),
        'echoDouble: NaN with a payload' => sameBits($c, $nan),
        'echoString: empty' => returns($c->echoString(...), ''),
        'echoString: many scripts' => returns($c->echoString(...), 'Grüße, 世界 🌍'),
        'echoString: 100000 letters' => returns($c->echoString(...), str_repeat('causeway..', 10000)),
        'echoBinary: empty' => returns($c->echoBinary(...), ''),
        'echoBinary: every byte' => returns($c->echoBinary(...), implode('', array_map(chr(...), range(0, 255)))),
        'echoColor: named' => returns($c->echoColor(...), Color::BLUE),
        'echoColor: unnamed' => returns($c->echoColor(...), 77),
        'echoSize: zero' => returns($c->echoSize(...), Size::SMALL),
        'echoSize: negative' => returns($c->echoSize(...), Size::BELOW),
        'echoSize: largest' => returns($c->echoSize(...), Size::HUGE),
    ];
}

function point(int $x, int $y): Point
{
    return new Point(['x' => $x, 'y' => $y]);
}

function someScalars(): Scalars
{
    return new Scalars([
        'truth' => true, 'tiny' => -1, 'small' => 2, 'medium' => -300, 'regular' => 70000, 'large' => -5000000000,
        'real' => 0.1, 'text' => 'text', 'data' => "\x00\xff", 'color' => Color::GREEN, 'size' => Size::LARGE,
    ]);
}

function zeroScalars(): Scalars
{
    return new Scalars([
        'truth' => false, 'tiny' => 0, 'small' => 0, 'medium' => 0, 'regular' => 0, 'large' => 0,
        'real' => 0.0, 'text' => '', 'data' => '', 'color' => Color::RED, 'size' => Size::SMALL,
    ]);
}

function structCases(KindsClient $c): array
{
    $absent = new Presence(['must' => 0, 'plain' => 0, 'numbers' => []]);
    $set = new Presence([
        'must' => 1, 'may' => 2, 'plain' => 3, 'seven' => 4, 'greeting' => 'bonjour', 'color' => Color::BLUE,
        'flag' => true, 'scalars' => someScalars(), 'numbers' => [5], 'moreNumbers' => [6, 7], 'mayColor' => Color::RED,
    ]);
    $zero = new Presence([
        'must' => 0, 'may' => 0, 'plain' => 0, 'seven' => 0, 'greeting' => '', 'color' => Color::RED,
        'flag' => false, 'scalars' => zeroScalars(), 'numbers' => [],
    ]);
    $nested = new Nested([
        'inner' => new Inner(['at' => point(1, 2), 'label' => 'inner']),
        'first' => point(-3, 4),
        'last' => new Inner(['at' => point(5, -6), 'label' => '']),
    ]);
    return [
        'echoScalars: all set' => returns($c->echoScalars(...), someScalars()),
        'echoScalars: all zero' => returns($c->echoScalars(...), zeroScalars()),
        'echoPresence: optional fields absent' => returns($c->echoPresence(...), $absent),
        'echoPresence: all set' => returns($c->echoPresence(...), $set),
        'echoPresence: optional fields zero' => returns($c->echoPresence(...), $zero),
        'echoNested: three levels' => returns($c->echoNested(...), $nested),
        'echoTree: 20 deep' => returns($c->echoTree(...), treeOf(20)),
        'echoNothing: no field' => returns($c->echoNothing(...), new Nothing()),
    ];
}

function treeOf(int $depth): Tree
{
    if ($depth === 1) {
        return new Tree(['value' => 1, 'children' => []]);
    }
    $leaf = new Tree(['value' => -$depth, 'children' => []]);
    return new Tree(['value' => $depth, 'children' => [$leaf, treeOf($depth - 1)], 'twin' => $leaf]);
}

function containerCases(KindsClient $c): array
{
    $lists = new Lists([
        'truths' => [true, false, true], 'tinies' => [-128, 127], 'mediums' => [-32768, 32767],
        'regulars' => [0, -1, 2147483647], 'larges' => [-1, 9007199254740993], 'reals' => [0.0, -0.5, 1e300],
        'texts' => ['', 'a', '世界'], 'data' => ['', "\x00\x01"], 'colors' => [Color::RED, Color::BLUE, Color::GREEN],
        'points' => [point(1, 2), point(0, 0)], 'grid' => [[1, 2], [], [3]], 'tables' => [['one' => 1], []],
        'cube' => [[['a'], []], [], [['b', 'c']]],
    ]);
    // A set is an array whose keys are the elements.
    $sets = new Sets([
        'numbers' => [1 => true, -2 => true, 300 => true], 'texts' => ['a' => true, '' => true],
        'colors' => [Color::GREEN => true, Color::RED => true], 'larges' => [9007199254740993 => true],
    ]);
    $numbers = array_map(fn (int $i) => $i * $i * $i - 1000, range(0, 999));
    return [
        'echoLists: of every type' => returns($c->echoLists(...), $lists),
        'echoLists: empty' => returns($c->echoLists(...), allEmpty(Lists::class)),
        'echoSets: of every type' => returns($c->echoSets(...), $sets),
        'echoSets: empty' => returns($c->echoSets(...), allEmpty(Sets::class)),
        'echoMaps: one entry each' => returns($c->echoMaps(...), oneEntryMaps()),
        'echoMaps: several entries' => returns($c->echoMaps(...), manyEntryMaps()),
        'echoMaps: empty' => returns($c->echoMaps(...), allEmpty(Maps::class)),
        'echoList: 1000 numbers' => returns($c->echoList(...), $numbers),
        'echoSet: two strings' => returns($c->echoSet(...), ['b' => true, 'a' => true]),
        'echoMap: structs' => returns($c->echoMap(...), ['here' => point(1, 2)]),
        'echoGrid: an empty row' => returns($c->echoGrid(...), [['a', 'b'], [], ['']]),
    ];
}

/** A struct whose fields are all empty containers. */
function allEmpty(string $class): object
{
    return new $class(array_fill_keys(array_column($class::$_TSPEC, 'var'), []));
}

function oneEntryMaps(): Maps
{
    return new Maps([
        'texts' => ['key' => 'value'], 'byNumber' => [-1 => ''], 'larges' => [9007199254740993 => -1],
        'byTruth' => [false => 'no'], 'byColor' => [Color::BLUE => Size::LARGE], 'points' => ['' => point(0, 9)],
        'lists' => ['list' => [1, 2, 3]], 'tables' => ['outer' => ['inner' => 0]], 'reals' => [-5 => 2.5],
        'words' => ['words' => ['only' => true]],
    ]);
}

function manyEntryMaps(): Maps
{
    $maps = oneEntryMaps();
    $maps->texts += ['世界' => 'world', '' => 'nothing'];
    $maps->byNumber += [0 => 'zero'];
    $maps->larges += [0 => 0];
    $maps->byTruth += [true => 'yes'];
    $maps->byColor += [Color::RED => Size::BELOW];
    $maps->points += ['there' => point(3, 4)];
    $maps->lists += ['empty' => []];
    $maps->tables += ['empty' => [], 'two' => ['a' => 1, 'b' => 2]];
    $maps->reals += [0 => 0.0];
    $maps->words += ['none' => []];
    return $maps;
}

function unionCases(KindsClient $c): array
{
    $number = new Choice(['number' => 9007199254740993]);
    $text = new Choice(['text' => '']);
    $words = new Choice(['words' => ['a', 'b']]);
    $deep = new Choice(['choice' => new Choice(['choice' => $text])]);
    $choices = new Choices(['first' => $number, 'second' => $words, 'more' => [$text, $number, $words]]);
    return [
        'echoChoice: bool' => returns($c->echoChoice(...), new Choice(['truth' => false])),
        'echoChoice: i64' => returns($c->echoChoice(...), $number),
        'echoChoice: string' => returns($c->echoChoice(...), $text),
        'echoChoice: enum' => returns($c->echoChoice(...), new Choice(['color' => Color::RED])),
        'echoChoice: struct' => returns($c->echoChoice(...), new Choice(['point' => point(1, 0)])),
        'echoChoice: list' => returns($c->echoChoice(...), $words),
        'echoChoice: itself' => returns($c->echoChoice(...), $deep),
        'echoChoices: several' => returns($c->echoChoices(...), $choices),
    ];
}

function callCases(KindsClient $c, TBinaryProtocol $protocol): array
{
    $refused = new Refused([
        'reason' => 'closed', 'color' => Color::BLUE, 'where' => [point(1, -1), point(2, -2)],
    ]);
    $notFound = new NotFound(['what' => 'shelf', 'id' => 9007199254740993]);
    $plain = new Plain(['message' => 'plainly wrong']);
    return [
        'ping: inherited and void' => fn () => mustEqual(null, $c->ping()),
        'who: inherited' => fn () => mustEqual(true, $c->who() !== ''),
        'nothing: void' => fn () => mustEqual(null, $c->nothing()),
        'sum: several arguments' => fn () => mustEqual(9007199254740993, $c->sum(1, 9007199254740990, [1, 1])),
        'fail: not at all' => returns($c->fail(...), Failure::NONE),
        'fail: NotFound' => throws(fn () => $c->fail(Failure::NOT_FOUND), $notFound),
        'fail: Refused' => throws(fn () => $c->fail(Failure::REFUSED), $refused),
        'fail: Plain' => throws(fn () => $c->fail(Failure::PLAIN), $plain),
        'fail: undeclared' => breaks(
            fn () => $c->fail(Failure::UNEXPECTED),
            TApplicationException::INTERNAL_ERROR,
            'the shelf fell over'
        ),
        'check: void that returns' => fn () => mustEqual(null, $c->check(true)),
        'check: void that throws' => throws(fn () => $c->check(false), $refused),
        'note: oneway' => fn () => noteArrives($c),
        'absent: unknown method' => breaks(
            fn () => callAbsent($protocol),
            TApplicationException::UNKNOWN_METHOD,
            'absent'
        ),
    ];
}

/** Calls a method that the service does not have, which no generated client can. */
function callAbsent(TBinaryProtocol $protocol): void
{
    $protocol->writeMessageBegin('absent', TMessageType::CALL, 0);
    (new Nothing())->write($protocol);
    $protocol->writeMessageEnd();
    $protocol->getTransport()->flush();
    $name = '';
    $type = $sequence = 0;
    $protocol->readMessageBegin($name, $type, $sequence);
    mustEqual(TMessageType::EXCEPTION, $type);
    $exception = new TApplicationException();
    $exception->read($protocol);
    $protocol->readMessageEnd();
    throw $exception;
}

/** Asks until the note is there: a oneway call has no answer that says when it was done. */
function noteArrives(KindsClient $c): void
{
    $text = 'note of the PHP Thrift client, ' . hrtime(true);
    $c->note($text);
    for ($attempt = 0; $attempt < 500; $attempt++) {
        if (in_array($text, $c->notes(), true)) {
            return;
        }
        usleep(10_000);
    }
    throw new RuntimeException('the note did not arrive within 5 seconds');
}

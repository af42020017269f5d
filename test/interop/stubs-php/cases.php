<?php

/** The named cases that client.php runs. */

declare(strict_types=1);

namespace StubCases;

use Causeway\CallOptions;
use Causeway\Channel;
use Causeway\Code;
use Causeway\ProtobufMessage;
use Causeway\ProtobufWriter;
use Causeway\ReplyMetadata;
use Causeway\RpcException;
use Causeway\ThriftWriter;
use Kinds\Choice;
use Kinds\Choices;
use Kinds\Color;
use Kinds\Failure;
use Kinds\Inner;
use Kinds\Keyed;
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

/** @param array<string, callable(): void> $cases */
function report(array $cases): void
{
    foreach ($cases as $name => $run) {
        $detail = '';
        try {
            $run();
        } catch (\Throwable $problem) {
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
        throw new \RuntimeException('want ' . json_encode($want) . ', got ' . json_encode($got));
    }
}

/** The value with the keys of every array in order: maps have none. */
function ordered(mixed $value): mixed
{
    if ($value instanceof \UnitEnum) {
        return get_class($value) . '::' . $value->name;
    }
    if (is_object($value)) {
        return [get_class($value) => ordered(get_object_vars($value))];
    }
    if (!is_array($value)) {
        return $value;
    }
    if (!array_is_list($value)) {
        ksort($value, SORT_STRING);
    }
    return array_map(ordered(...), $value);
}

/** A case of a call that gives back its argument. */
function returns(callable $call, mixed $value): callable
{
    return static fn () => mustEqual($value, $call($value));
}

/** A case of a call with a set, whose elements are in no order. */
function returnsSet(callable $call, array $value): callable
{
    return static function () use ($call, $value): void {
        $got = $call($value);
        sort($value);
        sort($got);
        mustEqual($value, $got);
    };
}

/** A case of a call that throws what is declared. */
function throws(callable $call, \Exception $want): callable
{
    return static function () use ($call, $want): void {
        try {
            $call();
        } catch (\Exception $got) {
            mustEqual(get_class($want), get_class($got));
            mustEqual($want->encode(), $got->encode());
            return;
        }
        throw new \RuntimeException('nothing was thrown');
    };
}

/** A case of a call that fails. */
function breaks(callable $call, Code $code, string $text): callable
{
    return static function () use ($call, $code, $text): void {
        try {
            $call();
        } catch (RpcException $got) {
            mustEqual($code, $got->status);
            mustEqual(true, str_contains($got->getMessage(), $text) ?: $got->getMessage());
            return;
        }
        throw new \RuntimeException('nothing was thrown');
    };
}

function cases(KindsClient $c, Channel $channel): array
{
    return scalarCases($c) + structCases($c) + containerCases($c) + unionCases($c) + callCases($c, $channel)
        + wireCases($c);
}

function sameBits(KindsClient $c, float $value): callable
{
    return static fn () => mustEqual(bin2hex(pack('E', $value)), bin2hex(pack('E', $c->echoDouble($value))));
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

function someScalars(): Scalars
{
    return new Scalars(
        truth: true,
        tiny: -1,
        small: 2,
        medium: -300,
        regular: 70000,
        large: -5000000000,
        real: 0.1,
        text: 'text',
        data: "\x00\xff",
        color: Color::GREEN,
        size: Size::LARGE,
    );
}

function structCases(KindsClient $c): array
{
    $zero = new Scalars(color: Color::RED);
    $set = new Presence(
        must: 1,
        may: 2,
        plain: 3,
        seven: 4,
        greeting: 'bonjour',
        color: Color::BLUE,
        flag: true,
        scalars: someScalars(),
        numbers: [5],
        moreNumbers: [6, 7],
        mayColor: Color::RED,
    );
    $zeros = new Presence(0, 0, 0, 0, '', Color::RED, false, $zero);
    $nested = new Nested(
        inner: new Inner(at: new Point(1, 2), label: 'inner'),
        first: new Point(-3, 4),
        last: new Inner(at: new Point(5, -6)),
    );
    return [
        'echoScalars: all set' => returns($c->echoScalars(...), someScalars()),
        'echoScalars: all zero' => returns($c->echoScalars(...), $zero),
        'echoPresence: optional fields absent' => static function () use ($c): void {
            $got = $c->echoPresence(new Presence(0));
            mustEqual([0, null, 7, null], [$got->must, $got->may, $got->seven, $got->scalars]);
        },
        'echoPresence: all set' => returns($c->echoPresence(...), $set),
        'echoPresence: optional fields zero' => returns($c->echoPresence(...), $zeros),
        'echoNested: three levels' => returns($c->echoNested(...), $nested),
        'echoTree: 20 deep' => returns($c->echoTree(...), treeOf(20)),
        'echoNothing: no field' => returns($c->echoNothing(...), new Nothing()),
    ];
}

function treeOf(int $depth): Tree
{
    if ($depth === 1) {
        return new Tree(value: 1);
    }
    $leaf = new Tree(value: -$depth);
    return new Tree(value: $depth, children: [$leaf, treeOf($depth - 1)], twin: $leaf);
}

function containerCases(KindsClient $c): array
{
    $lists = new Lists(
        truths: [true, false, true],
        tinies: [-128, 127],
        mediums: [-32768, 32767],
        regulars: [0, -1, 2147483647],
        larges: [-1, 9007199254740993],
        reals: [0.0, -0.5, 1e300],
        texts: ['', 'a', '世界'],
        data: ['', "\x00\x01"],
        colors: [Color::RED, Color::BLUE, Color::GREEN],
        points: [new Point(1, 2), new Point()],
        grid: [[1, 2], [], [3]],
        tables: [['one' => 1], []],
        cube: [[['a'], []], [], [['b', 'c']]],
    );
    $sets = new Sets(
        numbers: [1, -2, 300],
        texts: ['a', ''],
        colors: [Color::GREEN, Color::RED],
        larges: [9007199254740993],
    );
    $numbers = array_map(static fn (int $i) => $i * $i * $i - 1000, range(0, 999));
    return [
        'echoLists: of every type' => returns($c->echoLists(...), $lists),
        'echoLists: empty' => returns($c->echoLists(...), new Lists()),
        'echoSets: of every type' => static function () use ($c, $sets): void {
            $got = $c->echoSets($sets);
            foreach (get_object_vars($sets) as $name => $want) {
                mustEqual([], array_udiff($want, $got->$name, static fn ($a, $b) => $a <=> $b));
                mustEqual(count($want), count($got->$name));
            }
        },
        'echoSets: empty' => returns($c->echoSets(...), new Sets()),
        'echoMaps: one entry each' => returns($c->echoMaps(...), oneEntryMaps()),
        'echoMaps: several entries' => returns($c->echoMaps(...), manyEntryMaps()),
        'echoMaps: empty' => returns($c->echoMaps(...), new Maps()),
        'echoKeyed: structs as keys' => static function () use ($c): void {
            $pairs = [[new Point(1, 2), 'here'], [new Point(), 'nowhere']];
            $got = $c->echoKeyed(new Keyed($pairs))->byPoint;
            usort($got, static fn (array $a, array $b) => $a[1] <=> $b[1]);
            mustEqual($pairs, $got);
        },
        'echoList: 1000 numbers' => returns($c->echoList(...), $numbers),
        'echoSet: two strings' => returnsSet($c->echoSet(...), ['b', 'a']),
        'echoMap: structs' => returns($c->echoMap(...), ['here' => new Point(1, 2)]),
        'echoGrid: an empty row' => returns($c->echoGrid(...), [['a', 'b'], [], ['']]),
    ];
}

function oneEntryMaps(): Maps
{
    return new Maps(
        texts: ['key' => 'value'],
        byNumber: [-1 => ''],
        larges: [9007199254740993 => -1],
        byTruth: [0 => 'no'],
        byColor: [Color::BLUE->value => Size::LARGE],
        points: ['' => new Point(0, 9)],
        lists: ['list' => [1, 2, 3]],
        tables: ['outer' => ['inner' => 0]],
        reals: [-5 => 2.5],
        words: ['words' => ['only']],
    );
}

function manyEntryMaps(): Maps
{
    return new Maps(
        // PHP makes an integer of a key that looks like one.
        texts: ['key' => 'value', '世界' => 'world', '' => 'nothing', '12' => 'a number'],
        byNumber: [-1 => '', 0 => 'zero'],
        larges: [9007199254740993 => -1, 0 => 0],
        byTruth: [0 => 'no', 1 => 'yes'],
        byColor: [Color::BLUE->value => Size::LARGE, Color::RED->value => Size::BELOW],
        points: ['' => new Point(0, 9), 'there' => new Point(3, 4)],
        lists: ['list' => [1, 2, 3], 'empty' => []],
        tables: ['outer' => ['inner' => 0], 'empty' => [], 'two' => ['a' => 1, 'b' => 2]],
        reals: [-5 => 2.5, 0 => 0.0],
        words: ['words' => ['only'], 'none' => []],
    );
}

function unionCases(KindsClient $c): array
{
    $number = Choice::number(9007199254740993);
    $text = Choice::text('');
    $words = Choice::words(['a', 'b']);
    return [
        'echoChoice: bool' => returns($c->echoChoice(...), Choice::truth(false)),
        'echoChoice: i64' => returns($c->echoChoice(...), $number),
        'echoChoice: string' => returns($c->echoChoice(...), $text),
        'echoChoice: enum' => returns($c->echoChoice(...), Choice::color(Color::RED)),
        'echoChoice: struct' => returns($c->echoChoice(...), Choice::point(new Point(1, 0))),
        'echoChoice: list' => returns($c->echoChoice(...), $words),
        'echoChoice: itself' => returns($c->echoChoice(...), Choice::choice(Choice::choice($text))),
        'echoChoices: several' => returns($c->echoChoices(...), new Choices($number, $words, [$text, $number, $words])),
    ];
}

function callCases(KindsClient $c, Channel $channel): array
{
    $refused = new Refused(reason: 'closed', color: Color::BLUE, where: [new Point(1, -1), new Point(2, -2)]);
    $notFound = new NotFound(what: 'shelf', id: 9007199254740993);
    $plain = new Plain('plainly wrong');
    return [
        'ping: inherited and void' => static fn () => mustEqual(null, $c->ping()),
        'who: inherited' => static fn () => mustEqual(true, $c->who() !== ''),
        'nothing: void' => static fn () => mustEqual(null, $c->nothing()),
        'sum: several arguments' => static fn () => mustEqual(9007199254740993, $c->sum(1, 9007199254740990, [1, 1])),
        'fail: not at all' => returns($c->fail(...), Failure::NONE),
        'fail: NotFound' => throws(static fn () => $c->fail(Failure::NOT_FOUND), $notFound),
        'fail: Refused' => throws(static fn () => $c->fail(Failure::REFUSED), $refused),
        'fail: Plain' => throws(static fn () => $c->fail(Failure::PLAIN), $plain),
        'fail: undeclared' => breaks(
            static fn () => $c->fail(Failure::UNEXPECTED),
            Code::Internal,
            'the shelf fell over'
        ),
        'check: void that returns' => static fn () => mustEqual(null, $c->check(true)),
        'check: void that throws' => throws(static fn () => $c->check(false), $refused),
        'note: oneway' => static fn () => noteArrives($c),
        'absent: unknown method' => breaks(
            static fn () => is_subclass_of(Point::class, ProtobufMessage::class)
                ? $channel->callProtobuf('kinds.Kinds', 'absent', new ProtobufWriter(), null)
                : $channel->callThrift('kinds.Kinds', 'absent', emptyStruct(), null),
            Code::Unimplemented,
            'absent'
        ),
    ];
}

function emptyStruct(): ThriftWriter
{
    $out = new ThriftWriter();
    $out->stop();
    return $out;
}

/** Those of stub-cases.ts, which a server of stubs answers; a call that blocks cannot be cancelled but by its deadline. */
function stubCases(KindsClient $c, string $server): array
{
    $unique = getmypid() . '-' . hrtime(true);
    $within = static fn (int $ms): CallOptions => new CallOptions(timeoutMs: $ms);
    $cancel = [
        'echoString: cancellation travels' => static function () use ($c, $unique, $within): void {
            breaks(
                static fn () => $c->echoString("wait $unique-c", $within(200)),
                Code::DeadlineExceeded,
                'deadline'
            )();
            eventually($c, "ended wait $unique-c");
        },
    ];
    return [
        'echoString: a deadline ends the call' => breaks(
            static fn () => $c->echoString("wait $unique-d", $within(300)),
            Code::DeadlineExceeded,
            'deadline'
        ),
        'echoString: a deadline travels' => static fn () =>
            mustEqual('20 s', $c->echoString('deadline?', $within(20_000))),
        'echoString: metadata travels' => static fn () =>
            mustEqual('kept', $c->echoString('metadata?', new CallOptions(metadata: ['x-own' => 'kept']))),
    ] + ($server === 'php' ? [] : $cancel);
}

/** What the stub for PHP has beside that. */
function wireCases(KindsClient $c): array
{
    $isProtobuf = is_subclass_of(Choice::class, ProtobufMessage::class);
    return [
        'echoBinary: 5 MB' => static function () use ($c): void {
            $data = str_repeat('causeway..', 500_000);
            mustEqual(md5($data), md5($c->echoBinary($data)));
        },
        'wire: more than a frame may have' => breaks(
            static fn () => $c->echoBinary(str_repeat('x', Channel::DEFAULT_MAX_FRAME_BYTES)),
            Code::ResourceExhausted,
            'bytes to send'
        ),
        'wire: a deadline that has passed' => breaks(
            static fn () => $c->ping(new CallOptions(timeoutMs: 0)),
            Code::DeadlineExceeded,
            'kinds.Kinds.ping'
        ),
        'wire: metadata of the sidecar' => breaks(
            static fn () => $c->ping(new CallOptions(metadata: ['cw-code' => '5'])),
            Code::InvalidArgument,
            'cw-code'
        ),
        'wire: metadata' => static function () use ($c): void {
            $reply = new ReplyMetadata();
            $c->ping(new CallOptions(metadata: ['x-tag' => ['a', 'b'], 'x-bin' => 'AAE'], reply: $reply));
            mustEqual(true, is_array($reply->headers));
        },
        'wire: a value out of range' => breaks(
            static fn () => $c->echoI32(2147483648),
            Code::InvalidArgument,
            'value: 2147483648 is out of range'
        ),
        'wire: a value out of range, deep inside' => breaks(
            static fn () => $c->echoLists(new Lists(points: [new Point(1, 2), new Point(-2147483649, 0)])),
            Code::InvalidArgument,
            'value.points.x: -2147483649 is out of range: expected an integer from -2147483648 to 2147483647'
        ),
        'wire: a value of another type' => breaks(
            static fn () => $c->echoLists(new Lists(texts: ['a', 5])),
            Code::InvalidArgument,
            'value.texts: must be of type string, int given'
        ),
        'wire: a value out of a narrower range' => breaks(
            static fn () => $c->echoScalars(new Scalars(tiny: 300)),
            Code::InvalidArgument,
            'value.tiny: 300 is out of range: expected an integer from -128 to 127'
        ),
        // Thrift's own library checks no text, either.
        'wire: text that is none' => !$isProtobuf ? static fn () => null : breaks(
            static fn () => $c->echoScalars(new Scalars(text: "\xff")),
            Code::InvalidArgument,
            'value.text: text that is not valid UTF-8'
        ),
        'wire: a union of nothing' => breaks(
            static fn () => $c->echoChoice(Choice::decode($isProtobuf ? '' : "\0")),
            Code::InvalidArgument,
            'kinds.Choice'
        ),
        'wire: the connection is free again' => returns($c->echoString(...), 'after all of this'),
    ];
}

/** Asks until the note is there: a oneway call has no answer that says when it was done. */
function noteArrives(KindsClient $c): void
{
    $text = 'note of the PHP stubs, ' . hrtime(true);
    $c->note($text);
    eventually($c, $text);
}

/** Waits until the server has noted something. */
function eventually(KindsClient $c, string $text): void
{
    for ($attempt = 0; $attempt < 500; $attempt++) {
        if (in_array($text, $c->notes(), true)) {
            return;
        }
        usleep(10_000);
    }
    throw new \RuntimeException("the server has not noted $text within 5 seconds");
}

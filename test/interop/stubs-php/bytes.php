<?php

/** Reads what was broken: whatever the bytes, it is a message or a RpcException. Prints how many were which. */

declare(strict_types=1);

use Causeway\RpcException;

(require __DIR__ . '/autoload.php')($argv[1]);
require __DIR__ . '/cases.php';

$values = [
    StubCases\someScalars(),
    StubCases\treeOf(5),
    StubCases\manyEntryMaps(),
    new Kinds\Lists(grid: [[1, 2], []], cube: [[['a'], []]], larges: [1], points: [new Kinds\Point(1, 2)]),
    new Kinds\Choices(Kinds\Choice::words(['a']), null, [Kinds\Choice::number(1)]),
    new Kinds\Refused('closed', Kinds\Color::BLUE, [new Kinds\Point(1, 2)]),
];
$seed = (int) ($argv[2] ?? 1);
mt_srand($seed);
$counts = ['read' => 0, 'refused' => 0];
foreach ($values as $value) {
    $bytes = $value->encode();
    $length = strlen($bytes);
    for ($round = 0; $round < 3000; $round++) {
        $broken = $round < $length ? substr($bytes, 0, $round) : $bytes;
        for ($i = mt_rand(0, 3); $i > 0 && $broken !== ''; $i--) {
            $broken[mt_rand(0, strlen($broken) - 1)] = chr([0, 0x7f, 0x80, 0xff, mt_rand(0, 255)][mt_rand(0, 4)]);
        }
        try {
            $value::decode($broken);
            $counts['read']++;
        } catch (RpcException) {
            $counts['refused']++;
        }
    }
}
// Deeper than anything may be, and longer than anything is.
foreach ([str_repeat("\x0c\x00\x63", 1000), "\x0f\x00\x63\x0f\x7f\xff\xff\xff", str_repeat("\x1b", 70)] as $deep) {
    try {
        Kinds\Tree::decode($deep);
    } catch (RpcException) {
        $counts['refused']++;
    }
}
echo json_encode($counts), "\n";

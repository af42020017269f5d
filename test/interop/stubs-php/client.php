<?php

/**
 * The stubs of this project for PHP as a client of the service Kinds: runs named cases and prints one
 * line of JSON for each, for the test that started this program.
 *
 *     php client.php FOLDER-OF-GENERATED-CODE ADDRESS [SERVER]
 *
 * With a SERVER, the language of a server of stubs behind the sidecar, also those that only such a one answers.
 */

declare(strict_types=1);

use Causeway\Channel;
use Kinds\KindsClient;

use function StubCases\cases;
use function StubCases\report;
use function StubCases\stubCases;

[, $generated, $address, $server] = $argv + [3 => ''];
(require __DIR__ . '/autoload.php')($generated);
require __DIR__ . '/cases.php';

$channel = new Channel($address, timeoutMs: 10_000);
$client = new KindsClient($channel);
report(cases($client, $channel) + ($server === '' ? [] : stubCases($client, $server)));

<?php

/**
 * A page under PHP-FPM that calls the service Kinds. MODE `die` ends in the middle of an answer, as pages do that run
 * out of memory; `fill` makes that answer large.
 */

declare(strict_types=1);

use Causeway\Channel;
use Kinds\KindsClient;

(require __DIR__ . '/autoload.php')($_SERVER['GENERATED']);

$client = new KindsClient(new Channel($_SERVER['ADDRESS'], timeoutMs: 10_000));
ini_set('display_errors', '0');
if ($_SERVER['MODE'] === 'fill') {
    $client->note(str_repeat('x', 3_000_000));
    while ($client->notes() === []) {
        usleep(10_000);
    }
} elseif ($_SERVER['MODE'] === 'die') {
    // Asking takes little, the answer more than there is.
    ini_set('memory_limit', (string) (memory_get_usage(true) + 2_000_000));
    $client->notes();
}
echo $client->who(), ' ', $client->echoI64(9007199254740993);

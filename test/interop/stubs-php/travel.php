<?php

/** Calls while a call is being served: its deadline and its trace go along. */

declare(strict_types=1);

use Causeway\CallOptions;
use Causeway\Channel;
use Causeway\Context;
use Causeway\RpcException;
use Kinds\KindsClient;

[, $generated, $address, $traceparent] = $argv;
(require __DIR__ . '/autoload.php')($generated);

$client = new KindsClient(new Channel($address, name: 'page'));
$context = new Context(
    ['traceparent' => [$traceparent], 'tracestate' => ['a=1', 'b=2'], 'x-other' => ['stays']],
    hrtime(true) + 300_000_000
);
$context->run(static function () use ($client): void {
    try {
        $client->echoString('served', new CallOptions(timeoutMs: 60_000, metadata: ['X-Tag' => ['a', 'b']]));
    } catch (RpcException $error) {
        $sent = $error->sent ? 'sent' : 'not sent';
        echo "{$error->status->label()} $sent {$error->getMessage()}\n";
    }
});

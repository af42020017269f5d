<?php

/** Calls where nobody listens. */

declare(strict_types=1);

use Causeway\CallOptions;
use Causeway\RpcException;
use Kinds\KindsClient;

(require __DIR__ . '/autoload.php')($argv[1]);

try {
    (new KindsClient())->ping(new CallOptions(timeoutMs: 50));
} catch (RpcException $error) {
    echo $error->status->label(), ' ', $error->sent ? 'sent' : 'not sent', ' ', $error->getMessage(), "\n";
}

<?php

/** Asks for an item and reserves two of it: php client.php SKU */

declare(strict_types=1);

use Causeway\CallOptions;
use Causeway\RpcException;
use Shop\InventoryClient;
use Shop\OutOfStock;
use Shop\ReserveRequest;
use Shop\UnknownItem;

require __DIR__ . '/vendor/autoload.php';

$inventory = new InventoryClient();
try {
    $item = $inventory->get($argv[1] ?? 'TEA-GREEN-100', new CallOptions(timeoutMs: 2_000));
    echo "$item->title, {$item->price->units} {$item->price->currency}\n";
    $reservation = $inventory->reserve(new ReserveRequest(orderId: 'order-1', sku: $item->sku, quantity: 2));
    echo "reserved: $reservation->id\n";
} catch (UnknownItem $unknown) {
    echo "there is no $unknown->sku\n";
} catch (OutOfStock $out) {
    echo "only $out->available of $out->sku are left\n";
} catch (RpcException $error) {
    fwrite(STDERR, "{$error->status->label()}: {$error->getMessage()}\n");
    exit(1);
}

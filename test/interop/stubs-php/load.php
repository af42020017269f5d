<?php

/**
 * Loads every class of a folder of generated code, which shows that it fits the runtime, and sends what can be made
 * without arguments through its own bytes. Prints how many of each there were.
 */

declare(strict_types=1);

(require __DIR__ . '/autoload.php')($argv[1]);

$counts = ['classes' => 0, 'messages' => 0];
$files = new RecursiveIteratorIterator(new RecursiveDirectoryIterator($argv[1], FilesystemIterator::SKIP_DOTS));
foreach ($files as $file) {
    if ($file->getExtension() !== 'php') {
        continue;
    }
    $class = strtr(substr($file->getPathname(), strlen($argv[1]) + 1, -4), '/', '\\');
    if (!class_exists($class) && !interface_exists($class)) {
        throw new RuntimeException("$class is not in its file");
    }
    $counts['classes']++;
    $reflection = new ReflectionClass($class);
    $constructor = $reflection->getConstructor();
    $isPlain = !$constructor?->isPrivate() && !$constructor?->getNumberOfRequiredParameters();
    if (!$reflection->hasMethod('encode') || !$isPlain) {
        continue;
    }
    $value = new $class();
    if (property_exists($value, 'value') && $value->value === null) {
        // A message that is a union in Thrift.
        continue;
    }
    $again = $class::decode($value->encode());
    if ($again->encode() !== $value->encode()) {
        throw new RuntimeException("$class does not survive its own bytes");
    }
    $counts['messages']++;
}
echo json_encode($counts), "\n";

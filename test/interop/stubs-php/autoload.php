<?php

/** Loads what was generated from FOLDER, and the runtime, as Composer's autoloader would. */

declare(strict_types=1);

error_reporting(E_ALL);
set_error_handler(static fn (int $level, string $text, string $file, int $line) => error_reporting() & $level
    ? throw new ErrorException($text, 0, $level, $file, $line)
    : false);

return static function (string $generated): void {
    $runtime = dirname(__DIR__, 3) . '/clients/php/src';
    spl_autoload_register(static function (string $class) use ($generated, $runtime): void {
        $isRuntime = str_starts_with($class, 'Causeway\\');
        $path = str_replace('\\', '/', $isRuntime ? substr($class, 9) : $class);
        $file = ($isRuntime ? $runtime : $generated) . "/$path.php";
        if (is_file($file)) {
            require_once $file;
        }
    });
};

<?php

declare(strict_types=1);

namespace Causeway;

/** Integers narrower than PHP's, checked: each method gives its value back or throws a RpcException INVALID_ARGUMENT. */
final class Range
{
    public static function i8(int $value): int
    {
        return $value >= -0x80 && $value <= 0x7f ? $value : throw self::error($value, -0x80, 0x7f);
    }

    public static function i16(int $value): int
    {
        return $value >= -0x8000 && $value <= 0x7fff ? $value : throw self::error($value, -0x8000, 0x7fff);
    }

    public static function i32(int $value): int
    {
        return $value >= -0x80000000 && $value <= 0x7fffffff
            ? $value
            : throw self::error($value, -0x80000000, 0x7fffffff);
    }

    public static function u32(int $value): int
    {
        return $value >= 0 && $value <= 0xffffffff ? $value : throw self::error($value, 0, 0xffffffff);
    }

    /** A 64-bit integer that is unsigned on one of both sides and signed on the other. */
    public static function u63(int $value): int
    {
        return $value >= 0 ? $value : throw self::error($value, 0, PHP_INT_MAX);
    }

    /** An enum's number where zero would say nothing. */
    public static function nonzero(\BackedEnum|int $value): \BackedEnum|int
    {
        return $value !== 0 ? $value : throw new RpcException(Code::InvalidArgument, '0 is no value of the enum');
    }

    public static function error(mixed $value, int $least, int $most): RpcException
    {
        $said = \is_int($value) ? (string) $value : \get_debug_type($value);
        $text = "$said is out of range: expected an integer from $least to $most";
        return new RpcException(Code::InvalidArgument, $text);
    }
}

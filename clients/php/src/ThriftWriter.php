<?php

declare(strict_types=1);

namespace Causeway;

/**
 * Writes Thrift's binary protocol (thrift.apache.org, thrift-binary-protocol). Each method throws a RpcException
 * INVALID_ARGUMENT for a value that its type cannot hold.
 */
final class ThriftWriter
{
    public const BOOL = 2;
    public const I8 = 3;
    public const DOUBLE = 4;
    public const I16 = 6;
    public const I32 = 8;
    public const I64 = 10;
    public const STRING = 11;
    public const STRUCT = 12;
    public const MAP = 13;
    public const SET = 14;
    public const LIST = 15;
    public const UUID = 16;

    /** Numbers that one pack takes: its arguments stand on PHP's stack. */
    private const RUN = 4096;

    public string $bytes = '';

    private int $depth = 0;

    /** What stands before a field's value. */
    public function field(int $type, int $id): self
    {
        $this->bytes .= \pack('Cn', $type, $id);
        return $this;
    }

    /** The end of a struct. */
    public function stop(): void
    {
        $this->bytes .= "\0";
    }

    public function bool(bool $value): void
    {
        $this->bytes .= $value ? "\1" : "\0";
    }

    public function i8(int $value): void
    {
        $this->bytes .= \chr(Range::i8($value) & 0xff);
    }

    public function i16(int $value): void
    {
        $this->bytes .= \pack('n', Range::i16($value));
    }

    public function i32(int $value): void
    {
        if ($value < -0x80000000 || $value > 0x7fffffff) {
            throw Range::error($value, -0x80000000, 0x7fffffff);
        }
        $this->bytes .= \pack('N', $value);
    }

    public function enum(\BackedEnum|int $value): void
    {
        $this->i32(\is_int($value) ? $value : $value->value);
    }

    public function i64(int $value): void
    {
        $this->bytes .= \pack('J', $value);
    }

    public function double(float $value): void
    {
        $this->bytes .= \pack('E', $value);
    }

    public function string(string $value): void
    {
        $this->bytes .= \pack('N', \strlen($value)) . $value;
    }

    /** @param string $value canonical text */
    public function uuid(string $value): void
    {
        $this->bytes .= Uuid::toBytes($value);
    }

    public function struct(ThriftMessage $value): void
    {
        if (++$this->depth > ThriftReader::MAX_DEPTH) {
            $most = ThriftReader::MAX_DEPTH;
            throw new RpcException(Code::InvalidArgument, "structs nest more than $most deep");
        }
        $value->write($this);
        $this->depth--;
    }

    /** What stands before the elements of a list or set. */
    public function list(int $type, int $count): void
    {
        $this->bytes .= \pack('CN', $type, $count);
    }

    public function map(int $keyType, int $valueType, int $count): void
    {
        $this->bytes .= \pack('CCN', $keyType, $valueType, $count);
    }

    /** @param list<int> $values a whole list or set */
    public function i32s(array $values): void
    {
        foreach ($values as $value) {
            if (!\is_int($value) || $value < -0x80000000 || $value > 0x7fffffff) {
                throw Range::error($value, -0x80000000, 0x7fffffff);
            }
        }
        $this->run(self::I32, 'N*', $values);
    }

    /** @param list<int> $values */
    public function i64s(array $values): void
    {
        foreach ($values as $value) {
            if (!\is_int($value)) {
                throw Range::error($value, PHP_INT_MIN, PHP_INT_MAX);
            }
        }
        $this->run(self::I64, 'J*', $values);
    }

    /** @param list<float> $values */
    public function doubles(array $values): void
    {
        $this->run(self::DOUBLE, 'E*', $values);
    }

    /** @param array<int|float> $values */
    private function run(int $type, string $format, array $values): void
    {
        $this->list($type, \count($values));
        foreach (\count($values) > self::RUN ? \array_chunk($values, self::RUN) : [\array_values($values)] as $run) {
            $this->bytes .= \pack($format, ...$run);
        }
    }
}

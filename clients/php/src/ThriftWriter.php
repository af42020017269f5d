<?php

declare(strict_types=1);

namespace Causeway;

/** Writes Thrift's binary protocol (thrift.apache.org, thrift-binary-protocol). */
final class ThriftWriter extends Writer
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

    /** What stands before a field's value. */
    public function field(int $type, int $id, string $name): self
    {
        $this->name = $name;
        $this->bytes .= \pack('Cn', $type, $id);
        return $this;
    }

    /** The end of a struct. */
    public function stop(): void
    {
        $this->bytes .= "\0";
    }

    public function i8(int $value): void
    {
        $this->bytes .= \chr($this->in($value, -0x80, 0x7f) & 0xff);
    }

    public function i16(int $value): void
    {
        $this->bytes .= \pack('n', $this->in($value, -0x8000, 0x7fff));
    }

    public function i32(int $value): void
    {
        $this->bytes .= \pack('N', $this->in($value, -0x80000000, 0x7fffffff));
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
        $this->bytes .= $this->uuidBytes($value);
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
            if (!\is_int($value)) {
                throw $this->mistyped($value);
            }
            if ($value < -0x80000000 || $value > 0x7fffffff) {
                $this->in($value, -0x80000000, 0x7fffffff);
            }
        }
        $this->run(self::I32, 'N*', $values);
    }

    /** @param list<int> $values */
    public function i64s(array $values): void
    {
        foreach ($values as $value) {
            if (!\is_int($value)) {
                throw $this->mistyped($value);
            }
        }
        $this->run(self::I64, 'J*', $values);
    }

    /** @param list<float> $values */
    public function doubles(array $values): void
    {
        foreach ($values as $value) {
            if (!\is_float($value) && !\is_int($value)) {
                throw $this->mistyped($value);
            }
        }
        $this->run(self::DOUBLE, 'E*', $values);
    }

    private function mistyped(mixed $value): RpcException
    {
        return $this->malformed('must be numbers, ' . \get_debug_type($value) . ' given');
    }

    /** @param array<int|float> $values */
    private function run(int $type, string $format, array $values): void
    {
        $this->list($type, \count($values));
        foreach (\array_chunk($values, self::RUN) as $run) {
            $this->bytes .= \pack($format, ...$run);
        }
    }
}

<?php

declare(strict_types=1);

namespace Causeway;

/**
 * Reads Thrift's binary protocol (thrift.apache.org, thrift-binary-protocol). Each method throws a RpcException with
 * the offset of what is malformed; no length, count or depth is believed before it is checked against what there is.
 */
final class ThriftReader
{
    /** Most structs and containers in each other. */
    public const MAX_DEPTH = 64;

    /** Most elements of a container. */
    public const MAX_ELEMENTS = 1_000_000;

    /** Bytes of the smallest value of a type. */
    private const LEAST = self::FIXED + [11 => 4, 12 => 1, 13 => 6, 14 => 5, 15 => 5];

    /** Bytes of a value of a type that has a size. */
    private const FIXED = [2 => 1, 3 => 1, 4 => 8, 6 => 2, 8 => 4, 10 => 8, 16 => 16];

    private readonly int $end;

    private int $depth = 0;

    /** @param Code $blame the code of the exception for a malformed message */
    public function __construct(
        private readonly string $bytes,
        private int $at = 0,
        private readonly Code $blame = Code::Internal,
    ) {
        $this->end = \strlen($bytes);
    }

    /** Begins a struct; `field` ends it. */
    public function enter(): self
    {
        if (++$this->depth > self::MAX_DEPTH) {
            throw $this->malformed('structs nest more than ' . self::MAX_DEPTH . ' deep');
        }
        return $this;
    }

    /** The next field of the struct, its type in the high byte and its id in the low two of three; 0 at the end. */
    public function field(): int
    {
        $at = $this->at;
        if ($at >= $this->end) {
            throw $this->short(1);
        }
        $bytes = $this->bytes;
        $type = \ord($bytes[$at]);
        if ($type === 0) {
            $this->at = $at + 1;
            $this->depth--;
            return 0;
        }
        if ($at + 3 > $this->end) {
            throw $this->short(3);
        }
        $this->at = $at + 3;
        return $type << 16 | \ord($bytes[$at + 1]) << 8 | \ord($bytes[$at + 2]);
    }

    public function bool(): bool
    {
        return $this->bytes[$this->take(1)] !== "\0";
    }

    public function i8(): int
    {
        return (\ord($this->bytes[$this->take(1)]) ^ 0x80) - 0x80;
    }

    public function i16(): int
    {
        return (\unpack('n', $this->bytes, $this->take(2))[1] ^ 0x8000) - 0x8000;
    }

    public function i32(): int
    {
        $at = $this->at;
        if ($at + 4 > $this->end) {
            throw $this->short(4);
        }
        $this->at = $at + 4;
        return (\unpack('N', $this->bytes, $at)[1] ^ 0x80000000) - 0x80000000;
    }

    public function i64(): int
    {
        return \unpack('J', $this->bytes, $this->take(8))[1];
    }

    public function double(): float
    {
        return \unpack('E', $this->bytes, $this->take(8))[1];
    }

    public function string(): string
    {
        $at = $this->at;
        if ($at + 4 > $this->end) {
            throw $this->short(4);
        }
        $length = \unpack('N', $this->bytes, $at)[1];
        $at += 4;
        if ($length > $this->end - $at) {
            throw $this->malformed("a string of $length bytes ends behind the message");
        }
        $this->at = $at + $length;
        return \substr($this->bytes, $at, $length);
    }

    public function uuid(): string
    {
        return Uuid::toText(\substr($this->bytes, $this->take(16), 16));
    }

    /** How many elements of `$type` follow. */
    public function list(int $type): int
    {
        $at = $this->take(5);
        ['type' => $actual, 'count' => $count] = \unpack('Ctype/Ncount', $this->bytes, $at);
        return $this->count($count, $actual, $type);
    }

    public function map(int $keyType, int $valueType): int
    {
        $at = $this->take(6);
        ['key' => $key, 'value' => $value, 'count' => $count] = \unpack('Ckey/Cvalue/Ncount', $this->bytes, $at);
        $this->count($count, $key, $keyType);
        return $this->count($count, $value, $valueType);
    }

    /** @return list<int> */
    public function i32s(): array
    {
        $count = $this->list(ThriftWriter::I32);
        $values = [];
        foreach ($count === 0 ? [] : \unpack("N$count", $this->bytes, $this->take(4 * $count)) as $value) {
            $values[] = ($value ^ 0x80000000) - 0x80000000;
        }
        return $values;
    }

    /** @return list<int> */
    public function i64s(): array
    {
        $count = $this->list(ThriftWriter::I64);
        return $count === 0 ? [] : \array_values(\unpack("J$count", $this->bytes, $this->take(8 * $count)));
    }

    /** @return list<float> */
    public function doubles(): array
    {
        $count = $this->list(ThriftWriter::DOUBLE);
        return $count === 0 ? [] : \array_values(\unpack("E$count", $this->bytes, $this->take(8 * $count)));
    }

    /** Reads past the value of a field that `field` announced and nobody knows. */
    public function skip(int $field): void
    {
        $this->skipValue($field >> 16);
    }

    private function skipValue(int $type): void
    {
        if (isset(self::FIXED[$type])) {
            $this->take(self::FIXED[$type]);
        } elseif ($type === ThriftWriter::STRING) {
            $this->string();
        } elseif ($type === ThriftWriter::STRUCT) {
            $this->enter();
            while (($field = $this->field()) !== 0) {
                $this->skipValue($field >> 16);
            }
        } elseif ($type === ThriftWriter::LIST || $type === ThriftWriter::SET || $type === ThriftWriter::MAP) {
            $this->skipContainer($type === ThriftWriter::MAP ? 2 : 1);
        } else {
            throw $this->malformed("the type $type is none of Thrift's");
        }
    }

    /** @param int $width values per element */
    private function skipContainer(int $width): void
    {
        $this->enter();
        $at = $this->take($width + 4);
        $types = \array_values(\unpack("C$width", $this->bytes, $at));
        $count = \unpack('N', $this->bytes, $at + $width)[1];
        foreach ($types as $type) {
            $this->count($count, $type, $type);
        }
        $fixed = \array_sum(\array_map(static fn (int $type) => self::FIXED[$type] ?? \NAN, $types));
        if (!\is_nan($fixed)) {
            $this->take($count * (int) $fixed);
            $count = 0;
        }
        for (; $count > 0; $count--) {
            foreach ($types as $type) {
                $this->skipValue($type);
            }
        }
        $this->depth--;
    }

    /** An empty container may say any type. */
    private function count(int $count, int $actual, int $expected): int
    {
        if ($count === 0) {
            return 0;
        }
        if ($actual !== $expected) {
            throw $this->malformed("elements of type $actual: expected $expected");
        }
        $least = self::LEAST[$actual] ?? throw $this->malformed("the type $actual is none of Thrift's");
        if ($count > ($this->end - $this->at) / $least) {
            throw $this->malformed("$count elements end behind the message");
        }
        if ($count > self::MAX_ELEMENTS) {
            throw $this->malformed("$count elements: expected at most " . self::MAX_ELEMENTS);
        }
        return $count;
    }

    /** Where so many bytes begin, which are read with that. */
    private function take(int $length): int
    {
        $at = $this->at;
        if ($at + $length > $this->end) {
            throw $this->short($length);
        }
        $this->at = $at + $length;
        return $at;
    }

    private function short(int $length): RpcException
    {
        return $this->malformed("the message ends at byte {$this->end} inside $length bytes");
    }

    public function malformed(string $what): RpcException
    {
        return RpcException::malformed("$what, at byte {$this->at}", $this->blame);
    }
}

<?php

declare(strict_types=1);

namespace Causeway;

/**
 * Reads Thrift's binary protocol (thrift.apache.org, thrift-binary-protocol). Each method throws a RpcException with
 * the offset of what is malformed; no length, count or depth is believed before it is checked against what there is.
 */
final class ThriftReader extends Reader
{
    /** Most elements of a container. */
    public const MAX_ELEMENTS = 1_000_000;

    /** Bytes of a value of a type that has a size. */
    private const FIXED = [2 => 1, 3 => 1, 4 => 8, 6 => 2, 8 => 4, 10 => 8, 16 => 16];

    /** Bytes of the smallest value of a type. */
    private const LEAST = self::FIXED + [11 => 4, 12 => 1, 13 => 6, 14 => 5, 15 => 5];

    private int $depth = 0;

    /** Begins a struct; `field` ends it. */
    public function enter(): self
    {
        if (++$this->depth > self::MAX_DEPTH) {
            throw $this->malformed('messages nest more than ' . self::MAX_DEPTH . ' deep');
        }
        return $this;
    }

    /** The next field of the struct, its type in the high byte and its id in the low two of three; 0 at the end. */
    public function field(): int
    {
        $at = $this->at;
        $bytes = $this->bytes;
        if ($at + 3 <= $this->end && $bytes[$at] !== "\0") {
            $this->at = $at + 3;
            return \ord($bytes[$at]) << 16 | \ord($bytes[$at + 1]) << 8 | \ord($bytes[$at + 2]);
        }
        if ($bytes[$this->take(1)] !== "\0") {
            throw $this->malformed('the message ends inside a field');
        }
        $this->depth--;
        return 0;
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
        return (\unpack('N', $this->bytes, $this->take(4))[1] ^ 0x80000000) - 0x80000000;
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
        $length = \unpack('N', $this->bytes, $this->take(4))[1];
        return \substr($this->bytes, $this->take($length), $length);
    }

    public function uuid(): string
    {
        return $this->uuidText(\substr($this->bytes, $this->take(16), 16));
    }

    /** How many elements of `$type` follow. */
    public function list(int $type): int
    {
        return $this->count([$type], $this->take(5));
    }

    public function map(int $keyType, int $valueType): int
    {
        return $this->count([$keyType, $valueType], $this->take(6));
    }

    /** @return list<int> */
    public function i32s(): array
    {
        $values = $this->run(ThriftWriter::I32, 'N');
        foreach ($values as $i => $value) {
            $values[$i] = ($value ^ 0x80000000) - 0x80000000;
        }
        return $values;
    }

    /** @return list<int> */
    public function i64s(): array
    {
        return $this->run(ThriftWriter::I64, 'J');
    }

    /** @return list<float> */
    public function doubles(): array
    {
        return $this->run(ThriftWriter::DOUBLE, 'E');
    }

    /** Reads past the value of a field that `field` announced and nobody knows. */
    public function skip(int $field): void
    {
        $this->skipValue($field >> 16);
    }

    /** @return list<int|float> */
    private function run(int $type, string $format): array
    {
        $count = $this->list($type);
        $at = $this->take($count * self::FIXED[$type]);
        return $count === 0 ? [] : \array_values(\unpack("$format$count", $this->bytes, $at));
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
        } elseif ($type === ThriftWriter::LIST || $type === ThriftWriter::SET) {
            $this->skipElements(\ord($this->bytes[$this->take(5)]));
        } elseif ($type === ThriftWriter::MAP) {
            $at = $this->take(6);
            $this->skipElements(\ord($this->bytes[$at]), \ord($this->bytes[$at + 1]));
        } else {
            throw $this->malformed("the type $type is none of Thrift's");
        }
    }

    /** Behind the head of a container that has elements of these types. */
    private function skipElements(int ...$types): void
    {
        $this->enter();
        for ($count = $this->count($types, $this->at - 4 - \count($types)); $count > 0; $count--) {
            foreach ($types as $type) {
                $this->skipValue($type);
            }
        }
        $this->depth--;
    }

    /**
     * The count of a container whose head begins there. An empty one may say any type.
     *
     * @param list<int> $types that its elements must have
     */
    private function count(array $types, int $at): int
    {
        $count = \unpack('N', $this->bytes, $at + \count($types))[1];
        $least = 0;
        foreach ($count === 0 ? [] : $types as $i => $type) {
            $actual = \ord($this->bytes[$at + $i]);
            if ($actual !== $type) {
                throw $this->malformed("elements of type $actual: expected $type");
            }
            $least += self::LEAST[$type] ?? throw $this->malformed("the type $type is none of Thrift's");
        }
        if ($count * $least > $this->end - $this->at) {
            throw $this->malformed("$count elements end behind the message");
        }
        if ($count > self::MAX_ELEMENTS) {
            throw $this->malformed("$count elements: expected at most " . self::MAX_ELEMENTS);
        }
        return $count;
    }
}

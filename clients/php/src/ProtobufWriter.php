<?php

declare(strict_types=1);

namespace Causeway;

/** Writes Protobuf's binary encoding (protobuf.dev/programming-guides/encoding). */
final class ProtobufWriter extends Writer
{
    /** What stands before a field's value: its number times 8, plus the wire type. */
    public function tag(int $tag, string $name): self
    {
        $this->name = $name;
        if ($tag < 0x80) {
            $this->bytes .= \chr($tag);
        } else {
            $this->varint($tag);
        }
        return $this;
    }

    public function int32(int $value): void
    {
        $this->varint($this->in($value, -0x80000000, 0x7fffffff));
    }

    public function enum(\BackedEnum|int $value): void
    {
        $this->int32(\is_int($value) ? $value : $value->value);
    }

    /** An enum whose zero would say that there is no value. */
    public function nonzero(\BackedEnum|int $value): void
    {
        $this->enum($value !== 0 ? $value : throw $this->malformed('0 is no value of the enum'));
    }

    public function uint32(int $value): void
    {
        $this->varint($this->in($value, 0, 0xffffffff));
    }

    public function sint32(int $value): void
    {
        $this->in($value, -0x80000000, 0x7fffffff);
        $this->varint(($value << 1 ^ $value >> 31) & 0xffffffff);
    }

    /** int64, and uint64 by its bits. */
    public function varint(int $value): void
    {
        if ($value >= 0 && $value < 0x80) {
            $this->bytes .= \chr($value);
            return;
        }
        $bytes = '';
        do {
            $bytes .= \chr($value & 0x7f | 0x80);
            $value = $value >> 7 & 0x1ffffffffffffff;
        } while ($value > 0x7f);
        $this->bytes .= $bytes . \chr($value);
    }

    public function sint64(int $value): void
    {
        $this->varint($value << 1 ^ $value >> 63);
    }

    public function fixed32(int $value): void
    {
        $this->bytes .= \pack('V', $this->in($value, 0, 0xffffffff));
    }

    public function sfixed32(int $value): void
    {
        $this->bytes .= \pack('V', $this->in($value, -0x80000000, 0x7fffffff));
    }

    /** fixed64 by its bits, and sfixed64. */
    public function fixed64(int $value): void
    {
        $this->bytes .= \pack('P', $value);
    }

    public function float(float $value): void
    {
        $bytes = \pack('g', $value);
        if (\is_finite($value) && !\is_finite(\unpack('g', $bytes)[1])) {
            throw $this->malformed("$value is out of range: expected a float of 32 bits");
        }
        $this->bytes .= $bytes;
    }

    public function double(float $value): void
    {
        $this->bytes .= \pack('e', $value);
    }

    public function string(string $value): void
    {
        if (\preg_match('//u', $value) !== 1) {
            throw $this->malformed('text that is not valid UTF-8');
        }
        $this->bytes($value);
    }

    public function bytes(string $value): void
    {
        $this->varint(\strlen($value));
        $this->bytes .= $value;
    }

    public function message(ProtobufMessage $value): void
    {
        $outer = $this->begin();
        $this->struct($value);
        $this->end($outer);
    }

    /** @param int $endTag the tag that ends the group, which begins with one less */
    public function group(ProtobufMessage $value, int $endTag): void
    {
        $this->struct($value);
        $this->varint($endTag);
    }

    /** Begins what its length precedes, which is known at the end; gives what `end` needs. */
    public function begin(): string
    {
        $outer = $this->bytes;
        $this->bytes = '';
        return $outer;
    }

    public function end(string $outer): void
    {
        $inner = $this->bytes;
        $this->bytes = $outer;
        $this->bytes($inner);
    }

    /** Whether a float is the one zero that implicit presence leaves out. */
    public static function isZero(float $value): bool
    {
        return $value === 0.0 && \fdiv(1, $value) > 0;
    }
}

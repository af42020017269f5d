<?php

declare(strict_types=1);

namespace Causeway;

/**
 * Writes Protobuf's binary encoding (protobuf.dev/programming-guides/encoding). Each method throws a RpcException
 * INVALID_ARGUMENT for a value that its type cannot hold.
 */
final class ProtobufWriter
{
    public string $bytes = '';

    private int $depth = 0;

    /** What stands before a field's value: its number times 8, plus the wire type. */
    public function tag(int $tag): self
    {
        if ($tag < 0x80) {
            $this->bytes .= \chr($tag);
        } else {
            $this->varint($tag);
        }
        return $this;
    }

    public function bool(bool $value): void
    {
        $this->bytes .= $value ? "\1" : "\0";
    }

    public function int32(int $value): void
    {
        if ($value >= 0 && $value < 0x80) {
            $this->bytes .= \chr($value);
        } else {
            $this->varint(Range::i32($value));
        }
    }

    public function enum(\BackedEnum|int $value): void
    {
        $this->int32(\is_int($value) ? $value : $value->value);
    }

    public function uint32(int $value): void
    {
        $this->varint(Range::u32($value));
    }

    public function sint32(int $value): void
    {
        Range::i32($value);
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
        $this->bytes .= \pack('V', Range::u32($value));
    }

    public function sfixed32(int $value): void
    {
        $this->bytes .= \pack('V', Range::i32($value));
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
            throw new RpcException(Code::InvalidArgument, "$value is out of range: expected a float of 32 bits");
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
            throw new RpcException(Code::InvalidArgument, 'a string is not valid UTF-8');
        }
        $this->bytes($value);
    }

    public function bytes(string $value): void
    {
        $length = \strlen($value);
        if ($length < 0x80) {
            $this->bytes .= \chr($length) . $value;
            return;
        }
        $this->varint($length);
        $this->bytes .= $value;
    }

    public function message(ProtobufMessage $value): void
    {
        $this->deeper();
        $outer = $this->begin();
        $value->write($this);
        $this->end($outer);
        $this->depth--;
    }

    /** @param int $endTag the tag that ends the group, which begins with one less */
    public function group(ProtobufMessage $value, int $endTag): void
    {
        $this->deeper();
        $value->write($this);
        $this->depth--;
        $this->tag($endTag);
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

    private function deeper(): void
    {
        if (++$this->depth > ProtobufReader::MAX_DEPTH) {
            $most = ProtobufReader::MAX_DEPTH;
            throw new RpcException(Code::InvalidArgument, "messages nest more than $most deep");
        }
    }
}

<?php

declare(strict_types=1);

namespace Causeway;

/**
 * Reads Protobuf's binary encoding (protobuf.dev/programming-guides/encoding). Each method throws a RpcException with
 * the offset of what is malformed; no length or depth is believed before it is checked against what there is.
 */
final class ProtobufReader extends Reader
{
    /** @var list<array{int, int}> the end of each message around this one, and the tag that ends it if it is a group */
    private array $outer = [];

    private int $endTag = 0;

    /** Begins a message or a run of packed numbers that its length precedes; `tag` or `more` ends it. */
    public function enter(): self
    {
        $length = $this->length();
        return $this->push($this->at + $length, 0);
    }

    /** @param int $endTag the tag that ends the group */
    public function enterGroup(int $endTag): self
    {
        return $this->push($this->end, $endTag);
    }

    /** The tag of the next field: its number times 8, plus the wire type; 0 at the end of the message. */
    public function tag(): int
    {
        if ($this->at >= $this->end) {
            if ($this->endTag !== 0) {
                throw $this->malformed('the message ends inside a group');
            }
            $this->pop();
            return 0;
        }
        $tag = \ord($this->bytes[$this->at]);
        if ($tag < 0x80) {
            $this->at++;
        } else {
            $tag = $this->varint();
        }
        if ($tag === $this->endTag && $tag !== 0) {
            $this->pop();
            return 0;
        }
        if ($tag < 8 || $tag > 0xffffffff) {
            throw $this->malformed("the tag $tag has no field number");
        }
        return $tag;
    }

    /** Whether a run of packed numbers goes on. */
    public function more(): bool
    {
        if ($this->at < $this->end) {
            return true;
        }
        $this->pop();
        return false;
    }

    public function bool(): bool
    {
        return $this->varint() !== 0;
    }

    public function int32(): int
    {
        return ($this->varint() & 0xffffffff ^ 0x80000000) - 0x80000000;
    }

    public function uint32(): int
    {
        return $this->varint() & 0xffffffff;
    }

    public function sint32(): int
    {
        $value = $this->varint() & 0xffffffff;
        return $value >> 1 ^ -($value & 1);
    }

    /** int64, and uint64 by its bits. */
    public function varint(): int
    {
        $bytes = $this->bytes;
        $at = $this->at;
        $end = $this->end;
        $value = 0;
        for ($shift = 0; $shift < 70; $shift += 7) {
            if ($at >= $end) {
                throw $this->malformed('the message ends inside a varint');
            }
            $byte = \ord($bytes[$at++]);
            if ($byte < 0x80) {
                $this->at = $at;
                return $value | $byte << $shift;
            }
            $value |= ($byte & 0x7f) << $shift;
        }
        throw $this->malformed('a varint has more than 10 bytes');
    }

    public function sint64(): int
    {
        $value = $this->varint();
        return $value >> 1 & PHP_INT_MAX ^ -($value & 1);
    }

    public function fixed32(): int
    {
        return \unpack('V', $this->bytes, $this->take(4))[1];
    }

    public function sfixed32(): int
    {
        return ($this->fixed32() ^ 0x80000000) - 0x80000000;
    }

    /** fixed64 by its bits, and sfixed64. */
    public function fixed64(): int
    {
        return \unpack('P', $this->bytes, $this->take(8))[1];
    }

    public function float(): float
    {
        return \unpack('g', $this->bytes, $this->take(4))[1];
    }

    public function double(): float
    {
        return \unpack('e', $this->bytes, $this->take(8))[1];
    }

    public function string(): string
    {
        $text = $this->bytes();
        return \preg_match('//u', $text) === 1 ? $text : throw $this->malformed('text that is not valid UTF-8');
    }

    public function bytes(): string
    {
        $length = $this->length();
        return \substr($this->bytes, $this->take($length), $length);
    }

    /** Reads past the value of a field that nobody knows. */
    public function skip(int $tag): void
    {
        match ($tag & 7) {
            0 => $this->varint(),
            1 => $this->take(8),
            2 => $this->bytes(),
            3 => $this->skipGroup($tag + 1),
            5 => $this->take(4),
            default => throw $this->malformed("the tag $tag ends a group that did not begin, or has no wire type"),
        };
    }

    private function skipGroup(int $endTag): void
    {
        $this->enterGroup($endTag);
        while (($tag = $this->tag()) !== 0) {
            $this->skip($tag);
        }
    }

    private function length(): int
    {
        $length = $this->varint();
        if ($length < 0 || $length > $this->end - $this->at) {
            throw $this->malformed("$length bytes end behind the message");
        }
        return $length;
    }

    private function push(int $end, int $endTag): self
    {
        if (\count($this->outer) >= self::MAX_DEPTH) {
            throw $this->malformed('messages nest more than ' . self::MAX_DEPTH . ' deep');
        }
        $this->outer[] = [$this->end, $this->endTag];
        $this->end = $end;
        $this->endTag = $endTag;
        return $this;
    }

    private function pop(): void
    {
        [$this->end, $this->endTag] = \array_pop($this->outer) ?? [$this->end, 0];
    }
}

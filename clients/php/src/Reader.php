<?php

declare(strict_types=1);

namespace Causeway;

/** What the readers of both wires share: a place in a message, which never passes its end. */
abstract class Reader
{
    use Checks;

    /** Most messages and containers in each other. */
    public const MAX_DEPTH = 64;

    protected int $end;

    /** @param Code $blame the code of the exception for a malformed message: the caller's fault, or a peer's */
    public function __construct(
        protected readonly string $bytes,
        protected int $at = 0,
        private readonly Code $blame = Code::Internal,
    ) {
        $this->end = \strlen($bytes);
    }

    public function malformed(string $what): RpcException
    {
        return RpcException::malformed("$what, at byte $this->at", $this->blame);
    }

    /** Where the next byte is. */
    public function at(): int
    {
        return $this->at;
    }

    /** Where so many bytes begin, which are read with that. */
    protected function take(int $length): int
    {
        $at = $this->at;
        if ($length > $this->end - $at) {
            throw $this->malformed("the message ends inside $length bytes");
        }
        $this->at = $at + $length;
        return $at;
    }
}

<?php

/** The service Kinds, implemented with the stubs of this project for PHP. */

declare(strict_types=1);

namespace KindsServer;

use Causeway\Code;
use Causeway\Context;
use Causeway\RpcException;
use Kinds\Choice;
use Kinds\Choices;
use Kinds\Color;
use Kinds\Failure;
use Kinds\Keyed;
use Kinds\KindsInterface;
use Kinds\Lists;
use Kinds\Maps;
use Kinds\Nested;
use Kinds\NotFound;
use Kinds\Nothing;
use Kinds\Plain;
use Kinds\Point;
use Kinds\Presence;
use Kinds\Refused;
use Kinds\Scalars;
use Kinds\Sets;
use Kinds\Size;
use Kinds\Tree;

final class Kinds implements KindsInterface
{
    public function __construct(private readonly string $notesFile)
    {
    }

    public function ping(): void
    {
    }

    public function who(): string
    {
        $context = Context::current();
        $context->reply->headers = ['x-seen' => $context->metadata['x-tag'] ?? []];
        $context->reply->trailers = ['x-left' => [$context->remainingMs() === null ? 'forever' : 'some']];
        return 'the PHP stubs';
    }

    public function echoBool(bool $value): bool
    {
        return $value;
    }

    public function echoByte(int $value): int
    {
        return $value;
    }

    public function echoI16(int $value): int
    {
        return $value;
    }

    public function echoI32(int $value): int
    {
        return $value;
    }

    public function echoI64(int $value): int
    {
        return $value;
    }

    public function echoDouble(float $value): float
    {
        return $value;
    }

    /** Some texts ask for something else: see stub-cases.ts. A request cannot learn that nobody waits for it any more. */
    public function echoString(string $value): string
    {
        $context = Context::current();
        if (\str_starts_with($value, 'wait ')) {
            $this->note($value);
            \usleep((int) (1_000 * \min(1_000, $context->remainingMs() ?? 1_000)));
        }
        return match ($value) {
            'deadline?' => \ceil(($context->remainingMs() ?? 0) / 1_000) . ' s',
            'metadata?' => $context->metadata['x-own'][0] ?? 'none',
            default => $value,
        };
    }

    public function echoBinary(string $value): string
    {
        return $value;
    }

    public function echoColor(Color|int $value): Color|int
    {
        return $value;
    }

    public function echoSize(Size|int $value): Size|int
    {
        return $value;
    }

    /** Of one text, what cannot be answered. */
    public function echoScalars(Scalars $value): Scalars
    {
        return $value->text === 'out of range' ? new Scalars(tiny: 300) : $value;
    }

    public function echoPresence(Presence $value): Presence
    {
        return $value;
    }

    public function echoNested(Nested $value): Nested
    {
        return $value;
    }

    public function echoTree(Tree $value): Tree
    {
        return $value;
    }

    public function echoLists(Lists $value): Lists
    {
        return $value;
    }

    public function echoSets(Sets $value): Sets
    {
        return $value;
    }

    public function echoMaps(Maps $value): Maps
    {
        return $value;
    }

    public function echoKeyed(Keyed $value): Keyed
    {
        return $value;
    }

    public function echoChoice(Choice $value): Choice
    {
        return $value;
    }

    public function echoChoices(Choices $value): Choices
    {
        return $value;
    }

    public function echoNothing(Nothing $value): Nothing
    {
        return $value;
    }

    public function echoList(array $value): array
    {
        return $value;
    }

    public function echoSet(array $value): array
    {
        return $value;
    }

    public function echoMap(array $value): array
    {
        return $value;
    }

    public function echoGrid(array $value): array
    {
        return $value;
    }

    public function sum(int $first, int $second, array $others): int
    {
        return $first + $second + \array_sum($others);
    }

    public function fail(Failure|int $how): Failure|int
    {
        return match ($how) {
            Failure::NONE => $how,
            Failure::NOT_FOUND => throw new NotFound('shelf', 9007199254740993),
            Failure::REFUSED => throw $this->refused(),
            Failure::PLAIN => throw new Plain('plainly wrong'),
            default => throw new RpcException(Code::Internal, 'the shelf fell over'),
        };
    }

    public function nothing(): void
    {
    }

    public function check(bool $good): void
    {
        if (!$good) {
            throw $this->refused();
        }
    }

    public function note(string $text): void
    {
        \file_put_contents($this->notesFile, "$text\n", FILE_APPEND | LOCK_EX);
    }

    public function notes(): array
    {
        return \is_file($this->notesFile) ? \file($this->notesFile, FILE_IGNORE_NEW_LINES) : [];
    }

    private function refused(): Refused
    {
        return new Refused('closed', Color::BLUE, [new Point(1, -1), new Point(2, -2)]);
    }
}

<?php

declare(strict_types=1);

namespace Causeway;

/** The kinds of errors, as gRPC has them (grpc.github.io/grpc/core/md_doc_statuscodes.html). */
enum Code: int
{
    case Cancelled = 1;
    case Unknown = 2;
    case InvalidArgument = 3;
    case DeadlineExceeded = 4;
    case NotFound = 5;
    case AlreadyExists = 6;
    case PermissionDenied = 7;
    case ResourceExhausted = 8;
    case FailedPrecondition = 9;
    case Aborted = 10;
    case OutOfRange = 11;
    case Unimplemented = 12;
    case Internal = 13;
    case Unavailable = 14;
    case DataLoss = 15;
    case Unauthenticated = 16;

    /** As it is written in IDL and in messages: `NOT_FOUND`. */
    public function label(): string
    {
        return strtoupper(preg_replace('/(?<=[a-z])(?=[A-Z])/', '_', $this->name));
    }

    /** As Connect writes it: `not_found`. */
    public function connectName(): string
    {
        return $this === self::Cancelled ? 'canceled' : strtolower($this->label());
    }

    /** The HTTP status that Connect gives it. */
    public function httpStatus(): int
    {
        return match ($this) {
            self::Cancelled => 499,
            self::InvalidArgument, self::FailedPrecondition, self::OutOfRange => 400,
            self::DeadlineExceeded => 504,
            self::NotFound => 404,
            self::AlreadyExists, self::Aborted => 409,
            self::PermissionDenied => 403,
            self::ResourceExhausted => 429,
            self::Unimplemented => 501,
            self::Unavailable => 503,
            self::Unauthenticated => 401,
            self::Unknown, self::Internal, self::DataLoss => 500,
        };
    }

    /** The type of the TApplicationException that stands for it in plain Thrift. */
    public function thriftType(): int
    {
        return match ($this) {
            self::Unknown => 0,
            self::Unimplemented => 1,
            self::InvalidArgument, self::OutOfRange => 7,
            default => 6,
        };
    }

    /** What a TApplicationException of a peer means that says no more than its type. */
    public static function ofThriftType(int $type): self
    {
        return match ($type) {
            1, 8, 9, 10 => self::Unimplemented,
            2, 3, 4, 5, 6 => self::Internal,
            7 => self::InvalidArgument,
            default => self::Unknown,
        };
    }
}

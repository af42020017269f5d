<?php

declare(strict_types=1);

namespace Causeway;

/** Every exception that an IDL declares: an answer of the far side, unlike a RpcException. */
interface DeclaredException extends \Throwable
{
}

<?php

declare(strict_types=1);

namespace Causeway;

/**
 * Generated code implements the newest of these interfaces that it needs, so PHP refuses to load it beside a runtime
 * that is too old, and names what is missing. An interface of a version stays in every later one.
 */
interface RuntimeVersion1
{
}

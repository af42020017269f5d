<?php

/** A page that calls nobody. */

declare(strict_types=1);

echo 'done';

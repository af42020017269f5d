<?php

declare(strict_types=1);

namespace Causeway;

/**
 * What the writers of both wires share. A value that its type cannot hold is a RpcException whose message begins with
 * the path of the field.
 */
abstract class Writer
{
    use Checks;

    public string $bytes = '';

    /** The field that is being written. */
    protected string $name = '';

    /** @var list<string> the fields around this message */
    private array $path = [];

    /** @param Code $blame the code of the exception for a value that cannot be written: the caller's fault, or a server's */
    public function __construct(private readonly Code $blame = Code::InvalidArgument)
    {
    }

    public function bool(bool $value): void
    {
        $this->bytes .= $value ? "\1" : "\0";
    }

    public function malformed(string $what): RpcException
    {
        $path = \trim(\implode('.', [...$this->path, $this->name]), '.');
        return new RpcException($this->blame, $path === '' ? $what : "$path: $what");
    }

    /** The fields of a message. */
    public function struct(ThriftMessage|ProtobufMessage $value): void
    {
        if (\count($this->path) >= Reader::MAX_DEPTH) {
            throw $this->malformed('messages nest more than ' . Reader::MAX_DEPTH . ' deep');
        }
        $name = $this->name;
        $this->path[] = $name;
        try {
            $value->write($this);
        } catch (\TypeError $error) {
            $what = \preg_replace('/^.*?: Argument #\d+ \(\$\w+\) |, called in .*/s', '', $error->getMessage());
            throw $this->malformed($what);
        }
        \array_pop($this->path);
        $this->name = $name;
    }
}

<?php

declare(strict_types=1);

namespace Causeway;

/**
 * How errors stand in messages: as TApplicationException in Thrift `{1: string message, 2: i32 type}` and
 * Kitex-Protobuf `{1: int32 type, 2: string message}`, and exactly in the keys `cw-code`, `cw-message` and
 * `cw-details-bin` beside them.
 */
final class WireError
{
    /** @param array<string, string> $keys of the headers */
    public static function read(ThriftReader|ProtobufReader $in, array $keys, ReplyMetadata $reply): RpcException
    {
        $type = 0;
        $message = '';
        if ($in instanceof ThriftReader) {
            $in->enter();
            while (($field = $in->field()) !== 0) {
                match ($field) {
                    0x0b0001 => $message = $in->string(),
                    0x080002 => $type = $in->i32(),
                    default => $in->skip($field),
                };
            }
        } else {
            while (($tag = $in->tag()) !== 0) {
                match ($tag) {
                    8 => $type = $in->int32(),
                    18 => $message = $in->string(),
                    default => $in->skip($tag),
                };
            }
        }
        $code = Code::tryFrom((int) ($keys['cw-code'] ?? 0));
        if ($code === null && \preg_match('/^\[grpc:(\d{1,2}) [A-Z_]+\] ?/', $message, $prefix) === 1) {
            $code = Code::tryFrom((int) $prefix[1]);
            $message = \substr($message, \strlen($prefix[0]));
        }
        return new RpcException(
            $code ?? Code::ofThriftType($type),
            $keys['cw-message'] ?? $message,
            \array_merge_recursive($reply->headers, $reply->trailers),
            self::details($keys['cw-details-bin'] ?? ''),
            true,
        );
    }

    /** The message of type Exception, for a caller without room for codes: the text begins with the exact one. */
    public static function toThrift(RpcException $error): string
    {
        $code = $error->status;
        $out = new ThriftWriter();
        $text = "[grpc:{$code->value} {$code->label()}] {$error->getMessage()}";
        $out->field(ThriftWriter::STRING, 1, 'message')->string($text);
        $out->field(ThriftWriter::I32, 2, 'type')->i32($code->thriftType());
        $out->stop();
        return $out->bytes;
    }

    /** A google.rpc.Status, unpadded base64. */
    public static function detailsToText(RpcException $error): string
    {
        $out = new ProtobufWriter();
        $out->tag(8, 'code')->int32($error->status->value);
        $out->tag(18, 'message')->bytes($error->getMessage());
        foreach ($error->details as [$type, $bytes]) {
            $outer = $out->tag(26, 'details')->begin();
            $out->tag(10, 'details')->string("type.googleapis.com/$type");
            $out->tag(18, 'details')->bytes($bytes);
            $out->end($outer);
        }
        return \rtrim(\base64_encode($out->bytes), '=');
    }

    /** @return list<array{string, string}> */
    private static function details(string $text): array
    {
        $details = [];
        $in = new ProtobufReader((string) \base64_decode($text));
        while (($tag = $in->tag()) !== 0) {
            if ($tag !== 26) {
                $in->skip($tag);
                continue;
            }
            $in->enter();
            $type = $value = '';
            while (($tag = $in->tag()) !== 0) {
                match ($tag) {
                    10 => $type = $in->string(),
                    18 => $value = $in->bytes(),
                    default => $in->skip($tag),
                };
            }
            $details[] = [\substr(\strrchr("/$type", '/'), 1), $value];
        }
        return $details;
    }
}

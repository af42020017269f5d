<?php

declare(strict_types=1);

namespace Causeway;

/**
 * What travels beside a message: keys in lower case, each with one value or several, in order. Values under a key
 * that ends in `-bin` are unpadded base64.
 */
final class Metadata
{
    /** Keys that belong to the sidecar, or to the wire. */
    private const RESERVED = '/^(?:$|:|grpc-|cw$|cw-|isn$|crrst$|connect-|connection$|content-|host$|te$|trailer|'
        . 'transfer-encoding$|keep-alive$|upgrade$|proxy-|accept|client_timeout$|user-agent$)/';

    /**
     * Key and value of each.
     *
     * @param array<string, string|list<string>> $metadata
     * @return list<array{string, string}>
     */
    public static function toPairs(array $metadata): array
    {
        $pairs = [];
        foreach ($metadata as $key => $values) {
            $key = \strtolower((string) $key);
            if (\preg_match('/^[0-9a-z_.-]{1,255}$/D', $key) !== 1 || \preg_match(self::RESERVED, $key) === 1) {
                throw new RpcException(
                    Code::InvalidArgument,
                    "the metadata key \"$key\": expected letters, digits, _, . and -, and none of the wire's own"
                );
            }
            foreach ((array) $values as $value) {
                $pairs[] = [$key, $value];
            }
        }
        return $pairs;
    }

    /**
     * What of these keys and values is metadata.
     *
     * @param iterable<array{string|int, string}> $pairs
     * @return array<string, list<string>>
     */
    public static function ofPairs(iterable $pairs): array
    {
        $metadata = [];
        foreach ($pairs as [$key, $value]) {
            $key = \strtolower((string) $key);
            if (\preg_match(self::RESERVED, $key) !== 1) {
                $metadata[$key][] = $value;
            }
        }
        return $metadata;
    }

    /**
     * What came before a reply, and what behind it.
     *
     * @param list<array{string, string}> $pairs
     * @return array{array<string, list<string>>, array<string, list<string>>}
     */
    public static function ofReply(array $pairs): array
    {
        $trailers = [];
        foreach ($pairs as [$key, $value]) {
            if (\str_starts_with($key, 'cw-t-')) {
                $trailers[] = [\substr($key, 5), $value];
            }
        }
        return [self::ofPairs($pairs), self::ofPairs($trailers)];
    }
}

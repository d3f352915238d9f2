<?php

declare(strict_types=1);

namespace Platform\FixtureKit;

/** A conversation that is the same for the same seed. */
final class Conversation
{
    /** @return list<string> */
    public static function lines(int $seed, int $count): array
    {
        mt_srand($seed);
        $words = ['index', 'retry', 'window', 'token', 'batch', 'prompt', 'answer', 'score'];

        return array_map(
            static fn (): string => implode(' ', array_map(static fn (): string => $words[mt_rand(0, 7)], range(1, 9))),
            range(1, $count),
        );
    }
}

<?php

declare(strict_types=1);

namespace Platform\PromptKit;

/** A text with blanks such as {{ language }}. */
final class Prompt
{
    public function __construct(private readonly string $text)
    {
    }

    /** @return list<string> the names of the blanks, each once */
    public function blanks(): array
    {
        preg_match_all('/\{\{\s*(\w+)\s*\}\}/', $this->text, $found);

        return array_values(array_unique($found[1]));
    }

    /** @param array<string, string> $values */
    public function fill(array $values): string
    {
        return (string) preg_replace_callback(
            '/\{\{\s*(\w+)\s*\}\}/',
            static fn (array $blank): string => $values[$blank[1]] ?? '…',
            $this->text,
        );
    }
}

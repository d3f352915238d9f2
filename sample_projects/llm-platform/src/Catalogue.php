<?php

declare(strict_types=1);

namespace Platform;

use Platform\PromptKit\Prompt;

/** The prompts and models of config/. */
final class Catalogue
{
    /** @param array<string, array{title: string, text: string, model: string}> $prompts */
    public function __construct(public readonly array $prompts)
    {
    }

    /** Composer calls this when the class map is made, so that no request has to look for blanks. */
    public static function compile(): void
    {
        $prompts = require __DIR__ . '/../config/prompts.php';
        foreach ($prompts as $name => $prompt) {
            $prompts[$name]['blanks'] = (new Prompt($prompt['text']))->blanks();
        }
        $folder = __DIR__ . '/../var';
        if (!is_dir($folder)) {
            mkdir($folder, 0o775, true);
        }
        file_put_contents($folder . '/prompts.php', '<?php return ' . var_export($prompts, true) . ';' . PHP_EOL);
    }

    public static function load(): self
    {
        return new self(require __DIR__ . '/../var/prompts.php');
    }
}

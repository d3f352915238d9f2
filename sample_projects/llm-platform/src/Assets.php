<?php

declare(strict_types=1);

namespace Platform;

/** What Vite wrote into its manifest. */
final class Assets
{
    public static function tags(string $entry): string
    {
        $manifest = json_decode(
            (string) file_get_contents(__DIR__ . '/../public/build/.vite/manifest.json'),
            true,
            flags: JSON_THROW_ON_ERROR,
        );
        $tags = '';
        foreach ($manifest[$entry]['css'] ?? [] as $file) {
            $tags .= sprintf('<link rel="stylesheet" href="/build/%s">', $file);
        }

        return $tags . sprintf('<script type="module" src="/build/%s"></script>', $manifest[$entry]['file']);
    }
}

<?php

declare(strict_types=1);

namespace Platform;

/** A small picture of a number, drawn with GD. */
final class Badge
{
    public static function png(int $number): string
    {
        $image = imagecreatetruecolor(48, 20);
        imagefilledrectangle($image, 0, 0, 47, 19, (int) imagecolorallocate($image, 34, 68, 102));
        imagestring($image, 3, 8, 3, (string) $number, (int) imagecolorallocate($image, 255, 255, 255));
        ob_start();
        imagepng($image);

        return (string) ob_get_clean();
    }
}

<?php

declare(strict_types=1);

use Platform\Assets;
use Platform\Catalogue;
use Platform\PromptKit\Prompt;

require __DIR__ . '/../vendor/autoload.php';

$path = (string) parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
$catalogue = Catalogue::load();

if ($path === '/health') {
    header('Content-Type: application/json');
    echo json_encode(['status' => 'ok', 'prompts' => count($catalogue->prompts)]);
} elseif ($path === '/prompts.zip') {
    $file = (string) tempnam(sys_get_temp_dir(), 'zip');
    $zip = new ZipArchive();
    $zip->open($file, ZipArchive::OVERWRITE);
    foreach ($catalogue->prompts as $name => $prompt) {
        $zip->addFromString("$name.txt", $prompt['text']);
        $zip->setMtimeName("$name.txt", 1767225600);
    }
    $zip->close();
    header('Content-Type: application/zip');
    readfile($file);
    unlink($file);
} elseif (preg_match('#^/prompts/([a-z-]+)$#', $path, $match) && isset($catalogue->prompts[$match[1]])) {
    $prompt = $catalogue->prompts[$match[1]];
    $filled = (new Prompt($prompt['text']))->fill($_GET);
    require __DIR__ . '/../templates/prompt.php';
} elseif ($path === '/') {
    require __DIR__ . '/../templates/list.php';
} else {
    http_response_code(404);
    echo 'not found';
}

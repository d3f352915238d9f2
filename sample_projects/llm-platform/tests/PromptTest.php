<?php

declare(strict_types=1);

namespace Platform\Tests;

use Platform\FixtureKit\Conversation;
use Platform\PromptKit\Prompt;

require __DIR__ . '/../vendor/autoload.php';

$prompt = new Prompt(Conversation::lines(7, 1)[0] . ' {{ name }}');
assert($prompt->blanks() === ['name']);
assert(str_ends_with($prompt->fill(['name' => 'x']), ' x'));

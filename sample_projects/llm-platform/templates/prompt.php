<!doctype html>
<html lang="en">
<head>
    <meta charset="utf-8">
    <title><?= htmlspecialchars($prompt['title']) ?></title>
    <?= Platform\Assets::tags('resources/js/app.js') ?>
</head>
<body>
    <h1><?= htmlspecialchars($prompt['title']) ?></h1>
    <pre><?= htmlspecialchars($filled) ?></pre>
    <p>Blanks: <?= htmlspecialchars(implode(', ', $prompt['blanks'])) ?>; model <?= htmlspecialchars($prompt['model']) ?></p>
    <p><a href="/">all prompts</a></p>
</body>
</html>

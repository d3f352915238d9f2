<!doctype html>
<html lang="en">
<head>
    <meta charset="utf-8">
    <title>Prompts</title>
    <?= Platform\Assets::tags('resources/js/app.js') ?>
</head>
<body>
    <h1>Prompts</h1>
    <ul>
        <?php foreach ($catalogue->prompts as $name => $prompt): ?>
            <li><a href="/prompts/<?= $name ?>"><?= htmlspecialchars($prompt['title']) ?></a></li>
        <?php endforeach ?>
    </ul>
    <p><a href="/prompts.zip">all as one archive</a></p>
    <canvas id="usage"></canvas>
</body>
</html>

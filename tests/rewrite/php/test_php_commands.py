"""What each command of a PHP image's RUN is for; what is not known stays where it stands."""

import pytest

from imageopt.dockerfile.parser import parse
from imageopt.rewrite.php.commands import php_commands


def purposes(text: str) -> list[str]:
    return [
        command.purpose for command in php_commands(parse(f"FROM php\nRUN {text}\n".encode()).instructions[-1], "npm")
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("apt-get update && apt-get install -y git && apt-get clean && rm -rf /var/lib/apt/lists/*", ["nothing", "system", "nothing", "nothing"]),
        ("apt-get upgrade -y", ["other"]),
        ("apk add --no-cache git", ["system"]),
        ("docker-php-ext-install gd && pecl install redis && docker-php-ext-enable redis", ["extension"] * 3),
        ("curl -sS https://getcomposer.org/installer | php", ["composer-tool"]),
        ("php -r \"copy('https://getcomposer.org/installer', 'composer-setup.php');\"", ["composer-tool"]),
        ("mv composer.phar /usr/local/bin/composer && chmod +x /usr/local/bin/composer", ["composer-tool"] * 2),
        ("composer install --no-dev && php composer.phar update", ["composer-install"] * 2),
        ("composer dump-autoload -o && composer run-script build && composer clear-cache", ["composer-dump", "composer-run", "nothing"]),
        ("composer require a/b", ["composer-change"]),
        ("composer config a b && composer global require x", ["composer-change"] * 2),
        ("composer install a/b", ["composer-change"]),
        ("if true; then composer install; fi", ["composer-change"]),
        ("for a in b; do npm ci; done", ["node-change"]),
        ("if true; then echo a; fi", ["other"]),
        ("echo 'a", ["other"]),
        ('["composer", "install"]', ["composer-install"]),
        ("curl -fsSL https://deb.nodesource.com/setup_20.x | bash -", ["node-tool"]),
        ("ln -s /usr/local/lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm", ["node-tool"]),
        ("npm install -g npm@10 && corepack enable && node -v", ["node-tool", "node-tool", "nothing"]),
        ("npm ci && npm run build && npx vite build && npm prune && rm -rf node_modules", ["node-install", "node-build", "node-build", "nothing", "nothing"]),
        ("npm install left-pad", ["node-change"]),
        ("node build.js", ["node-change"]),
        ("vite build", ["node-change"]),
        ("make npm", ["node-change"]),
        ("sed -i s/npm/x/ a && php artisan migrate && a2enmod rewrite", ["other"] * 3),
        ("chown -R www-data . && chmod -R 775 storage", ["owner", "mode"]),
        ("rm -rf docs && set -e && cd app", ["other", "nothing", "other"]),
    ],
)  # fmt: skip
def test_purposes(text: str, expected: list[str]) -> None:
    assert purposes(text) == expected

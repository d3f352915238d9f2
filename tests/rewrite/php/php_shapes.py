"""PHP projects of several shapes, as the files they consist of."""

import json
from collections.abc import Mapping

from rewrite.node_shapes import finding, package

from imageopt.project.php import content_hash

FAT = (
    finding("composer-dev-deps", "composer-no-dev"),
    finding("node-in-php-final", "asset-stage"),
    finding("runs-as-root", "run-as-node"),
)


def composer(
    require: Mapping[str, str] | None = None,
    dev: Mapping[str, str] | None = None,
    namespaces: Mapping[str, str] | None = None,
    **more: object,
) -> dict[str, str]:
    """composer.json and a lock file that fits it; `namespaces` of packages for development, by package name."""
    manifest = {"require": {"php": "^8.2", **(require or {})}, "require-dev": dict(dev or {}), **more}
    locked = [{"name": name, "version": version} for name, version in (require or {}).items()]
    for_development = [
        {"name": name, "version": version, "autoload": {"psr-4": {(namespaces or {}).get(name, "X\\"): "src/"}}}
        for name, version in (dev or {}).items()
    ]
    lock = {"content-hash": content_hash(manifest), "packages": locked, "packages-dev": for_development}
    return {"composer.json": json.dumps(manifest, indent=2), "composer.lock": json.dumps(lock, indent=2)}


VITE = package(dev={"vite": "5.4.0", "laravel-vite-plugin": "1.0.0"}, scripts={"build": "vite build"})
LARAVEL_FILES = {
    **composer({"laravel/framework": "v11.0.0"}, {"phpunit/phpunit": "11.0.0"}, {"phpunit/phpunit": "PHPUnit\\"}),
    **VITE,
    "artisan": "#!/usr/bin/env php\n",
    "app/Models/Note.php": "<?php\nnamespace App\\Models;\n",
    "bootstrap/cache/.gitignore": "*\n",
    "public/index.php": "<?php\n",
    "resources/js/app.js": "document.title = 'notes';\n",
    "vite.config.js": "export default {};\n",
    "storage/logs/.gitignore": "*\n",
}

SHAPES: dict[str, dict[str, str]] = {
    "laravel-apache": {
        **LARAVEL_FILES,
        "tailwind.config.js": "export default { content: ['./vendor/laravel/framework/**/*.blade.php'] };\n",
        "Dockerfile": """\
            # syntax=docker/dockerfile:1
            ARG PHP=8.2
            FROM php:${PHP}-apache AS app

            # extensions and what composer unpacks with
            RUN apt-get update && apt-get install -y git unzip curl gnupg libpng-dev libzip-dev libpq-dev supervisor
            RUN docker-php-ext-configure gd --with-jpeg && docker-php-ext-install gd zip pdo_pgsql
            RUN pecl install redis && docker-php-ext-enable redis

            # node 20
            RUN curl -fsSL https://deb.nodesource.com/setup_20.x | bash - && apt-get install -y nodejs
            RUN curl -sS https://getcomposer.org/installer | php -- --install-dir=/usr/local/bin --filename=composer

            ARG VITE_API=/api
            ENV VITE_API=$VITE_API APP_ENV=production
            WORKDIR /var/www/html
            COPY . .
            RUN composer install --no-interaction
            # the front end
            RUN npm ci && npm run build && rm -rf node_modules
            RUN php artisan storage:link
            RUN chown -R www-data:www-data /var/www/html && chmod -R 775 storage

            LABEL team="notes"
            VOLUME /var/www/html/storage
            EXPOSE 80
            STOPSIGNAL SIGWINCH
            HEALTHCHECK --interval=10s CMD curl -f http://localhost/up || exit 1
            """,
    },
    "symfony-fpm": {
        **composer(
            {"symfony/framework-bundle": "v7.0.0"},
            {"symfony/maker-bundle": "v1.0.0"},
            {"symfony/maker-bundle": "Symfony\\Bundle\\MakerBundle\\"},
            scripts={"post-install-cmd": ["@auto-scripts"]},
        ),
        "symfony.lock": "{}",
        ".env": "APP_ENV=prod\n",
        "config/bundles.php": "<?php return [Symfony\\Bundle\\MakerBundle\\MakerBundle::class => ['dev' => true]];\n",
        "Dockerfile": """\
            FROM php:8.3-fpm
            COPY --from=composer:2.7 /usr/bin/composer /usr/bin/composer
            WORKDIR /srv/app
            COPY composer.json composer.lock symfony.lock ./
            RUN --mount=type=secret,id=auth composer install --no-scripts --no-autoloader
            COPY . .
            RUN composer dump-autoload --optimize && composer run-script post-install-cmd
            RUN chown -R www-data:www-data .
            CMD ["php-fpm"]
            """,
    },
    "symfony-fpm-without-scripts": {
        **composer(
            {"symfony/framework-bundle": "v7.0.0"}, {"phpunit/phpunit": "11.0.0"}, {"phpunit/phpunit": "PHPUnit\\"}
        ),
        ".env": "APP_ENV=dev\n",
        "Dockerfile": """\
            FROM php:8.3-fpm-bookworm
            RUN apt-get update && apt-get install -y nodejs npm
            COPY --from=composer:2 /usr/bin/composer /usr/bin/composer
            ENV APP_ENV=prod
            WORKDIR /srv/app
            COPY composer.json composer.lock ./
            RUN composer install --no-scripts
            COPY . .
            RUN chown -R www-data:www-data .
            CMD ["php-fpm"]
            """,
    },
    "plain-cli": {
        **composer({"slim/slim": "4.0.0"}, {"phpunit/phpunit": "11.0.0"}, {"phpunit/phpunit": "PHPUnit\\"}),
        **package(dev={"vite": "5.4.0"}, scripts={"build": "vite build --outDir public/build"}),
        "public/index.php": "<?php\n",
        "packages.php": "<?php\n",
        "Dockerfile": """\
            FROM php:8.2-cli-bookworm
            WORKDIR /app
            RUN apt-get update && apt-get install -y git nodejs npm
            COPY --from=composer:2 /usr/bin/composer /usr/local/bin/composer
            COPY composer.* package*.json ./
            RUN composer install --no-scripts && npm install
            COPY public ./public
            RUN npm run build
            EXPOSE 8080
            CMD ["php", "-S", "0.0.0.0:8080", "-t", "public"]
            """,
    },
    "extensions-alone": {
        "composer.json": "{}",
        "index.php": "<?php\n",
        "Dockerfile": """\
            FROM php:8.2-apache
            RUN apt-get update && apt-get install -y libicu-dev tzdata && docker-php-ext-install intl
            COPY . /var/www/html/
            """,
    },
    "laravel-mix": {
        **composer({"laravel/framework": "v8.0.0"}),
        **package(dev={"laravel-mix": "6.0.0"}, scripts={"production": "mix --production", "build": "mix"}),
        "webpack.mix.js": "mix.js('resources/js/app.js', 'public/js').postCss('resources/css/app.css', 'public/css');\n",
        "public/js/old.js": "1\n",
        "Dockerfile": """\
            FROM php:8.1-fpm-alpine
            RUN apk add --no-cache git nodejs npm libpng-dev && docker-php-ext-install gd
            COPY --from=node:16-alpine /usr/local/bin/node /usr/local/bin/node
            COPY --from=composer:2 /usr/bin/composer /usr/bin/composer
            WORKDIR /var/www
            COPY . .
            RUN composer install --no-dev && npm ci && npm run production
            USER www-data
            """,
    },
}

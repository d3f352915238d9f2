"""PHP projects: extensions, framework, assets, and Composer's own hash of its manifest."""

import json
from collections.abc import Mapping

import pytest
from project.conftest import Write

from imageopt.project.model import Fact
from imageopt.project.php import content_hash, read_php

# the hash is what Composer 2 wrote into composer.lock for this file
HASHED = {
    "name": "a/b", "description": "x", "require": {"php": ">=8.0", "ext-json": "*"}, "require-dev": {},
    "repositories": {"packagist.org": False}, "extra": {"url": "http://x/é", "n": 1, "list": ["a", {}], "t": True},
    "config": {"platform": {"php": "8.2.0"}}, "minimum-stability": "dev",
}  # fmt: skip
HASH = "2c9375c8c266760ff2b803ecce018abe"


def test_the_hash_is_the_one_that_composer_writes() -> None:
    assert content_hash(dict(HASHED)) == HASH
    assert content_hash({**HASHED, "description": "another", "scripts": {}}) == HASH  # these do not count


LARAVEL = {
    "composer.json": json.dumps({"require": {"php": "^8.2", "laravel/framework": "^11", "ext-redis": "*"}}),
    "composer.lock": json.dumps(
        {
            "content-hash": "x",
            "packages": [
                {"name": "laravel/framework", "require": {"ext-mbstring": "*", "ext-Redis": "*"}},
                {"name": 1},
            ],
            "packages-dev": [{"name": "phpunit/phpunit", "require": {"ext-dom": "*"}}],
            "platform": {"php": "^8.3"},
        }
    ),
    "package.json": '{"devDependencies": {"laravel-vite-plugin": "1"}}',
}


def test_a_laravel_project(project: Write) -> None:
    found = read_php(project(LARAVEL))
    assert found is not None
    assert (found.framework, found.assets, found.asset_outputs) == ("laravel", "vite", ("public/build",))
    assert found.extensions == (Fact("mbstring", "laravel/framework"), Fact("redis", "composer.json"))
    assert (found.dev_packages, found.lock) == (("phpunit/phpunit",), "drifted")
    assert found.versions == (Fact("^8.2", "composer.json:1 require.php"), Fact("^8.3", "composer.lock:1 platform.php"))


@pytest.mark.parametrize(
    ("files", "framework", "assets", "lock"),
    [
        ({"composer.json": '{"require": {"symfony/framework-bundle": "7"}}', "package.json": '{"devDependencies": {"@symfony/webpack-encore": "4"}}'}, "symfony", "encore", "missing"),
        ({"composer.json": "{}", "webpack.mix.js": "", "composer.lock": "{"}, "plain", "mix", "unknown"),
        ({"composer.json": '{"extra":' * 900 + "1" + "}" * 900, "composer.lock": '{"content-hash": "x"}'}, "plain", "", "unknown"),
        ({"composer.json": "{}", "composer.lock": '{"packages": {}}'}, "plain", "", "unknown"),
        ({"composer.json": json.dumps(HASHED), "composer.lock": json.dumps({"content-hash": HASH})}, "plain", "", "in-sync"),
    ],
)  # fmt: skip
def test_frameworks_assets_and_locks(
    project: Write, files: Mapping[str, str], framework: str, assets: str, lock: str
) -> None:
    found = read_php(project(files))
    assert found is not None
    assert (found.framework, found.assets, found.lock) == (framework, assets, lock)


def test_the_platform_that_is_configured_comes_first(project: Write) -> None:
    found = read_php(project({"composer.json": json.dumps(HASHED)}))
    assert found is not None
    assert found.versions[0] == Fact("8.2.0", "composer.json:1 config.platform.php")


@pytest.mark.parametrize("files", [{}, {"composer.json": "["}])
def test_no_php_project(project: Write, files: Mapping[str, str]) -> None:
    assert read_php(project(files)) is None

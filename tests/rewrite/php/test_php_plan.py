"""Whole PHP projects in, whole Dockerfiles out, as a reviewer would read them; and what is left where it stands.

`UPDATE_GOLDEN=1 pytest tests/rewrite` writes the golden files anew.
"""

import os
from pathlib import Path

import pytest
from rewrite.node_shapes import evidence, without_npm_lock, write
from rewrite.php.php_shapes import FAT, LARAVEL_FILES, SHAPES, composer
from rewrite.test_propose import shown

from imageopt.dockerfile.parser import parse
from imageopt.rewrite.model import Rewrite
from imageopt.rewrite.propose import propose

GOLDEN = Path(__file__).parent / "golden"
NAIVE = SHAPES["laravel-apache"]["Dockerfile"]


def proposed(root: Path, files: dict[str, str]) -> Rewrite:
    return propose(evidence(write(root, files)), FAT)


def refusals(rewrite: Rewrite) -> dict[str, str]:
    return {refusal.name: refusal.reason for refusal in rewrite.refusals}


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_the_rewrite_of_a_shape_is_the_golden_one(name: str, tmp_path: Path) -> None:
    rewrite = proposed(tmp_path, SHAPES[name])
    golden = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(shown(rewrite), encoding="utf-8")
    assert shown(rewrite) == golden.read_text(encoding="utf-8")
    assert not parse(rewrite.changes[0].after).problems


@pytest.mark.parametrize(
    ("files", "part", "reason"),
    [
        ({"app/Report.php": "<?php\nexec('node render.js');\n"}, "asset-stage", "the running service may start node"),
        ({**composer({"laravel/framework": "v11", "spatie/browsershot": "4"})}, "asset-stage", "the running service may start node"),
        ({"Dockerfile": f"{NAIVE}COPY deploy/worker.conf /etc/supervisor/conf.d/\n", "deploy/worker.conf": "command=php artisan inertia:start-ssr\n"}, "asset-stage", "deploy/worker.conf renders pages with Node (inertia:start-ssr)"),
        ({"package.json": LARAVEL_FILES["package.json"].replace("vite build", "php artisan ziggy:generate && vite build")}, "asset-stage", "the build of the assets calls PHP"),
        ({**without_npm_lock(dev={"vite": "5"}), "package-lock.json": "{"}, "asset-stage", "package-lock.json:1: it is not JSON: "),
        ({"Dockerfile": NAIVE.replace("npm ci && npm run build", "cd resources && npm ci && npm run build")}, "asset-stage", ": it changes the folder in between"),
        ({"Dockerfile": NAIVE.replace("npm ci &&", "npm ci && npx some-tool && node gen.js &&")}, "asset-stage", ": `node gen.js` is more than imageopt can move"),
        ({"Dockerfile": NAIVE.replace(" && npm run build", "")}, "asset-stage", "Node is there, and no RUN builds anything with it"),
        ({"Dockerfile": NAIVE.replace("setup_20.x", "setup_lts.x")}, "asset-stage", "nothing tells which Node it is that the Dockerfile installs"),
        ({"Dockerfile": NAIVE.replace("COPY . .", "COPY . .\nCOPY node_modules ./node_modules\nCOPY vendor ./vendor")}, "composer-stage", ": it copies vendor from outside of the image"),
        ({"composer.lock": "{"}, "composer-no-dev", None),
        ({"app/Bar.php": "<?php\nuse PHPUnit\\Framework\\Assert;\n"}, "composer-no-dev", "app/Bar.php:2 uses PHPUnit, which is a development package"),
        ({"Dockerfile": NAIVE.replace("composer install", "composer require a/b && composer install")}, "composer-stage", ": `composer require a/b` is more than imageopt can move"),
        ({"Dockerfile": NAIVE.replace("RUN pecl install redis", "RUN make extras && pecl install redis")}, "extension-build", ": the same RUN does other things as well"),
        ({"Dockerfile": NAIVE}, "run-as-node", "Apache opens port 80 as root, and serves as www-data by itself; another user needs another port"),
    ],
)  # fmt: skip
def test_what_something_needs_stays(tmp_path: Path, files: dict[str, str], part: str, reason: str | None) -> None:
    rewrite = proposed(tmp_path, {**SHAPES["laravel-apache"], **files})
    found = refusals(rewrite).get(part)
    assert found is None if reason is None else found is not None and reason in found


def test_a_guarded_development_class_needs_no_development_package(tmp_path: Path) -> None:
    files = {"app/Bar.php": "<?php\nif (class_exists(\\PHPUnit\\Framework\\Assert::class)) { new \\PHPUnit\\A; }\n"}
    assert "composer-no-dev" not in refusals(proposed(tmp_path, {**SHAPES["laravel-apache"], **files}))


def test_symfony_in_another_mode_keeps_its_development_bundles(tmp_path: Path) -> None:
    rewrite = proposed(tmp_path, {**SHAPES["symfony-fpm"], ".env": "APP_ENV=dev\n"})
    assert refusals(rewrite)["composer-no-dev"].startswith("nothing sets APP_ENV=prod")
    assert b"composer install --no-scripts --no-autoloader --prefer-dist" in rewrite.changes[0].after


def test_without_a_lock_file_the_packages_stay_where_they_are(tmp_path: Path) -> None:
    files = {name: text for name, text in SHAPES["plain-cli"].items() if name != "composer.lock"}
    rewrite = proposed(tmp_path, files)
    assert refusals(rewrite)["composer-stage"].startswith("there is no composer.lock")
    assert b"RUN composer install --no-scripts" in rewrite.changes[0].after


@pytest.mark.parametrize(
    ("dockerfile", "reason"),
    [
        ("FROM php:8.2-cli\nRUN a\n", "nothing of the project is copied to a folder of its own"),
        ("FROM php:8.2-apache\nCOPY . .\n", "its start command may need root"),
        ("FROM debian:12\nRUN a\n", "is not an official Node image"),
    ],
)
def test_nothing_to_restructure(tmp_path: Path, dockerfile: str, reason: str) -> None:
    rewrite = proposed(tmp_path, {"composer.json": "{}", "package.json": "{}", "Dockerfile": dockerfile})
    assert rewrite.outcome in ("refused", "proposed", "nothing")
    assert all(b"AS vendor" not in change.after for change in rewrite.changes)


def test_twice_is_once(tmp_path: Path) -> None:
    """What came out has stages, and is only edited from then on."""
    rewrite = proposed(tmp_path, SHAPES["laravel-apache"])
    for change in rewrite.changes:
        (tmp_path / change.path).write_bytes(change.after)
    again = propose(evidence(tmp_path), FAT)
    assert [(change.path, change.after) for change in again.changes] == []

"""PHP rules where an image, a project or several stages decide; the plain cases are the rules' own examples."""

from datetime import date

import pytest
from evidence.small_images import image, record
from msgspec.structs import replace

from imageopt.dockerfile import parse
from imageopt.evidence.join import join
from imageopt.evidence.model import Evidence
from imageopt.image.model import FileRecord, Image, LibraryPackage, Packages, SystemPackage
from imageopt.rules.check import check
from imageopt.rules.load import load_rules
from imageopt.rules.model import Finding

RULES = {rule.name: rule for rule in load_rules()}
COMPOSER = b"FROM php:8.4-fpm\nWORKDIR /app\nRUN composer install\n"
HISTORY = ("base", "RUN /bin/sh -c composer install # buildkit")


@pytest.mark.parametrize(
    ("dev", "files"),
    [
        (True, {"app/vendor/phpunit/phpunit/phpunit": 700}),
        (False, {}),
    ],
)
def test_composers_own_record_decides_what_is_for_development(dev: bool, files: dict[str, int]) -> None:
    records = [record("app/vendor/phpunit/phpunit/phpunit", 700, 1), record("app/vendor/psr/log/src/Log.php", 50, 1)]
    libraries = (library("phpunit/phpunit", dev=dev), library("psr/log", dev=False))
    found = findings("composer-dev-deps", COMPOSER, built(records, libraries))
    assert {path: size for finding in found for path, size in sizes(finding, records).items()} == files


def test_a_record_of_composer_1_says_nothing_so_the_dockerfile_does() -> None:
    found = findings("composer-dev-deps", COMPOSER, built([], (library("psr/log", dev=None),)))
    assert [(finding.saving.bytes, line(finding)) for finding in found] == [(None, 3)]


@pytest.mark.parametrize(
    ("copy", "fires"),
    [
        ("COPY --from=vendor /srv/vendor /srv/vendor", True),
        ("COPY --from=vendor /srv /srv", True),
        ("COPY --from=vendor / /", True),
        ("COPY --from=vendor /srv/public /srv/public", False),
        ("COPY --from=vendor ${WHERE} /srv", False),
        ("COPY . .", False),
    ],
)
def test_a_stage_counts_where_its_vendor_is_copied(copy: str, fires: bool) -> None:
    text = f"FROM php:8.4-cli AS vendor\nWORKDIR /srv\nRUN composer install\nFROM php:8.4-fpm\n{copy}\n"
    assert [line(finding) for finding in findings("composer-dev-deps", text.encode())] == ([3] if fires else [])


@pytest.mark.parametrize(
    "run",
    [
        "RUN composer install --no-cache",
        "RUN COMPOSER_CACHE_DIR=/dev/null composer install",
        "RUN composer install && rm -rf ~/.composer",
        "RUN composer install && rm -rf /tmp/* /root/.cache",
        "RUN --mount=type=cache,target=/tmp/cache composer install",
        "RUN --mount=type=cache,target=${COMPOSER_HOME} composer install",
        "RUN --mount=type=tmpfs,target=/root composer install",
        "RUN composer --version && composer validate",
        "RUN [ -f composer.json ] && composer install",
        "RUN for x in a b; do composer install -d $x; done",
    ],
)
def test_no_download_of_composers_stays(run: str) -> None:
    assert findings("composer-cache-or-binary-left", f"FROM php:8.4-cli\n{run}\n".encode()) == []


@pytest.mark.parametrize("verb", ["install", "global require x/y", "update", "require x/y", "create-project a/b ."])
def test_each_of_composers_downloads_counts(verb: str) -> None:
    found = findings("composer-cache-or-binary-left", f"FROM php:8.4-cli\nRUN php composer.phar {verb}\n".encode())
    assert len(found) == 1


def test_the_cache_and_composer_itself_are_one_finding_in_bytes() -> None:
    records = [record("usr/bin/composer", 30, 1), record("root/.composer/cache/files/a.zip", 70, 1)]
    assert [f.saving.bytes for f in findings("composer-cache-or-binary-left", COMPOSER, built(records))] == [100]


def test_composer_stays_where_the_container_starts_it() -> None:
    records = [record("usr/bin/composer", 30, 1)]
    started = image(HISTORY, records, command=("sh", "-c", "composer install && php-fpm"))
    assert findings("composer-cache-or-binary-left", COMPOSER, started) == []


def test_headers_that_the_base_brought_are_not_the_authors() -> None:
    text = b"FROM php:8.4-fpm\nRUN docker-php-ext-install gd\n"
    records = [record("usr/include/png.h", 10, 1), record("usr/include/z.h", 20, 0)]
    owners = {"usr/include/png.h": "libpng-dev", "usr/include/z.h": "zlib1g-dev"}
    system = (system_package("libpng-dev", 1), system_package("zlib1g-dev", 0))
    made = image(("base", "RUN /bin/sh -c docker-php-ext-install gd # buildkit"), records, system=system, owners=owners)
    found = findings("php-ext-build-deps-left", text, made)
    assert [(finding.saving.bytes, line(finding)) for finding in found] == [(10, 2)]


def test_xdebug_in_bytes() -> None:
    path = "usr/local/lib/php/extensions/no-debug-non-zts-20240924/xdebug.so"
    assert [f.saving.bytes for f in findings("xdebug-in-final", COMPOSER, built([record(path, 3_000, 1)]))] == [3_000]


@pytest.mark.parametrize(
    "run",
    [
        "RUN echo xdebug.mode=off >> php.ini",
        'RUN [ "$X" = 1 ] && pecl install xdebug',
        "RUN test -z $X || pecl install xdebug",
        "RUN rm /usr/local/etc/php/conf.d/xdebug.ini",
        "RUN ./configure --disable-xdebug",
    ],
)
def test_xdebug_is_named_and_not_installed(run: str) -> None:
    assert findings("xdebug-in-final", f"FROM php:8.4-fpm\n{run}\n".encode()) == []


@pytest.mark.parametrize(
    ("command", "found"), [(("php-fpm",), [98]), (("node", "ssr.js"), []), (("supervisord",), [98])]
)
def test_node_beside_php_in_bytes(command: tuple[str, ...], found: list[int]) -> None:
    text = b"FROM php:8.4-fpm\nRUN ./setup.sh\n"
    records = [
        record("usr/local/bin/php", 20, 0),
        record("usr/bin/node", 90, 1),
        record("usr/lib/node_modules/npm/index.js", 8, 1),
        record("app/vendor/autoload.php", 3, 1),
    ]
    made = image(("base", "RUN /bin/sh -c ./setup.sh # buildkit"), records, command=command)
    assert [finding.saving.bytes for finding in findings("node-in-php-final", text, made)] == found


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            "FROM node:22 AS n\nFROM php:8.4-fpm\nCOPY --from=n /usr/local/lib/node_modules /usr/local/lib/node_modules",
            [3],
        ),
        ("FROM node:22 AS n\nFROM php:8.4-fpm\nCOPY --from=n /app/dist /app/dist", []),
        ("FROM node:22\nRUN apt-get install -y php-cli nodejs", []),
        ("FROM php:8.4-fpm AS dev\nRUN apt-get install -y nodejs", []),
        ('FROM php:8.4-fpm\nRUN apt-get install -y nodejs\nENTRYPOINT ["npm", "start"]', []),
        ("FROM php:8.4-fpm\nRUN apt-get install -y node-typescript", []),
    ],
)
def test_what_puts_node_beside_php(text: str, lines: list[int]) -> None:
    assert [line(finding) for finding in findings("node-in-php-final", f"{text}\n".encode())] == lines


@pytest.mark.parametrize(
    ("base", "fires"),
    [
        ("php:8.0-fpm", True),
        ("docker.io/library/php:7.4-apache-bullseye", True),
        ("php:8.0-cli", False),
        ("php:8.1-fpm", False),
        ("php:fpm", False),
        ("example.com/php:8.0-fpm", False),
    ],
)
def test_opcache_is_asked_of_official_web_images_only(base: str, fires: bool) -> None:
    assert bool(findings("opcache-missing", f"FROM {base}\n".encode())) is fires


def test_the_image_shows_whether_opcache_is_on() -> None:
    text = b"FROM php:8.3-fpm\nRUN ./setup.sh\n"
    history = ("base", "RUN /bin/sh -c ./setup.sh # buildkit")
    on = record("usr/local/etc/php/conf.d/docker-php-ext-opcache.ini", 20, 1)
    assert findings("opcache-missing", text, image(history, [on])) == []
    assert len(findings("opcache-missing", text, image(history, []))) == 1


def test_npm_packages_without_a_node_are_dead_weight() -> None:
    rule = replace(RULES["php-dev-artifacts"], parameters={})
    records = [
        record("app/vendor/autoload.php", 1, 1),
        record("app/vendor/a/b/docs/x.html", 10, 1),
        record("app/node_modules/vue/dist/vue.js", 20, 1),
        record("app/vendor/a/b/src/Tests.php", 40, 1),
    ]
    for more, size in (([], 30), ([record("usr/bin/node", 5, 0)], 10)):
        evidence = join(built([*records, *more]), parse(COMPOSER), None)
        assert [finding.saving.bytes for finding in check(evidence, [rule])] == [size]


def findings(rule: str, dockerfile: bytes, made: Image | None = None) -> list[Finding]:
    evidence: Evidence = join(made, parse(dockerfile), None)
    return list(check(evidence, [RULES[rule]], now=date(2026, 6, 1)))


def built(files: list[FileRecord], libraries: tuple[LibraryPackage, ...] = ()) -> Image:
    made = image(HISTORY, files, command=("php-fpm",))
    return replace(made, packages=Packages((), (), {}, libraries))


def library(name: str, *, dev: bool | None) -> LibraryPackage:
    return LibraryPackage("composer", name, "1", f"app/vendor/{name}", 0, 1, dev, "", ())


def system_package(name: str, birth: int) -> SystemPackage:
    return SystemPackage("dpkg", name, "1", name, 0, birth, automatic=False, depends=(), recommends=())


def sizes(finding: Finding, records: list[FileRecord]) -> dict[str, int]:
    return {records[index].path: records[index].size for index in finding.files}


def line(finding: Finding) -> int | None:
    return finding.location.line if finding.location is not None else None

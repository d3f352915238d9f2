"""Caches by the names of their folders, in anybody's home; and downloads that are no caches because something runs them."""

import pytest
from evidence.small_images import image, record
from msgspec.structs import replace

from imageopt.evidence.caches import cache_of
from imageopt.evidence.join import join
from imageopt.evidence.paths import is_global, is_vcs
from imageopt.image.model import LibraryPackage, NpmPackage

FOLDERS = {
    "root/.npm/_cacache/content-v2/sha512/00": "npm",
    "var/www/.npm/_npx/5f7878ce38f1eb13/node_modules/x": "npx",
    "app/.npm/_cacache": "npm",
    "home/node/.cache/yarn/v6": "yarn",
    "usr/local/share/.cache/yarn/v6/npm-ms": "yarn",
    "srv/.yarn/berry/cache": "yarn",
    "app/.yarn/cache": "yarn",
    "app/.yarn/releases": None,
    "root/.local/share/pnpm/store/v3/files/00": "pnpm",
    "app/.pnpm-store/v3": "pnpm",
    "root/.cache/pnpm": "pnpm",
    "root/.bun/install/cache/ms@2.1.3": "bun",
    "root/.bun/bin": None,
    "var/lib/apt/lists/partial": "apt-lists",
    "var/cache/apt/archives": "apt",
    "var/cache/apk": "apk",
    "var/cache/dnf/x": "rpm",
    "var/cache/debconf": None,
    "opt/app/.cache/pip/http": "pip",
    "root/.cache/uv/archive-v0/x": "uv",
    "root/.cache/pypoetry/artifacts/aa": "poetry",
    "root/.cache/pypoetry/virtualenvs/app-py3.11/lib/python3.11/site-packages/x": None,
    "tmp/.composer/cache/files": "composer",
    "root/.cache/composer/repo": "composer",
    "root/.composer/vendor/a": None,
    "root/.cache/node-gyp/20.1.0/include/node": "node-gyp",
    "root/.cache/Cypress/13.0.0": "cypress",
    "ms-playwright/chromium-1097/chrome-linux": "playwright",
    "home/pptruser/.cache/puppeteer/chrome": "puppeteer",
    "root/.cache/electron": "electron",
    "root/.cache/ccache/a": "ccache",
    "go/pkg/mod/cache/download": "go",
    "usr/local/cargo/registry/src": "cargo",
    "usr/local/bundle/cache": "ruby",
    "usr/local/lib/ruby/gems/3.4.0/cache": "ruby",
    "root/.m2/repository/org": "java",
    "root/.cache/node/corepack/v1/pnpm": "corepack",
    "app/node_modules/.cache/babel-loader": "build",
    "app/.next/cache/webpack": "build",
    "app/.next/static": None,
    "tmp/node-compile-cache/v20": "node-compile",
    "root/.cache/something": "home",
    "home/app/.cache": "home",
    "app/.cache": None,
    "app/cache": None,
    "app/node_modules/cacache/lib": None,
    "": None,
}


@pytest.mark.parametrize(("folder", "kind"), FOLDERS.items())
def test_whose_cache(folder: str, kind: str | None) -> None:
    found = cache_of(folder)
    assert (found.kind if found else None) == kind


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("usr/local/lib/node_modules/pm2/bin", True),
        ("root/.nvm/versions/node/v20.1.0/lib/node_modules/npm", True),
        ("root/.local/share/pnpm/global/5/node_modules/pm2", True),
        ("home/me/.local/share/pipx/venvs/x", True),
        ("root/.config/composer/vendor/laravel", True),
        ("app/lib/node_modules/x", False),
        ("app/vendor/x", False),
    ],
)
def test_tools_for_everybody(folder: str, expected: bool) -> None:
    assert is_global(folder) is expected


def test_version_control() -> None:
    assert is_vcs("app/.git")
    assert is_vcs(".hg/store")
    assert not is_vcs("app/.github/workflows")
    assert not is_vcs("app/x.git/objects")


CHROME = "root/.cache/puppeteer/chrome/chrome"


def library(name: str) -> LibraryPackage:
    return LibraryPackage("python", name, "1", f"usr/lib/site-packages/{name}-1.dist-info", 1, 0, None, "", ())


@pytest.mark.parametrize(
    ("npm", "path", "expected"),
    [
        ((), CHROME, ("package-manager-cache", "browser-download-in-image")),
        ((("puppeteer", False),), CHROME, ("production-dependencies", None)),
        ((("puppeteer", None),), CHROME, ("production-dependencies", None)),
        ((("puppeteer", True),), CHROME, ("dev-dependencies", "dev-deps-in-final")),
        ((("puppeteer", True), ("puppeteer-core", False)), CHROME, ("production-dependencies", None)),
        ((("cypress", True),), "root/.cache/Cypress/13/Cypress", ("dev-dependencies", "dev-deps-in-final")),
        ((("puppeteer", False),), "root/.npm/_cacache/x", ("package-manager-cache", "npm-yarn-pnpm-cache-left")),
    ],
)
def test_a_browser_is_its_packages(
    npm: tuple[tuple[str, bool | None], ...], path: str, expected: tuple[str, str | None]
) -> None:
    packages = tuple(NpmPackage(name, "1", f"app/node_modules/{name}", 1, dev) for name, dev in npm)
    found = join(image(["RUN x"], [record(path, 5, 0)], npm=packages), None, None).classes[0]
    assert found[:2] == expected


def test_also_of_a_python_package() -> None:
    built = image(["RUN x"], [record("ms-playwright/chromium/chrome", 5, 0)])
    built = replace(built, packages=replace(built.packages, libraries=(library("playwright"),)))
    assert join(built, None, None).classes[0][:2] == ("production-dependencies", None)


def test_an_archive_that_plug_and_play_runs_from_is_no_cache() -> None:
    cache = "app/.yarn/cache"
    files = [record(f"{cache}/{name}.zip", 5, 0) for name in ("used", "dev", "left")]
    packages = (
        NpmPackage("used", "1", f"{cache}/used.zip", 5, False),
        NpmPackage("dev", "1", f"{cache}/dev.zip", 5, True),
    )
    found = join(image(["RUN x"], files, npm=packages), None, None).classes
    assert [kind.category for kind in found] == [
        "production-dependencies", "dev-dependencies", "package-manager-cache",
    ]  # fmt: skip


def test_libraries_of_other_languages() -> None:
    site = "usr/local/lib/python3.11/site-packages"
    libraries = (
        LibraryPackage("composer", "a/run", "1", "srv/vendor/a/run", 1, 0, False, "", ()),
        LibraryPackage("composer", "a/test", "1", "srv/vendor/a/test", 1, 0, True, "", ()),
        LibraryPackage("python", "tool", "1", f"{site}/tool-1.dist-info", 1, 0, None, "", ("usr/local/bin/tool",)),
    )
    paths = {
        "srv/vendor/a/run/x.php": "production-dependencies",
        "srv/vendor/a/test/deep/x.php": "dev-dependencies",
        "srv/vendor/autoload.php": "production-dependencies",
        f"{site}/tool/x.py": "production-dependencies",
        "usr/local/bin/tool": "production-dependencies",
        "usr/lib/python3/dist-packages/yaml/x.py": "system-packages",
    }
    owned = "usr/lib/python3/dist-packages/yaml/x.py"
    built = image(["RUN x"], [record(path, 1, 0) for path in paths], owners={owned: "python3-yaml"})
    built = replace(
        built,
        packages=replace(built.packages, libraries=libraries),
        contents={"srv/vendor/composer/installed.json": b"[]"},
    )
    found = join(built, None, None).classes
    assert {path: kind.category for path, kind in zip(paths, found, strict=True)} == paths

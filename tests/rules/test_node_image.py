"""Rules for the files that Node's packages bring into an image: bundles, browsers, compilers, foreign binaries."""

from pathlib import Path

import pytest
from evidence.small_images import image, record
from msgspec.structs import replace
from rules.asking import FROM, INSTALL, TWO, findings, places, project_with, system

from imageopt.image.elf import ElfFacts
from imageopt.image.model import NpmPackage


def test_packages_beside_a_bundle_in_bytes() -> None:
    records = [
        record("app/.output/server/index.mjs", 1, 1),
        record("app/.output/server/node_modules/vue/a.js", 2, 1),
        record("app/node_modules/vue/a.js", 4, 1),
        record("srv/node_modules/vue/a.js", 8, 1),
    ]
    assert [f.saving.bytes for f in findings("bundled-app-ships-node-modules", INSTALL, image(TWO, records))] == [4]


def test_packages_copied_beside_a_bundle() -> None:
    text = (
        "FROM node:22 AS build\nRUN npm ci\nFROM node:22-slim\nCOPY --from=build /app/node_modules ./node_modules\n"
        'CMD ["node", ".next/standalone/server.js"]\n'
    )
    assert places("bundled-app-ships-node-modules", text) == [4]


def test_puppeteers_browser_beside_the_distributions_in_bytes() -> None:
    records = [record("root/.cache/puppeteer/chrome/x", 100, 1), record("app/node_modules/puppeteer/x.js", 1, 1)]
    npm = (NpmPackage("puppeteer", "23", "app/node_modules/puppeteer", 1, False),)
    alone = image(TWO, records, npm=npm)
    beside = image(TWO, records, npm=npm, system=(system("chromium"),))
    assert findings("browser-download-in-image", INSTALL, alone) == []
    assert [f.saving.bytes for f in findings("browser-download-in-image", INSTALL, beside)] == [100]


@pytest.mark.parametrize(
    ("run", "fires"),
    [
        ("npx playwright install", True),
        ("npx -y playwright@1.50.0 install --with-deps", True),
        ("./node_modules/.bin/playwright install", True),
        ("npx playwright install firefox", False),
        ("npx playwright install-deps", False),
        ("npm install playwright", False),
        ("[ -n $E2E ] && npx playwright install", False),
    ],
)
def test_playwright_without_the_name_of_a_browser(run: str, fires: bool) -> None:
    assert bool(findings("browser-download-in-image", f"{FROM}RUN {run}\n")) is fires
    assert findings("browser-download-in-image", f"FROM mcr.microsoft.com/playwright:v1\nRUN {run}\n") == []


def test_the_toolchain_in_bytes_names_what_it_was_for(tmp_path: Path) -> None:
    locked = {"a": {"hasInstallScript": True}, "b{x}": {"hasInstallScript": True}, "c": {}}
    project = project_with(tmp_path, dependencies=locked)
    records = [record("usr/bin/make", 5, 1), record("usr/bin/gcc", 6, 1)]
    owners = {"usr/bin/make": "make", "usr/bin/gcc": "gcc"}
    npm = (NpmPackage("a", "1", "app/node_modules/a", 1, False),)
    made = image(TWO, records, npm=npm, owners=owners, system=(system("make"), system("gcc")))
    (found,) = findings("node-gyp-toolchain-in-final", INSTALL, made, project)
    assert found.saving.bytes == 11
    assert found.message.endswith("Only the installation of a, b{x} may need them.")


@pytest.mark.parametrize(
    ("path", "fires"),
    [
        ("@esbuild/win32-x64/esbuild.exe", True),
        ("@esbuild/linux-arm64/bin/esbuild", True),
        ("@esbuild/linux-x64/bin/esbuild", False),
        ("@next/swc-linux-x64-musl/next.node", True),
        ("@next/swc-linux-x64-gnu/next.node", False),
        ("@img/sharp-linux-x64/lib/sharp.node", False),
        ("utp-native/prebuilds/darwin-x64/node.napi.node", True),
        ("utp-native/prebuilds/darwin-x64+arm64/node.napi.node", True),
        ("utp-native/prebuilds/linux-x64/node.napi.node", False),
        ("utp-native/prebuilds/linux-arm64/node.napi.node", True),
        ("is-windows/index.js", False),
        ("express/lib/darwin-x64/index.js", False),
    ],
)
def test_which_files_are_for_another_platform(path: str, fires: bool) -> None:
    records = [
        record("usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", 1, 0),
        record(f"app/node_modules/{path}", 200_000, 1),
    ]
    assert bool(findings("foreign-platform-binaries", INSTALL, image(TWO, records))) is fires


@pytest.mark.parametrize(
    ("path", "shim", "fires"),
    [
        ("bcrypt/build/Release/bcrypt.node", "", True),
        ("bcrypt/build/Release/bcrypt.node", "gcompat", False),
        ("bcrypt/prebuilds/linux-x64/bcrypt.node", "", False),
        ("@next/swc-linux-x64-gnu/next.node", "", False),
        ("x/lib/binding.glibc.node", "", False),
    ],
)
def test_an_addon_for_glibc_on_musl(path: str, shim: str, fires: bool) -> None:
    where = f"app/node_modules/{path}"
    made = image(
        TWO, [record("lib/ld-musl-x86_64.so.1", 1, 0), record(where, 70, 1)], system=(system(shim),) if shim else ()
    )
    made = replace(made, elf={where: ElfFacts("amd64", "", ("libc.so.6",), "2.34", static=False)})
    assert [f.saving.bytes for f in findings("alpine-native-mismatch", INSTALL, made)] == ([70] if fires else [])

"""What each byte is for, and which rule calls it avoidable."""

from pathlib import Path

import pytest
from evidence.small_images import image, record
from msgspec.structs import replace

from imageopt.dockerfile import parse
from imageopt.evidence.join import join
from imageopt.evidence.model import Evidence
from imageopt.image.model import FileRecord, Image, NpmPackage, SystemPackage
from imageopt.project.model import Fact
from imageopt.project.read import read_project

DOCKERFILE = """\
FROM node:20
RUN apt-get install -y git
WORKDIR /app
COPY . .
RUN npm install
RUN chown -R node /app
COPY --from=build /out ./out
"""
BASE, APT, COPY, NPM, CHOWN, FROM_STAGE = range(6)
HISTORY = (
    "base",
    "RUN /bin/sh -c apt-get install -y git # buildkit",
    "COPY . . # buildkit",
    "RUN /bin/sh -c npm install # buildkit",
    "RUN /bin/sh -c chown -R node /app # buildkit",
    "COPY /out ./out # buildkit",
)

LIVE = [
    ("usr/bin/gcc", BASE, "base-image", "fat-base-image"),
    ("var/lib/apt/lists/deb_Packages", APT, "package-manager-cache", "apt-lists-left"),
    ("var/cache/apt/pkgcache.bin", APT, "package-manager-cache", "pkg-manager-cache-left"),
    ("root/.npm/_cacache/index-v5/00", NPM, "package-manager-cache", "npm-yarn-pnpm-cache-left"),
    ("usr/local/share/.cache/yarn/v6/x", NPM, "package-manager-cache", "npm-yarn-pnpm-cache-left"),
    ("root/.cache/node-gyp/20/include/node.h", NPM, "package-manager-cache", "tmp-and-home-caches-left"),
    ("app/.git/objects/pack/a.pack", COPY, "vcs", "junk-copied"),
    ("usr/local/lib/node_modules/nodemon/index.js", NPM, "global-tools", "global-tools-in-final"),
    ("app/node_modules/express/index.js", NPM, "production-dependencies", None),
    ("app/node_modules/express/README.md", NPM, "production-dependencies", None),
    ("app/node_modules/express/index.js", COPY, "production-dependencies", "host-node-modules-copied"),
    ("app/node_modules/express/index.js", FROM_STAGE, "production-dependencies", None),
    ("var/cache/debconf/config.dat", APT, "system-packages", None),
    ("var/log/dpkg.log", APT, "generated-data", "tmp-and-home-caches-left"),
    ("tmp/download.tgz", APT, "generated-data", "tmp-and-home-caches-left"),
    ("srv/what-is-this", APT, "other", None),
    ("app/coverage/lcov.info", COPY, "generated-data", "generated-data-copied"),
    ("app/db/dumps/users.sql", COPY, "generated-data", "generated-data-copied"),
    ("app/Heap.1.heapsnapshot", COPY, "generated-data", "generated-data-copied"),
    ("app/db/migrations/001.sql", COPY, "application", None),
    ("app/dump.sql", COPY, "generated-data", "generated-data-copied"),
    ("app/prod-backup_2026-01.sql", COPY, "generated-data", "generated-data-copied"),
    ("app/db/migrations/002_undump.sql", COPY, "application", None),
    ("app/.env", COPY, "application", "env-file-or-key-copied"),
    ("app/.env.example", COPY, "application", None),
    ("app/tests/app.test.js", COPY, "tests-and-docs", "junk-copied"),
    ("app/.eslintrc.json", COPY, "tests-and-docs", "junk-copied"),
    ("app/public/index.html", COPY, "application", None),
    ("app/server.js", COPY, "application", None),
    ("opt/tool/run", COPY, "application", None),
]


@pytest.mark.parametrize(("path", "layer", "category", "cause"), LIVE)
def test_a_live_file(path: str, layer: int, category: str, cause: str | None) -> None:
    found = of(image(HISTORY, [record(path, 10, layer)])).classes[0]
    assert (found.category, found.cause, found.billed_layer) == (category, cause, layer)


DEAD = [
    (record("a", 1, BASE, "deleted", BASE), "base-image", "fat-base-image", BASE),
    (record("a", 1, BASE, "deleted", APT), "deleted", "deleted-in-later-layer", APT),
    (record("app/a", 1, COPY, "deleted", CHOWN), "deleted", "deleted-in-later-layer", CHOWN),
    (record("app/a", 1, COPY, "overwritten_same", CHOWN), "overwritten", "copied-up-by-chown-chmod", CHOWN),
    (record("app/a", 1, COPY, "overwritten_same", FROM_STAGE), "overwritten", "duplicate-copy", FROM_STAGE),
    (record("app/a", 1, COPY, "overwritten_changed", FROM_STAGE), "overwritten", None, FROM_STAGE),
    (record("app/a", 1, COPY, "overwritten_changed", NPM), "overwritten", None, NPM),
    (record("app/node_modules/a", 1, COPY, "overwritten_changed", NPM), "overwritten", "host-node-modules-copied", NPM),
    (record("app/a", 1, COPY, "duplicate_entry", COPY), "overwritten", None, COPY),
]  # fmt: skip


@pytest.mark.parametrize(("file", "category", "cause", "billed"), DEAD)
def test_a_hidden_file(file: FileRecord, category: str, cause: str | None, billed: int) -> None:
    assert of(image(HISTORY, [file])).classes[0] == (category, cause, billed)


def test_a_file_that_a_chown_stored_again_points_at_what_brought_it() -> None:
    files = [record("app/.git/a", 5, COPY, "overwritten_same", CHOWN), record("app/.git/a", 5, CHOWN)]
    again = of(image(HISTORY, files)).classes[1]
    assert (again.cause, again.billed_layer) == ("junk-copied", COPY)


def test_also_under_another_of_its_hard_links() -> None:
    before = record("app/node_modules/a/bin", 5, NPM, "overwritten_same", CHOWN)._replace(checksum=b"same")
    after = record("app/node_modules/b/bin", 5, CHOWN)._replace(checksum=b"same")
    assert of(image(HISTORY, [before, after])).classes[1].billed_layer == NPM


def test_dev_or_production_is_what_npm_wrote_down() -> None:
    npm = (
        NpmPackage("jest", "1", "app/node_modules/jest", 1, True),
        NpmPackage("ms", "1", "app/node_modules/jest/node_modules/ms", 1, False),
        NpmPackage("plain", "1", "app/node_modules/plain", 1, None),
    )
    paths = ("jest/index.js", "jest/lib/x/y.js", "jest/node_modules/ms/index.js", "plain/index.js")
    files = [record(f"app/node_modules/{path}", 1, NPM) for path in paths]
    causes = [found.cause for found in of(image(HISTORY, files, npm=npm)).classes]
    assert causes == ["dev-deps-in-final", "dev-deps-in-final", None, None]


@pytest.mark.parametrize(
    ("folders", "workdir", "category"),
    [
        (["app"], "/app", "dev-dependencies"),
        (["app"], "", "dev-dependencies"),  # started elsewhere: the only place with packages is the service's
        (["app", "usr/local/lib"], "/run", "dev-dependencies"),
        (["app", "tool"], "/run", "production-dependencies"),  # which of the two is it?
    ],
)
def test_the_lock_file_says_it_where_the_image_does_not(
    tmp_path: Path, folders: list[str], workdir: str, category: str
) -> None:
    (tmp_path / "package.json").write_text('{"devDependencies": {"jest": "1.0.0"}}')
    (tmp_path / "package-lock.json").write_text(
        '{"lockfileVersion": 3, "packages": {"": {"devDependencies": {"jest": "1.0.0"}},'
        ' "node_modules/jest": {"version": "1.0.0", "dev": true}}}'
    )
    npm = tuple(NpmPackage("jest", "1.0.0", f"{folder}/node_modules/jest", 1, None) for folder in folders)
    built = image(HISTORY, [record("app/node_modules/jest/index.js", 1, NPM)], workdir=workdir, npm=npm)
    found = join(built, parse(DOCKERFILE.encode()), read_project(tmp_path))
    assert found.classes[0].category == category


def test_a_global_package_that_starts_the_service_is_needed() -> None:
    folder = "usr/local/lib/node_modules/pm2"
    files = [record(f"{folder}/bin/pm2-runtime", 1, NPM), record("usr/local/lib/node_modules/nodemon/x", 1, NPM)]
    links = {"usr/local/bin/pm2-runtime": "../lib/node_modules/pm2/bin/pm2-runtime"}
    built = image(HISTORY, files, links=links, command=("pm2-runtime", "server.js"))
    assert [found.cause for found in of(built).classes] == [None, "global-tools-in-final"]


PACKAGES = {
    # name: (asked for, depends, recommends, category, cause)
    "python3-dev": (True, ("libexpat1-dev",), ("g++",), "build-toolchain", "build-tools-in-final"),
    "libexpat1-dev": (False, (), (), "build-toolchain", "build-tools-in-final"),
    "g++": (False, ("libstdc++",), (), "build-toolchain", "build-tools-in-final"),
    "libstdc++": (False, (), (), "build-toolchain", "build-tools-in-final"),
    "git": (True, ("liberror-perl", "libssl"), ("less",), "system-packages", "download-tools-in-final"),
    "liberror-perl": (False, (), (), "system-packages", "download-tools-in-final"),
    "imagemagick": (True, ("libssl",), ("ghostscript",), "system-packages", None),
    "libssl": (False, (), (), "system-packages", None),
    "ghostscript": (False, (), (), "system-packages", "apt-recommends"),
}


@pytest.mark.parametrize("name", PACKAGES)
def test_a_system_package_is_what_somebody_asked_for(name: str) -> None:
    system = tuple(
        SystemPackage("dpkg", package, "1", package, 1, APT, not asked, depends, recommends)
        for package, (asked, depends, recommends, _, _) in PACKAGES.items()
    )
    path = f"usr/lib/{name}/file"
    found = of(image(HISTORY, [record(path, 1, APT)], system=system, owners={path: name})).classes[0]
    assert (found.category, found.cause) == PACKAGES[name][3:]


def test_python_compiled_by_an_installation_belongs_to_its_package() -> None:
    owners = {"usr/lib/python3/x.py": "mercurial"}
    system = (SystemPackage("dpkg", "mercurial", "1", "x", 1, APT, False, (), ()),)
    built = image(
        HISTORY, [record("usr/lib/python3/__pycache__/x.cpython-311.pyc", 1, APT)], owners=owners, system=system
    )
    assert of(built).classes[0].category == "system-packages"


def test_the_rows_add_up_to_the_image() -> None:
    files = [record(path, size, layer) for size, (path, layer, _, _) in enumerate(LIVE, 1)]
    found = of(image(HISTORY, [*files, *(case[0] for case in DEAD)]))
    assert found.image is not None
    assert sum(row.bytes for row in found.composition) == found.image.sizes.unpacked_bytes
    keys = [(row.category, row.cause) for row in found.composition]
    assert len(keys) == len(set(keys))
    assert [row.bytes for row in found.composition] == sorted((row.bytes for row in found.composition), reverse=True)


def test_what_a_build_reads_and_writes(tmp_path: Path) -> None:
    for name, text in {
        "package.json": '{"scripts": {"build": "tsc"}}',
        "tsconfig.json": '{"compilerOptions": {"outDir": "dist"}, "include": ["src"]}',
        "src/main.ts": "",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    paths = {
        "app/src/main.ts": (COPY, "sources"),
        "app/dist/main.js": (NPM, "build-output"),
        "app/dist/main.js.map": (NPM, "sources"),
        "app/views/index.hbs": (COPY, "application"),
    }
    built = image(HISTORY, [record(path, 1, layer) for path, (layer, _) in paths.items()])
    found = join(built, parse(DOCKERFILE.encode()), read_project(tmp_path))
    assert [kind.category for kind in found.classes] == [category for _, category in paths.values()]


def of(built: Image) -> Evidence:
    return join(built, parse(DOCKERFILE.encode()), None)


def test_what_the_build_and_the_service_read_is_no_mere_source(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"scripts": {"build": "tsc"}}')
    project = replace(
        read_project(tmp_path), build_inputs=("public", "src"), runtime_paths=(Fact("public", "src/app.ts"),)
    )
    built = image(HISTORY, [record("app/public/style.css", 1, COPY), record("app/src/a.txt", 1, COPY)])
    found = join(built, parse(DOCKERFILE.encode()), project)
    assert [kind.category for kind in found.classes] == ["application", "sources"]

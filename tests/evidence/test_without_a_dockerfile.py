"""What the image alone tells of its bytes: its history names the kind of each instruction, its command what it is for."""

import pytest
from evidence.small_images import image, record
from msgspec.structs import replace

from imageopt.evidence.join import join
from imageopt.image.model import FileRecord, LibraryPackage, SystemPackage

RUN, COPY, CLASSIC_COPY, CHOWN = range(4)
HISTORY = (
    "RUN |1 A=1 /bin/sh -c tar -xf node.tar -C /usr/local # buildkit",
    "COPY /usr/bin/composer.phar /usr/bin/composer # buildkit",
    "/bin/sh -c #(nop) COPY dir:0123 in /srv ",
    "/bin/sh -c useradd node && chown -R node /srv",
)

LIVE = [
    ("usr/local/bin/node", RUN, "application"),
    ("usr/local/include/node/v8.h", RUN, "build-toolchain"),
    ("usr/local/lib/libfoo.a", RUN, "build-toolchain"),
    ("usr/local/share/man/man1/node.1", RUN, "tests-and-docs"),
    ("usr/local/CHANGELOG.md", RUN, "tests-and-docs"),
    ("opt/yarn-v1.22.22/lib/cli.js", RUN, "application"),
    ("home/node/.bashrc", CHOWN, "system-packages"),
    ("home/node/.secret", CHOWN, "other"),
    ("data/what-is-this", RUN, "other"),
    ("usr/bin/composer", COPY, "application"),
    ("srv/main.js", CLASSIC_COPY, "application"),
    ("srv/.git/HEAD", CLASSIC_COPY, "vcs"),
]


@pytest.mark.parametrize(("path", "layer", "category"), LIVE)
def test_a_live_file(path: str, layer: int, category: str) -> None:
    found = join(image(HISTORY, [record(path, 10, layer)], workdir=""), None, None).classes[0]
    assert (found.category, found.billed_layer) == (category, layer)


@pytest.mark.parametrize(
    ("file", "cause"),
    [
        (record("srv/a", 5, CLASSIC_COPY, "overwritten_same", CHOWN), "copied-up-by-chown-chmod"),
        (record("srv/a", 5, COPY, "overwritten_same", CLASSIC_COPY), "duplicate-copy"),
        (record("srv/a", 5, COPY, "overwritten_changed", CLASSIC_COPY), None),
        (record("srv/a", 5, RUN, "deleted", CHOWN), "deleted-in-later-layer"),
    ],
)
def test_a_hidden_file(file: FileRecord, cause: str | None) -> None:
    assert join(image(HISTORY, [file]), None, None).classes[0].cause == cause


def test_a_history_that_was_lost_tells_nothing() -> None:
    found = join(image((None,), [record("usr/bin/composer", 10, 0)]), None, None).classes[0]
    assert found.category == "other"


PIP = LibraryPackage("python", "flask", "3", "usr/lib/site-packages/flask-3.dist-info", 1, 0, None, "", ())
DEBIAN = replace(PIP, provided_by="python3-flask")


@pytest.mark.parametrize(
    ("command", "library", "categories"),
    [
        (("node", "main.js"), None, ("build-toolchain", "build-toolchain", "build-toolchain")),
        (("node", "main.js"), DEBIAN, ("build-toolchain", "build-toolchain", "build-toolchain")),
        (("node", "main.js"), PIP, ("system-packages", "system-packages", "build-toolchain")),
        (("/usr/bin/python3.11", "-m", "app"), None, ("system-packages", "system-packages", "build-toolchain")),
        (("sh", "-c", "exec gunicorn app"), None, ("system-packages", "system-packages", "build-toolchain")),
    ],
)
def test_python_is_a_tool_only_where_nothing_runs_it(
    command: tuple[str, ...], library: LibraryPackage | None, categories: tuple[str, ...]
) -> None:
    names = {"python3": (), "libexpat1": (), "python3-dev": ("python3",)}
    system = tuple(
        SystemPackage("dpkg", name, "1", name, 1, 0, name == "libexpat1", depends or ("libexpat1",), ())
        for name, depends in names.items()
    )
    files = [record(f"usr/lib/{name}/x", 1, 0) for name in names]
    built = image(HISTORY, files, command=command, system=system, owners={f"usr/lib/{name}/x": name for name in names})
    built = replace(built, packages=replace(built.packages, libraries=(library,) if library else ()))
    assert tuple(kind.category for kind in join(built, None, None).classes) == categories

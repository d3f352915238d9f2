"""Node alone on the Linux below its image: what is copied onto it, and what keeps the package managers there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import pytest
from evidence.small_images import image, record
from msgspec.structs import replace

from imageopt.image.model import Image, SystemPackage
from imageopt.project.read import read_project
from imageopt.rewrite.bare import BareBase, bare_base, without_managers
from imageopt.rewrite.model import FileChange, Rewrite, Transformed

ALPINE = BareBase("alpine:3.22", ("usr/lib/libstdc++.so.6",), (("NODE_EXTRA_CA_CERTS", "/a.crt"),), 20)
DEBIAN = BareBase("debian:bookworm-slim", (), (), 30)
STAGES = """\
FROM node:22 AS build
RUN npm ci

FROM node:22-alpine
WORKDIR /app
COPY --from=build --chown=node:node /app ./
USER node
CMD ["node", "server.js"]
"""


def rewrite(after: str, predicted: int | None = 100) -> Rewrite:
    changes = (FileChange("Dockerfile", b"", after.encode()), FileChange(".dockerignore", None, b"x\n"))
    return Rewrite("proposed", changes, (), (), predicted, "exact", ())


def stripped(root: Path, after: str = STAGES, base: BareBase | str = ALPINE, **files: str) -> Rewrite | str:
    (root / "package.json").write_text("{}")
    for name, text in files.items():
        (root / name.replace("__", ".")).write_text(text)
    return without_managers(rewrite(after), "Dockerfile", read_project(root), base)


def test_node_and_what_it_needs_come_onto_alpine(tmp_path: Path) -> None:
    found = stripped(tmp_path)
    assert isinstance(found, Rewrite)
    assert found.changes[0].after.decode() == STAGES.replace(
        "FROM node:22-alpine\n",
        """\
FROM alpine:3.22
# Node alone: nothing here calls a package manager
COPY --from=node:22-alpine /usr/local/bin/node /usr/local/bin/docker-entrypoint.sh /usr/local/bin/
COPY --from=node:22-alpine /usr/lib/libstdc++.so.6 /usr/lib/
RUN addgroup -g 1000 node && adduser -u 1000 -G node -s /bin/sh -D node
ENV NODE_EXTRA_CA_CERTS=/a.crt
ENTRYPOINT ["docker-entrypoint.sh"]
""",
    )
    assert found.changes[1] == rewrite(STAGES).changes[1]
    assert (found.predicted_bytes, found.transformed[-1].predicted_bytes) == (120, 20)


def test_debian_has_its_libraries_and_a_root_service_needs_no_user(tmp_path: Path) -> None:
    plain = 'FROM node:22-slim\r\nCOPY a.js ./\r\nENTRYPOINT ["node", "a.js"]\r\n'
    found = stripped(tmp_path, plain, DEBIAN)
    assert isinstance(found, Rewrite)
    assert found.changes[0].after.decode().splitlines(keepends=True)[:3] == [
        "FROM debian:bookworm-slim\r\n",
        "# Node alone: nothing here calls a package manager\r\n",
        "COPY --from=node:22-slim /usr/local/bin/node /usr/local/bin/docker-entrypoint.sh /usr/local/bin/\r\n",
    ]
    assert b"RUN" not in found.changes[0].after


@pytest.mark.parametrize(
    ("old", "new", "files", "reason"),
    [
        ('["node", "server.js"]', '["npm", "start"]', {}, "it is not started with node alone"),
        ('["node", "server.js"]', "node server.js", {}, "it is not started with node alone"),
        ("USER node", 'ENTRYPOINT ["./start.sh"]', {}, "it is not started with node alone"),
        ("USER node", "RUN yarn cache clean", {}, "line 7: RUN calls yarn"),
        ("USER node", "HEALTHCHECK CMD npx probe", {}, "line 7: HEALTHCHECK calls npx"),
        ("FROM node:22-alpine", "FROM build", {}, "line 4: the image it is built on is not named there"),
        ("FROM node:22-alpine", "FROM node:$V", {}, "line 4: the image it is built on is not named there"),
        ("", "", {"compose__yaml": "services:\n  a:\n    build: .\n    command: npm run migrate\n"},
         "compose.yaml:4 calls npm"),
        ("", "", {"index__js": "require('child_process').execFile('npm', ['ls']);\n"}, "index.js:1: it starts npm"),
    ],
)  # fmt: skip
def test_what_keeps_the_package_managers(
    tmp_path: Path, old: str, new: str, files: Mapping[str, str], reason: str
) -> None:
    assert stripped(tmp_path, STAGES.replace(old, new) if old else STAGES, **files) == reason


def test_a_word_in_a_path_is_no_call(tmp_path: Path) -> None:
    assert isinstance(
        stripped(tmp_path, STAGES.replace("USER node", "RUN rm -rf /root/.npm /opt/yarn-1\nUSER node")), Rewrite
    )


def test_without_a_known_base_or_a_changed_dockerfile_nothing_is_done(tmp_path: Path) -> None:
    assert stripped(tmp_path, base="it is not at hand") == "it is not at hand"
    other = replace(rewrite(STAGES), changes=rewrite(STAGES).changes[1:])
    assert without_managers(other, "Dockerfile", read_project(tmp_path), ALPINE) == "its Dockerfile stays as it is"


def test_a_site_has_no_package_managers(tmp_path: Path) -> None:
    site = replace(rewrite(STAGES), transformed=(Transformed("static-site", "verify", "", (), None),))
    assert without_managers(site, "Dockerfile", read_project(tmp_path), ALPINE) == "there is no package manager in it"


def test_what_was_not_predicted_stays_so(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text("{}")
    found = without_managers(rewrite(STAGES, None), "Dockerfile", read_project(tmp_path), ALPINE)
    assert isinstance(found, Rewrite)
    assert found.predicted_bytes is None


def node_image(manager: Literal["dpkg", "apk"], package: str, version: str) -> Image:
    files = [
        record("lib/libc.so", 5, 0),
        record("usr/local/bin/node", 100, 1),
        record("usr/lib/libstdc++.so.6.0.32", 7, 1),
        record("usr/local/lib/node_modules/npm/a.js", 40, 1),
    ]
    system = (SystemPackage(manager, package, version, package, 1, 0, False, (), ()),)
    return image(["base", "node"], files, system=system, env=("PATH=/bin", "NODE_VERSION=22.1.0", "A=b=c"))


def test_what_lies_below_a_node_image() -> None:
    assert bare_base(node_image("apk", "alpine-release", "3.22.1-r0")) == BareBase(
        "alpine:3.22", ("usr/lib/libstdc++.so.6", "usr/lib/libgcc_s.so.1"), (("A", "b=c"),), 40
    )
    assert bare_base(node_image("dpkg", "base-files", "12.4+deb12u7")) == BareBase(
        "debian:bookworm-slim", (), (("A", "b=c"),), 47
    )


@pytest.mark.parametrize("version", ["9.9+deb9u1", ""])
def test_another_linux_is_not_guessed(version: str) -> None:
    assert isinstance(bare_base(node_image("dpkg", "base-files", version)), str)

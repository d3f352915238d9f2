"""Real builders, real histories: every layer must be given to its own line."""

import os
import shutil
import subprocess
import tarfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from imageopt.dockerfile import parse
from imageopt.evidence.join import join
from imageopt.evidence.model import Evidence
from imageopt.image.load import load_image
from imageopt.source.reference import parse_reference

BELOW = """\
ARG TAG=latest
FROM alpine:${TAG} AS tools
RUN echo tools > /tools

"""
COMMON = """\
FROM alpine:${TAG} AS common
ARG WORDS="a b c"
RUN echo common > /common
WORKDIR /app

FROM common AS app
ARG VERSION=1.0
ENV TARGET=/srv/data NAME="two words"
RUN echo $VERSION > /version
COPY . .
COPY --from=tools /tools ./tools
ADD data.txt $TARGET/
ADD archive.tar /unpacked/
COPY ["data.txt", "/with space/"]
RUN echo one && \\
    # a comment between
    echo two > /two
RUN ["touch", "/exec"]
LABEL a=b
RUN echo again >> /again
USER root
RUN echo again >> /again
SHELL ["/bin/ash", "-ec"]
RUN echo "quoted 'twice'" > /quoted
WORKDIR sub
EXPOSE 80
CMD ["true"]
"""
BUILDKIT_ONLY = """\
RUN <<EOF
set -e
echo heredoc > /heredoc
EOF
RUN <<EOF cat > /given
to a command
EOF
RUN <<EOF
#!/bin/sh
echo interpreter > /interpreter
EOF
COPY --chown=1000:1000 --chmod=644 data.txt /owned
COPY --link --from=0 /tools /linked
RUN --mount=type=cache,target=/cache echo mounted > /mounted
COPY <<note.txt data.txt /notes/
inline
note.txt
"""
BUILDAH = """\
FROM alpine:latest AS app
ARG VERSION=1.0
ENV TARGET=/srv
RUN echo $VERSION > /version
COPY . .
COPY --from=tools /tools ./tools
ADD data.txt $TARGET/
RUN ["touch", "/exec"]
RUN --mount=type=cache,target=/cache echo again >> /again
RUN --mount=type=cache,target=/cache echo again >> /again
WORKDIR sub
CMD ["true"]
"""
ABOVE = """\

FROM app AS later
RUN echo later > /later
"""
ARGUMENTS = ("--build-arg", "VERSION=2.0", "--target", "app")


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "data.txt").write_text("data\n")
    with tarfile.open(folder / "archive.tar", "w") as archive:
        archive.add(folder / "data.txt", "packed.txt")
    return folder


@pytest.fixture
def tag(engine: str) -> Iterator[str]:
    name = f"imageopt-evidence-test:{uuid.uuid4().hex[:12]}"
    yield name
    subprocess.run(["docker", "image", "rm", "--force", name], capture_output=True, check=False, timeout=60)


@pytest.mark.engine
@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_each_layer_has_its_line(builder: str, tag: str, context: Path) -> None:
    text = BELOW + COMMON + (BUILDKIT_ONLY if builder == "buildkit" else "") + ABOVE
    (context / "Dockerfile").write_text(text)
    kind = {"DOCKER_BUILDKIT": "1" if builder == "buildkit" else "0"}
    run("docker", "build", "--quiet", "--network", "none", *ARGUMENTS, "--tag", tag, str(context), **kind)
    found = evidence(f"docker:{tag}", text)
    assert lines(found) == lines_of(text, ("RUN", "COPY", "ADD", "WORKDIR"))
    assert (found.base.layers, found.base.decided_by, found.base.reference) == (1, "history", "alpine:latest")


class Buildah:
    """buildah with a store of its own, whose only image is the engine's alpine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        run("docker", "save", "alpine:latest", "--output", str(folder / "alpine.tar"))
        self("pull", f"docker-archive:{folder / 'alpine.tar'}")

    def __call__(self, verb: str, *arguments: str) -> None:
        # vfs lies on any file system; overlay does not lie on the overlay that a container's temporary folder is on
        store = ("--storage-driver", "vfs", "--root", str(self.folder / "store"), "--runroot", str(self.folder / "run"))
        run("buildah", *store, verb, "--quiet", "--signature-policy", str(self.folder / "policy.json"), *arguments)

    def build(self, text: str, context: Path, *options: str) -> Evidence:
        (context / "Dockerfile").write_text(text)
        self("build", "--pull-never", "--isolation", "chroot", *options, *ARGUMENTS, "--tag", "made", str(context))
        archive = self.folder / f"{uuid.uuid4().hex}.tar"
        self("push", "made", f"docker-archive:{archive}")
        return evidence(f"docker-archive:{archive}", text)


@pytest.fixture(scope="module")
def buildah(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Buildah:
    if shutil.which("buildah") is None:
        pytest.skip("no buildah: the bed installs it, an engine of one's own may have none")
    if os.geteuid() != 0:
        pytest.skip("buildah's chroot isolation needs root here")
    folder = tmp_path_factory.mktemp("buildah")
    return Buildah(folder)


@pytest.mark.engine
def test_each_layer_of_buildahs_has_its_line(buildah: Buildah, context: Path) -> None:
    text = BELOW + BUILDAH + ABOVE
    found = buildah.build(text, context, "--layers")
    assert lines(found) == lines_of(text, ("RUN", "COPY", "ADD"))  # a folder comes with the next layer
    assert (found.base.layers, found.base.decided_by) == (1, "history")


@pytest.mark.engine
def test_buildahs_one_layer_for_a_stage_has_no_line(buildah: Buildah, context: Path) -> None:
    text = "FROM alpine:latest AS app\nRUN echo a > /a\nCOPY . .\nCMD true\n"
    assert lines(buildah.build(text, context, "--layers=false")) == [None]
    text = "FROM alpine:latest AS app\nENV A=1\nCOPY . .\nCMD true\n"
    assert lines(buildah.build(text, context, "--layers=false")) == [3]


def run(*command: str, **environment: str) -> None:
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr


def evidence(reference: str, text: str) -> Evidence:
    image = load_image(parse_reference(reference))
    return join(image, parse(text.encode()), None, target="app", build_args={"VERSION": "2.0"})


def lines(found: Evidence) -> list[int | None]:
    """The line of each layer that is not the base's."""
    return [origin.instruction.line if origin else None for origin in found.origins if not (origin and origin.base)]


def lines_of(text: str, keywords: tuple[str, ...]) -> list[int]:
    """The lines of the target's stages that begin with one of the keywords."""
    first, last = BELOW.count("\n"), text.removesuffix(ABOVE).count("\n")
    return [
        number
        for number, line in enumerate(text.splitlines(), 1)
        if first < number <= last and line.split(" ")[0] in keywords
    ]

"""Real builders, real histories: every layer must be given to its own line."""

import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from imageopt.dockerfile import parse
from imageopt.evidence.join import join
from imageopt.image.load import load_image
from imageopt.source.reference import parse_reference

COMMON = """\
ARG TAG=latest
FROM alpine:${TAG} AS tools
RUN echo tools > /tools

FROM alpine:${TAG}
ARG VERSION=1.0
ARG WORDS="a b c"
ENV TARGET=/srv/data NAME="two words"
RUN echo $VERSION > /version
WORKDIR /app
COPY . .
COPY --from=tools /tools ./tools
ADD data.txt $TARGET/
RUN echo one && \\
    # a comment between
    echo two > /two
RUN ["touch", "/exec"]
USER root
SHELL ["/bin/ash", "-ec"]
RUN echo "quoted 'twice'" > /quoted
RUN mkdir -p /empty
WORKDIR sub
EXPOSE 80
CMD ["true"]
"""
BUILDKIT_ONLY = """\
RUN <<EOF
set -e
echo heredoc > /heredoc
EOF
COPY --chown=1000:1000 --chmod=644 data.txt /owned
RUN --mount=type=cache,target=/cache echo mounted > /mounted
COPY <<note.txt /notes/
inline
note.txt
"""


@pytest.fixture
def tag(engine: str) -> Iterator[str]:
    name = f"imageopt-evidence-test:{uuid.uuid4().hex[:12]}"
    yield name
    subprocess.run(["docker", "image", "rm", "--force", name], capture_output=True, check=False, timeout=60)


@pytest.mark.engine
@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_each_layer_has_its_line(builder: str, tag: str, tmp_path: Path) -> None:
    text = COMMON + (BUILDKIT_ONLY if builder == "buildkit" else "")
    (tmp_path / "Dockerfile").write_text(text)
    (tmp_path / "data.txt").write_text("data\n")
    command = ["docker", "build", "--quiet", "--build-arg", "VERSION=2.0", "--tag", tag, str(tmp_path)]
    kind = {"DOCKER_BUILDKIT": "1" if builder == "buildkit" else "0"}
    built = subprocess.run(
        command, env={**os.environ, **kind}, capture_output=True, text=True, check=False, timeout=300
    )
    assert built.returncode == 0, built.stderr
    image = load_image(parse_reference(f"docker:{tag}"))
    found = join(image, parse(text.encode()), None, build_args={"VERSION": "2.0"})
    assert found.base.decided_by == "history"
    own = [
        (origin.instruction.line if origin else None, layer.created_by)
        for layer, origin in zip(image.layers, found.origins, strict=True)
        if origin is None or not origin.base
    ]
    makers = [i.line for i in parse(text.encode()).stages[-1].instructions if i.keyword in ("RUN", "COPY", "ADD")]
    lines = [line for line, _ in own]
    assert None not in lines, own
    assert [line for line in lines if line in makers] == makers
    assert lines == sorted(line or 0 for line in lines)

"""Which instruction made which layer: the spellings of the builders, and what must stay unknown."""

import pytest
from evidence.small_images import image

from imageopt.dockerfile import parse
from imageopt.evidence.join import join
from imageopt.evidence.model import Evidence

SPELLINGS = [
    ("BuildKit", "RUN npm install", "RUN /bin/sh -c npm install # buildkit"),
    ("BuildKit, build argument", "ARG V\nRUN npm install", "RUN |1 V=1 /bin/sh -c npm install # buildkit"),
    ("BuildKit, argument with spaces", "ARG V\nRUN make", "RUN |1 V=a b c /bin/sh -c make # buildkit"),
    ("BuildKit, other shell", 'SHELL ["/bin/bash", "-ec"]\nRUN make', "RUN /bin/bash -ec make # buildkit"),
    ("BuildKit, continued", "RUN a && \\\n    b", "RUN /bin/sh -c a &&     b # buildkit"),
    ("BuildKit, exec form", 'RUN ["make", "all"]', "RUN make all # buildkit"),
    ("BuildKit, exec form, argument", 'ARG V\nRUN ["make", "all"]', "RUN |1 V=1 make all # buildkit"),
    ("BuildKit, heredoc", "RUN <<EOF\nset -e\nmake\nEOF", "RUN /bin/sh -c set -e\nmake\n # buildkit"),
    ("BuildKit, mount", "RUN --mount=type=cache,target=/c npm ci", "RUN /bin/sh -c npm ci # buildkit"),
    ("BuildKit", "COPY . .", "COPY . . # buildkit"),
    ("BuildKit, from a stage", "COPY --from=x /app/dist ./dist", "COPY /app/dist ./dist # buildkit"),
    ("BuildKit, owner", "COPY --chown=node:node a b /c/", "COPY --chown=node:node a b /c/ # buildkit"),
    ("BuildKit, variable", "ENV D=/srv\nCOPY a $D", "COPY a /srv # buildkit"),
    ("BuildKit", "ADD a.tar /", "ADD a.tar / # buildkit"),
    ("BuildKit", "WORKDIR /app", "WORKDIR /app"),
    ("BuildKit, relative", "WORKDIR /a\nWORKDIR b", "WORKDIR /a/b"),
    ("classic", "RUN npm install", "/bin/sh -c npm install"),
    ("classic", "COPY . .", "/bin/sh -c #(nop) COPY dir:0123abcd in . "),
    ("classic, file", "COPY a /b/", "/bin/sh -c #(nop) COPY file:0123abcd in /b/ "),
    ("classic, other shell", 'SHELL ["/bin/ash", "-ec"]\nWORKDIR /a', "/bin/ash -ec #(nop) WORKDIR /a"),
    ("classic, argument", "ARG V\nRUN make", "|1 V=1 /bin/sh -c make"),
    ("buildah", "RUN npm install", "/bin/sh -c npm install"),
    ("kaniko", "RUN npm install", "RUN npm install"),
    ("kaniko", "COPY . .", "COPY . ."),
]


@pytest.mark.parametrize(("builder", "text", "created_by"), SPELLINGS)
def test_a_layer_is_given_to_its_instruction(builder: str, text: str, created_by: str) -> None:
    found = joined(f"FROM debian\n{text}\n", "base", created_by)
    assert found.dockerfile is not None
    last = found.dockerfile.instructions[-1]
    assert [origin and origin.instruction for origin in found.origins] == [found.dockerfile.instructions[0], last], (
        builder
    )
    assert found.base.layers == 1


@pytest.mark.parametrize(
    ("text", "created_by"),
    [
        ("RUN npm install", "RUN /bin/sh -c npm ci # buildkit"),
        ("RUN install", "RUN /bin/sh -c npm install # buildkit"),
        ("COPY . .", "COPY src . # buildkit"),
        ("COPY . .", "ADD . . # buildkit"),
        ("COPY a $UNKNOWN", "COPY a /srv # buildkit"),
        ('RUN ["make"]', "RUN /bin/sh -c make clean # buildkit"),
    ],
)
def test_another_text_is_no_match(text: str, created_by: str) -> None:
    found = joined(f"FROM debian\n{text}\n", "base", created_by)
    assert lines(found)[-1] is None
    assert found.base.decided_by != "history"


def test_the_stages_below_belong_to_the_author() -> None:
    found = joined(
        "FROM debian AS common\nRUN a\nFROM common\nRUN b\n",
        "base", "base 2", "RUN /bin/sh -c a # buildkit", "RUN /bin/sh -c b # buildkit",
    )  # fmt: skip
    assert lines(found) == [1, 1, 2, 4]
    assert [origin.base for origin in found.origins if origin] == [True, True, False, False]
    assert found.base.reference == "debian"


def test_the_target_is_what_was_built() -> None:
    text = "FROM debian AS one\nRUN a\nFROM alpine AS two\nRUN b\n"
    found = join(image(["base", "RUN /bin/sh -c a # buildkit"]), parse(text.encode()), None, target="one")
    assert lines(found) == [1, 2]


def test_a_workdir_makes_a_layer_only_at_times() -> None:
    text = "FROM node\nWORKDIR /app\nRUN a\nWORKDIR /app\nRUN b\n"
    assert lines(joined(text, "base", "RUN /bin/sh -c a # buildkit", "RUN /bin/sh -c b # buildkit")) == [1, 3, 5]


def test_an_edited_line_keeps_its_neighbours_only_where_they_are_unique() -> None:
    text = "FROM debian\nRUN a\nRUN edited\nRUN b\nRUN b\n"
    found = joined(text, "base", *(f"RUN /bin/sh -c {command} # buildkit" for command in ("a", "old", "b", "b")))
    assert lines(found) == [None, 2, None, 4, 5]
    assert found.base.layers is None


def test_without_history_nothing_is_known() -> None:
    found = join(image([None, None]), parse(b"FROM debian\nRUN a\n"), None)
    assert lines(found) == [None, None]
    assert found.base.decided_by == "unknown"


def test_without_a_dockerfile_there_are_no_lines() -> None:
    assert lines(join(image(["a", "b"]), None, None)) == [None, None]


def test_without_an_image_there_are_no_layers() -> None:
    found = join(None, parse(b"FROM debian\n"), None)
    assert (found.origins, found.classes, found.composition) == ((), (), ())


def joined(text: str, *history: str) -> Evidence:
    return join(image(history), parse(text.encode()), None)


def lines(found: Evidence) -> list[int | None]:
    return [origin.instruction.line if origin else None for origin in found.origins]

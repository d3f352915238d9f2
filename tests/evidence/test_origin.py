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
    ("classic", "RUN npm install", "/bin/sh -c npm install"),
    ("classic", "COPY . .", "/bin/sh -c #(nop) COPY dir:0123abcd in . "),
    ("classic, file", "COPY a /b/", "/bin/sh -c #(nop) COPY file:0123abcd in /b/ "),
    ("classic, other shell", 'SHELL ["/bin/ash", "-ec"]\nWORKDIR /a', "/bin/ash -ec #(nop) WORKDIR /a"),
    ("classic, argument", "ARG V\nRUN make", "|1 V=1 /bin/sh -c make"),
    ("buildah", "RUN npm install", "/bin/sh -c npm install"),
    ("kaniko", "RUN npm install", "RUN npm install"),
    ("kaniko", "COPY . .", "COPY . ."),
    ("BuildKit, heredoc to a command", "RUN <<A cat > /x\nhi\nA", "RUN /bin/sh -c <<A cat > /x\nhi\nA # buildkit"),
    ("BuildKit, heredoc with interpreter", "RUN <<A\n#!/bin/sh\nb\nA", "RUN /bin/sh -c /dev/pipes/A # buildkit"),
    ("BuildKit, heredoc with tabs", "RUN <<-A\n\tb\n\tA", "RUN /bin/sh -c b\n # buildkit"),
    ("BuildKit, heredoc copied", "COPY <<A b /c/\nhi\nA", "COPY b <<A /c/ # buildkit"),
    ("BuildKit, option of the shell", "RUN make", "RUN /bin/bash -o pipefail -c make # buildkit"),
    ("BuildKit, mark in the command", 'RUN echo "# buildkit"', 'RUN /bin/sh -c echo "# buildkit" # buildkit'),
    ("BuildKit, owner and mode", "COPY --chmod=644 --chown=1 a b", "COPY --chown=1 --chmod=644 a b # buildkit"),
    ("BuildKit, owner by variable", "ENV U=7\nCOPY --chown=$U a b", "COPY --chown=7 a b # buildkit"),
    ("BuildKit, path with a space", 'COPY ["a b", "/c d/"]', "COPY a b /c d/ # buildkit"),
    ("BuildKit, link", "COPY --link a b", "COPY a b # buildkit"),
    ("BuildKit, from an image", "COPY --from=nginx:1 /a /b", "COPY /a /b # buildkit"),
    ("BuildKit, address", "ADD https://example.org/a.tgz /", "ADD https://example.org/a.tgz / # buildkit"),
    ("BuildKit, repository", "ADD https://example.org/a.git#v1 /a", "ADD https://example.org/a.git#v1 /a # buildkit"),
    ("BuildKit, platform", "ARG TARGETARCH\nCOPY a-$TARGETARCH /a", "COPY a-amd64 /a # buildkit"),
    ("BuildKit, below the base's folder", "WORKDIR sub", "WORKDIR /base/sub"),
    ("classic, several", "COPY a b /c/", "/bin/sh -c #(nop) COPY multi:0123abcd in /c/ "),
    ("classic, exec form, argument", 'ARG V=1\nRUN ["make", "all"]', "|1 V=1 make all"),
    ("buildah, exec form", 'RUN ["make", "all"]', '/bin/sh -c ["make", "all"]'),
    ("buildah, its own shell", 'SHELL ["/bin/ash", "-ec"]\nRUN make', "/bin/sh -c make"),
    ("buildah, variable", "ENV D=/srv\nADD a $D/", "/bin/sh -c #(nop) ADD file:0123abcd in $D/ "),
    ("buildah, folder as written", "ENV D=/srv\nWORKDIR $D/x", "/bin/sh -c #(nop) WORKDIR $D/x"),
    ("buildah, mount", "RUN --mount=type=cache,target=/c npm ci", "/bin/sh -c --mount=type=cache,target=/c npm ci"),
    ("buildah, argument with spaces", 'ARG W="a b"\nRUN make', "|2 W=a b /bin/sh -c make"),
    ("buildah, link", "COPY --link a /b", "/bin/sh -c #(nop) COPY --link file:0123abcd in /b      "),
    ("buildah, heredoc", "RUN <<A\nset -e\nmake\nA", "/bin/sh -c <<A\nset -e\nmake"),
    ("buildah, note", "RUN make", "/bin/sh -c make|unsetLabel=a|force-mtime=0"),
    ("kaniko, as written", "ENV D=/srv\nCOPY --from=x --chown=1 /a $D", "COPY --from=x --chown=1 /a $D"),
    ("kaniko, exec form", 'RUN ["make", "all"]', 'RUN ["make", "all"]'),
    ("kaniko, folder as written", "WORKDIR sub", "WORKDIR sub"),
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
        ('RUN ["b"]', "RUN |1 V=1 a b # buildkit"),
        ("RUN install", "RUN /bin/sh -c su user /bin/sh -c install # buildkit"),
        ("RUN install", "RUN /bin/sh -c /bin/sh -c install # buildkit"),
        ("COPY a b", "COPY --chown=node a b # buildkit"),
        ("COPY --chown=node a b", "COPY a b # buildkit"),
        ("COPY a /b", "/bin/sh -c #(nop) COPY file:0123abcd in /c "),
        ("COPY", "COPY # buildkit"),
        ("WORKDIR sub", "WORKDIR /base/other"),
        ("WORKDIR $UNKNOWN", "WORKDIR /srv"),
        ("RUN make", "/bin/sh -c #(nop) RUN make"),
        ("RUN <<A cat\nhi\nA", "RUN /bin/sh -c <<A cat\nho\nA # buildkit"),
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


def test_a_workdir_makes_a_layer_only_at_times_with_kaniko() -> None:
    text = "FROM node\nWORKDIR /app\nRUN a\nWORKDIR /app\nRUN b\n"
    assert lines(joined(text, "base", "RUN a", "RUN b")) == [1, 3, 5]
    told = joined(text, "base", "RUN /bin/sh -c a # buildkit", "RUN /bin/sh -c b # buildkit")
    assert lines(told) == [None, 3, 5]  # BuildKit would have said so
    assert lines(joined("FROM node\nWORKDIR /a\nWORKDIR b\n", "base", "WORKDIR /a", "WORKDIR /a/b")) == [1, 2, 3]
    assert lines(joined("FROM node\nWORKDIR /a\n", "base", "RUN /bin/sh -c a # buildkit")) == [None, None]


def test_an_edited_line_keeps_its_neighbours_only_where_they_are_unique() -> None:
    text = "FROM debian\nRUN a\nRUN edited\nRUN b\nRUN b\n"
    found = joined(text, "base", *(f"RUN /bin/sh -c {command} # buildkit" for command in ("a", "old", "b", "b")))
    assert lines(found) == [None, 2, None, 4, 5]
    assert found.base.layers is None


def test_a_line_that_stands_twice_has_no_layer_if_one_is_missing() -> None:
    assert lines(joined("FROM debian\nRUN b\nRUN b\n", "base", "RUN /bin/sh -c b # buildkit")) == [None, None]
    both = joined("FROM debian\nRUN b\nRUN b\n", "base", *["RUN /bin/sh -c b # buildkit"] * 2)
    assert lines(both) == [1, 2, 3]


def test_what_makes_no_layer_tells_two_equal_lines_apart() -> None:
    text = "FROM debian\nRUN b\nENV A=1\nRUN b\n"
    assert lines(joined(text, "base", "empty:ENV A=1", "RUN /bin/sh -c b # buildkit"))[-1] == 4
    assert lines(joined(text, "base", "RUN /bin/sh -c b # buildkit", "empty:ENV A=1"))[-1] == 2


def test_a_command_that_changed_nothing_has_no_layer_with_the_classic_builder() -> None:
    text = "FROM debian\nRUN a\nRUN true\nRUN b\n"
    found = joined(text, "base", "/bin/sh -c a", "empty:/bin/sh -c true", "/bin/sh -c b")
    assert (lines(found), found.base.layers) == ([1, 2, 4], 1)


def test_buildah_makes_one_layer_of_a_stage_and_it_has_no_line() -> None:
    text = "FROM debian\nRUN a\nCOPY . .\nCMD b\n"
    history = ["base", "empty:/bin/sh -c a", "empty:/bin/sh -c #(nop) COPY dir:01 in . ", "/bin/sh -c #(nop) CMD b"]
    found = join(image(history, comments={3: "FROM docker.io/library/debian"}), parse(text.encode()), None)
    assert (lines(found), found.base.layers) == ([1, None], 1)


def test_buildahs_one_layer_has_the_line_of_the_only_instruction_that_makes_any() -> None:
    history = ["base", "empty:/bin/sh -c #(nop) COPY dir:01 in . ", "/bin/sh -c #(nop) CMD b"]
    text = b"FROM debian\nCOPY . .\nCMD b\n"
    found = join(image(history, comments={2: "FROM docker.io/library/debian"}), parse(text), None)
    assert lines(found) == [1, 2]


def test_a_squashed_image_has_no_lines() -> None:
    found = joined("FROM debian\nRUN a\nRUN b\n", "base", "empty:RUN a", "empty:RUN b", "")
    assert lines(found)[-1] is None


@pytest.mark.parametrize("count", [1, 3])
def test_a_history_of_another_length_than_the_layers_says_nothing(count: int) -> None:
    found = join(image(["base", "RUN a"], layer_count=count), parse(b"FROM debian\nRUN a\n"), None)
    assert (lines(found), found.base.decided_by) == ([None] * count, "unknown")


KANIKO = [  # recorded from published images: what kaniko wrote, and a Dockerfile that says it
    (
        (
            "FROM base\nWORKDIR /\nCOPY manager .\nRUN addgroup -S nonroot && adduser -S nonroot -G nonroot\n"
            'USER nonroot:nonroot\nENTRYPOINT ["/manager"]\n'
        ),
        ["apko", "COPY manager .", "RUN addgroup -S nonroot && adduser -S nonroot -G nonroot"],
        [1, 3, 4],
    ),
    (
        (
            "FROM alpine\nRUN mkdir /home/app && echo -n gem > /home/app/Gemfile\n"
            "RUN mkdir /home/app2 && echo -n pip > /home/app2/Pipfile\nRUN rm -rf /home/app && mv /home/app2 /home/app\n"
        ),
        [
            "/bin/sh -c #(nop) ADD file:0eb5ea35 in / ",
            'empty:/bin/sh -c #(nop)  CMD ["/bin/sh"]',
            "RUN mkdir /home/app && echo -n gem > /home/app/Gemfile",
            "RUN mkdir /home/app2 && echo -n pip > /home/app2/Pipfile",
            "RUN rm -rf /home/app && mv /home/app2 /home/app",
        ],
        [1, 2, 3, 4],
    ),
]


@pytest.mark.parametrize(("text", "history", "expected"), KANIKO)
def test_kaniko_leaves_out_what_makes_no_layer(text: str, history: list[str], expected: list[int]) -> None:
    found = joined(text, *history)
    assert (lines(found), found.base.layers) == (expected, 1)


def test_kanikos_single_snapshot_is_not_the_last_instructions() -> None:
    assert lines(joined("FROM debian\nRUN a\nRUN b\n", "base", "RUN b")) == [None, None]


def test_a_base_says_in_its_history_what_it_runs_in_whatever_builds_on_it() -> None:
    history = [
        "base",
        "empty:/bin/sh -c #(nop)  ONBUILD COPY . /app",
        "/bin/sh -c #(nop) COPY dir:01 in /app ",
        "/bin/sh -c b",
    ]
    found = joined("FROM onbuild\nRUN b\n", *history)
    assert (lines(found), found.base.layers) == ([1, 1, 2], 1)
    assert [origin.base for origin in found.origins if origin] == [True, False, False]


def test_a_trigger_of_the_same_file_has_its_own_line() -> None:
    text = "FROM debian AS a\nRUN x\nONBUILD RUN y\nFROM a\nRUN z\n"
    commands = (f"RUN /bin/sh -c {letter} # buildkit" for letter in "xyz")
    assert lines(joined(text, "base", *commands)) == [1, 2, 3, 5]


def test_a_variable_of_the_base_is_what_the_image_still_says() -> None:
    found = join(image(["base", "COPY a /srv # buildkit"], env=("D=/srv",)), parse(b"FROM x\nCOPY a $D\n"), None)
    assert lines(found) == [1, 2]
    changed = parse(b"FROM x\nCOPY a $D\nENV D=/srv\n")
    assert lines(join(image(["base", "COPY a /srv # buildkit"], env=("D=/srv",)), changed, None))[-1] is None


def test_the_shell_of_the_base_is_what_the_image_says() -> None:
    history = ["base", "RUN /busybox/env X=1 -c make # buildkit"]
    found = join(image(history, shell=("/busybox/env", "X=1", "-c")), parse(b"FROM x\nRUN make\n"), None)
    assert lines(found) == [1, 2]


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

"""How many layers are the base image's."""

import pytest
from evidence.small_images import image

from imageopt.dockerfile import parse
from imageopt.evidence.base import LayersOf
from imageopt.evidence.join import join
from imageopt.evidence.variants import has_slimmer_variant, split_reference


@pytest.mark.parametrize(
    ("history", "layers"),
    [
        (["base", "empty:CMD [\"node\"]", "COPY . . # buildkit"], 1),
        (["base", "empty:/bin/sh -c #(nop)  CMD [\"bash\"]", "mine", "empty:CMD [\"node\", \"x\"]"], 1),
        (["a", "empty:ENTRYPOINT [\"x\"]", "b", "empty:CMD [\"node\"]", "mine"], 2),
        (["base", "mine"], None),
    ],
)  # fmt: skip
def test_without_a_dockerfile_it_is_guessed(history: list[str], layers: int | None) -> None:
    base = join(image(history), None, None).base
    assert base.layers == layers
    assert base.decided_by == ("unknown" if layers is None else "guessed")


def test_a_dockerfile_that_changed_since_leaves_a_guess() -> None:
    history = ["base", 'empty:CMD ["node"]', "RUN /bin/sh -c old # buildkit"]
    found = join(image(history), parse(b"FROM node:20\nRUN new\n"), None)
    assert (found.base.layers, found.base.decided_by, found.base.reference) == (1, "guessed", "node:20")
    assert found.origins == (None, None)


def test_a_guess_never_takes_a_layer_that_is_known_to_be_the_authors() -> None:
    history = ["base", "RUN /bin/sh -c a # buildkit", 'empty:CMD ["node"]', "RUN /bin/sh -c old # buildkit"]
    found = join(image(history), parse(b"FROM node:20\nRUN a\nRUN new\n"), None)
    assert found.base.layers == 1


BUILT = ["base", "base 2", 'empty:CMD ["node"]', "RUN /bin/sh -c old # buildkit"]
OTHER = parse(b"FROM node:20\nRUN new\n")
LABELS = {
    "org.opencontainers.image.base.name": "docker.io/library/node:20",
    "org.opencontainers.image.base.digest": "sha256:0123",
}


def at_hand(reference: str, layers: int) -> LayersOf:
    """One image at hand, with the first layers of every small image."""
    names = tuple(layer.diff_id for layer in image(["a"] * layers).layers)
    return lambda asked: names if asked == reference else None


def test_the_image_that_from_names_is_compared_where_it_is_at_hand() -> None:
    found = join(image(BUILT), OTHER, None, layers_of=at_hand("node:20", 2)).base
    assert (found.layers, found.decided_by, found.reference) == (2, "compared", "node:20")
    argued = parse(b"ARG V=18\nFROM node:$V\nRUN new\n")
    assert join(image(BUILT), argued, None, build_args={"V": "20"}, layers_of=at_hand("node:20", 2)).base == found


@pytest.mark.parametrize("layers", [0, 4])
def test_an_image_that_this_one_does_not_begin_with_is_not_its_base(layers: int) -> None:
    assert join(image(BUILT), OTHER, None, layers_of=at_hand("node:20", layers)).base.decided_by == "guessed"


def test_a_trigger_that_left_no_word_is_not_the_bases() -> None:
    history = ["base", "COPY . /app # buildkit", "RUN /bin/sh -c a # buildkit"]
    text = parse(b"FROM onbuild\nRUN a\n")
    assert join(image(history), text, None).base.layers == 2
    found = join(image(history), text, None, layers_of=at_hand("onbuild", 1))
    assert (found.base.layers, found.base.decided_by) == (1, "compared")
    assert [(origin.instruction.line, origin.base) for origin in found.origins if origin] == [
        (1, True), (1, False), (2, False),
    ]  # fmt: skip


def test_history_needs_no_comparison_where_the_base_ends_in_what_makes_no_layer() -> None:
    def asked(reference: str) -> None:
        raise AssertionError(reference)

    history = ["base", 'empty:CMD ["node"]', "RUN /bin/sh -c a # buildkit"]
    assert join(image(history), parse(b"FROM x\nRUN a\n"), None, layers_of=asked).base.decided_by == "history"


@pytest.mark.parametrize(
    ("text", "decided"),
    [
        (None, "digest"),  # nothing says what FROM names
        (b"FROM node:20\nRUN new\n", "digest"),
        (b"FROM mine\nRUN new\n", "guessed"),  # the label is of what `mine` is built on
    ],
)
def test_a_label_counts_if_it_is_of_the_image_that_from_names(text: bytes | None, decided: str) -> None:
    pinned = at_hand("docker.io/library/node@sha256:0123", 2)
    found = join(image(BUILT, labels=LABELS), parse(text) if text else None, None, layers_of=pinned).base
    assert (found.layers, found.decided_by) == (2, decided)


def test_a_label_alone_does_not_tell_how_many_layers_there_are() -> None:
    assert join(image(BUILT, labels=LABELS), None, None).base.decided_by == "guessed"


def test_scratch_has_no_layers() -> None:
    found = join(image(["COPY a / # buildkit"]), parse(b"FROM scratch\nCOPY a /\n"), None)
    assert (found.base.layers, found.base.reference) == (0, "scratch")


@pytest.mark.parametrize(
    ("reference", "slimmer"),
    [
        ("node", True),
        ("node:20", True),
        ("node:20-bookworm", True),
        ("docker.io/library/php:8.2-fpm", True),
        ("registry.example.org:5000/mirror/node:20@sha256:00", True),
        ("node:20-slim", False),
        ("node:20-bookworm-slim", False),
        ("node:20-alpine3.20", False),
        ("alpine:3.20", False),
        ("php:8.4-apache", False),
        ("php:8.4-apache-bookworm", False),
        ("php:apache", False),
        ("python:3.13-windowsservercore-ltsc2022", False),
        ("gcc:14", False),
        ("example.org/team/base:1", False),
        (None, False),
    ],
)
def test_which_images_have_a_slimmer_variant(reference: str | None, slimmer: bool) -> None:
    assert has_slimmer_variant(reference) is slimmer


def test_a_reference_is_split_at_its_tag_and_never_at_its_port() -> None:
    assert split_reference("host:5000/node") == ("host:5000/node", "")
    assert split_reference("host:5000/node:20@sha256:00") == ("host:5000/node", "20")

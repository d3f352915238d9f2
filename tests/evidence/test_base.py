"""How many layers are the base image's."""

import pytest
from evidence.small_images import image

from imageopt.dockerfile import parse
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
        ("example.org/team/base:1", False),
        (None, False),
    ],
)
def test_which_images_have_a_slimmer_variant(reference: str | None, slimmer: bool) -> None:
    assert has_slimmer_variant(reference) is slimmer


def test_a_reference_is_split_at_its_tag_and_never_at_its_port() -> None:
    assert split_reference("host:5000/node") == ("host:5000/node", "")
    assert split_reference("host:5000/node:20@sha256:00") == ("host:5000/node", "20")

"""FROM, taken apart: no version and no suite is ever lost."""

import pytest

from imageopt.rewrite.base_image import node_image


@pytest.mark.parametrize(
    ("written", "slim", "alpine"),
    [
        ("node", "node:slim", "node:alpine"),
        ("node:20", "node:20-slim", "node:20-alpine"),
        ("node:20.11.1-bookworm", "node:20.11.1-bookworm-slim", "node:20.11.1-alpine"),
        ("node:20-trixie-slim", "node:20-trixie-slim", "node:20-alpine"),
        ("node:lts", "node:lts-slim", "node:lts-alpine"),
        ("node:iron-bullseye", "node:iron-bullseye-slim", "node:iron-alpine"),
        ("node:slim", "node:slim", "node:alpine"),
        ("node:bookworm", "node:bookworm-slim", "node:alpine"),
        ("node:alpine", None, "node:alpine"),
        ("docker.io/library/node:20", "docker.io/library/node:20-slim", "docker.io/library/node:20-alpine"),
        ("registry:5050/library/node:18", "registry:5050/library/node:18-slim", "registry:5050/library/node:18-alpine"),
        ("mirror.example.com/node:18", "mirror.example.com/node:18-slim", "mirror.example.com/node:18-alpine"),
        ("node:20-alpine3.19", None, "node:20-alpine3.19"),
        ("node:20@sha256:ab", None, None),
    ],
)
def test_the_relatives_of_an_image(written: str, slim: str | None, alpine: str | None) -> None:
    image = node_image(written, written)
    assert image is not None
    assert (image.variant("slim"), image.variant("alpine")) == (slim, alpine)
    assert image.variant("full") == written


@pytest.mark.parametrize(
    ("written", "resolved", "alpine"),
    [
        ("node:${V}", "node:20", "node:${V}-alpine"),
        ("node:${V:-20}", "node:20", "node:${V:-20}-alpine"),
        ("node:$V", "node:20", "node:$V-alpine"),
        ("node:${V}", "node:20-bookworm", None),
        ("${IMAGE}:20", "node:20", None),
        ("node${TAG}", "node:20", None),
    ],
)
def test_a_tag_from_an_argument_stays_one(written: str, resolved: str, alpine: str | None) -> None:
    image = node_image(written, resolved)
    assert image is not None
    assert image.variant("alpine") == alpine


@pytest.mark.parametrize(
    "reference",
    [
        "nginx:1",
        "bitnami/node:20",
        "mirror.example.com/team/node:20",
        "node:20-windowsservercore",
        "node:20-alpine-x",
        "mynode:20",
    ],
)
def test_other_images_are_not_nodes(reference: str) -> None:
    assert node_image(reference, reference) is None


def test_an_image_that_cannot_be_told_is_none() -> None:
    assert node_image("$IMAGE", None) is None

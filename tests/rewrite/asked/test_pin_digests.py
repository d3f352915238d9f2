"""Digests beside tags: only where one is known, only beside a tag, and no version moves."""

from pathlib import Path

import pytest
from rewrite.asking import DIGEST, asked, reason_of, text_of

KNOWN = {"node:22-slim": DIGEST, "registry:5050/a/node:22": DIGEST}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("FROM node:22-slim AS build", f"FROM node:22-slim@{DIGEST} AS build"),
        ("FROM --platform=linux/amd64 registry:5050/a/node:22", f"FROM --platform=linux/amd64 registry:5050/a/node:22@{DIGEST}"),
        ("FROM scratch\nCOPY --from=node:22-slim --chown=1 /a /b", f"FROM scratch\nCOPY --from=node:22-slim@{DIGEST} --chown=1 /a /b"),
        ("FROM node:22-slim AS a\nFROM a\nCOPY --from=a /a /b", f"FROM node:22-slim@{DIGEST} AS a\nFROM a\nCOPY --from=a /a /b"),
        ("FROM node:22-slim\nFROM nginx:1.27", f"FROM node:22-slim@{DIGEST}\nFROM nginx:1.27"),
    ],
)  # fmt: skip
def test_the_tag_gets_its_digest(tmp_path: Path, before: str, after: str) -> None:
    found = asked(tmp_path, "pin-digests", f"{before}\n", {"package.json": "{}"}, digest_of=KNOWN.get)
    assert text_of(found) == f"{after}\n"
    assert ("nginx:1.27 is not pinned: its digest is not known here" in found.notes) == ("nginx" in before)


@pytest.mark.parametrize(
    ("dockerfile", "reason"),
    [
        ("FROM node:20", "the digest of node:20 is not known"),
        ("FROM node", "each image that is named with a tag has its digest"),
        ("ARG V=22-slim\nFROM node:$V", "each image that is named with a tag has its digest"),
        (f"FROM node:22-slim@{DIGEST}", "each image that is named with a tag has its digest"),
    ],
)
def test_nothing_is_guessed(tmp_path: Path, dockerfile: str, reason: str) -> None:
    found = asked(tmp_path, "pin-digests", f"{dockerfile}\n", {"package.json": "{}"}, digest_of=KNOWN.get)
    assert reason_of(found).startswith(reason)

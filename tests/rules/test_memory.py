"""A command has no garbage collector at work, so what was read of a file must go with its last name."""

import gc
from collections.abc import Iterator

import pytest

from imageopt.dockerfile import parse
from imageopt.evidence.join import join
from imageopt.rules.check import check
from imageopt.rules.load import load_rules

pytestmark = pytest.mark.slow  # whole processes

RULES = load_rules(examples=False)
TEXT = b"""\
FROM node:22-slim AS build
ARG TOKEN
RUN apt-get update && apt-get install -y \\
    "git" $(echo curl) `echo wget` && if [ -n "$TOKEN" ]; then rm -rf "${HOME:-/root}/.cache"; fi
COPY . .
RUN <<EOF
npm ci | tee log
EOF
FROM build
CMD npm start
"""


@pytest.fixture
def uncollected() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
def test_judging_a_file_leaves_nothing_that_only_a_collector_would_find() -> None:
    for _ in range(2):  # the first time also loads and compiles
        gc.collect()
        assert check(join(None, parse(TEXT), None), RULES)
    assert gc.collect() == 0

"""What must follow a rewrite elsewhere is told in each format, with its edit, and drives no screen."""

import pytest

from imageopt.report.render import render
from imageopt.report.rewrite import rewrite_document
from imageopt.rewrite.model import Rewrite


@pytest.mark.parametrize("format_name", ["terminal", "markdown", "html"])
def test_what_must_follow_is_shown_with_its_edit(rewrite: Rewrite, format_name: str) -> None:
    shown = render(rewrite_document(rewrite, "shop"), format_name, color=False, width=200, plain=True)
    assert "ust follow, and is left to you" in shown
    for words in ("compose.yaml", "its healthcheck calls curl", "-test: curl /", "+test: node -e 1", "a probe calls"):
        assert words in shown, words
    assert "\x1b" not in shown


def test_an_older_document_without_them_is_still_shown(rewrite: Rewrite) -> None:
    document = rewrite_document(rewrite, "shop")
    del document["follow_ups"]
    for format_name in ("terminal", "markdown", "html"):
        assert "left to you" not in render(document, format_name, color=False, width=200, plain=True)

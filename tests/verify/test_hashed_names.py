"""Which hashed file of one build is which of the other."""

import pytest

from imageopt.verify.exchange import Exchange
from imageopt.verify.hashed_names import same_files


def served(*files: tuple[str, str]) -> list[Exchange]:
    return [Exchange("GET", path, 200 if body else 404, "text/javascript", "", body.encode()) for path, body in files]


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ([("/a/app-1b2c3d4e.js", "x")], [("/a/app-9f8e7d6c.js", "y")], {"/a/app-9f8e7d6c.js": "/a/app-1b2c3d4e.js"}),
        ([("/a/app.1b2c3d4e.js", "x")], [("/a/app.1b2c3d4e.js", "y")], {}),
        ([("/a/app-1b2c3d4e.js", "x")], [("/a/app-1b2c3d4e.js", ""), ("/a/app-9f8e7d6c.css", "x")], {}),
        ([("/a/contact-us-page.js", "x")], [("/a/contact-our-page.js", "x")], {}),
        (
            [("/a/c-11111111.js", "x"), ("/a/c-22222222.js", "y")],
            [("/a/c-33333333.js", "y"), ("/a/c-44444444.js", "z")],
            {"/a/c-33333333.js": "/a/c-22222222.js"},
        ),
        ([], [("/a/app-1b2c3d4e.js", "x")], {}),
    ],
)
def test_files_belong_together_by_name_and_where_that_is_not_enough_by_content(
    before: list[tuple[str, str]], after: list[tuple[str, str]], same: dict[str, str]
) -> None:
    assert same_files(served(*before), served(*after)) == same

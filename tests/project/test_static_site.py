"""Folders of pages, and what is none."""

from collections.abc import Mapping

import pytest
from project.conftest import Write

from imageopt.project.model import StaticSite
from imageopt.project.static_site import read_static_site


@pytest.mark.parametrize(
    ("files", "folder"),
    [
        ({"index.html": "", "a.js": ""}, "."),
        ({"public/index.html": "", "README.md": ""}, "public"),
        ({"index.html": "", "package.json": "{}"}, None),  # it may have to be built
        ({"index.html": "", "contact.php": ""}, None),
        ({"public/index.html": "", "public/form.cgi": ""}, None),
        ({"a.html": ""}, None),
        ({}, None),
    ],
)
def test_static_sites(project: Write, files: Mapping[str, str], folder: str | None) -> None:
    assert read_static_site(project(files)) == (StaticSite(folder) if folder else None)

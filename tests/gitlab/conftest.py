"""A GitLab to speak to, and no waiting between tries."""

from collections.abc import Iterator

import pytest
from gitlabserver import GitLab, serving

from imageopt.gitlab import server as module
from imageopt.gitlab.place import Place


@pytest.fixture
def gitlab(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitLab]:
    monkeypatch.setattr(module, "_FIRST_WAIT", 0)
    monkeypatch.setattr("gitlab.utils.time.sleep", lambda _seconds: None)
    with serving() as server:
        yield server


@pytest.fixture
def place(gitlab: GitLab) -> Place:
    found = Place.of(gitlab.variables, "/builds/group/app")
    assert found is not None
    return found

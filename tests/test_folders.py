"""Where records and temporary files of the user go."""

from pathlib import Path

import pytest

from imageopt.errors import InputError
from imageopt.folders import cache_folder, state_folder


def test_the_variables_win_if_they_are_absolute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    monkeypatch.setenv("XDG_CACHE_HOME", "cache")
    assert (state_folder(), cache_folder()) == (Path("/state/imageopt"), Path("/home/me/.cache/imageopt"))


def test_a_user_without_a_home_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    with pytest.raises(InputError, match="no home folder") as caught:
        state_folder()
    assert "XDG_STATE_HOME" in caught.value.remedy

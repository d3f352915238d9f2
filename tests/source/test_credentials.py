"""Logins as the docker client keeps them: in its file, or with a helper."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from imageopt.source.credentials import Credential, credential_for
from imageopt.source.place import HUB

HELPER = """\
#!/bin/sh
[ "$1" = get ] && read host
case $host in
  ghcr.io) echo '{"ServerURL":"ghcr.io","Username":"me","Secret":"s3cret"}' ;;
  https://index.docker.io/v1/) echo '{"Username":"hub","Secret":"s3cret"}' ;;
  token.io) echo '{"Username":"<token>","Secret":"t0ken"}' ;;
  odd.io) echo '[1]' ;;
  broken.io) echo '{' ;;
  *) echo 'credentials not found in native keychain'; exit 1 ;;
esac
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The docker client's, with a helper `mine` on PATH."""
    helper = tmp_path / "docker-credential-mine"
    helper.write_text(HELPER)
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path


def found(folder: Path, settings: Any, host: str) -> tuple[str, str] | None:
    (folder / "config.json").write_text(settings if isinstance(settings, str) else json.dumps(settings))
    credential = credential_for(host)
    return (credential.user, credential.secret) if credential is not None else None


def pair(text: str) -> dict[str, str]:
    return {"auth": base64.b64encode(text.encode()).decode()}


@pytest.mark.parametrize(
    ("auths", "host", "expected"),
    [
        ({"ghcr.io": pair("me:s3cret")}, "ghcr.io", ("me", "s3cret")),
        ({"ghcr.io": pair("me:with:colons")}, "ghcr.io", ("me", "with:colons")),
        ({"https://ghcr.io/v1/": pair("me:s3cret")}, "ghcr.io", ("me", "s3cret")),
        ({"http://ghcr.io": pair("me:s3cret")}, "ghcr.io", ("me", "s3cret")),
        ({"https://index.docker.io/v1/": pair("me:s3cret")}, HUB, ("me", "s3cret")),
        ({"docker.io": pair("me:s3cret")}, HUB, ("me", "s3cret")),
        ({"ghcr.io": {"username": "me", "password": "s3cret"}}, "ghcr.io", ("me", "s3cret")),
        ({"ghcr.io": {**pair("me:"), "identitytoken": "t0ken"}}, "ghcr.io", ("<token>", "t0ken")),
        ({"ghcr.io": pair("me:s3cret")}, "ghcr.io:444", None),
        ({"ghcr.io": pair("me:s3cret")}, "evil.ghcr.io", None),
        ({"ghcr.io": {}}, "ghcr.io", None),
        ({"ghcr.io": {"auth": "*"}}, "ghcr.io", None),
        ({"ghcr.io": {"auth": "/////w=="}}, "ghcr.io", None),
        ({"ghcr.io": pair("nobody")}, "ghcr.io", None),
        ({"ghcr.io": "text"}, "ghcr.io", None),
        (["ghcr.io"], "ghcr.io", None),
    ],
)
def test_a_stored_login(folder: Path, auths: Any, host: str, expected: tuple[str, str] | None) -> None:
    assert found(folder, {"auths": auths}, host) == expected


@pytest.mark.parametrize(
    ("settings", "host", "expected"),
    [
        ({"credHelpers": {"ghcr.io": "mine"}}, "ghcr.io", ("me", "s3cret")),
        ({"credHelpers": {"docker.io": "mine"}}, HUB, None),  # asked for the name it is set for, as the client does
        ({"credHelpers": {"https://index.docker.io/v1/": "mine"}}, HUB, ("hub", "s3cret")),
        ({"credHelpers": {"other.io": "mine"}}, "ghcr.io", None),
        ({"credsStore": "mine"}, "ghcr.io", ("me", "s3cret")),
        ({"credsStore": "mine"}, HUB, ("hub", "s3cret")),
        ({"credsStore": "mine", "auths": {"ghcr.io": {}}}, "ghcr.io", ("me", "s3cret")),
        ({"credsStore": "mine"}, "token.io", ("<token>", "t0ken")),
        ({"credsStore": "mine", "credHelpers": {"ghcr.io": "absent"}}, "ghcr.io", None),
        ({"credsStore": "mine", "auths": {"x.io": pair("me:s3cret")}}, "x.io", ("me", "s3cret")),
        ({"credsStore": "mine"}, "odd.io", None),
        ({"credsStore": "mine"}, "broken.io", None),
        ({"credsStore": "absent"}, "ghcr.io", None),
        ({"credsStore": "../mine"}, "ghcr.io", None),
        ({"credsStore": 7}, "ghcr.io", None),
        ("{broken", "ghcr.io", None),
        ([], "ghcr.io", None),
    ],
)
def test_a_helper(folder: Path, settings: Any, host: str, expected: tuple[str, str] | None) -> None:
    assert found(folder, settings, host) == expected


def test_without_settings_there_is_no_login(folder: Path) -> None:
    assert credential_for("ghcr.io") is None


def test_a_secret_is_in_no_representation() -> None:
    credential = Credential("me", "s3cret")
    assert "s3cret" not in f"{credential!r} {credential}"
    assert credential.basic == "Basic bWU6czNjcmV0"
    assert credential.is_identity_token is False

"""What the user logged in to a registry with, from the docker client's settings: a helper's answer or a stored pair.

A registry may have given a token instead of a password (an identity token, which buys access tokens): a helper then
names the user `<token>`.
"""

import base64
import binascii
import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imageopt.errors import ImageoptError
from imageopt.process import run

_HUB = ("https://index.docker.io/v1/", "index.docker.io", "docker.io")
_SECONDS = 30
_TOKEN_USER = "<token>"  # noqa: S105 (a name, as docker login writes it)


@dataclass(frozen=True, slots=True)
class Credential:
    """A name and a secret; the secret is in no representation of it."""

    user: str
    secret: str = field(repr=False)

    @property
    def is_identity_token(self) -> bool:
        """Whether the secret is a token to exchange, and no password."""
        return self.user == _TOKEN_USER


def credential_for(host: str) -> Credential | None:
    """The credential for the host, None where the user never logged in. A helper that fails is as none."""
    settings = _settings()
    names = (*_HUB, host) if host == "registry-1.docker.io" else (host, f"https://{host}")
    helpers, stored = _table(settings, "credHelpers"), _table(settings, "auths")
    for name in names:
        helper = helpers.get(name) or (settings.get("credsStore") if name in stored or not stored else None)
        if isinstance(helper, str) and (found := _helped(helper, name)) is not None:
            return found
        token = _table(stored, name).get("identitytoken")
        if isinstance(token, str) and token:
            return Credential(_TOKEN_USER, token)
        pair = _table(stored, name).get("auth")
        if isinstance(pair, str) and (found := _decoded(pair)) is not None:
            return found
    return None


def _helped(helper: str, name: str) -> Credential | None:
    """What `docker-credential-HELPER get` says; it reads the server's name on its standard input."""
    if not re.fullmatch(r"[\w.-]+", helper):
        return None
    try:
        done = run([f"docker-credential-{helper}", "get"], timeout=_SECONDS, stdin=name.encode())
        answer = json.loads(done.stdout) if done.exit_code == 0 else {}
    except (ImageoptError, ValueError):
        return None
    user, secret = (answer.get("Username"), answer.get("Secret")) if isinstance(answer, dict) else (None, None)
    return Credential(user, secret) if isinstance(user, str) and isinstance(secret, str) else None


def _decoded(pair: str) -> Credential | None:
    try:
        user, colon, secret = base64.b64decode(pair).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return Credential(user, secret) if colon else None


def _settings() -> dict[str, Any]:
    folder = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    try:
        value = json.loads((folder / "config.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _table(settings: dict[str, Any], key: str) -> dict[str, Any]:
    value = settings.get(key)
    return value if isinstance(value, dict) else {}

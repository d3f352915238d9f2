"""What the user logged in to a registry with, from the docker client's settings: a helper's answer or a stored pair.

A registry may have given a token instead of a password (an identity token, which buys access tokens): a helper then
names the user `<token>`.
"""

import base64
import binascii
import json
import os
import re
from pathlib import Path
from typing import Any

from msgspec import Struct

from imageopt.errors import ImageoptError
from imageopt.process import run
from imageopt.source.place import HUB

_HUB_NAMES = ("https://index.docker.io/v1/", "docker.io", "index.docker.io", HUB)  # the first is what a login writes
_SECONDS = 30
_TOKEN_USER = "<token>"  # noqa: S105 (a name, as docker login writes it)


class Credential(Struct, frozen=True):
    """A name and a secret; the secret is in no representation of it."""

    user: str
    secret: str

    def __repr__(self) -> str:
        return f"Credential(user={self.user!r})"

    @property
    def is_identity_token(self) -> bool:
        """Whether the secret is a token to exchange, and no password."""
        return self.user == _TOKEN_USER

    @property
    def basic(self) -> str:
        """The value of an `Authorization` (RFC 7617): a secret."""
        pair = f"{self.user}:{self.secret}".encode(errors="replace")
        return f"Basic {base64.b64encode(pair).decode()}"


def credential_for(host: str) -> Credential | None:
    """The credential for the host, None where the user never logged in. A helper that fails is as none."""
    settings = _settings()
    names = _HUB_NAMES if host == HUB else (host,)
    helpers, stored = _table(settings, "credHelpers"), _table(settings, "auths")
    named = [(helpers[name], name) for name in names if name in helpers] or [(settings.get("credsStore"), names[0])]
    for helper, name in named:
        if isinstance(helper, str) and (found := _helped(helper, name)) is not None:
            return found
    for name, entry in stored.items():
        if (name in names or _host(name) in names) and (found := _stored(entry)) is not None:
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
    return _pair(answer.get("Username"), answer.get("Secret")) if isinstance(answer, dict) else None


def _stored(entry: Any) -> Credential | None:
    """A login as it stands in the file: `user:password` in base64, or each by itself, or an identity token."""
    if not isinstance(entry, dict):
        return None
    if entry.get("identitytoken"):
        return _pair(_TOKEN_USER, entry["identitytoken"])
    if isinstance(entry.get("auth"), str) and entry["auth"]:
        try:
            user, _, secret = base64.b64decode(entry["auth"]).decode().partition(":")
        except (binascii.Error, ValueError):
            return None
        return _pair(user, secret)
    return _pair(entry.get("username"), entry.get("password"))


def _pair(user: Any, secret: Any) -> Credential | None:
    return Credential(user, secret) if isinstance(user, str) and isinstance(secret, str) and user and secret else None


def _host(name: str) -> str:
    """The host of a key that older clients wrote as an address: `https://ghcr.io/v1/`."""
    return re.sub("^https?://", "", name).partition("/")[0]


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

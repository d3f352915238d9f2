"""What the user's machine and the project say of registries and proxies -> what a manager in a container is told.

Addresses are handed on, for without them nothing is found; logins are not: a line with a token is left out, and an
address loses the user and password in it where a file of the project holds them. The user's own proxy keeps its
password, which is hidden wherever a log is shown.
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from imageopt.masking import masked

_CARRIED = re.compile(r"(?i)(?:https?_proxy|no_proxy|npm_config_(?:registry|(?:https?_)?proxy|noproxy|strict_ssl))")
_YARNS_OWN = {"YARN_HTTP_PROXY": "HTTP_PROXY", "YARN_HTTPS_PROXY": "HTTPS_PROXY"}  # Yarn 2 looks at no other
_YARN_REGISTRY = "YARN_NPM_REGISTRY_SERVER"
_USERS_KEYS = re.compile(r"(?:@[\w.-]+:)?registry|(?:https?-)?proxy|noproxy|strict-ssl")
_LOGIN = re.compile(
    r"(?i)^\s*[\"']?[^=\s]*?(?:_auth|_authToken|_password|username|email|certfile|keyfile|npmAuthToken|npmAuthIdent"
    r"|npmAlwaysAuth|(?<![\w-])(?:cert|key))[\"']?\s*[=: ]"
)
_CREDENTIALS = re.compile(r"(\w://)[^\s/@\"']{1,500}@")
_CODE = re.compile(r"^\s*[\"']?(?:yarn-path|yarnPath|pnpmfile|global-pnpmfile|node-options|script-shell)[\"']?\s*[=: ]")
_AUTHORITIES = ("NODE_EXTRA_CA_CERTS", "npm_config_cafile", "NPM_CONFIG_CAFILE")
_FILE_LIMIT = 2_000_000


class Settings(Struct, frozen=True):
    """`environment` of the container, `npmrc` of its user, and `hidden`: values that no output may show.

    `authorities` are the certificates that the user's Node trusts beside its own, which a proxy may need.
    """

    environment: Mapping[str, str]
    npmrc: str
    hidden: tuple[str, ...]
    authorities: bytes = b""


def user_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings that the user's environment and `.npmrc` hold, logins left out."""
    source = os.environ if environment is None else environment
    carried = {name: value for name, value in source.items() if value and _CARRIED.fullmatch(name)}
    for name, general in _YARNS_OWN.items():
        value = source.get(name) or source.get(general) or source.get(general.lower())
        if value:
            carried[name] = value
    if source.get(_YARN_REGISTRY):
        carried[_YARN_REGISTRY] = source[_YARN_REGISTRY]
    npmrc = "".join(f"{line}\n" for line in _users_lines(source))
    values = (*carried.values(), *(line.partition("=")[2] for line in npmrc.splitlines()))
    authorities = next(filter(None, (_bounded(source.get(name)) for name in _AUTHORITIES)), b"")
    return Settings(dict(sorted(carried.items())), npmrc, tuple(dict.fromkeys(_passwords(values))), authorities)


def without_secrets(text: str) -> str:
    """The text of a package manager's settings without logins, and without code that it would load."""
    lines = []
    for line in text.splitlines():
        plain = _CREDENTIALS.sub(r"\1", line)
        if _LOGIN.search(line) or _CODE.search(line) or masked(plain) != plain:
            continue
        lines.append(plain)
    return "".join(f"{line}\n" for line in lines)


def _users_lines(environment: Mapping[str, str]) -> Iterator[str]:
    named = environment.get("npm_config_userconfig") or environment.get("NPM_CONFIG_USERCONFIG")
    home = environment.get("HOME")
    text = _bounded(named or (f"{home}/.npmrc" if home else None)).decode("utf-8", "replace")
    for line in text.splitlines():
        key, equals, value = (part.strip() for part in line.partition("="))
        if equals and _USERS_KEYS.fullmatch(key):
            yield f"{key}={_expanded(value, environment)}"


def _bounded(name: str | None) -> bytes:
    """A file's content; nothing where it is not there, no file or too long to be settings."""
    try:
        path = Path(name or "")
        return path.read_bytes() if name and path.is_file() and path.stat().st_size <= _FILE_LIMIT else b""
    except OSError:
        return b""


def _expanded(value: str, environment: Mapping[str, str]) -> str:
    """The value as npm reads it here: the container has not the user's variables."""
    return re.sub(r"\$\{(\w+)\}", lambda found: environment.get(found[1], found[0]), value)


def _passwords(values: tuple[str, ...]) -> Iterator[str]:
    for value in values:
        found = _CREDENTIALS.search(value)
        if found is None:
            continue
        yield found[0].partition("://")[2].removesuffix("@")
        try:
            password = urlsplit(value.strip("\"' ")).password
        except ValueError:
            continue
        if password:
            yield password
            yield unquote(password)

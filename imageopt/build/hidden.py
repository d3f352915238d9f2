"""What a build is given that must not be seen: secret build arguments, and the values of the secrets handed to it."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from imageopt.build.model import BuildRequest
from imageopt.masking import names_a_secret

_SECRET_NAME = re.compile(r"PRIVATE|AUTH|PASS", re.IGNORECASE)  # more than elsewhere: it costs nothing to hide these
_SHORTEST_SECRET = 6  # shorter values would blacken half the log


def is_secret_argument(name: str) -> bool:
    """Whether a build argument of that name is likely to be a secret."""
    return names_a_secret(name) or _SECRET_NAME.search(name) is not None


def hidden_values(request: BuildRequest) -> Iterator[str]:
    """What must not be seen in the log: secret build arguments and the lines of the secrets handed to the build."""
    for name, value in (request.build_args or {}).items():
        if is_secret_argument(name) and len(value) >= _SHORTEST_SECRET:
            yield value
    for secret in request.secrets:
        for line in _secret_text(secret).splitlines():
            if len(line.strip()) >= _SHORTEST_SECRET:
                yield line.strip()


def _secret_text(specification: str) -> str:
    """The value behind `id=x,src=FILE`, `id=x,env=NAME` or `id=NAME`; empty where the builder would find none."""
    fields = dict(part.partition("=")[::2] for part in specification.split(","))
    path = fields.get("src") or fields.get("source")
    if path:
        try:
            return Path(path).read_text(errors="replace")
        except OSError:
            return ""
    return os.environ.get(fields.get("env") or fields.get("id") or "", "")

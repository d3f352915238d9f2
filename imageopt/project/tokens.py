"""Settings of npm and Yarn in the source folder -> those in which a token itself stands. The token is not kept.

What surprises: `_authToken=${NPM_TOKEN}` is how it should be, for npm puts the variable in when it runs.
"""

from pathlib import Path

from imageopt.lazy_pattern import lazy_pattern
from imageopt.project.files import read_text

_FILES = (".npmrc", ".yarnrc", ".yarnrc.yml")
_TOKEN = lazy_pattern(
    r"(?m)^[^#;\n]{0,300}(?:_authToken|_auth|_password|npmAuthToken|npmAuthIdent)[\"']?[ \t]{0,9}[=: ]"
    r"[ \t]{0,9}[\"']?(?!\$)[^\s\"'$]{8}"
)


def token_files(root: Path) -> tuple[str, ...]:
    """The files at the top of the folder that hold a token, in a fixed order."""
    return tuple(name for name in _FILES if _TOKEN.search(read_text(root, name) or ""))

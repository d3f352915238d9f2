"""What a path alone tells: caches, version control, tests, generated data. Paths are relative to the image's root."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from imageopt.lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    from imageopt.evidence.model import Category


class PathClass(NamedTuple):
    """A category and the rule that calls it avoidable."""

    category: Category
    cause: str | None


_TEMPORARY = lazy_pattern(r"(?:var/)?tmp/")
_VCS = lazy_pattern(r"/\.(?:git|hg|svn|bzr)/")  # a search for what begins with "/" looks at few places
_GLOBAL = lazy_pattern(
    r"/(?:usr/|usr/local/|opt/[^/]+/|(?:.*/)?\.nvm/versions/node/[^/]+/)lib/node_modules/|/opt/pipx/"
)
_GLOBAL_BELOW = lazy_pattern(
    r"/(?:\.config/yarn/global|share/pnpm/global|\.bun/install/global|share/pipx|\.(?:config/)?composer/vendor)/"
)
_SECRET = lazy_pattern(
    r"\.env(?:\.(?!example|sample|template|dist|defaults?$).*)?|id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?|ssh_host_[a-z0-9]+_key"
    r"|\.(?:netrc|git-credentials|pypirc|pgpass|my\.cnf)|.+\.(?:pem|key|p12|pfx|jks|keystore|ppk|kdbx)"
    r"|(?:google-?)?service-?account[\w.-]*\.json"
)
_SECRET_BELOW = ("/.aws/credentials", "/.docker/config.json", "/.kube/config")
_MAYBE_SECRET = frozenset(("credentials", "config.json", "config"))
# certificates and public keys are there to be read; what packages and tests hold opens nothing
_NO_SECRET = lazy_pattern(
    r"(?:^|[^a-z])(?:ca|cacerts?|certs?|certificates?|chain|fullchain|bundle|crt|public|pub|gpg|pgp|apt|repo|release"
    r"|signing|archive|snakeoil|roots?)(?:[^a-z]|$)"
)
_NO_SECRET_FOLDER = lazy_pattern(
    r"(?:^|/)(?:node_modules|bower_components|vendor|site-packages|dist-packages|gems|keyrings|trusted\.gpg\.d|ca-certificates"
    r"|tests?|__tests__|specs?|fixtures|testdata|examples?|docs?)/|^(?:usr/(?:share|lib|include)|etc/(?:ssl/certs|pki|apt))/"
)
_GENERATED = lazy_pattern(
    r"(?:.*/)?(?:coverage|\.nyc_output|logs?|dumps?|backups?|__snapshots__)/"
    r"|.*\.(?:log(?:\.\d+|\.gz)?|dump|sql\.gz|bak|ndjson|heapsnapshot|heapprofile|cpuprofile|core|tgz|tar|tar\.gz|zip)$"
    r"|(?:.*[/_.-])?(?:dump|backup)(?:[_.-][^/]{0,60})?\.sql$"
    r"|(?:.*/)?(?:core\.\d+|npm-debug\.log.*|report\.\d.*\.json)$"
)
_TESTS_AND_DOCS = lazy_pattern(
    r"(?:.*/)?(?:tests?|__tests__|__mocks__|spec|specs|e2e|cypress|fixtures|docs?|examples?|\.storybook)/"
    r"|.*[.-](?:test|spec|stories)\.[cm]?[jt]sx?$"
    r"|(?:.*/)?(?:README|CHANGELOG|CONTRIBUTING|HISTORY)[^/]*$|.*\.md$",
    re.IGNORECASE,
)
_JUNK = lazy_pattern(
    r"(?:.*/)?(?:\.gitlab-ci\.yml|\.gitignore|\.gitattributes|\.editorconfig|\.eslintrc[^/]*|eslint\.config\.[^/]+"
    r"|\.prettierrc[^/]*|jest\.config\.[^/]+|Dockerfile[^/]*|docker-compose[^/]*|compose\.ya?ml|\.dockerignore|Makefile"
    r"|\.DS_Store)$|(?:.*/)?\.(?:github|gitlab|vscode|idea|husky|circleci)/"
)


def is_vcs(folder: str) -> bool:
    """Whether the folder is a version control system's, or lies in one."""
    return _VCS.search(f"/{folder}/") is not None


def is_global(folder: str) -> bool:
    """Whether tools for every user, or every project of a user, lie there: npm -g, pipx, composer global."""
    inside = f"/{folder}/"
    return _GLOBAL.match(inside) is not None or _GLOBAL_BELOW.search(inside) is not None


def is_temporary(path: str) -> bool:
    """Whether it lies in a folder for temporary files."""
    return _TEMPORARY.match(path) is not None


def is_secret(path: str) -> bool:
    """Whether its name is one that keys and settings with passwords have, and its folder none of tests or packages."""
    folder, _, name = path.rpartition("/")
    named = _names_secret(name) or (name in _MAYBE_SECRET and f"/{path}".endswith(_SECRET_BELOW))
    return named and _NO_SECRET_FOLDER.search(f"{folder}/") is None


@lru_cache(1 << 14)
def _names_secret(name: str) -> bool:
    """Whether it is the name of a secret wherever it lies; most names of an image are those of many files."""
    return _SECRET.fullmatch(name) is not None and _NO_SECRET.search(name.lower()) is None


def is_generated(path: str) -> bool:
    """Whether it looks like a log, a dump, a profile, a report: data that no build made for running."""
    return _GENERATED.match(path) is not None


def is_test_or_doc(path: str) -> bool:
    """Whether it is a test, what tests read, or a text for people."""
    return _TESTS_AND_DOCS.match(path) is not None


def is_tooling(path: str) -> bool:
    """Whether it configures an editor, a linter, CI or the build of the image itself."""
    return _JUNK.match(path) is not None

"""What a path alone tells: caches, version control, tests, generated data. Paths are relative to the image's root."""

import re
from typing import NamedTuple

from imageopt.evidence import causes
from imageopt.evidence.model import Category


class PathClass(NamedTuple):
    """A category and the rule that calls it avoidable."""

    category: Category
    cause: str | None


_HOME = r"(?:root|home/[^/]+)/"
_CACHES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), cause)
    for pattern, cause in (
        (r"var/lib/apt/lists/", causes.APT_LISTS),
        (r"var/cache/(?:apt|apk|yum|dnf|zypp|pacman)/|etc/apk/cache/|var/lib/apk/", causes.PACKAGE_CACHE),
        (rf"{_HOME}\.npm/|(?:.*/)?_cacache/|(?:.*/)?\.npm/_cacache/", causes.NPM_CACHE),
        (
            rf"{_HOME}\.(?:yarn|cache/yarn|cache/pnpm|local/share/pnpm/store|pnpm-store|bun/install/cache)/",
            causes.NPM_CACHE,
        ),
        (r"usr/local/share/\.cache/yarn/|(?:.*/)?\.pnpm-store/|tmp/v8-compile-cache", causes.NPM_CACHE),
        (rf"{_HOME}\.(?:cache|composer/cache|gem|bundle/cache|node-gyp|electron-gyp)/", causes.TEMPORARY),
        (r"(?:.*/)?node_modules/\.cache/|(?:.*/)?\.(?:next|nuxt|turbo|parcel-cache)/cache/", causes.TEMPORARY),
    )
)
_TEMPORARY = re.compile(r"(?:var/)?tmp/")
_VCS = re.compile(r"(?:.*/)?\.(?:git|hg|svn|bzr)/")
_SECRET = re.compile(
    r"(?:.*/)?(?:\.env(?:\.(?!example|sample|template|dist)[^/]*)?|id_(?:rsa|dsa|ecdsa|ed25519)|[^/]+\.(?:pem|key|p12|pfx))$"
)
_GENERATED = re.compile(
    r"(?:.*/)?(?:coverage|\.nyc_output|logs?|dumps?|backups?|__snapshots__)/"
    r"|.*\.(?:log(?:\.\d+|\.gz)?|dump|sql\.gz|bak|ndjson|heapsnapshot|heapprofile|cpuprofile|core|tgz|tar|tar\.gz|zip)$"
    r"|(?:.*/)?(?:core\.\d+|npm-debug\.log.*|report\.\d+.*\.json)$"
)
_TESTS_AND_DOCS = re.compile(
    r"(?:.*/)?(?:tests?|__tests__|__mocks__|spec|specs|e2e|cypress|fixtures|docs?|examples?|\.storybook)/"
    r"|.*[.-](?:test|spec|stories)\.[cm]?[jt]sx?$"
    r"|(?:.*/)?(?:README|CHANGELOG|CONTRIBUTING|HISTORY)[^/]*$|.*\.md$",
    re.IGNORECASE,
)
_JUNK = re.compile(
    r"(?:.*/)?(?:\.gitlab-ci\.yml|\.gitignore|\.gitattributes|\.editorconfig|\.eslintrc[^/]*|eslint\.config\.[^/]+"
    r"|\.prettierrc[^/]*|jest\.config\.[^/]+|Dockerfile[^/]*|docker-compose[^/]*|compose\.ya?ml|\.dockerignore|Makefile"
    r"|\.DS_Store)$|(?:.*/)?\.(?:github|gitlab|vscode|idea|husky|circleci)/"
)


def cache_class(path: str) -> PathClass | None:
    """The class of a package manager's or a home folder's cache; None for another path."""
    if (
        not path.startswith(("var/", "etc/", "root/", "home/", "usr/local/share/", "tmp/"))
        and "/." not in f"/{path}"
        and "_cacache" not in path
    ):
        return None
    for pattern, cause in _CACHES:
        if pattern.match(path):
            return PathClass("package-manager-cache", cause)
    return None


def is_vcs(path: str) -> bool:
    """Whether it lies in a version control system's folder."""
    return "/." in f"/{path}" and _VCS.match(path) is not None


def is_temporary(path: str) -> bool:
    """Whether it lies in a folder for temporary files."""
    return _TEMPORARY.match(path) is not None


def is_secret(path: str) -> bool:
    """Whether its name is one that keys and settings with passwords have."""
    return _SECRET.match(path) is not None


def is_generated(path: str) -> bool:
    """Whether it looks like a log, a dump, a profile, a report: data that no build made for running."""
    return _GENERATED.match(path) is not None


def is_test_or_doc(path: str) -> bool:
    """Whether it is a test, what tests read, or a text for people."""
    return _TESTS_AND_DOCS.match(path) is not None


def is_tooling(path: str) -> bool:
    """Whether it configures an editor, a linter, CI or the build of the image itself."""
    return _JUNK.match(path) is not None

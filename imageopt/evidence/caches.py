"""Which folder is whose cache: told by the names that package managers and build tools give their folders.

A name counts wherever it lies: a service's home is as often `/app` or `/var/www` as `/root`. One thing surprises: not
every download is a leftover. A browser that puppeteer fetched is what puppeteer runs; classify.py asks who is there.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from imageopt.evidence import causes


class Cache(NamedTuple):
    """Whose cache it is, and the rule that calls it avoidable."""

    kind: str
    cause: str | None


_ANYWHERE: tuple[tuple[str, str, str | None], ...] = (  # kind, names of folders, cause; the first that fits
    ("npx", r"\.npm/_npx", causes.NPM_CACHE),
    ("npm", r"\.npm _cacache", causes.NPM_CACHE),
    ("yarn", r"\.cache/yarn \.yarn/(?:berry|cache|v\d+) \.yarn-cache", causes.NPM_CACHE),
    ("pnpm", r"\.pnpm-store \.cache/pnpm share/pnpm/store pnpm/store/v\d+", causes.NPM_CACHE),
    ("bun", r"\.bun/install/cache", causes.NPM_CACHE),
    ("corepack", r"\.cache/node/corepack", None),  # the package manager itself, which may start the service
    ("node-gyp", r"\.cache/node-gyp \.node-gyp \.electron-gyp", causes.TEMPORARY),
    ("cypress", r"\.cache/Cypress", causes.BROWSERS),
    ("playwright", r"ms-playwright", causes.BROWSERS),
    ("puppeteer", r"\.cache/puppeteer", causes.BROWSERS),
    ("electron", r"\.cache/electron(?:-builder)?", causes.BROWSERS),
    ("pip", r"\.cache/pip", causes.LANGUAGE_CACHE),
    ("uv", r"\.cache/uv", causes.LANGUAGE_CACHE),
    ("poetry", r"\.cache/pypoetry/(?:cache|artifacts)", causes.LANGUAGE_CACHE),
    ("composer", r"\.composer/cache \.cache/composer", causes.COMPOSER_CACHE),
    ("ruby", r"\.gem \.bundle/cache", causes.LANGUAGE_CACHE),
    ("go", r"\.cache/go-build go/pkg/(?:mod|sumdb)", causes.LANGUAGE_CACHE),
    ("cargo", r"\.cargo/(?:registry|git) cargo/(?:registry|git)", causes.LANGUAGE_CACHE),
    ("ccache", r"\.ccache \.cache/ccache", causes.TEMPORARY),
    ("java", r"\.m2/repository \.gradle/caches", causes.LANGUAGE_CACHE),
    ("build", r"node_modules/\.cache \.(?:next|nuxt|turbo|parcel-cache)/cache", causes.TEMPORARY),
)
_FROM_THE_ROOT: tuple[tuple[str, str, str | None], ...] = (
    ("apt-lists", r"var/lib/apt/lists", causes.APT_LISTS),
    ("apt", r"var/cache/apt", causes.PACKAGE_CACHE),
    ("apk", r"var/cache/apk etc/apk/cache var/lib/apk", causes.PACKAGE_CACHE),
    ("rpm", r"var/cache/(?:yum|dnf|zypp|libdnf5)", causes.PACKAGE_CACHE),
    ("pacman", r"var/cache/pacman", causes.PACKAGE_CACHE),
    ("composer", r"tmp/cache/(?:files|repo|vcs)", causes.COMPOSER_CACHE),  # COMPOSER_HOME=/tmp in its image
    ("pecl", r"tmp/pear", causes.PECL),
    ("ruby", r"usr/local/bundle/cache (?:usr/(?:local/)?lib/ruby|var/lib)/gems/[^/]+/cache", causes.LANGUAGE_CACHE),
    ("php-source", r"usr/src/php", causes.PHP_SOURCE),
    ("node-compile", r"tmp/(?:v8|node)-compile-cache[^/]*", causes.NPM_CACHE),
    # what no other line names; a virtual environment of poetry's is no cache, though it lies in one
    ("home", r"(?:root|home/[^/]+|var/www|var/lib/[^/]+)/\.cache(?!/pypoetry/virtualenvs/)", causes.TEMPORARY),
)


def _pattern(table: tuple[tuple[str, str, str | None], ...]) -> tuple[re.Pattern[str], tuple[Cache, ...]]:
    """One pattern for all names, and what each of its groups stands for: the one that took part is behind the name.

    A name that begins with a letter of its own, and not with a group, is passed over in no time where it does not fit.
    """
    named = [(name, Cache(kind, cause)) for kind, names, cause in table for name in names.split()]
    return re.compile(f"/(?:{'|'.join(f'{name}()' for name, _ in named)})/"), tuple(cache for _, cache in named)


_NAMED, _NAMED_CACHES = _pattern(_ANYWHERE)
_ROOTED, _ROOTED_CACHES = _pattern(_FROM_THE_ROOT)


@lru_cache(1 << 14)
def cache_of(folder: str) -> Cache | None:
    """The cache that the folder is, or lies in; None for another folder."""
    path = f"/{folder}/"
    for found, caches in ((_NAMED.search(path), _NAMED_CACHES), (_ROOTED.match(path), _ROOTED_CACHES)):
        if found is not None and found.lastindex is not None:
            return caches[found.lastindex - 1]
    return None

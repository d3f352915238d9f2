"""Which function mends which rule, in the order in which they are tried.

The order matters: what is not read as it was meant is put right first, and `RUN apt-get update` is joined with its
installation before anybody asks whether its lists can go.
"""

from importlib import import_module

from imageopt.rewrite.fixes.model import FixFunction
from imageopt.rules.model import Safety

FIXES = {  # rule -> module and function
    "apt-lists-left": "cleanup.drop_apt_lists",
    "pkg-manager-cache-left": "cleanup.drop_system_cache",
    "pip-gem-go-cache-left": "cleanup.drop_pip_cache",
    "npm-yarn-pnpm-cache-left": "cleanup.drop_node_cache",
    "composer-cache-or-binary-left": "cleanup.drop_composer_cache",
    "pecl-temp-left": "cleanup.drop_pecl_temporary",
    "php-source-left": "cleanup.delete_php_source",
}
_CHANGES_MORE = frozenset[str]()  # what the text means is changed on purpose, so the build is to be looked at


def find_fix(rule: str) -> FixFunction | None:
    """The function that mends findings of this rule; None where only a person can."""
    module, _, name = FIXES.get(rule, "").partition(".")
    if not module:
        return None
    found: FixFunction = getattr(import_module(f"imageopt.rewrite.fixes.{module}"), name)
    return found


def safety(rule: str) -> Safety:
    """Whether the fix cannot change what the image does, or is to be verified."""
    return "verify" if rule in _CHANGES_MORE else "safe"

"""A regular expression that is compiled when it is first used.

Compiling takes half a millisecond each, and a run over one Dockerfile uses few of the hundreds that rules name. The
methods of the compiled one become the object's own at its first use, so that from then on nothing is in between.
"""

import re
from typing import Any, AnyStr, cast

_METHODS = ("search", "match", "fullmatch", "split", "findall", "finditer", "sub", "subn", "pattern", "flags", "groups")


class Lazy:
    """What stands for a `re.Pattern` until it is asked for anything."""

    def __init__(self, source: str | bytes, flags: int) -> None:
        self._source = source
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        compiled = re.compile(self._source, self._flags)
        self.__dict__.update((method, getattr(compiled, method)) for method in _METHODS)
        return getattr(compiled, name)


def lazy_pattern(source: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """As `re.compile`, but a wrong expression is only found when it is used: tests feed each one."""
    return cast("re.Pattern[AnyStr]", Lazy(source, flags))

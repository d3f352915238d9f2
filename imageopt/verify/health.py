"""Two health checks -> what the second would not notice, or notice later. Both pass: that they do is seen elsewhere.

Whether two commands look at the same thing is not known here; but a command that cannot fail looks at nothing.
"""

import re
from collections.abc import Iterator

from imageopt.source.model import ImageConfig
from imageopt.verify.container import health_command

_NOTHING = r"(?:exit\s+0|true|/bin/true|/usr/bin/true|:|echo(?:\s[^;&|]*)?)"
# alone, or whatever came before; after `&&` it is only reached where that went well
_NEVER_FAILS = re.compile(rf"(?:^|;|\|\||\n)\s*{_NOTHING}\s*;?\s*$")
_OF_NODE = re.compile(r"\s*process\.exit\((?:0)?\)\s*;?\s*")


def weakened(before: ImageConfig, after: ImageConfig) -> str:
    """In which way the check of `after` is weaker, "" where it is not. Both have one."""
    if _cannot_fail(after) and not _cannot_fail(before):
        return "the check cannot fail any more"
    return ", ".join(_later(before, after))


def _later(before: ImageConfig, after: ImageConfig) -> Iterator[str]:
    old, new = before.health_timing, after.health_timing
    if new.interval > old.interval:
        yield f"it is made every {new.interval:g} s and no more every {old.interval:g} s"
    if new.retries > old.retries:
        yield f"it has to fail {new.retries} times and no more {old.retries}"
    if new.timeout > old.timeout:
        yield f"it may take {new.timeout:g} s and no more {old.timeout:g} s"
    if new.start_period > old.start_period:
        yield f"it does not count for {new.start_period:g} s after the start and no more for {old.start_period:g} s"


def _cannot_fail(config: ImageConfig) -> bool:
    match health_command(config.healthcheck, config.shell):
        case (shell, "-c", text) if shell.rpartition("/")[2].endswith("sh"):
            return _NEVER_FAILS.search(text) is not None
        case (node, "-e" | "--eval", text) if node.rpartition("/")[2] == "node":
            return _OF_NODE.fullmatch(text) is not None
        case words:
            return words[:1] in (("true",), ("/bin/true",), ("/usr/bin/true",), ("echo",))

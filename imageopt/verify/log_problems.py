"""Lines of a log -> the kinds of trouble that a forgotten file, a wrong C library or a missing right leave in it."""

import re
from collections.abc import Iterable

_PROBLEMS = re.compile(
    r"ERR_MODULE_NOT_FOUND|MODULE_NOT_FOUND|ERR_DLOPEN_FAILED|ERR_REQUIRE_ESM|EACCES|ENOENT|EROFS|EPERM|EADDRINUSE|"
    r"GLIBC(?:XX)?_[\d.]+|symbol not found|Error relocating|cannot open shared object file|"
    r"invalid ELF header|Exec format error|UnhandledPromiseRejection|Segmentation fault|"
    r"[Cc]ommand not found|: not found|[Pp]ermission denied|[Rr]ead-only file system|No such file or directory|"
    r"UNABLE_TO_GET_ISSUER_CERT\w*|unable to get local issuer certificate|PrismaClientInitializationError|"
    r"ModuleNotFoundError|Class \"?[\w\\]+\"? not found|Call to undefined function"
)


def problems_in(log: Iterable[str]) -> tuple[str, ...]:
    """The kinds of trouble the lines speak of, sorted, each once."""
    return tuple(sorted({found for line in log for found in _PROBLEMS.findall(line)}))

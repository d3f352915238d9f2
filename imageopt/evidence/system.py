"""Which system packages are a toolchain, which are handy tools, and which came unasked: from apt's own marks.

A package that somebody asked for decides for what it pulled in. What both a toolchain and something else needs is
not the toolchain's; what only a recommendation leads to came unasked.
"""

from collections.abc import Iterable, Mapping

from imageopt.evidence import causes
from imageopt.evidence.paths import PathClass
from imageopt.image.model import SystemPackage
from imageopt.lazy_pattern import lazy_pattern

_TOOLCHAIN = lazy_pattern(
    r"(?:gcc|g\+\+|cpp|clang|llvm|libclang|libllvm|lld|lldb|gdb|gdbserver|binutils|cmake|make|ninja|meson|autoconf|automake|libtool"
    r"|autotools-dev|build-essential|build-base|dpkg-dev|pkg-config|pkgconf|patch|m4|bison|flex|nasm|yasm|rustc|cargo"
    r"|golang|fakeroot|debhelper|swig|gfortran|linux-headers|linux-libc-dev|python3?|python3-(?:pip|venv|distutils|setuptools|wheel)"
    r"|python3\.\d+|libpython3|cython|musl-dev)(?:[-.\d].*)?$|.*-dev$"
)
_PYTHON = lazy_pattern(r"(?:lib)?python3?(?:\.\d+)?(?:-minimal|-stdlib)?$")
_HANDY = lazy_pattern(
    r"(?:curl|wget|git|git-lfs|subversion|mercurial|openssh-client|openssh-server|vim|vim-.*|nano|emacs.*|less|htop|top|procps|strace"
    r"|ltrace|lsof|tcpdump|nmap|netcat.*|net-tools|iputils-ping|dnsutils|bind9-.*|telnet|traceroute|iproute2|jq|yq|tree|tmux|screen"
    r"|sudo|man-db|rsync|unzip|zip|postgresql-client.*|mysql-client.*|mariadb-client.*|default-mysql-client|redis-tools|sqlite3|awscli)$"
)


def package_classes(
    packages: Iterable[SystemPackage], base_layers: int, *, runs_python: bool = False
) -> Mapping[str, PathClass]:
    """The class of each package that came after the base image, by name; `runs_python`: its interpreter is no tool."""
    added = {package.name: package for package in packages if package.birth >= base_layers}
    asked = [package for package in added.values() if not package.automatic]
    tools = [
        package.name
        for package in asked
        if _TOOLCHAIN.match(package.name) and not (runs_python and _PYTHON.match(package.name))
    ]
    handy = [package.name for package in asked if package.name not in tools and _HANDY.match(package.name)]
    needed = [package.name for package in asked if package.name not in tools and package.name not in handy]
    classes: dict[str, PathClass] = {}
    toolchain = PathClass("build-toolchain", causes.BUILD_TOOLS)
    for names, recommended, found in (
        (needed, False, PathClass("system-packages", None)),
        (handy, False, PathClass("system-packages", causes.HANDY_TOOLS)),
        (tools, True, toolchain),
    ):
        for name in _closure(names, added, recommended=recommended):
            classes.setdefault(name, found)
    unasked = PathClass("system-packages", causes.APT_RECOMMENDS)
    for name in added:
        classes.setdefault(name, toolchain if _TOOLCHAIN.match(name) else unasked)
    return classes


def _closure(names: Iterable[str], added: Mapping[str, SystemPackage], *, recommended: bool) -> set[str]:
    """The packages and what they pulled in, among the added ones."""
    found: set[str] = set()
    stack = list(names)
    while stack:
        package = added.get(stack.pop())
        if package is None or package.name in found:
            continue
        found.add(package.name)
        stack.extend(package.depends)
        if recommended:
            stack.extend(package.recommends)
    return found

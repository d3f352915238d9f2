"""The packages of two images -> what came, went, has another version, or is of another size, whoever manages them."""

from collections.abc import Iterator

from imageopt.compare.model import PackageChange
from imageopt.image.model import Packages


def compare_packages(before: Packages, after: Packages) -> tuple[PackageChange, ...]:
    """The packages that differ, the biggest change of bytes first, then by name."""
    old, new = _by_name(before), _by_name(after)
    changes = []
    for manager, name in sorted(old.keys() | new.keys()):
        was, now = old.get((manager, name), []), new.get((manager, name), [])
        if was != now:
            changes.append(
                PackageChange(
                    manager,
                    name,
                    tuple(version for version, _ in was),
                    tuple(version for version, _ in now),
                    sum(size for _, size in was),
                    sum(size for _, size in now),
                )
            )
    return tuple(sorted(changes, key=lambda change: -abs(change.after_bytes - change.before_bytes)))


def _by_name(packages: Packages) -> dict[tuple[str, str], list[tuple[str, int]]]:
    """Manager and name to version and bytes of each place it is installed in, sorted."""
    found: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for manager, name, version, size in installed(packages):
        found.setdefault((manager, name), []).append((version, size))
    return {key: sorted(places) for key, places in found.items()}


def installed(packages: Packages) -> Iterator[tuple[str, str, str, int]]:
    """Manager, name, version and live bytes of every installed package; one in another's package is the other's."""
    for package in packages.npm:
        yield "npm", package.name, package.version, package.bytes
    for owner in packages.system:
        yield owner.manager, owner.name, owner.version, owner.bytes
    for library in packages.libraries:
        if not library.provided_by:
            yield library.manager, library.name, library.version, library.bytes

"""What is in an image -> the parts `packages`, `folders`, `inventory`, `setuid` and `native` of its JSON document.

What surprises: a Python distribution that Debian packages stands in two rows of `packages`, python's and dpkg's, so the
rows are views and no sum. The composition counts each byte once.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from imageopt.evidence.folders import FolderRow
from imageopt.evidence.model import Inventory
from imageopt.image.elf import ElfFacts
from imageopt.image.model import FileRecord, Packages
from imageopt.report.names import path_fields, readable

Json = dict[str, Any]


def packages_section(packages: Packages) -> list[Json]:
    """One row for each package manager that installed something, biggest first, with its packages, biggest first."""
    rows: dict[str, list[Json]] = {}
    for manager, item in _items(packages):
        rows.setdefault(manager, []).append(item)
    sections = [
        {
            "manager": manager,
            "count": len(items),
            "bytes": sum(item["bytes"] for item in items),
            "items": sorted(items, key=lambda item: (-item["bytes"], item["name"], item["path"] or "")),
        }
        for manager, items in rows.items()
    ]
    return sorted(sections, key=lambda row: (-row["bytes"], row["manager"]))


def folders_section(rows: Iterable[FolderRow]) -> list[Json]:
    """The image's folders as far as they matter, by layer and path; their bytes add up to the image's."""
    return [
        {
            **path_fields(f"/{row.path}"),
            "layer": row.layer,
            "bytes": row.bytes,
            "wasted_bytes": row.wasted_bytes,
            "file_count": row.file_count,
        }
        for row in rows
    ]


def inventory_section(inventory: Inventory) -> list[Json]:
    """The rows of the inventory, biggest first."""
    return [
        {
            "group": row.group,
            "kind": row.kind,
            "live_bytes": row.live_bytes,
            "unpacked_bytes": row.unpacked_bytes,
            "file_count": row.file_count,
            "layers": list(row.layers),
        }
        for row in inventory.rows
    ]


def setuid_section(inventory: Inventory) -> list[Json]:
    """The files with a setuid or setgid bit, by path."""
    return [_special(record) for record in inventory.setuid]


def native_section(records: Iterable[FileRecord], facts: Mapping[str, ElfFacts]) -> list[Json]:
    """The live addons, libraries and programs outside the system's folders, with what they need to run, by path."""
    return [_native(record, facts[record.path]) for record in records]


def _native(record: FileRecord, facts: ElfFacts) -> Json:
    return {
        **path_fields(f"/{record.path}"),
        "bytes": record.size,
        "layer": record.birth,
        "machine": facts.machine,
        "libc": facts.libc,
        "highest_glibc": facts.highest_glibc or None,
        "interpreter": readable(facts.interpreter) or None,
        "needed": [readable(name) for name in facts.needed],
        "static": facts.static,
    }


def _items(packages: Packages) -> Iterator[tuple[str, Json]]:
    for owner in packages.system:
        yield owner.manager, _item(owner.name, owner.version, owner.bytes, owner.birth)
    for npm in packages.npm:
        yield "npm", _item(npm.name, npm.version, npm.bytes, npm.birth, path=npm.path, dev=npm.dev)
    for package in packages.libraries:
        item = _item(package.name, package.version, package.bytes, package.birth, path=package.path, dev=package.dev)
        yield package.manager, {**item, "provided_by": readable(package.provided_by) or None}


def _item(name: str, version: str, size: int, layer: int, *, path: str | None = None, dev: bool | None = None) -> Json:
    return {
        "name": readable(name),
        "version": readable(version),
        "bytes": size,
        "layer": layer,
        **({"path": None} if path is None else path_fields(f"/{path}")),
        "dev": dev,
        "provided_by": None,
    }


def _special(record: FileRecord) -> Json:
    return {
        **path_fields(f"/{record.path}"),
        "mode": f"{record.mode:04o}",
        "uid": record.uid,
        "gid": record.gid,
        "bytes": record.size,
        "layer": record.birth,
    }

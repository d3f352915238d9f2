"""Python's distributions, from the records beside them: `NAME-VERSION.dist-info` (wheels) and `.egg-info` (older).

A wheel's RECORD names each file, also scripts outside of `site-packages`. Where there is none (Debian takes them out),
the folders that `top_level.txt` names are the distribution's, else the folder that bears its name. Compiled files
belong to their source, whether or not they are listed.
"""

import csv
import posixpath
from collections.abc import Iterable, Iterator, Mapping

from imageopt.image.model import LibraryPackage
from imageopt.image.packages.installed import Installed, folder_bytes

_CACHE = "__pycache__/"
_HEADERS = 200  # lines of METADATA in which name and version are looked for; what follows is for people


def python_packages(found: Installed, owners: Mapping[str, str]) -> tuple[LibraryPackage, ...]:
    """The distributions, sorted by path; a file that two of them list is the first one's."""
    records = sorted({record for path in found.contents if (record := _record(path)) is not None})
    if not records:
        return ()
    compiled = _compiled(found.sizes)
    taken: set[str] = set()
    listed = {record: _listed(record, found, compiled, taken) for record in records}
    wanted = {
        place: record for record in reversed(records) if listed[record] is None for place in _places(record, found)
    }
    sizes = folder_bytes(found.folders, wanted) if wanted else {}
    packages = []
    for record in records:
        files = listed[record]
        metadata = _first(record, found, ("METADATA", "PKG-INFO", ""))
        name, version = _identity(record, found.contents.get(metadata, b""))
        base = f"{posixpath.dirname(record)}/"
        if files is None:
            total = sizes.get(record, 0) + sum(found.sizes[path] for path in _modules(record, found))
        else:
            total = sum(found.sizes[path] for path in files)
        packages.append(
            LibraryPackage(
                manager="python",
                name=name,
                version=version,
                path=record,
                bytes=total,
                birth=found.birth(metadata),
                dev=None,
                provided_by=owners.get(metadata, ""),
                elsewhere=tuple(path for path in files or () if not path.startswith(base)),
            )
        )
    return tuple(packages)


def _record(path: str) -> str | None:
    """The record that the captured file is of: its folder, or, for an old egg-info, the file itself."""
    folder, _, name = path.rpartition("/")
    if folder.endswith((".dist-info", ".egg-info")):
        return folder
    if folder.endswith("/EGG-INFO"):
        return folder
    return path if name.endswith(".egg-info") else None


def _first(record: str, found: Installed, names: Iterable[str]) -> str:
    """The captured file of the record with the first of the names that is there; the first name for none."""
    paths = [f"{record}/{name}" if name else record for name in names]
    return next((path for path in paths if path in found.contents), paths[0])


def _identity(record: str, metadata: bytes) -> tuple[str, str]:
    """Name and version from the headers (PEP 566), else from the record's own name (PEP 376)."""
    name, _, rest = posixpath.basename(record).rpartition(".")[0].partition("-")
    version = rest.partition("-")[0]
    for line in metadata.decode("utf-8", "replace").split("\n", _HEADERS)[:_HEADERS]:
        key, _, value = line.partition(":")
        if key == "Name":
            name = value.strip()
        elif key == "Version":
            version = value.strip()
        elif not line.strip():
            break
    return name, version


def _listed(record: str, found: Installed, compiled: Mapping[str, list[str]], taken: set[str]) -> list[str] | None:
    """The live files that the record lists and nobody has taken yet; None where it lists nothing."""
    if f"{record}/RECORD" in found.contents:
        base, names = posixpath.dirname(record), _rows(found.contents[f"{record}/RECORD"])
    elif f"{record}/installed-files.txt" in found.contents:
        base = record
        names = iter(found.contents[f"{record}/installed-files.txt"].decode("utf-8", "surrogateescape").splitlines())
    else:
        return None
    files = []
    for name in names:
        path = f"{base}/{name}"
        if "/." in path or "//" in path:
            path = posixpath.normpath(posixpath.join("/", base, name))[1:]
        for file in (path, *compiled.get(path.removesuffix(".py"), ())):
            if file in found.sizes and file not in taken:
                taken.add(file)
                files.append(file)
    return files


def _rows(data: bytes) -> Iterator[str]:
    """The paths in a RECORD: CSV rows of path, hash and size."""
    try:
        yield from (row[0] for row in csv.reader(data.decode("utf-8", "surrogateescape").splitlines()) if row)
    except csv.Error:  # a row longer than any path: what follows it is not read
        return


def _compiled(sizes: Mapping[str, int]) -> dict[str, list[str]]:
    """The live compiled files by the path of their source without its suffix (PEP 3147)."""
    compiled: dict[str, list[str]] = {}
    for path in sizes:
        if _CACHE in path:
            folder, _, name = path.rpartition(_CACHE)
            compiled.setdefault(folder + name.partition(".")[0], []).append(path)
    return compiled


def _top_level(record: str, found: Installed) -> list[str]:
    """The names that the distribution can be imported by."""
    data = found.contents.get(f"{record}/top_level.txt")
    if data is None:
        return [posixpath.basename(record).partition("-")[0]]
    return [name.strip() for name in data.decode("utf-8", "replace").splitlines() if name.strip(" ./")]


def _places(record: str, found: Installed) -> list[str]:
    """The folders of a distribution without a list: its record, and a folder for each importable name."""
    base = posixpath.dirname(record)
    if record.endswith("/EGG-INFO"):
        return [base]
    return [record, *(f"{base}/{name}" for name in _top_level(record, found))]


def _modules(record: str, found: Installed) -> list[str]:
    """Its files that lie beside the record: modules of one file, and a record that is one."""
    base = posixpath.dirname(record)
    names = [f"{base}/{name}.py" for name in _top_level(record, found)]
    return [path for path in (*names, record) if path in found.sizes]

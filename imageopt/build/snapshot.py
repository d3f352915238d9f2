"""A project folder -> a temporary copy of it that may be changed, so that the user's files are only ever read.

Files are hard links where the file system allows it: nobody may write into the copy in place, and `change_one_file`
puts a new file over the link. Symlinks stay symlinks and are never followed; sockets, pipes and devices are left out,
as BuildKit leaves them out.
"""

import contextlib
import os
import shutil
import stat
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from imageopt.build.temporary import prefix, remove_tree
from imageopt.errors import InputError
from imageopt.folders import cache_folder

MANIFESTS = ("package.json", "composer.json", "requirements.txt", "pyproject.toml", "go.mod")
_BLANK_LINES = 4096
_COMMENTS = {
    "go.mod": "// {}",
    **dict.fromkeys((".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx", ".go", ".rs", ".java"), "// {}"),
    **dict.fromkeys((".css", ".scss", ".less"), "/* {} */"),
    **dict.fromkeys((".py", ".rb", ".sh", ".yml", ".yaml", ".toml"), "# {}"),
    "requirements.txt": "# {}",
    **dict.fromkeys((".html", ".htm", ".md", ".vue", ".svelte"), "<!-- {} -->"),
}


class Snapshot:
    """The copy: `folder` is its root, `left_out` the relative paths that could not be read or are no files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.left_out: tuple[str, ...] = ()

    def change_one_file(self, relative: str, run_id: str) -> None:
        """Appends a comment, or empty lines where the type has none, to one file of the copy.

        The change carries the id of the run: a builder that saw the same change before would build nothing. Raises
        InputError where it is no regular file inside the copy.
        """
        path = self.folder / relative
        if _is_no_file(path):
            raise InputError(f"{relative} is no file of the project", "name a source file that the build copies")
        comment = _COMMENTS.get(path.suffix.lower()) or _COMMENTS.get(path.name)
        mark = f"changed by imageopt to time a rebuild, {run_id}"
        text = comment.format(mark) if comment is not None else "\n" * (zlib.crc32(run_id.encode()) % _BLANK_LINES)
        self.put(relative, path.read_bytes() + f"\n{text}\n".encode())

    def change_manifest(self, relative: str, run_id: str) -> None:
        """Makes one of `MANIFESTS` another file that asks for the same: a key or comment that no package manager reads.

        Raises InputError where it is no regular file inside the copy.
        """
        path = self.folder / relative
        if not relative.endswith(".json"):
            self.change_one_file(relative, run_id)
            return
        if _is_no_file(path):
            raise InputError(f"{relative} is no file of the project", "name the manifest that the build copies")
        head, brace, rest = path.read_bytes().partition(b"{")
        comma = b"" if rest.lstrip().startswith(b"}") else b", "
        self.put(relative, head + brace + f'"x-imageopt": "{run_id}"'.encode() + comma + rest)

    def put(self, relative: str, data: bytes) -> None:
        """Writes a file of the copy, in place of the one that is there; raises InputError where it would leave it."""
        path = self.folder / relative
        if not path.parent.resolve().is_relative_to(self.folder.resolve()):  # a folder may be a link that leaves
            raise InputError(f"{relative} is no file of the project", "name a path inside the project")
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = 0o644 if _is_no_file(path) else stat.S_IMODE(path.stat().st_mode)
        fresh = path.with_name(f"{path.name}.imageopt-new")
        fresh.write_bytes(data)
        fresh.chmod(mode)
        fresh.replace(path)  # never through the hard link, which is the user's file too


@contextlib.contextmanager
def snapshot(root: Path) -> Iterator[Snapshot]:
    """A copy of the folder for the length of the block. Raises InputError where the folder cannot be read."""
    holder = Path(tempfile.mkdtemp(prefix=prefix("project"), dir=_place_for(root)))
    try:
        copy = Snapshot(holder / "project")
        copy.left_out = tuple(sorted(_copy(root, copy.folder)))
        yield copy
    finally:
        remove_tree(holder)


def _place_for(root: Path) -> Path | None:
    """A folder for temporary files on the project's own file system, if there is one: links cost nothing there."""
    device = root.stat().st_dev if root.exists() else None
    if Path(tempfile.gettempdir()).stat().st_dev == device:
        return None
    with contextlib.suppress(OSError, InputError):
        cache = cache_folder()
        cache.mkdir(parents=True, exist_ok=True)
        if cache.stat().st_dev == device and not cache.resolve().is_relative_to(root.resolve()):
            return cache
    return None


def _copy(root: Path, target: Path) -> Iterator[str]:
    """Copies the tree and yields the relative paths that were left out."""
    folders: list[tuple[Path, Path]] = []
    pending = [(root, target)]
    while pending:
        source, copied = pending.pop()
        try:
            entries = sorted(os.scandir(source), key=lambda entry: entry.name)
        except OSError as error:
            if source == root:
                reason = error.strerror or "unreadable"
                raise InputError(f"{root} cannot be read: {reason}", "name a folder you may read") from None
            entries = []
            yield source.relative_to(root).as_posix()
        copied.mkdir()
        folders.append((source, copied))
        for entry in entries:
            path, place = Path(entry.path), copied / entry.name
            if entry.is_dir(follow_symlinks=False):
                pending.append((path, place))
            elif not _copy_entry(entry, place):
                yield path.relative_to(root).as_posix()
    for source, copied in reversed(folders):  # innermost first: a folder may forbid writing
        shutil.copystat(source, copied)


def _copy_entry(entry: "os.DirEntry[str]", place: Path) -> bool:
    try:
        if entry.is_symlink():
            place.symlink_to(Path(entry.path).readlink())
            return True
        if not entry.is_file(follow_symlinks=False):
            return False
        try:
            os.link(entry.path, place, follow_symlinks=False)
        except OSError:
            shutil.copy2(entry.path, place, follow_symlinks=False)
    except OSError:
        return False
    return True


def _is_no_file(path: Path) -> bool:
    try:
        return not stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return True

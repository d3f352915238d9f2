"""The bytes that came back as a lock file -> what the project's own reader sees in them, or why they are refused."""

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from imageopt.build.temporary import prefix
from imageopt.lockfile.tool import Tool
from imageopt.project.lock import read_lock
from imageopt.project.manifest import read_manifest
from imageopt.project.model import Lock

_NO_TEXT = frozenset(range(32)) - {9, 10, 13}


def accepted(data: bytes, files: Mapping[str, bytes], tool: Tool, hidden: Iterable[str] = ()) -> Lock | str:
    """The lock, which is in sync with the manifests among `files`; else the reason why it is refused."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return f"what {tool.manager} made is no text"
    if not text.strip() or _NO_TEXT & set(data):
        return f"what {tool.manager} made is no text"
    if any(value in text for value in hidden):
        return f"{tool.manager} wrote the login of a registry or proxy into the lock file"
    with tempfile.TemporaryDirectory(prefix=prefix("lock")) as folder:
        root = Path(folder)
        for path, content in {**files, tool.lock: data}.items():
            place = root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        manifest, _ = read_manifest(root)
        lock = read_lock(root, manifest, tool.manager)
    if lock is None or lock.path != tool.lock:
        return f"there is no package.json that {tool.lock} could belong to"
    return lock if lock.state == "in-sync" else f"what {tool.manager} made does not fit: {lock.reason}"

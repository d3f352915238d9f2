"""What imageopt built, remembered in the user's state folder: image id -> project and the Dockerfile as it was.

So `imageopt analyze docker:NAME` knows the lines of an image that imageopt built, and a folder finds its image again.
Nothing is written into the project or the image beside a label with the key of the folder.
"""

import contextlib
import hashlib
import json
import os
from pathlib import Path

from msgspec import Struct

from imageopt.errors import InputError
from imageopt.folders import state_folder

PROJECT_LABEL = "dev.imageopt.project"


class BuildRecord(Struct, frozen=True):
    """A build of the past: `dockerfile` is relative to `root`, `text` its bytes at that time."""

    root: Path
    dockerfile: str
    text: bytes
    target: str | None


def project_key(root: Path) -> str:
    """A name for the folder that tells nothing of its path."""
    return hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:16]


def remember(image_id: str, record: BuildRecord) -> None:
    """Writes the record down; a state folder that cannot be written is no reason to fail."""
    document = {
        "root": str(record.root.resolve()),
        "dockerfile": record.dockerfile,
        "text": record.text.decode("utf-8", "surrogateescape"),
        "target": record.target,
    }
    with contextlib.suppress(OSError, InputError):
        path = _path(image_id)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(document), encoding="ascii")
        fresh.replace(path)


def recall(image_id: str) -> BuildRecord | None:
    """The record of an image that imageopt built for this user, None for any other."""
    try:
        document = json.loads(_path(image_id).read_text("ascii"))
        return BuildRecord(
            Path(document["root"]),
            document["dockerfile"],
            document["text"].encode("utf-8", "surrogateescape"),
            document["target"],
        )
    except (OSError, InputError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _path(image_id: str) -> Path:
    name = image_id.removeprefix("sha256:")
    return state_folder() / "builds" / f"{name if name.isalnum() else project_key(Path(name))}.json"

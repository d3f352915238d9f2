"""What each byte of an image is for: one category for every file, and the rule that calls it avoidable.

The categories are tried in the design's order and the first that fits wins. A file that only came again (a chown
copies it up) keeps the layer that brought its content first, so that the finding points at the line to change.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from imageopt.dockerfile.shell import run_commands
from imageopt.evidence import causes
from imageopt.evidence.caches import cache_of
from imageopt.evidence.libraries import Libraries
from imageopt.evidence.model import BaseImage, FileClass, Origin
from imageopt.evidence.node_modules import Modules
from imageopt.evidence.paths import (
    PathClass,
    is_generated,
    is_global,
    is_secret,
    is_temporary,
    is_test_or_doc,
    is_tooling,
    is_vcs,
)
from imageopt.evidence.spelling import strip_nop
from imageopt.evidence.system import package_classes
from imageopt.evidence.variants import has_slimmer_variant
from imageopt.image.model import FileRecord, Image
from imageopt.project.model import Project

_SOURCE_SUFFIXES = (".ts", ".tsx", ".mts", ".cts", ".map", ".scss", ".sass", ".less", ".vue", ".svelte", ".coffee")
_OWNER = re.compile(r"(?:^|[\s;&|(])(?:chown|chmod|chgrp|setfacl)\s")
_PYTHON = re.compile(r"(?:python|pypy|gunicorn|uvicorn|hypercorn|uwsgi|flask|celery|jupyter)[\d.]*$")
_ADDED = ("usr/local/", "opt/")  # where what no package owns is put by hand (FHS 3.0, 3.13 and 4.9)
_ADDED_HEADERS = re.compile(r"(?:usr/local|opt/[^/]+)/include/|.*\.l?a$")
_ADDED_MANUALS = re.compile(r"(?:usr/local|opt/[^/]+)/(?:share/)?man/")
_SKELETON = re.compile(r"(?:root|home/[^/]+)/\.(?:bashrc|bash_logout|profile)$")  # what useradd copies from /etc/skel
_LOGIN_RECORDS = frozenset(("var/log/lastlog", "var/log/faillog"))  # one entry for each number up to the highest user's
_BROWSERS = {  # whose download: the packages that run it
    "cypress": ("cypress",),
    "playwright": ("playwright", "playwright-core", "@playwright/test"),
    "puppeteer": ("puppeteer", "puppeteer-core"),
    "electron": ("electron",),
}


def classify(
    image: Image, origins: Sequence[Origin | None], base: BaseImage, project: Project | None
) -> tuple[FileClass, ...]:
    """The class of every file of `image.files`, in that order."""
    classifier = _Classifier(image, origins, base, project)
    came_from = _first_layers(image.files)
    return tuple(classifier.classify(record, first) for record, first in zip(image.files, came_from, strict=True))


def _first_layers(files: Sequence[FileRecord]) -> list[int]:
    """For each file the layer in which its content first stood at its path, through any number of copies.

    A hardlinked file may come again under another of its names; then its content is looked for.
    """
    last: dict[str, tuple[FileRecord, int]] = {}
    copied: dict[tuple[bytes, int, int | None], int] = {}
    first = []
    for record in files:
        layer = record.birth
        before, origin = last.get(record.path, (None, layer))
        if before is not None and before.fate == "overwritten_same" and before.death == record.birth:
            layer = origin
        elif before is None and record.checksum:
            layer = copied.get((record.checksum, record.size, record.birth), layer)
        last[record.path] = (record, layer)
        if record.fate == "overwritten_same" and record.checksum:
            copied.setdefault((record.checksum, record.size, record.death), layer)
        first.append(layer)
    return first


class _Maker(NamedTuple):
    """What counts of the instruction that made a layer."""

    keyword: str
    copies_context: bool
    changes_owner: bool


_UNKNOWN = _Maker("", copies_context=False, changes_owner=False)


def _maker(origin: Origin | None, created_by: str | None) -> _Maker:
    if origin is None:
        return _maker_by_history(created_by or "")
    instruction = origin.instruction
    return _Maker(
        instruction.keyword,
        copies_context=instruction.keyword in ("COPY", "ADD") and instruction.flag("from") is None,
        changes_owner=instruction.keyword == "RUN"
        and any(command.name in ("chown", "chmod", "chgrp", "setfacl") for command in run_commands(instruction)),
    )


def _maker_by_history(created_by: str) -> _Maker:
    """The kind of instruction that the image's own history names; what it copied from is not told."""
    word = strip_nop(created_by).partition(" ")[0]
    if word in ("COPY", "ADD"):
        return _Maker(word, copies_context=False, changes_owner=False)
    if word == "RUN" or word.startswith("|") or word.endswith("sh"):
        return _Maker("RUN", copies_context=False, changes_owner=_OWNER.search(created_by) is not None)
    return _UNKNOWN


def _runs_python(image: Image) -> bool:
    """Whether the image is there to run Python, so that Python is no tool of a build: by its command, or by pip's."""
    words = [word for text in (*image.config.entrypoint, *image.config.cmd) for word in text.split()]
    return any(_PYTHON.match(word.rpartition("/")[2]) for word in words) or any(
        package.manager == "python" and not package.provided_by for package in image.packages.libraries
    )


def _dependency(*, dev: bool) -> PathClass:
    """The class of what a package brings along that lies outside of its folder."""
    if dev:
        return PathClass("dev-dependencies", causes.DEV_DEPENDENCIES)
    return PathClass("production-dependencies", None)


class _Classifier:
    def __init__(
        self, image: Image, origins: Sequence[Origin | None], base: BaseImage, project: Project | None
    ) -> None:
        self._makers = [
            _maker(origins[layer.index] if layer.index < len(origins) else None, layer.created_by)
            for layer in image.layers
        ]
        self._base_layers = base.layers or 0
        base_cause = causes.FAT_BASE if has_slimmer_variant(base.reference) else None
        self._base = [FileClass("base-image", base_cause, layer) for layer in range(self._base_layers)]
        self._owners = image.packages.owners
        self._packages = package_classes(image.packages.system, self._base_layers, runs_python=_runs_python(image))
        self._modules = Modules(image, project)
        self._libraries = Libraries(image.packages, frozenset(image.contents))
        self._packed = {each.path: each for each in image.packages.npm if each.path.endswith(".zip")}
        self._users: dict[str, list[bool]] = {}  # for each name of a package: whether only development needs it
        for package in image.packages.npm:
            dev = package.dev if package.dev is not None else self._modules.is_dev(f"{package.path}/package.json")
            self._users.setdefault(package.name, []).append(dev)
        for library in image.packages.libraries:
            self._users.setdefault(library.name, []).append(library.dev is True)
        self._by_folder: dict[str, PathClass | None] = {}
        self._app = image.config.working_dir.strip("/")
        self._outputs = tuple(f"{output.strip('/')}/" for output in project.build_outputs) if project else ()
        read = {fact.value.strip("/") for fact in project.runtime_paths} if project else set()
        inputs = (path.strip("/") for path in project.build_inputs) if project else ()
        self._inputs = tuple(path for path in inputs if path not in read)  # what runs is no mere source
        self._builds = project is not None and project.build_script is not None
        self._migrations = ("migrations/", "migrate/")

    def classify(self, record: FileRecord, first: int) -> FileClass:
        _, _, birth, fate, death, *_ = record
        if birth < self._base_layers and (death is None or death < self._base_layers):
            return self._base[birth]
        if death is not None:
            if fate == "deleted":
                return FileClass("deleted", causes.DELETED, death)
            return FileClass("overwritten", self._overwritten(record, death), death)
        category, cause = self._live(record.path, first)
        return FileClass(category, cause, first)

    def _keyword(self, layer: int) -> str:
        return self._makers[layer].keyword if layer < len(self._makers) else ""

    def _copied(self, layer: int) -> bool:
        """Whether the layer copies from the build context (not from another stage or image)."""
        return layer < len(self._makers) and self._makers[layer].copies_context

    def _overwritten(self, record: FileRecord, death: int) -> str | None:
        maker = self._makers[death] if death < len(self._makers) else _UNKNOWN
        reinstalled = maker.keyword == "RUN" and not maker.changes_owner
        if "node_modules/" in record.path and self._copied(record.birth) and reinstalled:
            return causes.HOST_MODULES
        if record.fate == "duplicate_entry":
            return None
        if maker.keyword in ("COPY", "ADD"):
            return causes.DUPLICATE_COPY if record.fate == "overwritten_same" else None
        return causes.CHOWN if maker.changes_owner else None

    def _live(self, path: str, first: int) -> PathClass:
        folder = path.rpartition("/")[0]
        if folder not in self._by_folder:
            self._by_folder[folder] = self._folder(folder)
        found = self._by_folder[folder]
        if self._packed and path in self._packed:
            found = _dependency(dev=self._packed[path].dev is True)
        if found is not None:
            return self._as_used(found, path, first)
        if "node_modules/" in path:
            dev = self._modules.is_dev(path)
            cause = causes.DEV_DEPENDENCIES if dev else None
            if self._copied(first):
                cause = causes.HOST_MODULES
            return PathClass("dev-dependencies" if dev else "production-dependencies", cause)
        if path.startswith(f"{self._app}/vendor/" if self._app else "vendor/"):
            return self._libraries.find(path, folder) or PathClass("production-dependencies", None)
        owner = self._owner(path)
        if owner is not None:
            return self._packages.get(owner, PathClass("system-packages", None))
        library = self._libraries.find(path, folder)
        if library is not None:
            return library
        if is_temporary(path):
            return PathClass("generated-data", causes.TEMPORARY)
        inside = self._inside(path)
        if inside is None and self._keyword(first) not in ("COPY", "ADD"):
            return self._outside(path)
        return self._application(inside if inside is not None else path, first)

    def _as_used(self, found: PathClass, path: str, first: int) -> PathClass:
        """The folder's class, except for the tool that starts the service and for what a command has cloned."""
        if found.category == "global-tools" and self._modules.starts_with(path):
            return PathClass("global-tools", None)
        if found.category == "vcs" and self._keyword(first) == "RUN":
            return PathClass("vcs", causes.GIT_CLONE)
        return found

    def _folder(self, folder: str) -> PathClass | None:
        """What the folder alone tells of the files in it."""
        cache = cache_of(folder)
        if cache is not None:
            users = [dev for name in _BROWSERS.get(cache.kind, ()) for dev in self._users.get(name, ())]
            return _dependency(dev=all(users)) if users else PathClass("package-manager-cache", cache.cause)
        if is_vcs(folder):
            return PathClass("vcs", causes.JUNK)
        return PathClass("global-tools", causes.GLOBAL_TOOLS) if is_global(folder) else None

    def _owner(self, path: str) -> str | None:
        """The package that owns the file; Python's compiled files belong to their source's."""
        owner = self._owners.get(path)
        if owner is None and "/__pycache__/" in path:
            folder, _, name = path.partition("/__pycache__/")
            owner = self._owners.get(f"{folder}/{name.partition('.')[0]}.py")
        return owner

    def _inside(self, path: str) -> str | None:
        """The path below the application's folder, None outside of it."""
        if not self._app:
            return None
        return path.removeprefix(f"{self._app}/") if path.startswith(f"{self._app}/") else None

    def _outside(self, path: str) -> PathClass:
        """What a RUN wrote outside of the application's folder and no package owns."""
        if path.startswith(("var/lib/", "var/cache/", "etc/", "usr/share/", "usr/lib/", "lib/")):
            return PathClass("system-packages", None)  # written by the scripts of packages: caches, indexes, settings
        if path in _LOGIN_RECORDS:
            return PathClass("generated-data", causes.LOGIN_RECORDS)
        if path.startswith("var/log/"):
            return PathClass("generated-data", causes.TEMPORARY)
        if _SKELETON.match(path):
            return PathClass("system-packages", None)
        if not path.startswith(_ADDED):
            return PathClass("other", None)
        if _ADDED_HEADERS.match(path):
            return PathClass("build-toolchain", None)
        if _ADDED_MANUALS.match(path) or is_test_or_doc(path):
            return PathClass("tests-and-docs", None)
        return PathClass("application", None)  # a runtime or a tool, unpacked or built on purpose

    def _application(self, path: str, first: int) -> PathClass:
        copied = self._copied(first)
        if path.startswith(self._outputs) and not path.endswith(".map"):
            return PathClass("build-output", None)
        if is_generated(path) and not path.startswith(self._migrations):
            return PathClass("generated-data", causes.GENERATED if copied else causes.TEMPORARY)
        if is_secret(path):
            return PathClass("application", causes.ENV_FILE)
        if is_test_or_doc(path):
            return PathClass("tests-and-docs", causes.JUNK if copied else None)
        if is_tooling(path):
            return PathClass("tests-and-docs", causes.JUNK if copied else None)
        if self._builds and (
            path.endswith(_SOURCE_SUFFIXES)
            or path in self._inputs
            or path.startswith(tuple(f"{name}/" for name in self._inputs))
        ):
            return PathClass("sources", causes.SOURCES)
        if self._keyword(first) == "RUN" and self._builds:
            return PathClass("build-output", None)
        return PathClass("application", None)

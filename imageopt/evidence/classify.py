"""What each byte of an image is for: one category for every file, and the rule that calls it avoidable.

The categories are tried in the design's order and the first that fits wins. A file that only came again (a chown
copies it up) keeps the layer that brought its content first, so that the finding points at the line to change.
"""

from collections.abc import Iterator, Sequence

from imageopt.evidence import causes
from imageopt.evidence.caches import cache_of
from imageopt.evidence.libraries import Libraries
from imageopt.evidence.makers import UNKNOWN, maker_of
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
from imageopt.evidence.system import package_classes
from imageopt.evidence.variants import has_slimmer_variant
from imageopt.image.model import Fate, FileRecord, Image
from imageopt.lazy_pattern import lazy_pattern
from imageopt.project.model import Project

_SOURCE_SUFFIXES = (".ts", ".tsx", ".mts", ".cts", ".map", ".scss", ".sass", ".less", ".vue", ".svelte", ".coffee")
_PYTHON = lazy_pattern(r"(?:python|pypy|gunicorn|uvicorn|hypercorn|uwsgi|flask|celery|jupyter)[\d.]*$")
_ADDED = ("usr/local/", "opt/")  # where what no package owns is put by hand (FHS 3.0, 3.13 and 4.9)
_ADDED_HEADERS = lazy_pattern(r"(?:usr/local|opt/[^/]+)/include/|.*\.l?a$")
_ADDED_MANUALS = lazy_pattern(r"(?:usr/local|opt/[^/]+)/(?:share/)?man/")
_SKELETON = lazy_pattern(r"(?:root|home/[^/]+)/\.(?:bashrc|bash_logout|profile)$")  # what useradd copies from /etc/skel
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
    return tuple(_Classifier(image, origins, base, project).classes(image.files))


def _first_layers(files: Sequence[FileRecord]) -> list[int]:
    """For each file the layer in which its content first stood at its path, through any number of copies.

    A hardlinked file may come again under another of its names; then its content is looked for.
    """
    last: dict[str, tuple[int | None, int]] = {}  # by path: where it came again unchanged, and its layer
    gone = (None, -1)  # a path whose content did not come again
    copied: dict[tuple[bytes, int, int | None], int] = {}
    first = []
    for path, size, birth, fate, death, checksum, _, _, _ in files:
        layer = birth
        before = last.get(path)
        if before is None:
            if copied and checksum:
                layer = copied.get((checksum, size, birth), layer)
        elif before[0] == birth:
            layer = before[1]
        if fate == "overwritten_same":
            last[path] = (death, layer)
            if checksum:
                copied.setdefault((checksum, size, death), layer)
        else:
            last[path] = gone
        first.append(layer)
    return first


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
            maker_of(origins[layer.index] if layer.index < len(origins) else None, layer.created_by)
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
        # what many files have in common is decided once: those of a folder, a package, a kind, a way to die
        self._places: dict[tuple[str, int], FileClass | None] = {}
        self._packaged: dict[tuple[str | None, int], FileClass] = {}
        self._known: dict[tuple[PathClass, int], FileClass] = {}
        self._dead: dict[tuple[Fate, int, int, bool], FileClass] = {}
        self._app = image.config.working_dir.strip("/")
        self._outputs = tuple(f"{output.strip('/')}/" for output in project.build_outputs) if project else ()
        read = {fact.value.strip("/") for fact in project.runtime_paths} if project else set()
        inputs = (path.strip("/") for path in project.build_inputs) if project else ()
        self._inputs = tuple(path for path in inputs if path not in read)  # what runs is no mere source
        self._builds = project is not None and project.build_script is not None
        self._migrations = ("migrations/", "migrate/")

    def classes(self, files: Sequence[FileRecord]) -> Iterator[FileClass]:
        """The class of each of the files, which are all of the image."""
        base_layers, dead, places = self._base_layers, self._dead, self._places
        packed, owners, packaged = self._packed, self._owners, self._packaged
        for (path, _, birth, fate, death, _, _, _, _), first in zip(files, _first_layers(files), strict=True):
            if birth < base_layers and (death is None or death < base_layers):
                yield self._base[birth]
            elif death is not None:
                way = (fate, birth, death, "node_modules/" in path)
                if way not in dead:
                    dead[way] = self._died(*way)
                yield dead[way]
            elif packed and path in packed:
                yield self._class(_dependency(dev=packed[path].dev is True), first)
            else:
                folder = path.rpartition("/")[0]
                place = (folder, first)
                if place not in places:
                    found = self._of_folder(folder, first)
                    places[place] = None if found is None else self._class(found, first)
                yield places[place] or packaged.get((owners.get(path), first)) or self._of_path(path, folder, first)

    def _class(self, found: PathClass, first: int) -> FileClass:
        known = self._known.get((found, first))
        if known is None:
            known = self._known[found, first] = FileClass(*found, first)
        return known

    def _keyword(self, layer: int) -> str:
        return self._makers[layer].keyword if layer < len(self._makers) else ""

    def _copied(self, layer: int) -> bool:
        """Whether the layer copies from the build context (not from another stage or image)."""
        return layer < len(self._makers) and self._makers[layer].copies_context

    def _died(self, fate: Fate, birth: int, death: int, in_modules: bool) -> FileClass:
        if fate == "deleted":
            return FileClass("deleted", causes.DELETED, death)
        return FileClass("overwritten", self._overwritten(fate, birth, death, in_modules=in_modules), death)

    def _overwritten(self, fate: Fate, birth: int, death: int, *, in_modules: bool) -> str | None:
        maker = self._makers[death] if death < len(self._makers) else UNKNOWN
        reinstalled = maker.keyword == "RUN" and not maker.changes_owner
        if in_modules and self._copied(birth) and reinstalled:
            return causes.HOST_MODULES
        if fate == "duplicate_entry":
            return None
        if maker.keyword in ("COPY", "ADD"):
            return causes.DUPLICATE_COPY if fate == "overwritten_same" else None
        return causes.CHOWN if maker.changes_owner else None

    def _of_folder(self, folder: str, first: int) -> PathClass | None:
        """What the folder alone tells of the live files in it; None where each has a class of its own."""
        inside = f"{folder}/"
        cache = cache_of(folder)
        if cache is not None:
            users = [dev for name in _BROWSERS.get(cache.kind, ()) for dev in self._users.get(name, ())]
            return _dependency(dev=all(users)) if users else PathClass("package-manager-cache", cache.cause)
        if is_vcs(folder):  # a command may have cloned it
            return PathClass("vcs", causes.GIT_CLONE if self._keyword(first) == "RUN" else causes.JUNK)
        if is_global(folder):  # one of them may start the service
            return PathClass("global-tools", None if self._modules.starts_with(inside) else causes.GLOBAL_TOOLS)
        if "node_modules/" in inside:
            return self._module(inside, first)
        if inside.startswith(f"{self._app}/vendor/" if self._app else "vendor/"):
            return self._libraries.in_folder(folder) or PathClass("production-dependencies", None)
        return None

    def _module(self, inside: str, first: int) -> PathClass:
        dev = self._modules.is_dev(inside)
        cause = causes.DEV_DEPENDENCIES if dev else None
        if self._copied(first):
            cause = causes.HOST_MODULES
        return PathClass("dev-dependencies" if dev else "production-dependencies", cause)

    def _of_path(self, path: str, folder: str, first: int) -> FileClass:
        """The class of a live file that its folder does not tell."""
        owner = self._owner(path)
        if owner is None:
            return self._class(self._unowned(path, folder, first), first)
        found = self._packages.get(owner, PathClass("system-packages", None))
        return self._packaged.setdefault((owner, first), self._class(found, first))

    def _unowned(self, path: str, folder: str, first: int) -> PathClass:
        library = self._libraries.find(path, folder)
        if library is not None:
            return library
        if is_temporary(path):
            return PathClass("generated-data", causes.TEMPORARY)
        inside = self._inside(path)
        if inside is None and self._keyword(first) not in ("COPY", "ADD"):
            return self._outside(path)
        return self._application(inside if inside is not None else path, first)

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

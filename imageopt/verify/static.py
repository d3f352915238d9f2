"""Two sides that were read -> what can be told without running either: loading, modules, packages, losses, secrets.

Whatever both sides share never counts: a package that asks for something in vain did so before. What is told here is
told although both may run: the path that needs it may not have been requested.
"""

import posixpath
from collections.abc import Callable

from msgspec.structs import replace

from imageopt.compare.filesystem import Filesystem
from imageopt.compare.loading import newly_unloadable
from imageopt.compare.lost import SYSTEM, lost_files
from imageopt.compare.modules import Missing, ModuleGraph, unmet_dependencies
from imageopt.compare.production import Production, compare_production
from imageopt.image.model import Image
from imageopt.rules.model import Finding
from imageopt.verify.hashed_names import without_hash
from imageopt.verify.model import NotDone, Side, Static

_SECRET_RULES = ("secret-file-in-any-layer", "secret-in-arg-or-env", "npm-token-exposed", "env-file-or-key-copied")


def compare_static(before: Side, after: Side, *, traced: bool = False) -> Static | NotDone:
    """What differs, or why that is not known.

    `traced`: the rewrite itself leaves out packages that nothing was seen to load; then none is missing for being
    named in a manifest.
    """
    old, new = before.evidence, after.evidence
    if old is None or new is None or old.image is None or new.image is None:
        return NotDone("one of the images could not be read")
    production = compare_production(old, new)
    return Static(
        unloadable=newly_unloadable(old.image, new.image),
        missing_modules=_missing(before, after),
        unmet_dependencies=() if traced else _unmet(old.image, new.image, production),
        production=replace(production, wanted=()) if traced else production,
        lost=lost_files(old, new, _named_by(after.modules, new.image)),
        secrets=_secrets(before.findings, after.findings),
    )


def _unmet(old: Image, new: Image, production: Production) -> tuple[Missing, ...]:
    """Of a package that is there in other versions, the one that is found may not be the one that is asked for."""
    changed = {text.split(" ")[1] for text in production.changed if text.startswith("npm ")}
    return tuple(sorted(unmet_dependencies(new, changed) - unmet_dependencies(old, changed)))


def _missing(before: Side, after: Side) -> tuple[Missing, ...]:
    """What the program of `after` asks for in vain, and the one of `before` had, or did not ask for."""
    if not isinstance(after.modules, ModuleGraph):
        return ()
    graph = before.modules if isinstance(before.modules, ModuleGraph) else None
    known = graph.missing if graph is not None else frozenset()
    files = frozenset(graph.files if graph is not None else ())
    # a build may move a file: what it asks for by name stays the same, and so does its own name
    asked = {_without_place(found) for found in known}
    return tuple(
        sorted(
            found
            for found in after.modules.missing
            if found not in known and (found.importer in files or _without_place(found) not in asked)
        )
    )


def _without_place(found: Missing) -> tuple[str, str]:
    importer = without_hash(f"/{posixpath.basename(found.importer)}")  # a build may name a file by its content, too
    return importer.partition(".")[0], found.name


def _named_by(graph: ModuleGraph | NotDone, image: Image) -> Callable[[str], bool]:
    """Tells of a lost path whether the code that is left spells its name, or that of the folder it lay in."""
    if isinstance(graph, NotDone):
        return lambda _: False
    tree = Filesystem(image)
    names = {path.rpartition("/")[2] for path in tree.files if "node_modules/" not in path}
    app = f"{image.config.working_dir.strip('/') or _package_of(graph.entry, tree)}/".lstrip("/")

    def is_named(path: str) -> bool:
        if not path.startswith(app) or "node_modules/" in path or (not app and path.startswith(SYSTEM)):
            return False
        above = [path[:end] for end in (index for index, letter in enumerate(path) if letter == "/") if end >= len(app)]
        gone = {folder.rpartition("/")[2] for folder in above if folder not in tree.folders}
        name = path.rpartition("/")[2]
        return bool(graph.words & (gone if name in names else {*gone, name}))

    return is_named


def _package_of(entry: str, tree: Filesystem) -> str:
    """The folder of the package that a file is of: where no WORKDIR tells it, the application lies there."""
    folder = own = posixpath.dirname(entry)
    while folder and f"{folder}/package.json" not in tree.files:
        folder = posixpath.dirname(folder)
    return folder if folder or "package.json" in tree.files else own


def _secrets(before: tuple[Finding, ...], after: tuple[Finding, ...]) -> tuple[str, ...]:
    """The findings on secrets that are new, by the rule and what it is about."""
    known = {_about(finding) for finding in before}
    new = [finding for finding in after if finding.rule in _SECRET_RULES and _about(finding) not in known]
    return tuple(sorted({f"{finding.title}: {_place(finding)}" for finding in new}))


def _about(finding: Finding) -> tuple[str, tuple[str, ...]]:
    return finding.rule, tuple(path.path for path in finding.evidence)


def _place(finding: Finding) -> str:
    if finding.evidence:
        return finding.evidence[0].path
    return f"line {finding.location.line}" if finding.location is not None else "the image"

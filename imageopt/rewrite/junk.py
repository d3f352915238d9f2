"""Findings about useless files in the image -> the paths of the project that brought them in, if nothing needs them.

A folder is named instead of its files where everything that the image has of it is useless.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence

from imageopt.evidence.model import Evidence
from imageopt.project.files import exists, is_folder, read_source, source_files
from imageopt.project.model import Project
from imageopt.rules.model import Finding

_RULES = {"junk-copied", "generated-data-copied", "host-node-modules-copied", "deleted-in-later-layer"}
_RELATIVE = re.compile(r"""['"`](\.{1,2}/[^'"`\n?]+)""")


def junk_paths(evidence: Evidence, findings: Sequence[Finding], needed: Iterable[str]) -> tuple[str, ...]:
    """Paths of the context, sorted, that findings call junk; what holds something needed is left out."""
    project, image = evidence.project, evidence.image
    if project is None or image is None:
        return ()
    folder = f"{image.config.working_dir.strip('/')}/".lstrip("/")
    junk = {index for finding in findings if finding.rule in _RULES for index in finding.files}
    useless: set[str] = set()
    kept = {*needed, *project.build_inputs, *(fact.value for fact in project.runtime_paths), *_imported(project)}
    for index, record in enumerate(image.files):
        if record.path.startswith(folder) and (index in junk or record.fate == "live"):
            (useless if index in junk else kept).add(record.path.removeprefix(folder))
    useless -= kept
    holding = {above for path in kept for above in _upwards(path)}  # folders with something needed in them
    within = {path for path in kept if path not in holding or exists(project.root, path)}
    found = set()
    for path in useless:
        if any(above in within for above in _upwards(path)):
            continue
        highest = next(name for name in (*reversed(list(_upwards(path))), path) if name not in holding)
        if exists(project.root, highest):
            found.add(highest)
    return tuple(sorted(found))


def _imported(project: Project) -> Iterator[str]:
    """What a source file names relative to itself: a bundler takes in Markdown, pictures and data by their paths."""
    for source in source_files(project.root, project.build_outputs):
        for name in _RELATIVE.findall(read_source(project.root, source)):
            fixed, *variable = re.split(r"[*$]", name, maxsplit=1)
            named = fixed.rpartition("/")[0] if variable else fixed
            path = posixpath.normpath(posixpath.join(posixpath.dirname(source), named))
            if path.startswith(("..", "/")) or path == "." or not exists(project.root, path):
                continue
            if variable or not is_folder(project.root, path):  # a folder alone says nothing of all that is in it
                yield path


def _upwards(path: str) -> Iterator[str]:
    """The folders above a path, the nearest first."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path

"""Findings about useless files in the image -> the paths of the project that brought them in, if nothing needs them.

A folder is named instead of its files where everything that the image has of it is useless.
"""

from collections.abc import Iterable, Iterator, Sequence

from imageopt.evidence.model import Evidence
from imageopt.project.files import exists
from imageopt.rules.model import Finding

_RULES = {"junk-copied", "generated-data-copied", "host-node-modules-copied", "deleted-in-later-layer"}


def junk_paths(evidence: Evidence, findings: Sequence[Finding], needed: Iterable[str]) -> tuple[str, ...]:
    """Paths of the context, sorted, that findings call junk; what holds something needed is left out."""
    project, image = evidence.project, evidence.image
    if project is None or image is None:
        return ()
    folder = f"{image.config.working_dir.strip('/')}/".lstrip("/")
    junk = {index for finding in findings if finding.rule in _RULES for index in finding.files}
    useless: set[str] = set()
    kept = {*needed, *project.build_inputs, *(fact.value for fact in project.runtime_paths)}
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


def _upwards(path: str) -> Iterator[str]:
    """The folders above a path, the nearest first."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path

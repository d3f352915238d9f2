"""Findings about useless files in the image -> the paths of the project that brought them in, if nothing needs them."""

from collections.abc import Iterable, Sequence

from imageopt.evidence.model import Evidence
from imageopt.project.files import exists
from imageopt.rules.model import Finding

_RULES = {"junk-copied", "generated-data-copied", "host-node-modules-copied", "dockerignore-missing-or-weak"}


def junk_paths(evidence: Evidence, findings: Sequence[Finding], needed: Iterable[str]) -> tuple[str, ...]:
    """Paths of the context, sorted, that findings call junk; what holds something needed is left out."""
    project, image = evidence.project, evidence.image
    if project is None or image is None:
        return ()
    wanted = {*needed, *project.build_inputs, *(fact.value for fact in project.runtime_paths)}
    folder = image.config.working_dir.strip("/")
    found = set()
    for finding in findings:
        if finding.rule not in _RULES:
            continue
        for item in finding.evidence:
            path = item.path.strip("/").removeprefix(f"{folder}/") if folder else item.path.strip("/")
            if not exists(project.root, path) or any(name == path or name.startswith(f"{path}/") for name in wanted):
                continue
            if not any(path.startswith(f"{name}/") for name in wanted):
                found.add(path)
    return tuple(sorted(path for path in found if not any(path.startswith(f"{other}/") for other in found)))

"""A Python project and its Dockerfile -> the values of the template `python`, and the account of what is done.

The last stage stays the author's own file, on the same version and suite; where packages were installed stands a COPY
of the virtual environment instead. It has one path in both stages, because its programs begin with that path.
"""

import posixpath
import re

from imageopt.dockerfile.model import Dockerfile, Stage
from imageopt.evidence.model import Evidence
from imageopt.project.files import exists, files_named, read_source, top_names
from imageopt.project.model import Project
from imageopt.rewrite.builders import builders, without_cache
from imageopt.rewrite.ground import Account, Plan
from imageopt.rewrite.health import needs_program, with_python
from imageopt.rewrite.python.base import PythonImage, against_slim, links_system, python_image
from imageopt.rewrite.python.requirements import read_requirements
from imageopt.rewrite.python.stages import ENVIRONMENT, ground, inputs, installs, lines, listed, system_of
from imageopt.rewrite.python.survey import REBUILT, Case, covers, files_of, obstacle, programs_of, read_items
from imageopt.rewrite.render import word
from imageopt.rewrite.system import at_run_time


def python_plan(evidence: Evidence, project: Project, tree: Dockerfile, target: str) -> Plan | str | None:
    """The plan; the reason where there is none; None for another image than the official one of Python.

    Raises Unsafe for a value without a safe spelling.
    """
    stage = tree.stages[-1]
    image = python_image(stage.from_instruction.words[0].raw, stage.base)
    if image is None:
        return None
    items = tuple(read_items(tree, stage))
    reason = obstacle(items, image)
    if reason:
        return reason
    folder = next(item.folder for item in items if item.has("install"))
    wanted = read_requirements(project.root, files_of(items, folder))
    if wanted.local:
        return f"{wanted.local}, which a stage of packages alone cannot"
    if not wanted.files:
        return "no file of the project says which packages are installed"
    case = Case(project, tree, items, folder, wanted, frozenset(programs_of(project, items)))
    return _plan(evidence, case, stage, image, target)


def _plan(evidence: Evidence, case: Case, stage: Stage, image: PythonImage, target: str) -> Plan:
    account = Account()
    builds_with = builders(case.project, evidence.dockerfile_path)
    named = [name for item in case.items for command in item.commands for name in system_of(command)]
    kept = frozenset(name for name in named if _runs(name, case))
    runtime = _runtime(image, case, kept, target, account)
    asks = links_system(evidence, case.wanted.names) or any(name.endswith("-dev") for name in named)
    listing = asks and (runtime != image.written or len(kept) < len(named))
    name = "build" if (stage.name or "").lower() != "build" else "packages"
    values: dict[str, object] = {
        "header": case.tree.text[: stage.from_instruction.start].replace("\r\n", "\n"),
        "platform": f"--platform={word(stage.platform)} " if stage.platform else "",
        "image": runtime,
        "name": stage.name or "",
        "environment": ENVIRONMENT,
        "folder": word(case.folder),
        "build": {
            "image": image.written,
            "name": name,
            # Poetry's own packages lie beside the image's, and would pass for the project's
            "shares": not any(item.has("tool") for item in case.items),
            "ground": list(ground(case)),
            "inputs": list(inputs(case)),
            "installs": [*installs(case, account, mounts=builds_with.mounts), *([listed()] if listing else [])],
        },
        "lines": list(lines(case, name, kept, account, listing=listing, slim=runtime != image.written)),
    }
    account.done["multi-stage"] = "packages are installed in a stage of their own; what compiles them stays there"
    account.done["drop-caches"] = (
        "downloads are mounted while packages are installed, and are in no layer"
        if builds_with.mounts
        else without_cache(builds_with)
    )
    if any(covers(case, item) for item in case.items[: _first(case)]):
        account.done["order-copies"] = f"{case.wanted.files[0]} comes before the sources, so packages stay cached"
    if not any(item.instruction.keyword == "USER" for item in case.items):
        account.refuse(
            "run-as-node", "Python's image has no user of its own: make one with useradd, and give it what it writes to"
        )
    return Plan("python", values, account, _needed(case), REBUILT)


def _runtime(image: PythonImage, case: Case, kept: frozenset[str], target: str, account: Account) -> str:
    """The image of the last stage."""
    if target == "alpine":
        account.refuse("base-swap", "alpine: wheels for musl are not there for every package")
    if image.kind != "full" or target == "keep":
        return image.written
    reason = against_slim(case.wanted.names, kept, case.programs - _asked_by_probe(case))
    health = next(
        (item.instruction for item in reversed(case.items) if item.instruction.keyword == "HEALTHCHECK"), None
    )
    program = needs_program(health) if health is not None else None
    if health is not None and program and program not in kept and with_python(health) is None:
        reason = f"the HEALTHCHECK needs {program}, and is no plain probe that Python could make"
    if reason or image.slim is None:
        account.refuse("base-swap", f"slim: {reason or 'FROM does not name a version that has a slim image'}")
        return image.written
    account.done["base-swap"] = f"{image.slim}: the same version and suite without compilers"
    return image.slim


def _asked_by_probe(case: Case) -> set[str]:
    return {"curl", "wget"} if any(item.instruction.keyword == "HEALTHCHECK" for item in case.items) else set()


def _runs(package: str, case: Case) -> bool:
    return not package.endswith("-dev") and at_run_time(package, case.programs)


def _first(case: Case) -> int:
    return next(number for number, item in enumerate(case.items) if item.has("install"))


def _needed(case: Case) -> tuple[str, ...]:
    """What of the context the Dockerfile or the service names."""
    wanted = set(case.wanted.files)
    for item in case.items:
        if item.instruction.flag("from") is None:
            wanted |= {posixpath.normpath(source.lstrip("/") or ".") for source in item.sources if "*" not in source}
    text = "\n".join(read_source(case.project.root, path) for path in files_named(case.project.root, (".py",), REBUILT))
    for name in top_names(case.project.root):
        if re.fullmatch(r"\.env(?:\.(?!example|dist)\w+)?", name) or re.search(rf"['\"/]{re.escape(name)}['\"/]", text):
            wanted.add(name)
    return tuple(sorted(path for path in wanted if path != "." and exists(case.project.root, path)))

"""A source folder -> Deployment: what compose files, manifests, charts and the pipeline say about building and running.

A rewrite must keep what these refer to: a target's name, a probe's program, a user's number, a path that is mounted.
It is not read with the project but when it is asked for: a folder may hold hundreds of manifests.
"""

import fnmatch
import os
import re
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from imageopt.errors import InputError
from imageopt.lazy_pattern import lazy_pattern
from imageopt.project.compose import compose_facts
from imageopt.project.files import exists, read_text
from imageopt.project.gitlab_ci import gitlab_facts, included
from imageopt.project.kubernetes import kubernetes_facts, line_facts, without_actions
from imageopt.project.model import Deployment, DeploymentFact
from imageopt.project.yaml_tree import parse_yaml

_COMPOSE = ("compose.y*ml", "docker-compose.y*ml", "compose.*.y*ml", "docker-compose.*.y*ml", "docker-compose-*.y*ml")
_PIPELINE = (".gitlab-ci.yml", ".gitlab-ci.yaml")
_SKIPPED = {"node_modules", "vendor", "bower_components", "dist", "coverage", "test", "tests", "__tests__"}
_KINDS = lazy_pattern(r"^apiVersion:|^kind:", re.MULTILINE)
_TEXT_LIMIT = 500_000
_FILES_LIMIT = 300
_FOLDERS_LIMIT = 3_000
_DEEPEST = 5
_INCLUDES_LIMIT = 30


def read_deployment(root: Path) -> Deployment:
    """What the folder's files say, file by file in the order of their paths, the pipeline last. Reads no other."""
    facts: list[DeploymentFact] = []
    problems: list[str] = []
    paths = _yaml_files(root)
    charts = {path.rpartition("/")[0] for path in paths if path.rpartition("/")[2] in ("Chart.yaml", "Chart.yml")}
    for path in paths[:_FILES_LIMIT]:
        try:
            facts += _read(root, path, charts)
        except InputError as error:
            problems.append(error.cause)
    if len(paths) > _FILES_LIMIT:
        problems.append(f"the folder holds {len(paths)} YAML files; the first {_FILES_LIMIT} were read")
    pipeline, pipeline_problems = _read_pipeline(root)
    return Deployment(_joined([*facts, *pipeline]), (*problems, *pipeline_problems))


def _read(root: Path, path: str, charts: set[str]) -> list[DeploymentFact]:
    text = read_text(root, path, limit=_TEXT_LIMIT)
    if text is None:
        return []
    name = path.rpartition("/")[2]
    if any(fnmatch.fnmatchcase(name, pattern) for pattern in _COMPOSE):
        return [fact for document in parse_yaml(text, path) for fact in compose_facts(document, path)]
    chart = next((chart for chart in charts if not chart or path.startswith(f"{chart}/")), None)
    if chart is not None and "/templates/" in f"/{path}":
        return _template(text, path)
    is_values = chart is not None and re.fullmatch(r"values[\w.-]*\.ya?ml", name)
    if not is_values and not _KINDS.search(text):
        return []
    return [fact for document in parse_yaml(text, path) for fact in kubernetes_facts(document, path)]


def _template(text: str, path: str) -> list[DeploymentFact]:
    try:
        return [fact for part in parse_yaml(without_actions(text), path) for fact in kubernetes_facts(part, path)]
    except InputError:
        return list(line_facts(text, path))


def _read_pipeline(root: Path) -> tuple[list[DeploymentFact], list[str]]:
    facts: list[DeploymentFact] = []
    problems: list[str] = []
    waiting = [path for path in _PIPELINE if exists(root, path)][:1]
    for path in waiting:
        text = read_text(root, path, limit=_TEXT_LIMIT)
        if text is None:
            problems.append(f"{path} is included and cannot be read")
            continue
        try:
            documents = parse_yaml(text, path)
        except InputError as error:
            problems.append(error.cause)
            continue
        for document in documents:
            facts += gitlab_facts(document, path)
            new = [other for other in included(document) if other not in waiting]
            waiting += new[: max(_INCLUDES_LIMIT - len(waiting), 0)]
    return facts, problems


def _joined(facts: list[DeploymentFact]) -> tuple[DeploymentFact, ...]:
    """Override files speak of a service that another file of the folder builds: they get its Dockerfile."""
    built = {_owner(fact): fact.dockerfile for fact in facts if fact.kind == "dockerfile"}
    return tuple(
        replace(fact, dockerfile=built.get(_owner(fact), "")) if not fact.dockerfile else fact for fact in facts
    )


def _owner(fact: DeploymentFact) -> tuple[str, str]:
    return fact.source.rpartition("/")[0], fact.service


def _yaml_files(root: Path) -> list[str]:
    """The YAML files of the folder, sorted; neither those of packages nor those of tests, and no links."""
    return sorted(_walk(root))


def _walk(root: Path) -> Iterator[str]:
    for seen, (folder, names, files) in enumerate(os.walk(root)):
        below = Path(folder).relative_to(root).as_posix()
        prefix = "" if below == "." else f"{below}/"
        if seen > _FOLDERS_LIMIT or prefix.count("/") >= _DEEPEST:
            names.clear()
        names[:] = sorted(name for name in names if name not in _SKIPPED and name[0] != ".")
        for name in files:
            if name.endswith((".yml", ".yaml")) and name[0] != "." and not (Path(folder) / name).is_symlink():
                yield prefix + name

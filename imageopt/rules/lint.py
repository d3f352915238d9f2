"""Dockerfiles as texts -> what the rules say of each: no engine, no image, and the project only where it is asked for.

What surprises: each file is judged by the configuration nearest to it, so one run over a repository of many projects
may hold as many opinions; the rules themselves are loaded once for each.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from imageopt.config import Config, load_config, nearest
from imageopt.dockerfile import parse
from imageopt.evidence.join import join
from imageopt.rules.check import judge
from imageopt.rules.model import SEVERITIES, Finding, Severity, Suppressed
from imageopt.rules.policy import HADOLINT, Policy, make_policy, team_folder


@dataclass(frozen=True, slots=True)
class Source:
    """A Dockerfile by the name it is reported under, and the folder it lies in."""

    name: str
    folder: Path
    data: bytes


@dataclass(frozen=True, slots=True)
class Lint:
    """What was found in all files, in the order of the files and in each from top to bottom.

    `failed` says whether a finding is as grave as was asked, or as the configuration in force for its file says.
    """

    files: tuple[str, ...]
    findings: tuple[Finding, ...]
    suppressed: tuple[Suppressed, ...]
    notes: tuple[str, ...]
    failed: bool


@dataclass(slots=True)
class Policies:
    """The policy for each folder; `explicit` is a configuration that is in force for all."""

    explicit: Path | None = None
    _made: dict[tuple[Path | None, ...], Policy] = field(default_factory=dict)
    _folders: dict[Path, Policy] = field(default_factory=dict)

    def of(self, folder: Path) -> Policy:
        """The policy in force in a folder. Raises UsageError where its configuration or a team's rule is wrong."""
        if folder not in self._folders:
            config = load_config(folder, self.explicit)
            self._folders[folder] = self._policy(config, folder)
        return self._folders[folder]

    def _policy(self, config: Config, folder: Path) -> Policy:
        hadolint = nearest(folder, *HADOLINT) if config.path is None else None
        key = (config.path, hadolint, team_folder(config, folder))
        if key not in self._made:
            self._made[key] = make_policy(config, folder, base=Path(), examples=False)
        return self._made[key]


def lint(
    sources: Iterable[Source],
    policies: Policies,
    *,
    fail_on: Severity | None = None,
    now: date | None = None,
    with_project: bool = False,
) -> Lint:
    """What the rules say of the files. `fail_on` is the least severity that fails: None for what is configured.

    `with_project` reads the folder of each file as its project, which takes as long as the project is large.
    """
    files: list[str] = []
    findings: dict[Finding, None] = {}  # a waiver that has expired is told once, however many files it is for
    suppressed: list[Suppressed] = []
    notes: dict[str, None] = {}
    failed = False
    for source in sources:
        policy = policies.of(source.folder)
        found, gone = _one(source, policy, now, with_project=with_project)
        files.append(source.name)
        findings.update(dict.fromkeys(found))
        suppressed.extend(gone)
        notes.update(dict.fromkeys(policy.notes))
        least = fail_on or policy.fail_on or "error"
        failed = failed or any(
            SEVERITIES.index(one.severity) <= SEVERITIES.index(least) != SEVERITIES.index("off") for one in found
        )
    return Lint(tuple(files), tuple(findings), tuple(suppressed), tuple(notes), failed)


def _one(
    source: Source, policy: Policy, now: date | None, *, with_project: bool
) -> tuple[list[Finding], tuple[Suppressed, ...]]:
    project = None
    if with_project:
        from imageopt.project.read import read_project

        project = read_project(source.folder, dockerfile=Path(source.name).name)
    evidence = join(None, parse(source.data), project, dockerfile_path=source.name)
    judged = judge(evidence, policy.rules, waivers=policy.waivers, now=now)
    known = {source.name, *(waiver.file for waiver in policy.waivers)}
    found = [_from_here(finding, source, known) for finding in judged.findings]
    return sorted(found, key=_order), judged.suppressed


def _from_here(finding: Finding, source: Source, known: set[str]) -> Finding:
    """The finding with its file as seen from the current folder; those of a project are named from its own."""
    place = finding.location
    if place is None or place.file in known:
        return finding
    return replace(finding, location=replace(place, file=os.path.relpath(source.folder / place.file)))


def _order(finding: Finding) -> tuple[int, int, str, str]:
    place = finding.location
    return (place.line, place.column, finding.code, finding.message) if place else (0, 0, finding.code, finding.message)

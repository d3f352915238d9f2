"""Dockerfiles as texts -> what the rules say of each: no engine, no image, and the project only where it is asked for.

What surprises: each file is judged by the configuration nearest to it, so one run over a repository of many projects
may hold as many opinions; the rules themselves are loaded once for each.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from imageopt.config import Config, load_config, nearest
from imageopt.dockerfile import parse
from imageopt.evidence.join import join
from imageopt.evidence.model import Evidence
from imageopt.rules.check import judge
from imageopt.rules.model import SEVERITIES, Finding, Location, Severity, Suppressed
from imageopt.rules.policy import HADOLINT, Policy, make_policy, team_folder

_WORTH_SHARING = 250_000  # bytes of all files, which take half a second
_TOGETHER = 10  # files whose results a process hands over at once


Mender = Callable[[Evidence, tuple[Finding, ...], Policy, date | None], tuple[Finding, ...]]


class Source(Struct, frozen=True):
    """A Dockerfile by the name it is reported under, and the folder it lies in."""

    name: str
    folder: Path
    data: bytes


class Lint(Struct, frozen=True):
    """What was found in all files, in the order of the files and in each from top to bottom.

    `failed` says whether a finding is as grave as was asked, or as the configuration in force for its file says.
    """

    files: tuple[str, ...]
    findings: tuple[Finding, ...]
    suppressed: tuple[Suppressed, ...]
    notes: tuple[str, ...]
    failed: bool


class Policies(Struct):
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


_Taken = tuple[Source, Policy]
_Judged = tuple[tuple[Finding, ...], tuple[Suppressed, ...]]


def lint(
    sources: Iterable[Source],
    policies: Policies,
    *,
    fail_on: Severity | None = None,
    now: date | None = None,
    with_project: bool = False,
    with_fingerprints: bool = True,
    mended: Mender | None = None,
) -> Lint:
    """What the rules say of the files, which are shared out among the cores where they are many.

    `fail_on` is the least severity that fails: None for what is configured. `with_project` reads the folder of each
    file as its project, which takes as long as the project is large. `with_fingerprints` is
    as for `judge`. `mended` puts the edits into the findings that it can mend.
    """
    taken = [(source, policies.of(source.folder)) for source in sources]
    findings: dict[Finding, None] = {}  # a waiver that has expired is told once, however many files it is for
    suppressed: list[Suppressed] = []
    notes: dict[str, None] = {}
    failed = False

    def judge_one(source: Source, policy: Policy) -> _Judged:
        return _one(source, policy, now, mended, with_project=with_project, with_fingerprints=with_fingerprints)

    judged = _judged(taken, judge_one)
    for (_, policy), (found, gone) in zip(taken, judged, strict=True):
        findings.update(dict.fromkeys(found))
        suppressed.extend(gone)
        notes.update(dict.fromkeys(policy.notes))
        least = fail_on or policy.fail_on or "error"
        failed = failed or any(
            SEVERITIES.index(one.severity) <= SEVERITIES.index(least) != SEVERITIES.index("off") for one in found
        )
    names = tuple(source.name for source, _ in taken)
    return Lint(names, tuple(findings), tuple(suppressed), tuple(notes), failed)


def _judged(taken: Sequence[_Taken], judge_one: Callable[[Source, Policy], _Judged]) -> Iterable[_Judged]:
    """What is found in each file, in order."""
    if sum(len(source.data) for source, _ in taken) < _WORTH_SHARING:
        return (judge_one(source, policy) for source, policy in taken)
    import msgspec

    from imageopt.image.spread import spread

    parts = [taken[at : at + _TOGETHER] for at in range(0, len(taken), _TOGETHER)]
    done = spread(
        lambda part: [judge_one(source, policy) for source, policy in part],
        parts,
        [sum(len(source.data) for source, _ in part) for part in parts],
        encode=msgspec.msgpack.encode,
        decode=msgspec.msgpack.Decoder(list[_Judged]).decode,
        least=0,
    )
    return (judged for part in done for judged in part)


def _one(
    source: Source,
    policy: Policy,
    now: date | None,
    mended: Mender | None,
    *,
    with_project: bool,
    with_fingerprints: bool,
) -> _Judged:
    project = None
    if with_project:
        from imageopt.project.read import read_project

        project = read_project(source.folder, dockerfile=Path(source.name).name)
    evidence = join(None, parse(source.data), project, dockerfile_path=source.name)
    judged = judge(evidence, policy.rules, waivers=policy.waivers, now=now, with_fingerprints=with_fingerprints)
    known = {source.name, *(waiver.file for waiver in policy.waivers)}
    findings = judged.findings if mended is None else mended(evidence, judged.findings, policy, now)
    found = (_from_here(finding, source, known) for finding in findings)
    return tuple(sorted(found, key=_order)), judged.suppressed


def _from_here(finding: Finding, source: Source, known: set[str]) -> Finding:
    """The finding with its file as seen from the current folder; those of a project are named from its own.

    What is said of no line is said of this file, at its first one: of many files no report could tell which it was.
    """
    place = finding.location
    if place is None:
        return replace(finding, location=Location(source.name, 1, 1, 1))
    if place.file in known:
        return finding
    return replace(finding, location=replace(place, file=os.path.relpath(source.folder / place.file)))


def _order(finding: Finding) -> tuple[int, int, str, str]:
    place = finding.location
    assert place is not None  # `_from_here` gave it one
    return place.line, place.column, finding.code, finding.message

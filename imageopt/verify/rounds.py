"""Two versions, run in turns -> one record for each.

The first round is the full one; what `before` names and writes there is what `after` is asked and has to write. In the
second, `after` gets the volumes that `before` has filled. A start that looks much slower is measured a third time, for
a busy machine looks the same; and once more `after` is started with as few rights as there are, for information only.
"""

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from imageopt.build.cleaning import CleanUp
from imageopt.verify.behaviour import starts_slower
from imageopt.verify.merge import finish
from imageopt.verify.model import NotDone, RunRecord
from imageopt.verify.run import Observed, RunPlan, written_folders

if TYPE_CHECKING:
    import docker

Runner = Callable[[RunPlan], Observed | NotDone]
_MOST_FOLDERS = 20
_MOST_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Baseline:
    """What `before` did, twice, and what any other version is asked because of it."""

    plan: RunPlan
    again: RunPlan
    runs: tuple[Observed, ...] | NotDone


def run_both(
    plan: RunPlan, run_before: Runner, run_after: Runner, make_volumes: Callable[[], Mapping[str, str]]
) -> tuple[RunRecord | NotDone, RunRecord | NotDone]:
    """Both records. `make_volumes` gives the names of empty volumes, and where both keep their data in them."""
    old = run_before(plan)
    plan = _with_what_it_did(plan, old)
    new = run_after(plan)
    if isinstance(old, NotDone) or isinstance(new, NotDone):
        return _alone(old), _alone(new)
    before, after = [old], [new]
    if old.record.started and new.record.started:
        again = _again(plan, make_volumes())
        _once_more(again, run_before, run_after, before, after)
        if starts_slower(*finish(before, after)):
            _once_more(again, run_before, run_after, before, after)
    first, second = finish(before, after)
    return first, _hardened(plan, second, run_after)


def run_baseline(plan: RunPlan, run: Runner, make_volumes: Callable[[], Mapping[str, str]]) -> Baseline:
    """The runs of a version that several others are held against; `make_volumes` as for both."""
    seen = run(plan)
    plan = _with_what_it_did(plan, seen)
    if isinstance(seen, NotDone) or not seen.record.started:
        return Baseline(plan, plan, seen if isinstance(seen, NotDone) else (seen,))
    again = _again(plan, make_volumes())
    second = run(again)
    return Baseline(plan, again, (seen, second) if isinstance(second, Observed) else (seen,))


def run_against(baseline: Baseline, run: Runner) -> tuple[RunRecord | NotDone, RunRecord | NotDone]:
    """The records of the baseline and of the version that is held against it."""
    seen = run(baseline.plan)
    before = baseline.runs
    if isinstance(before, NotDone) or isinstance(seen, NotDone):
        return alone(baseline), _alone(seen)
    after = [seen]
    while seen.record.started and len(after) < _MOST_ROUNDS:
        if len(after) > 1 and not starts_slower(*finish(before, after)):
            break
        again = run(baseline.again)
        if isinstance(again, NotDone):
            break
        after.append(again)
    return finish(before, after)


def alone(baseline: Baseline) -> RunRecord | NotDone:
    """The record of a baseline by itself."""
    runs = baseline.runs
    return runs if isinstance(runs, NotDone) else finish(runs, runs)[0]


def make_volumes(client: "docker.DockerClient", cleanup: CleanUp, places: tuple[str, ...]) -> dict[str, str]:
    """An empty, labelled volume for each place; they are removed with everything else of the run."""
    made = {}
    for number, place in enumerate(places, 1):
        name = f"imageopt-{cleanup.run_id}-volume-{number}"
        client.volumes.create(name, labels=cleanup.labels)
        made[name] = place
    return made


def _with_what_it_did(plan: RunPlan, seen: Observed | NotDone) -> RunPlan:
    """What its pages name is part of what it does, and where it wrote it has to write again."""
    if isinstance(seen, NotDone):
        return plan
    asked = plan.inspection
    written = (folder for folder in written_folders(seen.record) if posixpath.dirname(folder) != folder)
    folders = tuple(dict.fromkeys((*asked.folders, *written)))[:_MOST_FOLDERS]
    return replace(plan, asks=(*plan.asks, *seen.linked), inspection=replace(asked, folders=folders))


def _again(plan: RunPlan, volumes: Mapping[str, str]) -> RunPlan:
    inspection = replace(plan.inspection, kept=tuple(volumes.values()))
    return replace(plan, brief=True, volumes=volumes, inspection=inspection)


def _once_more(
    plan: RunPlan, run_before: Runner, run_after: Runner, before: list[Observed], after: list[Observed]
) -> None:
    for run, runs in ((run_before, before), (run_after, after)):
        seen = run(plan)
        if isinstance(seen, Observed):
            runs.append(seen)


def _hardened(plan: RunPlan, record: RunRecord, run: Runner) -> RunRecord:
    """Of what does not start, or does not stay, as it is, fewer rights tell nothing."""
    if not record.started or record.reason:
        return record
    seen = run(replace(plan, hardened=True))
    if isinstance(seen, NotDone):
        return record
    return replace(record, hardened="" if seen.record.started else seen.record.reason)


def _alone(seen: Observed | NotDone) -> RunRecord | NotDone:
    return finish([seen], [seen])[0] if isinstance(seen, Observed) else seen

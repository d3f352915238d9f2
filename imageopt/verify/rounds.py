"""Two versions, run in turns -> one record for each.

The first round is the full one; what `before` names and writes there is what `after` is asked and has to write. In the
second, `after` gets the volumes that `before` has filled: no volume is ever given to a third. A start or an end that
looks slower is measured again, for a busy machine looks the same; and once more `after` is started with as few rights
as there are, for information only.
"""

import posixpath
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from imageopt.build.cleaning import CleanUp
from imageopt.verify.behaviour import ends_slower, starts_slower, writes_less
from imageopt.verify.merge import finish
from imageopt.verify.model import NotDone, RunRecord
from imageopt.verify.run import OUTPUT, Observed, RunPlan, written_folders
from imageopt.verify.users import run_as_deployed

if TYPE_CHECKING:
    import docker

Runner = Callable[[RunPlan], Observed | NotDone]
_MOST_FOLDERS = 20
_MOST_ROUNDS = 3
_GOES_ON_SECONDS = 10.0  # a worker is watched for so long once its end has been waited for


class Baseline(Struct, frozen=True):
    """What `before` did, twice, and what any other version is asked because of it.

    `refill` runs it once more, on volumes of its own: what it gives is the plan with them, and what was seen.
    """

    plan: RunPlan
    again: RunPlan
    runs: tuple[Observed, ...] | NotDone
    refill: Callable[[], tuple[RunPlan, Observed | NotDone]]
    unrepeated: str = ""


def run_both(
    plan: RunPlan, run_before: Runner, run_after: Runner, make_volumes: Callable[[], Mapping[str, str]]
) -> tuple[RunRecord | NotDone, RunRecord | NotDone]:
    """Both records. `make_volumes` gives the names of empty volumes, and where both keep their data in them."""
    old = run_before(plan)
    plan = _with_what_it_did(plan, old)
    new = run_after(plan)
    if isinstance(old, NotDone) or isinstance(new, NotDone):
        return _alone(old), _alone(new)
    if _goes_on(plan, old) and _goes_on(plan, new):
        plan = replace(plan, seconds=min(plan.seconds, _GOES_ON_SECONDS))
    before, after = [old], [new]
    broken = "", ""
    if old.record.started and new.record.started:
        again = replace(_again(plan, make_volumes()), ends=ends_slower(old.record, new.record))
        broken = _once_more(again, run_before, run_after, before, after)
        slower, ends = _looks_slower(before, after)
        if slower or ends:
            again = replace(_again(plan, make_volumes()), ends=ends)
            _once_more(again, run_before, run_after, before, after)
    first, second = finish(before, after)
    if first.started and second.started:
        checks = run_as_deployed(plan, before, after, run_before, run_after)
        first = replace(first, checks=(*first.checks, *checks[0]))
        second = replace(second, checks=(*second.checks, *checks[1]))
    return replace(first, unrepeated=broken[0]), _hardened(plan, replace(second, unrepeated=broken[1]), run_after)


def run_baseline(plan: RunPlan, run: Runner, make_volumes: Callable[[], Mapping[str, str]]) -> Baseline:
    """The runs of a version that several others are held against; `make_volumes` as for both."""
    seen = run(plan)
    plan = _with_what_it_did(plan, seen)

    def refill() -> tuple[RunPlan, Observed | NotDone]:
        again = _again(plan, make_volumes())
        return again, run(again)

    if isinstance(seen, NotDone) or not seen.record.started:
        return Baseline(plan, plan, seen if isinstance(seen, NotDone) else (seen,), refill)
    again, second = refill()
    if isinstance(second, NotDone):
        return Baseline(plan, again, (seen,), refill, second.reason)
    return Baseline(plan, again, (seen, second), refill)


def run_against(
    baseline: Baseline, run: Runner, *, rounds: int = _MOST_ROUNDS
) -> tuple[RunRecord | NotDone, RunRecord | NotDone]:
    """The records of the baseline and of the version that is held against it, after at most so many rounds of it."""
    seen = run(baseline.plan)
    if isinstance(baseline.runs, NotDone) or isinstance(seen, NotDone):
        return alone(baseline), _alone(seen)
    before, after = list(baseline.runs), [seen]
    broken = baseline.unrepeated, ""
    while seen.record.started and len(after) < rounds:
        slower, ends = _looks_slower(before, after)
        if len(after) > 1 and not slower and not ends:
            break
        plan = baseline.again
        if plan.volumes:  # the baseline's own were changed by whoever was held against it before
            plan, filled = baseline.refill()
            if isinstance(filled, NotDone):
                broken = filled.reason, broken[1]
                break
            before.append(filled)
        again = run(replace(plan, ends=ends))
        if isinstance(again, NotDone):
            broken = broken[0], "" if len(after) > 1 else again.reason
            break
        after.append(again)
    old, new = finish(before, after)
    return replace(old, unrepeated=broken[0]), replace(new, unrepeated=broken[1])


def alone(baseline: Baseline) -> RunRecord | NotDone:
    """The record of a baseline by itself."""
    runs = baseline.runs
    return runs if isinstance(runs, NotDone) else finish(runs, runs)[0]


def make_volumes(client: "docker.DockerClient", cleanup: CleanUp, places: tuple[str, ...]) -> dict[str, str]:
    """An empty, labelled volume for each place; they are removed with everything else of the run."""
    made = {}
    for place in places:
        name = f"imageopt-{cleanup.run_id}-volume-{secrets.token_hex(4)}"
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


def _goes_on(plan: RunPlan, seen: Observed) -> bool:
    """Whether it serves nothing and does not end by itself, as a worker does."""
    return plan.port is None and not any(answer.path == OUTPUT for answer in seen.answers)


def _again(plan: RunPlan, volumes: Mapping[str, str]) -> RunPlan:
    inspection = replace(plan.inspection, kept=tuple(volumes.values()))
    return replace(plan, brief=True, volumes=volumes, inspection=inspection)


def _once_more(
    plan: RunPlan, run_before: Runner, run_after: Runner, before: list[Observed], after: list[Observed]
) -> tuple[str, str]:
    """Runs both, and says of each why it could not be run; "" where it could."""
    broken = ["", ""]
    known = not writes_less(before[0].record, after[0].record)  # else it may have been chance: both are asked again
    for index, (run, runs) in enumerate(((run_before, before), (run_after, after))):
        seen = run(replace(plan, written=runs[0].record.written_paths if known else None))
        if isinstance(seen, Observed):
            runs.append(seen)
        else:
            broken[index] = seen.reason
    return broken[0], broken[1]


def _hardened(plan: RunPlan, record: RunRecord, run: Runner) -> RunRecord:
    """Of what does not start, or does not stay, as it is, fewer rights tell nothing."""
    if not record.started or record.reason:
        return record
    seen = run(replace(plan, hardened=True, written=()))
    if isinstance(seen, NotDone):
        return record
    return replace(record, hardened="" if seen.record.started else seen.record.reason)


def _looks_slower(before: Sequence[Observed], after: Sequence[Observed]) -> tuple[bool, bool]:
    """Whether it starts more slowly than before, and whether it ends more slowly."""
    records = finish(before, after)
    return starts_slower(*records), ends_slower(*records)


def _alone(seen: Observed | NotDone) -> RunRecord | NotDone:
    return finish([seen], [seen])[0] if isinstance(seen, Observed) else seen

"""All runs of both versions -> one record for each, with its answers masked alike.

What differs between two runs of the same version says nothing about the other: a check counts as passed where it
passed every time, a file as written where something beside it was written every time, trouble in the log as there
where it was there once.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from statistics import median

from msgspec.structs import replace

from imageopt.verify.behaviour import KILLED
from imageopt.verify.build_id import MADE_UP, build_identifier
from imageopt.verify.exchange import Exchange
from imageopt.verify.hashed_names import new_names, other_words, respelled, same_files, spelled
from imageopt.verify.mask import Mask, credible, digest, varying
from imageopt.verify.model import Check, Response, RunRecord
from imageopt.verify.run import Observed
from imageopt.verify.streamed import in_one_piece

# one line of a stack trace, as text, in JSON, and as Express writes it into a page
_STACK = re.compile(rb"(?:\n|\\n|<br ?/?>)(?:\s|&nbsp;)*at [^\n<]{1,300}:\d+:\d+")


def finish(before: Sequence[Observed], after: Sequence[Observed]) -> tuple[RunRecord, RunRecord]:
    """Both records. The answers are masked by what varies in `before`, and by what each build made up.

    Of what varies in `after` alone little is believed (see `mask.py`): it would hide any difference.
    """
    before = in_one_piece(before)
    after, made_up = _with_names_of(before, in_one_piece(after))
    old, new = _by_name(before), _by_name(after)
    masks = {what: _mask(seen) for what, seen in old.items()}
    for what, seen in new.items():
        masks[what] = masks[what] | credible(_mask(seen), old[what][0]) if what in old else _mask(seen)
    first = {what: _response(seen[0], seen, masks[what], made_up) for what, seen in old.items()}
    second = [_least_alike(seen, masks[what], made_up, first.get(what)) for what, seen in new.items()]
    return replace(_one(before), responses=tuple(first.values())), replace(_one(after), responses=tuple(second))


def _with_names_of(before: Sequence[Observed], after: Sequence[Observed]) -> tuple[list[Observed], bytes]:
    """The runs of `after` with what its build made up called as in `before`, and the identifier of that, b"" for none.

    First the identifier (Next serves files below it), which shows where the hashes in names are passed over; then
    these, for the identifier may be in a file and its hash in other files.
    """
    old, new = ([answer for run in runs for answer in run.answers] for runs in (before, after))
    hashed = [word for files in new_names(old, new) for path in files for word in spelled(path)]
    firsts = ([seen[0] for seen in _by_name(runs).values()] for runs in (before, after))
    theirs, ours = build_identifier(*(_without(names=hashed, answers=answers) for answers in firsts)) or (b"", b"")
    if ours:
        paths = {answer.path: answer.path.replace(ours.decode(), theirs.decode()) for answer in new}
        moved = {path: other for path, other in paths.items() if path != other}
        after = _renamed(after, moved, lambda body: body.replace(ours, theirs))
        new = [answer for run in after for answer in run.answers]
    files = same_files(*new_names(old, new))
    words = other_words(files)
    return _renamed(after, files, lambda body: respelled(body, words)), theirs


def _without(names: Iterable[bytes], answers: Iterable[Exchange]) -> list[Exchange]:
    blank = dict.fromkeys(names, b"~")
    return [replace(answer, body=respelled(answer.body, blank)) for answer in answers]


def _renamed(runs: Iterable[Observed], paths: Mapping[str, str], reworded: Callable[[bytes], bytes]) -> list[Observed]:
    """The runs with other paths and bodies; what was answered under the new name is no answer any more."""
    taken = set(paths.values())
    return [
        replace(
            run,
            answers=tuple(
                replace(answer, path=paths.get(answer.path, answer.path), body=reworded(answer.body))
                for answer in run.answers
                if answer.path not in taken
            ),
        )
        for run in runs
    ]


def _by_name(runs: Iterable[Observed]) -> dict[str, list[Exchange]]:
    found: dict[str, list[Exchange]] = defaultdict(list)
    for run in runs:
        for answer in run.answers:
            found[answer.what].append(answer)
    return dict(found)


def _mask(seen: Sequence[Exchange]) -> Mask:
    mask = Mask()
    for other in seen[1:]:
        mask |= varying(seen[0], other)
    return mask


def _least_alike(seen: Sequence[Exchange], mask: Mask, made_up: bytes, before: Response | None) -> Response:
    """The first answer that is another one than before gave, if there is one: once is enough."""
    answers = [_response(one, seen, mask, made_up) for one in seen]
    if before is None:
        return answers[0]
    same = (before.content_type, before.body_digest, before.headers)
    return next((one for one in answers if (one.content_type, one.body_digest, one.headers) != same), answers[0])


def _response(first: Exchange, seen: Sequence[Exchange], mask: Mask, made_up: bytes) -> Response:
    """One of the answers that were seen; `made_up` is the build's own identifier, empty for none."""
    holds = made_up != b"" and made_up in first.body
    return Response(
        method=first.method,
        path=first.path,
        status=first.status,
        content_type=first.content_type,
        body_bytes=len(first.body),
        body_digest=digest(first, mask),
        masked=(*mask.names, *((MADE_UP,) if holds else ())),
        statuses=tuple(sorted({answer.status for answer in seen})),
        headers={name: value for name, value in first.headers.items() if name not in mask.headers},
        shows_stack=_STACK.search(first.body) is not None,
    )


def _one(runs: Sequence[Observed]) -> RunRecord:
    """The runs as one record, without answers: the first, with what the others add."""
    first, *others = (run.record for run in runs)
    started = [record for record in (first, *others) if record.started]
    if not first.started or not others:
        return first
    later = next((record.reason for record in others if record.reason), "")
    ended = [record for record in started if record.stop_seconds is not None]
    killed = next((record for record in ended if record.stop_exit_code == KILLED), None)  # once is enough
    stops = [record.stop_seconds for record in ended if record.stop_seconds is not None]
    ready = [record.ready_seconds for record in started if record.ready_seconds is not None]
    return replace(
        first,
        reason=first.reason or (f"in another run {later}" if later else ""),
        unanswered=tuple(dict.fromkeys(path for record in started for path in record.unanswered)),
        ready_seconds=_median(record.ready_seconds for record in started),
        ready_between=(min(ready), max(ready)) if ready else None,
        stop_seconds=killed.stop_seconds if killed else _median(stops),
        stop_exit_code=KILLED if killed else first.stop_exit_code,
        stop_between=(min(stops), max(stops)) if stops else None,
        memory_bytes=None if (memory := _median(record.memory_bytes for record in started)) is None else int(memory),
        log_problems=tuple(sorted({problem for record in started for problem in record.log_problems})),
        written_paths=_written_always(started),
        checks=_checks(started),
        unchecked=tuple(dict.fromkeys(text for record in started for text in record.unchecked)),
        runs=len(runs),
    )


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _written_always(records: Sequence[RunRecord]) -> tuple[str, ...]:
    """A neighbour will do: names of logs and temporary files vary."""
    folders = [{str(PurePosixPath(path).parent) for path in record.written_paths} for record in records]
    common = set.intersection(*folders)
    return tuple(path for path in records[0].written_paths if str(PurePosixPath(path).parent) in common)


def _checks(records: Sequence[RunRecord]) -> tuple[Check, ...]:
    """Each check once: as it failed, where it ever did. One that must last has to be there in every run."""
    found: dict[str, list[Check]] = defaultdict(list)
    for record in records:
        for check in record.checks:
            found[check.name].append(check)
    merged = []
    for seen in found.values():
        if seen[0].lasting and len(seen) < len(records):
            continue
        failed = next((check for check in seen if not check.passed), None)
        varies = failed is not None and any(check.passed for check in seen)
        merged.append(seen[0] if failed is None else replace(failed, varies=varies))
    return tuple(merged)

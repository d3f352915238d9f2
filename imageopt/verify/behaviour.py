"""Two runs -> what the second does differently, and what the runs could not tell.

A change is expected when a smaller, safer image is meant to make it (another user, a quicker end); everything else is
a reason against the rewrite.
"""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from imageopt.verify.addons import addon, has_substitute, loaded
from imageopt.verify.model import Change, Response, RunRecord
from imageopt.verify.unsettled import unchecked

KILLED = 137
_SLOWER_SECONDS = 2.0
_SLOWER_TIMES = 3
_SLOWER_START_SECONDS = 1.0
_HOME = re.compile(r"^/(?:root|home/[^/]+)(?=/)")
_ERRORS_FROM = 400


def compare_runs(
    before: RunRecord, after: RunRecord, *, site: bool = False, production: bool = False
) -> tuple[tuple[Change, ...], tuple[str, ...]]:
    """The changes, in the order they are looked at, and what was not checked. Both must have started.

    `site`: Node only served files before, and another web server serves them now. `production`: the second is told by
    NODE_ENV that it runs in production, and the first was not.
    """
    changes = (
        *_staying(before, after),
        *_starting(before, after),
        *_responses(before, after, site=site, production=production),
        *_log(before, after),
        *_writing(before, after),
        *_checks(before, after),
        *_runtime(before, after),
        *_user(before, after),
        *_stop(before, after),
    )
    return changes, tuple(unchecked(before, after))


def is_root(user: str) -> bool:
    """Whether a user as an image or a process names it (`uid:gid`, a name, nothing) is root."""
    return user.partition(":")[0] in ("", "0", "root")


def _staying(before: RunRecord, after: RunRecord) -> Iterator[Change]:
    if not before.reason and after.reason:
        yield Change("run", "it goes on", after.reason, expected=False, reason="it ends by itself")
    elif before.reason and not after.reason:
        yield Change("run", before.reason, "it goes on", expected=True, reason="it does not end by itself any more")


def _responses(before: RunRecord, after: RunRecord, *, site: bool, production: bool) -> Iterator[Change]:
    answers = {response.what: response for response in after.responses}
    for response in before.responses:
        other = answers.get(response.what)
        if other is None and response.path in before.unanswered:
            continue  # it is not always answered there either; `unsettled` says so
        if other is None:
            # a request that asks for an upgrade is an attempt: the other version was asked it too
            yield Change(response.what, _words(response), "no answer", expected=False, reason="it answered before")
        elif production and _tells_less(response, other):
            reason = "its error page tells less in production"
            yield Change(response.what, _words(response), _words(other), expected=True, reason=reason)
        elif (difference := _difference(response, other)) is not None:
            yield Change(response.what, _words(response), _words(other), expected=False, reason=difference)
        elif response.path in after.unanswered and response.path not in before.unanswered:
            yield Change(
                response.what, _words(response), "an answer, not always", expected=False, reason="it always answered"
            )
        else:
            yield from _headers(response, other, site=site)
    known = {response.what for response in before.responses}
    for response in after.responses:
        if response.what not in known:
            yield Change(response.what, "no answer", _words(response), expected=True, reason="it answers now")


def _difference(before: Response, after: Response) -> str | None:
    if set(after.statuses or (after.status,)) - set(before.statuses or (before.status,)):
        return "the exit code differs" if before.method == "RUN" else "the status differs"
    if len(before.statuses) > 1:
        return None  # what fails now and then has nothing to be held against
    if before.content_type != after.content_type:
        return "the content type differs"
    if before.body_digest != after.body_digest:
        return "the content differs"
    return None


def _tells_less(before: Response, after: Response) -> bool:
    """Whether it is the same error with a shorter page: frameworks leave out the stack in production.

    Any other text that is gone is not theirs but the program's.
    """
    same = (before.status, before.statuses, before.content_type) == (after.status, after.statuses, after.content_type)
    shorter = before.shows_stack and not after.shows_stack and after.body_bytes < before.body_bytes
    return same and before.status >= _ERRORS_FROM and shorter


def _headers(before: Response, after: Response, *, site: bool) -> Iterator[Change]:
    """Headers that a client acts on. Another web server for the same files sets its own."""
    for name in sorted(before.headers.keys() | after.headers.keys()):
        old, new = before.headers.get(name), after.headers.get(name)
        if old != new:
            reason = "another web server serves the same files" if site else f"the header {name} differs"
            yield Change(before.what, f"{name}: {old or 'none'}", f"{name}: {new or 'none'}", site, reason)


def _words(response: Response) -> str:
    if response.statuses and len(response.statuses) > 1:
        return f"{' or '.join(map(str, response.statuses))}, {response.body_bytes} bytes"
    kind = f" {response.content_type}" if response.content_type else ""
    return f"{response.status}{kind}, {response.body_bytes} bytes, {response.body_digest.partition(':')[2][:12]}"


def _log(before: RunRecord, after: RunRecord) -> Iterator[Change]:
    for problem in sorted(set(after.log_problems) - set(before.log_problems)):
        yield Change("log", f"no {problem}", problem, expected=False, reason="the log speaks of new trouble")


def _writing(before: RunRecord, after: RunRecord) -> Iterator[Change]:
    """Files that are not written any more. A neighbour will do: names of logs and temporary files vary."""
    written = {_without_home(path) for path in after.written_paths}
    folders = {str(PurePosixPath(path).parent) for path in written}
    for path in before.written_paths:
        bare = _without_home(path)
        if bare not in written and str(PurePosixPath(bare).parent) not in folders:
            yield Change(f"writes {path}", "written", "not written", expected=False, reason="it may not write there")


def _without_home(path: str) -> str:
    return _HOME.sub("~", path)


def _checks(before: RunRecord, after: RunRecord) -> Iterator[Change]:
    """What passed before and does not now. A check that could not be made says nothing, unless it has to last."""
    now = {check.name: check for check in after.checks}
    for check in before.checks:
        other = now.get(check.name)
        if not check.passed:
            continue
        if other is None:
            if check.lasting:
                gone = "the image's own check is gone" if check.name == "HEALTHCHECK" else check.reason
                yield Change(check.name, "yes", "no", expected=False, reason=gone)
        elif not other.passed and not has_substitute(check.name, after):
            yield Change(check.name, "passes", other.detail or "fails", expected=False, reason=other.reason)
    asked_before = {check.name for check in before.checks}
    for check in after.checks:  # made of `after` alone: it is known only then what `before` writes, or lies elsewhere
        if check.passed or check.name in asked_before:
            continue
        replaced = addon(check.name) in loaded(before) - loaded(after)
        if check.name.startswith("writes ") or replaced:
            yield Change(check.name, "passes", check.detail or "fails", expected=False, reason=check.reason)


def _runtime(before: RunRecord, after: RunRecord) -> Iterator[Change]:
    """The major version of Node.js, as it says itself: not every image has it in a variable."""
    old, new = (next((one for one in run.checks if one.name.startswith("runs ")), None) for run in (before, after))
    if old is not None and new is not None and old.name != new.name:
        yield Change("Node.js", old.name, new.name, expected=False, reason=old.reason)


def starts_slower(before: RunRecord, after: RunRecord) -> bool:
    """Whether it takes more than three times as long to be ready, and more than a second longer."""
    old, new = before.ready_seconds, after.ready_seconds
    return old is not None and new is not None and new > old * _SLOWER_TIMES and new > old + _SLOWER_START_SECONDS


def _starting(before: RunRecord, after: RunRecord) -> Iterator[Change]:
    if starts_slower(before, after):
        old, new = f"{before.ready_seconds:.1f} s", f"{after.ready_seconds:.1f} s"
        yield Change("start", old, new, expected=False, reason="it takes more than three times as long to be ready")


def _user(before: RunRecord, after: RunRecord) -> Iterator[Change]:
    if before.user == after.user:
        return
    was, is_now = is_root(before.user), is_root(after.user)
    reason = "it runs as another user"
    if was != is_now:
        reason = "it runs as root" if is_now else "it does not run as root any more"
    yield Change("user", before.user, after.user, expected=was or not is_now, reason=reason)


def _stop(before: RunRecord, after: RunRecord) -> Iterator[Change]:
    if before.stop_seconds is None or after.stop_seconds is None:
        return
    old, new = f"exit code {before.stop_exit_code}", f"exit code {after.stop_exit_code}"
    if after.stop_exit_code == KILLED and before.stop_exit_code != KILLED:
        yield Change("stop", old, new, expected=False, reason="it does not end when asked and has to be killed")
    elif before.stop_exit_code == KILLED and after.stop_exit_code != KILLED:
        yield Change("stop", old, new, expected=True, reason="it ends when asked")
    elif after.stop_seconds > before.stop_seconds + _SLOWER_SECONDS:
        old, new = f"{before.stop_seconds:.0f} s", f"{after.stop_seconds:.0f} s"
        yield Change("stop", old, new, expected=False, reason="it takes longer to end")

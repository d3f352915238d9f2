"""Two runs -> what the second does differently, and what the runs could not tell.

A change is expected when a smaller, safer image is meant to make it (another user, a quicker end); everything else is
a reason against the rewrite.
"""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from imageopt.verify.build_id import MADE_UP
from imageopt.verify.model import Change, Response, RunRecord

KILLED = 137
_SLOWER_SECONDS = 2.0
_HOME = re.compile(r"^/(?:root|home/[^/]+)(?=/)")
_NOT_FOUND = 404


def compare_runs(before: RunRecord, after: RunRecord) -> tuple[tuple[Change, ...], tuple[str, ...]]:
    """The changes, in the order they are looked at, and what was not checked. Both must have started."""
    changes = (
        *_staying(before, after),
        *_responses(before, after),
        *_log(before, after),
        *_writing(before, after),
        *_health(before, after),
        *_user(before, after),
        *_stop(before, after),
    )
    return changes, tuple(_unchecked(before, after))


def is_root(user: str) -> bool:
    """Whether a user as an image or a process names it (`uid:gid`, a name, nothing) is root."""
    return user.partition(":")[0] in ("", "0", "root")


def says_something(record: RunRecord) -> bool:
    """Whether any answer tells that the program does its work: one that is no `not found`."""
    return any(response.status != _NOT_FOUND for response in record.responses)


def _staying(before: RunRecord, after: RunRecord) -> Iterator[Change]:
    if not before.reason and after.reason:
        yield Change("run", "it goes on", after.reason, expected=False, reason="it ends by itself")
    elif before.reason and not after.reason:
        yield Change("run", before.reason, "it goes on", expected=True, reason="it does not end by itself any more")


def _responses(before: RunRecord, after: RunRecord) -> Iterator[Change]:
    answers = {response.path: response for response in after.responses}
    for response in before.responses:
        what = f"{response.method} {response.path}"
        other = answers.get(response.path)
        if other is None:
            yield Change(what, _words(response), "no answer", expected=False, reason="it answered before")
        elif (difference := _difference(response, other)) is not None:
            yield Change(what, _words(response), _words(other), expected=False, reason=difference)
    known = {response.path for response in before.responses}
    for response in after.responses:
        if response.path not in known:
            what = f"{response.method} {response.path}"
            yield Change(what, "no answer", _words(response), expected=True, reason="it answers now")


def _difference(before: Response, after: Response) -> str | None:
    if before.status != after.status:
        return "the status differs"
    if before.content_type != after.content_type:
        return "the content type differs"
    if before.body_digest != after.body_digest:
        return "the content differs"
    return None


def _words(response: Response) -> str:
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


def _health(before: RunRecord, after: RunRecord) -> Iterator[Change]:
    if before.health_exit_code == 0 and after.health_exit_code not in (0, None):
        code = str(after.health_exit_code)
        yield Change("HEALTHCHECK", "0", code, expected=False, reason="the image's own check fails")
    elif before.health_exit_code == 0 and after.health_exit_code is None:
        yield Change("HEALTHCHECK", "0", "not run", expected=False, reason="the image's own check is gone")


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


def _unchecked(before: RunRecord, after: RunRecord) -> Iterator[str]:
    if before.port is None and not before.responses:
        yield "what the program does: it opens no port and did not end by itself"
    elif not says_something(before):
        yield "what the program answers: no path was found that it answers; name one with --path"
    if before.reason:
        yield f"all of what before does: {before.reason}"
    for path in before.unanswered:
        if path in after.unanswered:
            yield f"GET {path}: neither version answered"
    for response in before.responses:
        names = [name for name in response.masked if name != MADE_UP]
        if names:
            yield f"{response.method} {response.path}: {', '.join(names)} (varies in one container)"
        if MADE_UP in response.masked:
            yield f"{response.method} {response.path}: {MADE_UP}"

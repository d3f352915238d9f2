"""Two runs -> what the second does differently, and what the runs could not tell.

A change is expected when a smaller, safer image is meant to make it (another user, a quicker end); everything else is
a reason against the rewrite.
"""

import re
from collections.abc import Container, Iterable, Iterator
from pathlib import PurePosixPath

from imageopt.verify.addons import addon, has_substitute, loaded
from imageopt.verify.model import Change, Response, RunRecord
from imageopt.verify.unsettled import unchecked

KILLED = 137
_SLOWER_END_SECONDS = 2.0
_SLOWER_TIMES = 3
_SLOWER_START_SECONDS = 1.0
_HOME = re.compile(r"^/(?:root|home/[^/]+)(?=/)")
_ERRORS_FROM = 400
_COMPILED = "it was compiled at each start, and is now compiled once"
_SCRIPTS = ("application/javascript", "application/x-javascript", "text/javascript")
_NODE = "runs Node.js "
_COMPILERS_NOTES = ".tsbuildinfo"


def compare_runs(
    before: RunRecord,
    after: RunRecord,
    *,
    site: bool = False,
    production: bool = False,
    compiled: Container[str] | None = None,
) -> tuple[tuple[Change, ...], tuple[str, ...]]:
    """The changes, in the order they are looked at, and what was not checked. Both must have started.

    `site`: Node only served files before, and another web server serves them now. `production`: the second is told by
    NODE_ENV that it runs in production, and the first was not. `compiled`: the files of the second, where the first
    compiled its program at each start and the second starts what was compiled.
    """
    made = _compiled_at_start(before, compiled)
    changes = (
        *_staying(before, after),
        *_starting(before, after),
        *_responses(before, after, site=site, production=production),
        *_log(before, after),
        *_writing(before, after, made),
        *_checks(before, after, made),
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
    if _modern(before.content_type) != _modern(after.content_type):
        return "the content type differs"
    if before.body_digest != after.body_digest:
        return "the content differs"
    return None


def _modern(content_type: str) -> str:
    """JavaScript has one name since RFC 9239; the older ones are read as it by every browser."""
    return "text/javascript" if content_type in _SCRIPTS else content_type


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


def _compiled_at_start(before: RunRecord, held: Container[str] | None) -> frozenset[str]:
    """Of what is written, what a compiler made that the second image holds already, and the compiler's own notes."""
    if held is None:
        return frozenset()
    return frozenset(path for path in before.written_paths if path in held or path.endswith(_COMPILERS_NOTES))


def _writing(before: RunRecord, after: RunRecord, made: frozenset[str]) -> Iterator[Change]:
    """Files that are not written any more. A neighbour will do: names of logs and temporary files vary."""
    written = {_without_home(path) for path in after.written_paths}
    folders = {str(PurePosixPath(path).parent) for path in written}
    for path in before.written_paths:
        bare = _without_home(path)
        if bare not in written and str(PurePosixPath(bare).parent) not in folders:
            reason = _COMPILED if path in made else "it may not write there"
            yield Change(f"writes {path}", "written", "not written", expected=path in made, reason=reason)


def writes_less(before: RunRecord, after: RunRecord) -> bool:
    """Whether the second did not write where the first did."""
    return any(_writing(before, after, frozenset()))


def _without_home(path: str) -> str:
    return _HOME.sub("~", path)


def _checks(before: RunRecord, after: RunRecord, made: frozenset[str]) -> Iterator[Change]:
    """What passed before and does not now. A check that could not be made says nothing, unless it has to last."""
    now = {check.name: check for check in after.checks}
    needless = _writes(made) - _writes(path for path in before.written_paths if path not in made)
    for check in before.checks:
        other = now.get(check.name)
        if not check.passed:
            continue
        if other is None:
            if check.lasting:
                gone = "the image's own check is gone" if check.name == "HEALTHCHECK" else check.reason
                yield Change(check.name, "yes", "no", expected=False, reason=gone)
        elif not other.passed and not has_substitute(check.name, after) and not _in_its_home(check.name, after):
            reason = _COMPILED if check.name in needless else other.reason
            yield Change(check.name, "passes", other.detail or "fails", expected=check.name in needless, reason=reason)
    asked_before = {check.name for check in before.checks}
    for check in after.checks:  # made of `after` alone: it is known only then what `before` writes, or lies elsewhere
        if check.passed or check.name in asked_before or _in_its_home(check.name, after):
            continue
        replaced = addon(check.name) in loaded(before) - loaded(after)
        if check.name in needless:
            yield Change(check.name, "passes", check.detail or "fails", expected=True, reason=_COMPILED)
        elif check.name.startswith("writes ") or replaced:
            yield Change(check.name, "passes", check.detail or "fails", expected=False, reason=check.reason)


def _in_its_home(name: str, after: RunRecord) -> bool:
    """Whether this asks for a folder in the home of another user, and the same one in its own is written to."""
    kind, _, folder = name.partition(" ")
    bare = _without_home(f"{folder}/")
    written = map(_without_home, after.written_paths)
    return kind == "writes" and bare.startswith("~") and any(path.startswith(bare) for path in written)


def _writes(paths: Iterable[str]) -> frozenset[str]:
    """The names of the checks that ask whether the folders of these files may be written to."""
    return frozenset(f"writes {PurePosixPath(path).parent}" for path in paths)


def _runtime(before: RunRecord, after: RunRecord) -> Iterator[Change]:
    """The major version of Node.js, as it says itself: not every image has it in a variable."""
    old, new = (next((one for one in run.checks if one.name.startswith(_NODE)), None) for run in (before, after))
    if old is not None and new is not None and old.name != new.name:
        yield Change("Node.js", old.name, new.name, expected=False, reason=old.reason)


def _slowest(seconds: float, between: tuple[float, float] | None) -> float:
    return between[1] if between else seconds


def _quickest(seconds: float, between: tuple[float, float] | None) -> float:
    return between[0] if between else seconds


def starts_slower(before: RunRecord, after: RunRecord) -> bool:
    """Whether even its quickest start takes more than three times as long, and more than a second longer.

    Whatever else a machine does makes a start slower, never quicker.
    """
    old, new = before.ready_seconds, after.ready_seconds
    if old is None or new is None:
        return False
    slowest, quickest = _slowest(old, before.ready_between), _quickest(new, after.ready_between)
    return quickest > old * _SLOWER_TIMES and quickest > slowest + _SLOWER_START_SECONDS


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


def ends_slower(before: RunRecord, after: RunRecord) -> bool:
    """Whether even its quickest end takes more than two seconds longer than the slowest before; false for a kill."""
    if before.stop_seconds is None or after.stop_seconds is None:
        return False
    if KILLED in (before.stop_exit_code, after.stop_exit_code):
        return False
    slowest = _slowest(before.stop_seconds, before.stop_between)
    return _quickest(after.stop_seconds, after.stop_between) > slowest + _SLOWER_END_SECONDS


def _stop(before: RunRecord, after: RunRecord) -> Iterator[Change]:
    if before.stop_seconds is None or after.stop_seconds is None:
        return
    old, new = f"exit code {before.stop_exit_code}", f"exit code {after.stop_exit_code}"
    if after.stop_exit_code == KILLED and before.stop_exit_code != KILLED:
        yield Change("stop", old, new, expected=False, reason="it does not end when asked and has to be killed")
    elif before.stop_exit_code == KILLED and after.stop_exit_code != KILLED:
        yield Change("stop", old, new, expected=True, reason="it ends when asked")
    elif ends_slower(before, after):
        old, new = f"{before.stop_seconds:.0f} s", f"{after.stop_seconds:.0f} s"
        yield Change("stop", old, new, expected=False, reason="it takes longer to end")

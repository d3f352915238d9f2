"""A rewrite's evidence and whoever proposes from it -> the proposal that rests on a lock file which is looked after.

A lock file that is made is put into a copy of the project, and the proposal is made for that copy; the user's folder
gets it with the rest of the change, or not at all.
"""

import contextlib
from collections.abc import Callable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from imageopt.build.snapshot import snapshot
from imageopt.evidence.model import Evidence
from imageopt.lockfile.lock import look_after
from imageopt.lockfile.model import Kept, LockOutcome, Made, NotDone
from imageopt.progress import Progress
from imageopt.project.files import read_text
from imageopt.project.model import Project
from imageopt.project.read import read_project
from imageopt.rewrite.model import FileChange, Refused, Rewrite, Transformed

NAME = "lockfile"

_RULE = "lockfile-missing-or-not-copied"


class Locked(Struct, frozen=True):
    """`project` is what to propose from; `joined` adds to a proposal what was done about the lock file."""

    project: Project | None
    joined: Callable[[Rewrite], Rewrite]


@contextlib.contextmanager
def locked(evidence: Evidence, *, progress: Progress) -> Iterator[Locked]:
    """The lock file looked after; the project is there for the length of the block. Raises what `look_after` raises."""
    project = evidence.project
    if project is None:
        yield Locked(None, lambda rewrite: rewrite)
        return
    outcome: LockOutcome = look_after(project, evidence.dockerfile, progress=progress)
    match outcome:
        case Kept(path, how):
            note = f"{path} fits package.json, says {how}"
            yield Locked(project, lambda rewrite: replace(rewrite, notes=(*rewrite.notes, note)))
        case NotDone(reason, lock):
            refused = Refused(NAME, reason)
            yield Locked(
                replace(project, lock=lock), lambda rewrite: replace(rewrite, refusals=(*rewrite.refusals, refused))
            )
        case Made():
            with snapshot(project.root) as copy:
                copy.put(outcome.path, outcome.after)
                found = read_project(copy.folder, dockerfile=evidence.dockerfile_path)
                yield Locked(found, lambda rewrite: _joined(project, rewrite, outcome))


def with_lock(evidence: Evidence, propose: Callable[[Evidence], Rewrite], *, progress: Progress) -> Rewrite:
    """The proposal, and the lock file as one of its changes where one was made.

    A lock file that is made is proposed even where nothing else is. Raises what `look_after` raises.
    """
    with locked(evidence, progress=progress) as lock:
        return lock.joined(propose(replace(evidence, project=lock.project)))


def _joined(project: Project, proposed: Rewrite, made: Made) -> Rewrite:
    drifted = f"{made.lock.path} did not fit: " if made.before is not None else ""
    done = Transformed(NAME, "verify", f"{drifted}{made.reason}; made by {made.how}", (_RULE,), 0)
    hidden = _ignored_by_git(project, made.path)
    return replace(
        proposed,
        outcome="proposed",
        changes=(*proposed.changes, FileChange(made.path, made.before, made.after, made.summary)),
        transformed=(*proposed.transformed, done),
        notes=(*proposed.notes, hidden) if hidden else proposed.notes,
    )


def _ignored_by_git(project: Project, path: str) -> str:
    """What to do where the project keeps its lock file out of its history; a glance, not git's whole language."""
    for number, line in enumerate((read_text(project.root, ".gitignore") or "").splitlines(), 1):
        if line.strip() in (path, f"/{path}", f"**/{path}", "*.lock" if path.endswith(".lock") else path):
            return f".gitignore:{number} keeps {path} out of git: take that line out, or the next build has none"
    return ""

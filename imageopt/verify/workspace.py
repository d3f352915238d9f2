"""A request -> two copies of the project, one as it stands and one as it shall become, and the file to change in both.

The user's folder is only read. Each copy holds the Dockerfile and the ignore file of its side in their places, so that
a `COPY . .` takes in what it would take in once the rewrite is applied.
"""

import contextlib
from collections.abc import Iterator

from msgspec import Struct

from imageopt.build.snapshot import Snapshot, snapshot
from imageopt.dockerfile.ignore import ignore_file_for, parse_ignore
from imageopt.errors import UsageError
from imageopt.project.files import source_files
from imageopt.project.model import Project
from imageopt.verify.request import VerifyRequest


class Workspace(Struct, frozen=True):
    """Both copies, and the Dockerfile of each side."""

    before: Snapshot
    after: Snapshot
    before_dockerfile: bytes | None  # None where there was none
    after_dockerfile: bytes


@contextlib.contextmanager
def workspace(request: VerifyRequest) -> Iterator[Workspace]:
    """The copies for the length of the block. Raises UsageError where the request holds nothing to compare with."""
    rewrite = request.rewrite
    if request.after is None and (rewrite is None or not rewrite.changes):
        raise UsageError("there is no proposal to verify", "name a Dockerfile with --after")
    with snapshot(request.root) as before, snapshot(request.root) as after:
        for copy in (before, after):
            if request.before is not None:
                copy.put(request.dockerfile, request.before)
        for change in rewrite.changes if rewrite is not None else ():
            after.put(change.path, change.after)
        if request.after is not None:
            after.put(request.dockerfile, request.after)
        if request.after_ignore is not None:
            beside = ignore_file_for(after.folder / request.dockerfile, after.folder)
            name = beside.relative_to(after.folder).as_posix() if beside is not None else ".dockerignore"
            after.put(name, request.after_ignore)
        yield Workspace(before, after, request.before, (after.folder / request.dockerfile).read_bytes())


def file_to_change(work: Workspace, dockerfile: str, project: Project) -> str | None:
    """A source file that both builds take in, preferably one that the project's build reads; None where none is."""
    ignored = [parse_ignore(_ignore_text(copy, dockerfile)) for copy in (work.before, work.after)]
    files = [
        path
        for path in source_files(work.before.folder, project.build_outputs)
        if not any(rules.excludes(path) for rules in ignored)
    ]
    wanted = _main_names(project)
    inputs = tuple(project.build_inputs)
    return min(
        files,
        key=lambda path: (
            path not in wanted,
            not any(path == folder or path.startswith(f"{folder}/") for folder in inputs),
            path.count("/"),
            path,
        ),
        default=None,
    )


def _main_names(project: Project) -> tuple[str, ...]:
    """The files that start the service, as the manifest and the start command name them."""
    argv = project.start.argv if project.start is not None and project.start.argv is not None else ()
    main = project.manifest.main if project.manifest is not None else ""
    return tuple(name.removeprefix("./") for name in (*argv, main) if name)


def _ignore_text(copy: Snapshot, dockerfile: str) -> str:
    path = ignore_file_for(copy.folder / dockerfile, copy.folder)
    if path is None or not path.is_file() or path.is_symlink():
        return ""
    return path.read_text(encoding="utf-8", errors="replace")

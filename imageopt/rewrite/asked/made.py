"""A proposal and the names of what was asked for -> the proposal with that on top, and what else could be asked for.

These are never made unasked: each needs something that the files cannot decide, such as a pipeline that hands a secret
over, or somebody's word that no file of a package is read by its name. Where nothing else was worth proposing they
are made on the author's own file.
"""

from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace

from imageopt.dockerfile.edit import apply
from imageopt.dockerfile.parser import parse
from imageopt.errors import UsageError
from imageopt.evidence.model import Evidence
from imageopt.project.context import ignore_file
from imageopt.rewrite.asked.model import Asked, Site
from imageopt.rewrite.asked.registry import ASKED
from imageopt.rewrite.model import FileChange, OnRequest, Refused, Rewrite, Transformed

DigestOf = Callable[[str], str | None]


def check_names(names: Iterable[str]) -> None:
    """Raises UsageError, with the list of them, for a name that is none of these transformations."""
    known = [asked.name for asked in ASKED]
    for name in names:
        if name not in known:
            raise UsageError(f"there is no transformation {name!r} to ask for", f"use one of {', '.join(known)}")


def with_asked(rewrite: Rewrite, evidence: Evidence, names: Sequence[str], digest_of: DigestOf) -> Rewrite:
    """The rewrite with the transformations of these names made on top, in their fixed order.

    One that cannot be made is refused with its reason, and the rest stays.
    """
    for asked in ASKED:
        if asked.name not in names:
            continue
        made = _made(asked, rewrite, evidence, digest_of)
        if isinstance(made, Rewrite):
            rewrite = made
        else:
            refusals = (*rewrite.refusals, Refused(asked.name, made))
            outcome = "proposed" if rewrite.outcome == "proposed" else "refused"
            rewrite = replace(rewrite, outcome=outcome, refusals=refusals)
    return rewrite


def on_request(
    rewrite: Rewrite, evidence: Evidence, names: Sequence[str], digest_of: DigestOf
) -> tuple[OnRequest, ...]:
    """Every other transformation that may be asked for: what it would save on top, or why it cannot be made."""
    site = _site(rewrite, evidence, digest_of)
    found: list[OnRequest] = []
    for asked in ASKED:
        if asked.name not in names:
            change = asked.make(site) if isinstance(site, Site) else site
            saved, reason = (None, change) if isinstance(change, str) else (change.saved_bytes, "")
            found.append(OnRequest(asked.name, asked.summary, saved, reason))
    return tuple(found)


def _made(asked: Asked, rewrite: Rewrite, evidence: Evidence, digest_of: DigestOf) -> Rewrite | str:
    site = _site(rewrite, evidence, digest_of)
    change = asked.make(site) if isinstance(site, Site) else site
    if isinstance(change, str) or isinstance(site, str):
        return str(change)
    text = apply(site.tree.text, change.edits)
    broken = parse(text.encode("utf-8", "surrogateescape")).problems
    if broken:
        return f"the rewritten Dockerfile would not be read: {broken[0].message}"
    changes = _changed(rewrite.changes, site.path, site.tree.render(), text)
    if change.ignore:
        name = ignore_file(site.project.root, site.path)
        before = site.ignored.encode("utf-8", "surrogateescape")
        added = site.ignored + ("" if site.ignored.endswith("\n") or not site.ignored else "\n")
        added += "".join(f"{line}\n" for line in change.ignore)
        changes = _changed(changes, name, before if site.project.dockerignore is not None else None, added)
    proposed = rewrite.outcome == "proposed"
    before_bytes = rewrite.predicted_bytes if proposed else 0
    known = before_bytes is not None and change.saved_bytes is not None
    basis = rewrite.predicted_basis if proposed else "exact"
    return replace(
        rewrite,
        outcome="proposed",
        changes=changes,
        transformed=(
            *rewrite.transformed,
            Transformed(asked.name, "propose", change.reason, (), change.saved_bytes),
        ),
        predicted_bytes=(before_bytes or 0) + (change.saved_bytes or 0) if known else None,
        predicted_basis=("estimate" if change.saved_bytes else basis) if known else "unknown",
        notes=(*(note for note in rewrite.notes if proposed), *change.notes),
        follow_ups=(*rewrite.follow_ups, *change.follow_ups),
    )


def _site(rewrite: Rewrite, evidence: Evidence, digest_of: DigestOf) -> Site | str:
    """What there is to change: the proposed Dockerfile, or the author's where that stays; or why there is nothing."""
    project, written, path = evidence.project, evidence.dockerfile, evidence.dockerfile_path
    if project is None or written is None:
        return "a rewrite needs the project's folder with its Dockerfile"
    texts = {change.path: change.after for change in rewrite.changes}
    tree = parse(texts[path]) if path in texts else written
    if tree.problems:
        return f"the Dockerfile has a fault: {tree.problems[0].message}"
    name = ignore_file(project.root, path)
    ignored = texts[name].decode("utf-8", "surrogateescape") if name in texts else project.dockerignore or ""
    return Site(tree, path, project, evidence, ignored, digest_of)


def _changed(changes: Sequence[FileChange], path: str, before: bytes | None, after: str) -> tuple[FileChange, ...]:
    """The changes with this text for the file, which had `before` where none of them is about it."""
    data = after.encode("utf-8", "surrogateescape")
    if any(change.path == path for change in changes):
        return tuple(replace(change, after=data) if change.path == path else change for change in changes)
    return (*changes, FileChange(path, before, data))

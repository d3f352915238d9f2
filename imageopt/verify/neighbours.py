"""The rungs of the ladder that differ from a rewrite in one transformation -> what that transformation saves, measured.

They are built and weighed, not run: nobody proposes them here.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence

from imageopt.build.model import Built
from imageopt.build.snapshot import snapshot
from imageopt.errors import ImageoptError
from imageopt.evidence.model import Evidence
from imageopt.rewrite.ladder import Candidate
from imageopt.rewrite.model import Rewrite, same_changes
from imageopt.source.model import ImageRef
from imageopt.verify.bench import Bench, Version, see_that_it_answers
from imageopt.verify.builds import build_version
from imageopt.verify.isolated import Isolated, isolated, labels, measured, only_addition
from imageopt.verify.measure import read_image

PROPOSED = "the proposed rewrite"


@contextlib.contextmanager
def as_rewritten(bench: Bench, name: str, rewrite: Rewrite) -> Iterator[Version]:
    """The project as the rewrite leaves it, built with what the builder still has, and not yet read."""
    request = bench.request
    assert request.before is not None
    with snapshot(request.root) as copy:
        copy.put(request.dockerfile, request.before)
        for change in rewrite.changes:
            copy.put(change.path, change.after)
        dockerfile = (copy.folder / request.dockerfile).read_bytes()
        built = build_version(bench, name, copy, cold=False)
        yield Version(name, copy, dockerfile, built, None, ())


def weigh_neighbours(
    bench: Bench,
    before: Evidence | None,
    after: Evidence | None,
    proposed: Rewrite | None,
    rungs: Callable[[Evidence], Sequence[Candidate]],
) -> tuple[Isolated, ...]:
    """What single transformations save, by the version as it stands, the proposed rewrite and its neighbours.

    One that does not build, or cannot be read, isolates nothing.
    """
    if proposed is None or before is None or before.image is None or after is None or after.image is None:
        return ()
    total = before.image.sizes.unpacked_bytes
    candidates = [rung for rung in rungs(before) if rung.rewrite is not None]
    same = next((one.rewrite for one in candidates if one.rewrite and same_changes(one.rewrite, proposed)), proposed)
    found = []
    for candidate in candidates:
        assert candidate.rewrite is not None
        if candidate.rewrite is same or not _neighbours(candidate.rewrite, same):
            continue
        saved = _saved(bench, candidate.name, candidate.rewrite, total)
        if saved is not None:
            found.append(measured(candidate.name, candidate.rewrite, saved))
    return isolated((*found, measured(PROPOSED, same, total - after.image.sizes.unpacked_bytes)))


def _saved(bench: Bench, name: str, rewrite: Rewrite, total: int) -> int | None:
    with as_rewritten(bench, name, rewrite) as version:
        if not isinstance(version.build, Built):
            return None
        try:
            image = read_image(bench, name, ImageRef("docker", version.build.tag))
        except ImageoptError as error:
            see_that_it_answers(bench.client)
            bench.progress.note(f"the image of {name} could not be read: {error.cause}")
            return None
    return total - image.sizes.unpacked_bytes


def _neighbours(one: Rewrite, other: Rewrite) -> bool:
    pair = labels(one), labels(other)
    return only_addition(*pair) is not None or only_addition(*reversed(pair)) is not None

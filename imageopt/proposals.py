"""Evidence about a project -> what is proposed for it: a rewrite or the whole ladder, on the lock file there shall be.

What a project's files do not tell is added here: what the engine knows of a new base image, what must follow the change
elsewhere, and the lock file that a container made. A search proposes again once it has built the version as it stands.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import cache
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from imageopt.build.options import BuildOptions
from imageopt.build.snapshot import snapshot
from imageopt.dockerfile import parse
from imageopt.errors import ImageoptError
from imageopt.evidence.join import join
from imageopt.evidence.model import Evidence
from imageopt.lockfile.propose import Locked, locked
from imageopt.progress import Progress
from imageopt.project.read import read_project
from imageopt.rewrite.asked.distroless import DISTROLESS
from imageopt.rewrite.asked.made import on_request, with_asked
from imageopt.rewrite.asked.pin_digests import PIN_DIGESTS
from imageopt.rewrite.bare import bare_base, without_managers
from imageopt.rewrite.first import NAME, Missing, as_first, draft
from imageopt.rewrite.fix import fix
from imageopt.rewrite.follow_ups import follow_ups
from imageopt.rewrite.ladder import Candidate, ladder
from imageopt.rewrite.model import Refused, Rewrite
from imageopt.rewrite.propose import propose
from imageopt.rewrite.worth import final_image, less_new_base, swapped_base
from imageopt.rules.check import judge
from imageopt.rules.model import Analysis, Finding, Target
from imageopt.rules.policy import Policy
from imageopt.rules.summary import summarise
from imageopt.source.at_hand import digest_at_hand
from imageopt.source.model import ImageRef
from imageopt.targets import load


class Wish(Struct, frozen=True):
    """What is asked for. `base` is the final base image: auto, alpine, slim or keep; distroless is what `asked` makes.

    `lockfile`: the lock file is checked, or made, in a container. `asked` are the names of what is made only
    when asked for.
    """

    base: str
    lockfile: bool
    options: BuildOptions
    progress: Progress
    asked: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        base: str,
        options: BuildOptions | None = None,
        progress: Progress | None = None,
        *,
        lockfile: bool = False,
        asked: Sequence[str] = (),
    ) -> "Wish":
        """The wish in words: distroless as a base is made on top of slim, whose C library is the same."""
        names = tuple(asked)
        if base == DISTROLESS.name:
            base, names = "slim", names if base in names else (*names, base)
        return cls(base, lockfile, options or BuildOptions(), progress or Progress(), names)


class Proposals(Struct, frozen=True):
    """Who proposes, from the analysis and by the rules in force, what was wished for."""

    analysis: Analysis
    policy: Policy
    wish: Wish
    lock: Locked | None

    def rewrite(self, evidence: Evidence) -> Rewrite:
        """The rewrite that the findings call for, with what was asked for on top, and what else could be."""
        evidence, findings = self._judged(evidence)
        proposed = propose(evidence, findings, target=self.wish.base)
        digest_of = self._digest_of(evidence)
        made = with_asked(proposed, evidence, self.wish.asked, digest_of)
        return replace(
            self._complete(evidence, made), on_request=on_request(made, evidence, self.wish.asked, digest_of)
        )

    def ladder(self, evidence: Evidence) -> tuple[Candidate, ...]:
        """Every rewrite that could be made, from the least change to the greatest."""
        evidence, findings = self._judged(evidence)
        mended = fix(evidence, findings, self.policy.rules, waivers=self.policy.waivers, now=self.analysis.day)
        proposed = propose(evidence, findings, target=self.wish.base)
        return ladder(
            evidence,
            findings,
            mended,
            proposed,
            target=self.wish.base,
            complete=lambda rewrite: self._complete(evidence, rewrite),
            strip=lambda rewrite: self._strip(evidence, rewrite),
        )

    def _judged(self, evidence: Evidence) -> tuple[Evidence, Sequence[Finding]]:
        if self.lock is None and evidence is self.analysis.evidence:
            return evidence, self.analysis.findings
        if self.lock is not None:
            evidence = replace(evidence, project=self.lock.project)
        return evidence, judge(evidence, self.policy.rules, waivers=self.policy.waivers, now=self.analysis.day).findings

    def _complete(self, evidence: Evidence, proposed: Rewrite) -> Rewrite:
        if evidence.project is not None:
            found = follow_ups(evidence.project.root, proposed, evidence.dockerfile_path)
            proposed = replace(proposed, follow_ups=(*proposed.follow_ups, *found))
        proposed = self._with_new_base(proposed)
        return proposed if self.lock is None else self.lock.joined(proposed)

    def _strip(self, evidence: Evidence, proposed: Rewrite) -> Rewrite | str:
        """The rewrite without package managers; what lies below its base image is known where the engine has it."""
        assert evidence.project is not None
        reference = final_image(proposed)
        if reference is None:
            return "which image it is built on is not known"
        try:
            below = bare_base(load(ImageRef("docker", reference), self.wish.options, Progress(), verify_digests=False))
        except ImageoptError:
            below = f"{reference} is not in the engine, so what lies below it is not known"
        return without_managers(proposed, evidence.dockerfile_path, evidence.project, below)

    def _digest_of(self, evidence: Evidence) -> Callable[[str], str | None]:
        """What tells an image's digest: the engine, where it was needed anyway or pinning is what was asked for."""
        asks = evidence.image is not None or PIN_DIGESTS.name in self.wish.asked
        return cache(digest_at_hand) if asks else lambda _: None

    def _with_new_base(self, proposed: Rewrite) -> Rewrite:
        """What the new base image brings is known where the engine has it: nothing is pulled for a prediction."""
        reference = swapped_base(proposed) if proposed.predicted_bytes is not None else None
        if reference is None:
            return proposed
        try:
            base = load(ImageRef("docker", reference), self.wish.options, Progress(), verify_digests=False)
        except ImageoptError:
            return proposed
        return less_new_base(proposed, reference, base.sizes.unpacked_bytes)


def first_dockerfile(folder: Path, policy: Policy, wish: Wish, day: date | None = None) -> tuple[Analysis, Rewrite]:
    """What is known of a folder without a Dockerfile, and the first one for it, or what is missing to write it."""
    started = time.monotonic()
    evidence = join(None, None, read_project(folder, dockerfile=NAME), dockerfile_path=NAME)
    target = Target("project", folder.resolve().name, None, None, None, None)
    known = Analysis(target, evidence, (), summarise(evidence, (), 0), (), time.monotonic() - started)
    assert evidence.project is not None
    made = draft(evidence.project)
    if isinstance(made, Missing):
        refusals = tuple(Refused("first-dockerfile", reason) for reason in made.reasons)
        return known, Rewrite("refused", (), (), refusals, None, "unknown", ())
    with snapshot(folder) as copy:
        copy.put(NAME, made.text.encode())
        drafted = join(
            None, parse(made.text.encode()), read_project(copy.folder, dockerfile=NAME), dockerfile_path=NAME
        )
        findings = judge(drafted, policy.rules, waivers=policy.waivers, now=day).findings
        analysis = replace(known, evidence=drafted, findings=findings, day=day)
        with proposals(analysis, policy, wish) as who:
            return known, as_first(who.rewrite(drafted), made)


@contextlib.contextmanager
def proposals(analysis: Analysis, policy: Policy, wish: Wish) -> Iterator[Proposals]:
    """Who proposes, for the length of the block."""
    if not wish.lockfile:
        yield Proposals(analysis, policy, wish, None)
        return
    with locked(analysis.evidence, progress=wish.progress) as lock:
        yield Proposals(analysis, policy, wish, lock)

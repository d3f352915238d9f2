"""Evidence about a project -> what is proposed for it: a rewrite or the whole ladder, on the lock file there shall be.

What a project's files do not tell is added here: what the engine knows of a new base image, what must follow the change
elsewhere, and the lock file that a container made. A search proposes again once it has built the version as it stands.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from imageopt.build.options import BuildOptions
from imageopt.errors import ImageoptError
from imageopt.evidence.model import Evidence
from imageopt.lockfile.propose import Locked, locked
from imageopt.progress import Progress
from imageopt.rewrite.fix import fix
from imageopt.rewrite.follow_ups import follow_ups
from imageopt.rewrite.ladder import Candidate, ladder
from imageopt.rewrite.model import Rewrite
from imageopt.rewrite.propose import propose
from imageopt.rewrite.worth import less_new_base, swapped_base
from imageopt.rules.check import judge
from imageopt.rules.model import Analysis, Finding
from imageopt.rules.policy import Policy
from imageopt.source.model import ImageRef
from imageopt.targets import load


@dataclass(frozen=True, slots=True)
class Proposals:
    """Who proposes. `base` is the wished final base image: auto, alpine, slim or keep."""

    analysis: Analysis
    policy: Policy
    base: str
    options: BuildOptions
    lock: Locked | None

    def rewrite(self, evidence: Evidence) -> Rewrite:
        """The rewrite that the findings call for."""
        evidence, findings = self._judged(evidence)
        return self._complete(evidence, propose(evidence, findings, target=self.base))

    def ladder(self, evidence: Evidence) -> tuple[Candidate, ...]:
        """Every rewrite that could be made, from the least change to the greatest."""
        evidence, findings = self._judged(evidence)
        mended = fix(evidence, findings, self.policy.rules, waivers=self.policy.waivers)
        proposed = propose(evidence, findings, target=self.base)
        return ladder(
            evidence,
            findings,
            mended,
            proposed,
            target=self.base,
            complete=lambda rewrite: self._complete(evidence, rewrite),
        )

    def _judged(self, evidence: Evidence) -> tuple[Evidence, Sequence[Finding]]:
        if self.lock is None and evidence is self.analysis.evidence:
            return evidence, self.analysis.findings
        if self.lock is not None:
            evidence = replace(evidence, project=self.lock.project)
        return evidence, judge(evidence, self.policy.rules, waivers=self.policy.waivers).findings

    def _complete(self, evidence: Evidence, proposed: Rewrite) -> Rewrite:
        if evidence.project is not None:
            found = follow_ups(evidence.project.root, proposed, evidence.dockerfile_path)
            proposed = replace(proposed, follow_ups=found)
        proposed = self._with_new_base(proposed)
        return proposed if self.lock is None else self.lock.joined(proposed)

    def _with_new_base(self, proposed: Rewrite) -> Rewrite:
        """What the new base image brings is known where the engine has it: nothing is pulled for a prediction."""
        reference = swapped_base(proposed) if proposed.predicted_bytes is not None else None
        if reference is None:
            return proposed
        try:
            base = load(ImageRef("docker", reference), self.options, Progress(), verify_digests=False)
        except ImageoptError:
            return proposed
        return less_new_base(proposed, reference, base.sizes.unpacked_bytes)


@contextlib.contextmanager
def proposals(
    analysis: Analysis, policy: Policy, *, base: str, options: BuildOptions, lockfile: bool, progress: Progress
) -> Iterator[Proposals]:
    """Who proposes, for the length of the block. `lockfile`: the lock file is checked, or made, in a container."""
    if not lockfile:
        yield Proposals(analysis, policy, base, options, None)
        return
    with locked(analysis.evidence, progress=progress) as lock:
        yield Proposals(analysis, policy, base, options, lock)

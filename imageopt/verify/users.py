"""The users that a deployment runs the program as, whatever the image says -> how both versions do as one of them.

A manifest may be that of another image, such as a database's: so the run as its user is one more run, and it counts
only where the version as it stands does as that user what it does as its own.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec.structs import replace

from imageopt.project.model import DeploymentFact
from imageopt.project.services import Service
from imageopt.verify.model import Check, NotDone
from imageopt.verify.run import Observed, RunPlan

_NUMBERS = re.compile(r"[1-9]\d*(?::\d+)?")  # root may do what it likes; a name is the image's own
_MOST = 2
_TROUBLE_FROM = 400
_REASON = "as the user of its deployment it does not do what it does as its own"


def deployed_users(
    configured: str | None, facts: Iterable[DeploymentFact], services: Iterable[Service]
) -> tuple[tuple[str, str], ...]:
    """Users by number (`uid` or `uid:gid`) and where they stand, the configured one first; at most two."""
    foreign = {service.name for service in services if not service.dockerfile}
    found = {configured: "imageopt.toml"} if configured else {}
    for fact in facts:
        if fact.kind == "user" and fact.service not in foreign and _NUMBERS.fullmatch(fact.value):
            found.setdefault(fact.value, fact.source)
    return tuple(found.items())[:_MOST]


def run_as_deployed(
    plan: RunPlan,
    before: Sequence[Observed],
    after: Sequence[Observed],
    run_before: Callable[[RunPlan], Observed | NotDone],
    run_after: Callable[[RunPlan], Observed | NotDone],
) -> tuple[tuple[Check, ...], tuple[Check, ...]]:
    """A check of each version for each user; `after` has none where `before` does not pass. `plan` is the first's."""
    old, new = [], []
    for user, source in plan.users:
        asked = replace(plan, user=user, brief=True, commands=(), written=())
        name = f"runs as {user} ({source})"
        check = _check(name, before, run_before(asked))
        if check is None:
            continue
        old.append(check)
        other = _check(name, after, run_after(asked)) if check.passed else None
        if other is not None:
            new.append(other)
    return tuple(old), tuple(new)


def _check(name: str, usual: Sequence[Observed], seen: Observed | NotDone) -> Check | None:
    if isinstance(seen, NotDone):
        return None
    trouble = "" if seen.record.started else seen.record.reason
    trouble = trouble or seen.record.reason or next(_troubles(usual, seen), "")
    return Check(name, not trouble, trouble, _REASON)


def _troubles(usual: Sequence[Observed], seen: Observed) -> Iterator[str]:
    """Answers that speak of trouble, and never did before."""
    known = {(answer.what, answer.status) for run in usual for answer in run.answers}
    for answer in seen.answers:
        if answer.status >= _TROUBLE_FROM and (answer.what, answer.status) not in known:
            yield f"{answer.what} is answered with {answer.status}"
    yield from (f"{path} is not answered" for path in seen.record.unanswered)

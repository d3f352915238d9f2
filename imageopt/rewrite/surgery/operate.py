"""Evidence and findings -> Rewrite, the surgical way: each operation in turn edits what those before it left.

An operation that makes nothing better is no reason to touch a file: unless one of them saves bytes or closes a finding
about security, nothing is proposed.
"""

from collections.abc import Sequence

from imageopt.dockerfile.model import Dockerfile
from imageopt.evidence.model import Evidence
from imageopt.project.deployment import read_deployment
from imageopt.project.model import Project
from imageopt.rewrite.fixes.trial import named_sources
from imageopt.rewrite.ground import Account
from imageopt.rewrite.ignore_file import IgnoreChange, propose_ignore
from imageopt.rewrite.junk import junk_paths
from imageopt.rewrite.layout import rebuilt
from imageopt.rewrite.managers import manager
from imageopt.rewrite.model import Refused
from imageopt.rewrite.surgery.base import swap
from imageopt.rewrite.surgery.flatten import surveyed
from imageopt.rewrite.surgery.installs import hold_to_lock, leave_out_development
from imageopt.rewrite.surgery.mended import mended
from imageopt.rewrite.surgery.model import Case, Cut, Operation
from imageopt.rewrite.surgery.narrow import narrow
from imageopt.rewrite.surgery.packages import prune
from imageopt.rewrite.surgery.starting import bare, production, user
from imageopt.rewrite.system import files_of_scripts
from imageopt.rules.checks.steps import with_ancestors
from imageopt.rules.model import Finding

_OPERATIONS: tuple[Operation, ...] = (
    hold_to_lock,
    leave_out_development,
    prune,
    narrow,
    swap,
    bare,
    user,
    production,
)


def operate(
    evidence: Evidence, findings: Sequence[Finding], project: Project, target: str
) -> tuple[Dockerfile, Account, IgnoreChange | None]:
    """The edited Dockerfile, the account, and what is added to the ignore file; `target` is the wished base image."""
    account = Account()
    assert evidence.dockerfile is not None
    facts = read_deployment(project.root).of("target", dockerfile=evidence.dockerfile_path)
    case = Case(
        evidence=evidence,
        findings=tuple(findings),
        project=project,
        manager=manager(project),
        wish=target,
        written=evidence.dockerfile,
        named=frozenset(fact.value.lower() for fact in facts),
    )
    case, account.done, refusals = mended(case)
    account.refusals += refusals
    for operation in _OPERATIONS:
        case = _performed(case, operation, account)
    return case.tree, account, _ignored(case, findings)


def _performed(case: Case, operation: Operation, account: Account) -> Case:
    """The case after the operation; what it did and refused is noted."""
    answers = operation(case)
    account.refusals += [answer for answer in answers if isinstance(answer, Refused)]
    cuts = [answer for answer in answers if isinstance(answer, Cut)]
    after = case.edited(edit for cut in cuts for edit in cut.edits) if cuts else case
    if isinstance(after, str):
        account.refusals += [Refused(cut.name, after) for cut in cuts]
        return case
    for cut in cuts:
        account.done.setdefault(cut.name, cut.reason)
        account.notes += cut.notes
    return after


def _ignored(case: Case, findings: Sequence[Finding]) -> IgnoreChange | None:
    """What the ignore file lacks, as far as no stage names it."""
    scripts = files_of_scripts(case.project, case.system, case.running.folder)
    named = (*named_sources(case.tree), *sorted(scripts))
    made: set[str] = set()
    for stage in case.tree.stages:
        chain = [case.tree.stages[number] for number in with_ancestors(case.tree, stage)]
        made |= set(rebuilt(case.project, surveyed(case.tree, chain, case.manager)))
    kept = tuple(sorted(made - set(named)))
    return propose_ignore(case.project, named, junk_paths(case.evidence, findings, named), kept)

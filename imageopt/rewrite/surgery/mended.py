"""Findings in the shipped stage that a small edit closes: the fixes of `--fix`, as the first step of an operation.

Only those that cost bytes there; what a discarded stage leaves behind costs nothing.
"""

from msgspec.structs import replace

from imageopt.dockerfile.parser import parse
from imageopt.evidence.model import Evidence
from imageopt.rewrite.fix import fixed
from imageopt.rewrite.model import Refused
from imageopt.rewrite.surgery.model import Case
from imageopt.rules.check import check
from imageopt.rules.load import load_rules

_FIXED = {
    "copied-up-by-chown-chmod": "copy-chown",
    "deleted-in-later-layer": "drop-deleted",
    "package-update-alone": "drop-caches",
    "apt-lists-left": "drop-caches",
    "pkg-manager-cache-left": "drop-caches",
    "npm-yarn-pnpm-cache-left": "drop-caches",
}


def cleaned(evidence: Evidence, text: str) -> tuple[str, dict[str, str]]:
    """A restructured Dockerfile in which the author's own RUNs leave no caches, and what was done for that.

    The findings were made of the file as it was; these RUNs stand elsewhere now, so they are looked at anew.
    """
    rules = tuple(rule for rule in load_rules(examples=False) if _FIXED.get(rule.name) == "drop-caches")
    moved = replace(evidence, dockerfile=parse(text.encode("utf-8", "surrogateescape")), image=None)
    found = check(moved, rules)
    if not found:
        return text, {}
    made, _ = fixed(moved, found, rules)
    change = next((change for change in made.changes if change.path == evidence.dockerfile_path), None)
    if change is None:
        return text, {}
    done = {_FIXED[item.name]: item.reason for item in made.transformed}
    return change.after.decode("utf-8", "surrogateescape"), done


def mended(case: Case) -> tuple[Case, dict[str, str], list[Refused]]:
    """The case after these fixes, what was done with its reason, and what was not."""
    wanted = [finding for finding in case.findings if finding.rule in _FIXED and finding.location is not None]
    if not wanted:
        return case, {}, []
    made, history = fixed(case.evidence, wanted, load_rules(examples=False))
    refusals = [Refused(_FIXED[refusal.name], refusal.reason) for refusal in made.refusals]
    change = next((change for change in made.changes if change.path == case.evidence.dockerfile_path), None)
    if change is None:
        return case, {}, refusals
    after = case.with_tree(parse(change.after), *history)
    return after, {_FIXED[done.name]: done.reason for done in made.transformed}, refusals

"""Tries an edit: the text is made, read and judged again, and the edit is kept only if nothing got worse.

What surprises: the judging leaves the image aside, for it shows the old text. A finding that only the image tells of
cannot be seen to go; its fix must be right by itself.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import date

from msgspec import Struct
from msgspec.structs import replace

from imageopt.config import Waiver
from imageopt.dockerfile.edit import apply
from imageopt.dockerfile.ignore import parse_ignore
from imageopt.dockerfile.model import Dockerfile, Edit
from imageopt.dockerfile.mounts import mounts_of
from imageopt.dockerfile.parser import parse
from imageopt.dockerfile.shell import run_commands
from imageopt.evidence.join import join
from imageopt.evidence.model import Evidence
from imageopt.project.context import context_bytes
from imageopt.rewrite.fixes.model import Patterns
from imageopt.rewrite.ignore_file import handled_files, with_patterns
from imageopt.rules.check import judge
from imageopt.rules.checks.context import lives_on_the_contexts_packages
from imageopt.rules.model import Finding, Rule

_GRAVE = ("error", "warning")


class State(Struct, frozen=True):
    """The files so far: what they show without the image, and what the rules find in them."""

    evidence: Evidence
    findings: tuple[Finding, ...]

    @property
    def tree(self) -> Dockerfile:
        """The Dockerfile so far."""
        assert self.evidence.dockerfile is not None
        return self.evidence.dockerfile

    def count(self, rule: str) -> int:
        """How many findings of this rule there are."""
        return sum(finding.rule == rule for finding in self.findings)

    def grave(self) -> Counter[str]:
        """The errors and warnings by rule."""
        return Counter(finding.rule for finding in self.findings if finding.severity in _GRAVE)


class Judge(Struct, frozen=True):
    """The rules, what of them is waived, and the day they are asked on."""

    rules: tuple[Rule, ...]
    waivers: tuple[Waiver, ...]
    now: date | None

    def first(self, evidence: Evidence) -> State:
        """The state before any edit."""
        path, target = evidence.dockerfile_path, evidence.target
        alone = join(None, evidence.dockerfile, evidence.project, dockerfile_path=path, target=target)
        return self._state(alone)

    def edited(self, state: State, edits: Iterable[Edit], rule: str, mended: int) -> State | str:
        """The state after the edits, which are to end so many findings of the rule; else why they are dropped."""
        try:
            text = apply(state.tree.text, edits)
        except ValueError:
            return "its edits overlap"
        tree = parse(text.encode("utf-8", "surrogateescape"))
        if len(tree.problems) > len(state.tree.problems):
            return f"the edited file would not be read: {tree.problems[-1].message}"
        if _broken(tree) > _broken(state.tree):
            return "the shell would not read the edited RUN"
        return self._kept(state, self._state(replace(state.evidence, dockerfile=tree)), rule, mended)

    def ignoring(self, state: State, found: Patterns, rule: str) -> State | str:
        """The state with these patterns in the ignore file, which are to end a finding of the rule; else why not."""
        project = state.evidence.project
        if project is None:
            return "the project's folder is not known"
        change = with_patterns(project, found.title, found.patterns, named_sources(state.tree))
        if isinstance(change, str):
            return change
        sizes, _ = context_bytes(project.root, parse_ignore(change.after))
        project = replace(project, dockerignore=change.after, context_bytes=sizes)
        return self._kept(state, self._state(replace(state.evidence, project=project)), rule, 1)

    def _state(self, evidence: Evidence) -> State:
        return State(evidence, judge(evidence, self.rules, waivers=self.waivers, now=self.now).findings)

    def _kept(self, before: State, after: State, rule: str, mended: int) -> State | str:
        seen = before.count(rule)
        if seen and after.count(rule) > max(0, seen - mended):
            return "the finding would stay"
        worse = after.grave() - before.grave()
        if worse:
            return f"it would bring about {', '.join(sorted(worse))}"
        return after


def named_sources(tree: Dockerfile) -> tuple[str, ...]:
    """The paths of the context that the Dockerfile names or cannot do without: no ignore pattern may take them away."""
    found = [*handled_files(tree), *(["node_modules"] if lives_on_the_contexts_packages(tree) else [])]
    for instruction in tree.instructions:
        if instruction.keyword in ("COPY", "ADD") and instruction.flag("from") is None:
            found += (word.value for word in instruction.words[:-1])
        for mount in mounts_of(instruction):
            if (mount.kind or "bind") == "bind" and "from" not in mount.options:
                found.append(mount.options.get("source") or mount.options.get("src") or "")
    names = (path.removeprefix("./").strip("/") for path in found)
    return tuple(name for name in names if name not in ("", ".") and not name.startswith(("http:", "https:")))


def _broken(tree: Dockerfile) -> int:
    """How many RUNs the shell would not read to the end."""
    runs = (item for item in tree.instructions if item.keyword == "RUN")
    return sum(not all(command.complete for command in run_commands(item)) for item in runs)

"""Evidence and findings -> Rewrite: the changed files with the reason for each change, or the reason for none.

"Nothing worth doing" and a refusal with its remedy are good answers; a Dockerfile that might not work is not.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from imageopt.config import nearest
from imageopt.dockerfile.ignore import parse_ignore
from imageopt.dockerfile.model import Dockerfile
from imageopt.dockerfile.parser import parse
from imageopt.evidence.model import Evidence
from imageopt.project.constraints import contradictions
from imageopt.project.context import ignore_file
from imageopt.project.model import Project
from imageopt.rewrite.base_image import node_image
from imageopt.rewrite.builders import builders
from imageopt.rewrite.downloads import browsers
from imageopt.rewrite.elsewhere import started_elsewhere
from imageopt.rewrite.ground import Account, Plan, last_comments
from imageopt.rewrite.ignore_file import IgnoreChange, handled_files, propose_ignore
from imageopt.rewrite.junk import junk_paths
from imageopt.rewrite.locked import lock_obstacle
from imageopt.rewrite.managers import manager
from imageopt.rewrite.model import FileChange, Refused, Rewrite
from imageopt.rewrite.php.plan import php_plan
from imageopt.rewrite.plan import make_plan
from imageopt.rewrite.python.plan import python_plan
from imageopt.rewrite.render import Unsafe, render
from imageopt.rewrite.scheduled import cron_jobs
from imageopt.rewrite.surgery.mended import cleaned
from imageopt.rewrite.surgery.operate import operate
from imageopt.rewrite.survey import survey
from imageopt.rewrite.tokens import sent, shipped, taken_along
from imageopt.rewrite.workspace import only_app, part_of, scoped
from imageopt.rewrite.worth import automatic, credit, is_worth_doing, is_worth_making
from imageopt.rules.model import Finding

TEAM_TEMPLATES = ".imageopt/templates"
_KEEP_RUNS = ("php", "python")  # templates whose last stage has the author's own RUNs
_TARGETS = ("auto", "alpine", "slim", "keep")


def propose(evidence: Evidence, findings: Sequence[Finding], *, target: str = "auto", outputs: bool = True) -> Rewrite:
    """The rewrite for a project, `target` being the image its last stage is built on: auto, alpine, slim or keep.

    `outputs`: where a framework's build leaves all that is served, only that is shipped.
    """
    if target not in _TARGETS:
        from imageopt.errors import UsageError

        raise UsageError(f"{target!r} is no target of a rewrite", f"use one of {', '.join(_TARGETS)}")
    if not is_worth_doing(evidence, findings):
        return Rewrite("nothing", (), (), (), None, "unknown", ())
    project, tree = evidence.project, evidence.dockerfile
    if project is None or tree is None:
        return _refused("a rewrite needs the project's folder with its Dockerfile")
    fault = _fault(project, tree)
    if fault:
        return _refused(fault)
    if len(tree.stages) > 1:
        return _surgical(evidence, findings, project, target)
    try:
        plan = _plan(evidence, project, tree, target, outputs=outputs)
        if isinstance(plan, Plan):
            return _rewrite(
                evidence, findings, plan, render(plan.template, plan.values, nearest(project.root, TEAM_TEMPLATES))
            )
    except Unsafe as error:
        return _refused(str(error))
    return plan if isinstance(plan, Rewrite) else _surgical(evidence, findings, project, target, *plan)


def _plan(
    evidence: Evidence, project: Project, tree: Dockerfile, target: str, *, outputs: bool
) -> Plan | tuple[str, ...] | Rewrite:
    """The plan of a restructured Dockerfile, why it can only be edited, or the refusal where not even that helps."""
    stage = tree.stages[-1]
    other = php_plan(evidence, project, tree) or python_plan(evidence, project, tree, target)
    if other is not None:
        return (other,) if isinstance(other, str) else other
    if project.manifest is None:
        return (f"line {stage.from_instruction.line}: there is no package.json for a Node image",)
    obstacle = _obstacle(project)
    if obstacle:
        return _refused(obstacle)
    image = stage.from_instruction.words[0].raw
    base = node_image(image, stage.base)
    if base is None:
        line = stage.from_instruction.line
        return (f"line {line}: {image} is not an official Node image, so what it brings is not known",)
    part, tool = part_of(project), manager(project)
    if isinstance(part, str):
        return (part,)
    if isinstance(tool, str):
        return _refused(tool)
    if base.product == "bun" and tool.name != "bun":
        return (f"line {stage.from_instruction.line}: {image} holds Bun, and the project uses {tool.name}",)
    if base.product == "bun":
        tool = replace(tool, setup="")
    found = survey(tree, stage, tool, part)
    told = taken_along(sent(project, project.dockerignore or ""), found.outside, tree)
    jobs = cron_jobs(project.root, found)
    unread = jobs if isinstance(jobs, str) else None
    objections = (*found.objections, *browsers(project, found), *filter(None, (told, unread)))
    if objections:
        return objections
    elf = evidence.image.elf if evidence.image else None
    builds_with = builders(project, evidence.dockerfile_path)
    if part is not None:
        project, outputs = only_app(project, part), False
        tool = scoped(tool, part, project, everything=found.everything)
        if isinstance(tool, str):
            return (tool,)
    elsewhere = (*started_elsewhere(project.root, evidence.dockerfile_path), *(() if isinstance(jobs, str) else jobs))
    return make_plan(
        project, tool, tree, stage, base, found, target, elf, builds_with, elsewhere, outputs=outputs, part=part
    )


def _rewrite(evidence: Evidence, findings: Sequence[Finding], plan: Plan, text: str) -> Rewrite:
    """The rewrite from a template."""
    project, tree = evidence.project, evidence.dockerfile
    assert project is not None
    assert tree is not None
    text += last_comments(tree)
    if plan.template in _KEEP_RUNS:
        text, done = cleaned(evidence, text)
        plan.account.done.update({name: reason for name, reason in done.items() if name not in plan.account.done})
    after = _with_line_ends(tree, text)
    broken = parse(after).problems
    if broken:
        return _refused(f"the rewritten Dockerfile would not be read: {broken[0].message}")
    rules = parse_ignore(project.dockerignore or "")
    hidden = [name for name in plan.needed if rules.excludes(name) and not rules.may_hold_included(name)]
    if hidden:
        ignored = ignore_file(project.root, evidence.dockerfile_path)
        return _refused(f"{ignored} hides {' and '.join(hidden[:3])}, which the new Dockerfile copies")
    needed = (*plan.needed, *handled_files(tree))
    ignore = propose_ignore(project, needed, junk_paths(evidence, findings, needed), plan.rebuilt)
    return _proposed(evidence, findings, after, plan.account, ignore)


def _surgical(
    evidence: Evidence, findings: Sequence[Finding], project: Project, target: str, *objections: str
) -> Rewrite:
    """The rewrite that keeps the author's file; `objections` are why it is not restructured."""
    tree, account, ignore = operate(evidence, findings, project, target)
    account.refusals[:0] = [Refused("multi-stage", reason) for reason in objections]
    if is_worth_making({*account.done, *(["dockerignore"] if ignore else [])}):
        return _proposed(evidence, findings, tree.render(), account, ignore)
    if account.refusals:
        return Rewrite("refused", (), (), tuple(account.refusals), None, "unknown", ())
    return Rewrite("nothing", (), (), (), None, "unknown", ())


def _proposed(
    evidence: Evidence, findings: Sequence[Finding], after: bytes, account: Account, ignore: IgnoreChange | None
) -> Rewrite:
    """The changed files, with what each transformation saves and what was left."""
    project, tree = evidence.project, evidence.dockerfile
    assert project is not None
    assert tree is not None
    tokens = sent(project, ignore.after if ignore else project.dockerignore or "")
    written = parse(after)
    told = taken_along(tokens, shipped(written, evidence.target), written) if tokens else None
    if told:  # in the author's words where the author's file does it too
        return _refused(taken_along(tokens, shipped(tree, evidence.target), tree) or told)
    changes: list[FileChange] = []
    if after != tree.render():
        changes.append(FileChange(evidence.dockerfile_path, tree.render(), after))
    done = dict(account.done)
    if ignore:
        changes.append(_ignore_change(project, evidence.dockerfile_path, ignore))
        done["dockerignore"] = f"no build needs {', '.join(ignore.added[:4])}{' …' if len(ignore.added) > 4 else ''}"
    transformed, saved, basis = credit(evidence, findings, done)
    left = {finding.fix.transform for finding in automatic(findings)} - set(done)
    left -= {refusal.name for refusal in account.refusals}
    refusals = (
        *account.refusals,
        *(Refused(name, _left_over(findings, name)) for name in sorted(map(str, left))),
    )
    differ = ", ".join(f"{fact.source} says {fact.value}" for fact in contradictions("node", project.node_versions))
    if differ:
        account.notes.append(f"the version of Node stays as it is, though {differ}")
    return Rewrite("proposed", tuple(changes), transformed, refusals, saved, basis, tuple(account.notes))


def _left_over(findings: Sequence[Finding], name: str) -> str:
    """What there is to say of a transformation that was called for and found nothing that it could change."""
    first = next(finding for finding in automatic(findings) if finding.fix.transform == name)
    if first.location is None or not first.fix.text:
        return "nothing here could be changed for it"
    return f"line {first.location.line} is left to you: {first.fix.text}"


def _ignore_change(project: Project, dockerfile_path: str, change: IgnoreChange) -> FileChange:
    path = ignore_file(project.root, dockerfile_path)
    before = (project.root / path).read_bytes() if project.dockerignore is not None else None
    added = change.after.removeprefix(project.dockerignore or "")
    return FileChange(path, before, (before or b"") + added.encode())


def _with_line_ends(tree: Dockerfile, text: str) -> bytes:
    """The new text with the old one's line ends."""
    old = tree.text
    if old.count("\r\n") * 2 > old.count("\n"):
        text = text.replace("\n", "\r\n")
    return text.encode("utf-8", "surrogateescape")


def _fault(project: Project, tree: Dockerfile) -> str | None:
    """What is wrong with the files themselves; None if nothing is."""
    if not tree.stages or tree.problems:
        return f"the Dockerfile has a fault: {tree.problems[0].message}" if tree.problems else "it has no FROM"
    if project.manifest is None and project.php is None and project.python is None:
        none = "there is no package.json, composer.json or list of Python packages: what it consists of is not known"
        return next((problem for problem in project.problems if problem.startswith("package.json")), none)
    if project.workspace is not None and project.workspace.problems:
        return project.workspace.problems[0]
    return None


def _obstacle(project: Project) -> str | None:
    """Why this project cannot be restructured, with what would help; None if nothing stands against it."""
    if reason := lock_obstacle(project):
        return reason
    if project.start is None:
        return "nothing says how the service starts: add a CMD to the Dockerfile or a start script to package.json"
    return None


def _refused(reason: str) -> Rewrite:
    return Rewrite("refused", (), (), (Refused("multi-stage", reason),), None, "unknown", ())

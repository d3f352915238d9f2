"""How the service starts: the bare node command instead of npm, NODE_ENV, and a user that is not root.

What follows the last RUN, COPY or WORKDIR of the shipped stage says how it runs; new lines go above that.
"""

import posixpath

from imageopt.dockerfile.model import Instruction
from imageopt.dockerfile.pairs import pairs
from imageopt.rewrite.development import chooses, started_with
from imageopt.rewrite.ground import Account
from imageopt.rewrite.model import Refused
from imageopt.rewrite.ownership import owned, service_user, writable, writes_where_it_starts
from imageopt.rewrite.render import Unsafe, assignment, exec_form, word
from imageopt.rewrite.running_stage import bare_start, changed_folder, is_bare, start_reason
from imageopt.rewrite.surgery.model import Answer, Case, Cut
from imageopt.rewrite.surgery.places import above, below, flag, replaced

_WORKS = ("RUN", "COPY", "ADD", "WORKDIR", "ARG", "SHELL")


def bare(case: Case) -> Answer:
    """`CMD npm start` as the node command that it comes to."""
    cmd = case.last("CMD")
    if cmd is None or is_bare(cmd) or cmd not in case.final.instructions or case.final is not case.tree.stages[-1]:
        return ()
    words = cmd.json or cmd.arguments.split()
    if not words or words[0].rpartition("/")[2] not in ("npm", "yarn", "pnpm", "node"):
        return ()
    start = bare_start(case.project, case.running, case.system.scripts)
    if isinstance(start, str):
        return (Refused("exec-form-start", f"line {case.line(cmd)}: {start}"),)
    try:
        given = [assignment(name, value) for name, value in start.environment]
        before = [*changed_folder(case.running, start), *([f"ENV {' '.join(given)}"] if given else [])]
        edits = [replaced(case.tree, cmd, f"CMD {exec_form(start.argv or ())}")]
    except Unsafe as error:
        return (Refused("exec-form-start", f"line {case.line(cmd)}: {error}"),)
    if before:
        edits.append(above(case.tree, case.final, cmd, *before))
    return (Cut("exec-form-start", start_reason(cmd), tuple(edits)),)


def production(case: Case) -> Answer:
    """NODE_ENV=production where nothing says otherwise and nothing is built."""
    wanted = any(finding.fix.transform == "node-env" for finding in case.findings)
    names = {pair.name for item in case.instructions if item.keyword == "ENV" for pair in pairs(item)}
    if not wanted or case.base is None or "NODE_ENV" in names:
        return ()
    if case.running.builds or started_with(case.project) is not None or not case.is_apart:
        return (Refused("node-env", "the image that is shipped builds the application, or starts a tool for that"),)
    if reason := chooses(case.project):
        return (Refused("node-env", reason),)
    edit = below(case.tree, case.final, _last_work(case), "ENV NODE_ENV=production")
    return (Cut("node-env", "set where nothing is built any more", (edit,)),)


def user(case: Case) -> Answer:
    """USER node, with what it writes to made its own."""
    if any(item.keyword == "USER" for item in case.instructions):
        return ()
    if case.base is None:
        wanted = any(finding.fix.transform == "run-as-node" for finding in case.findings)
        return (Refused("run-as-node", "which users the base image has is not known"),) if wanted else ()
    if case.trigger:
        return (Refused("run-as-node", case.trigger),)
    if case.running.folder in ("", "/"):
        return (Refused("run-as-node", "it has no WORKDIR"),)
    if case.children(case.final):
        return (Refused("run-as-node", "other stages are built on the one that is shipped"),)
    here = case.running.final_folder
    if here != case.running.folder and writes_where_it_starts(case.project):
        return (Refused("run-as-node", f"it is started in {here}, and may write there"),)
    account = Account()
    name = service_user(case.project, case.running, account, case.system)
    if not name:
        return account.refusals
    try:
        lines = [f"RUN {command}" for command in _handed_over(case, name)]
    except Unsafe as error:
        return (Refused("run-as-node", str(error)),)
    edits = [below(case.tree, case.final, _last_work(case), *lines, f"USER {name}")]
    edits += [flag(case.tree, item, f"--chown={name}:{name}") for item in _copies(case)]
    notes = ("volumes that exist already belong to root: chown them to 1000:1000 once",)
    return (Cut("run-as-node", account.done["run-as-node"], tuple(edits), notes if lines else ()),)


def _handed_over(case: Case, name: str) -> list[str]:
    """The command that makes the folders and hands them over, none where nothing is written."""
    folder, here = case.running.folder, case.running.final_folder
    made, own = writable(case.project, case.running), owned(case.project, case.running, name)
    if here != folder:
        made, own = ([posixpath.join(folder, path) for path in paths] for paths in (made, own))
    parts = [f"mkdir -p {' '.join(map(word, made))}"] if made else []
    parts += [f"chown {name}:{name} {' '.join(map(word, own))}"] if own else []
    return [" && ".join(parts)] if parts else []


def _copies(case: Case) -> list[Instruction]:
    """The COPYs into the application's folder that give no owner."""
    found = []
    for item in case.final.instructions:
        if item.keyword not in ("COPY", "ADD") or item.flag("chown") is not None or not item.words:
            continue
        target = item.words[-1].value
        if not target.startswith("/") or f"{target}/".startswith(f"{case.running.folder}/"):
            found.append(item)
    return found


def _last_work(case: Case) -> Instruction:
    """The last instruction that still makes the image, FROM if there is none."""
    works = [item for item in case.final.instructions if item.keyword in _WORKS]
    return works[-1] if works else case.final.from_instruction

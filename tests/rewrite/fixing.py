"""Mends Dockerfiles in tests: judged by the real rules, on a day that stays."""

import shutil
import subprocess
from datetime import date
from pathlib import Path

from imageopt.dockerfile import parse
from imageopt.dockerfile.environment import environments
from imageopt.dockerfile.shell import is_posix_shell
from imageopt.evidence.join import join
from imageopt.evidence.model import Evidence
from imageopt.project.read import read_project
from imageopt.rewrite.fix import fix
from imageopt.rewrite.model import Rewrite
from imageopt.rules.check import judge
from imageopt.rules.load import load_rules

RULES = load_rules()
NOW = date(2026, 6, 1)


def mend(text: str, *rules: str, evidence: Evidence | None = None) -> Rewrite:
    """What `--fix` makes of the text; of the findings of these rules only, if any are named."""
    shown = evidence or join(None, parse(text.encode()), None)
    found = judge(shown, RULES, now=NOW).findings
    return fix(shown, [item for item in found if not rules or item.rule in rules], RULES, now=NOW)


def after(text: str, rewrite: Rewrite) -> str:
    """The Dockerfile after the rewrite."""
    return next((change.after.decode() for change in rewrite.changes if change.path == "Dockerfile"), text)


def in_folder(folder: Path, files: dict[str, str]) -> Evidence:
    """The evidence of a project with these files, its Dockerfile among them, without an image."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content.encode())
    return join(None, parse(files["Dockerfile"].encode()), read_project(folder))


def assert_shells_read(text: str) -> None:
    """Each RUN of the text is read to its end by sh and by bash, where there is one."""
    tree = parse(text.encode())
    for stage in tree.stages:
        for instruction, state in zip(stage.instructions, environments(tree, stage), strict=False):
            if instruction.keyword != "RUN" or instruction.json is not None or not is_posix_shell(state.shell[0]):
                continue
            script = instruction.arguments
            if len(instruction.heredocs) == len(instruction.words) == 1:
                script = instruction.heredocs[0].content
            for shell in filter(None, map(shutil.which, ("sh", "bash"))):
                read = subprocess.run(
                    [shell, "-n"], input=script, text=True, capture_output=True, timeout=20, check=False
                )
                assert read.returncode == 0, f"{script}: {read.stderr}"

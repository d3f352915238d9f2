"""What the two stages are planned on: everything known and already decided, and the account of what is being done.

`Ground` never changes once it is laid. `Account` is the one thing that grows while a plan is made.
"""

import re

from msgspec import Struct, field

from imageopt.dockerfile.model import Dockerfile, Instruction, Stage, Trivia
from imageopt.project.model import Project
from imageopt.rewrite.builders import Builders
from imageopt.rewrite.layout import Layout
from imageopt.rewrite.lifecycle import InstallInputs
from imageopt.rewrite.managers import Manager
from imageopt.rewrite.model import Refused
from imageopt.rewrite.runtime_base import Bases
from imageopt.rewrite.surveyed import Survey
from imageopt.rewrite.system import RuntimeSystem
from imageopt.rewrite.workspace import Part


class Ground(Struct, frozen=True):
    """`runner` is the development package that the service starts with, if any; `user` is empty where it stays root.

    `owner` is the user as `--chown` takes it; `build_name` the name of the first stage.
    """

    project: Project
    manager: Manager
    tree: Dockerfile
    stage: Stage
    found: Survey
    system: RuntimeSystem
    bases: Bases
    builders: Builders
    layout: Layout
    inputs: InstallInputs
    runner: str | None
    build_name: str
    user: str
    owner: str
    part: Part | None = None  # of a workspace

    @property
    def installs_production(self) -> bool:
        """Without a build and without scripts of its own, the development packages need not even be fetched."""
        return self.layout.mode == "plain" and self.runner is None and not self.project.lifecycle_scripts

    @property
    def installs_part(self) -> bool:
        """Whether only the members that the app needs are installed: npm and pnpm can, where they alone are built."""
        return self.part is not None and self.manager.name in ("npm", "pnpm") and not self.found.everything

    def kept(self, item: Instruction) -> str:
        """The instruction as written, with the comments above it."""
        return as_written(self.tree, item)

    def commented(self, item: Instruction, text: str) -> str:
        """Another text in the place of an instruction, under the same comments."""
        return commented(self.tree, item, text)


def as_written(tree: Dockerfile, item: Instruction) -> str:
    """The instruction as written, with the comments above it."""
    return commented(tree, item, tree.source(item))


def commented(tree: Dockerfile, item: Instruction, text: str) -> str:
    """Another text in the place of an instruction, under the same comments."""
    return comments_of(tree, item) + text.replace("\r\n", "\n")


def comments_of(tree: Dockerfile, *items: Instruction) -> str:
    """The comments above the instructions, each line with its end."""
    above = (tree.text[comment.start : comment.end] for item in items for comment in item.comments)
    return "".join(above).replace("\r\n", "\n")


def last_comments(tree: Dockerfile) -> str:
    """The comments below the last instruction, each line with its end."""
    last = max((node.end for node in tree.nodes if isinstance(node, Instruction)), default=0)
    below = [node for node in tree.nodes if isinstance(node, Trivia) and node.start >= last and node.kind == "comment"]
    return "".join(f"{tree.text[node.start : node.end].rstrip()}\n" for node in below)


def spaced(tree: Dockerfile, item: Instruction, text: str | None = None) -> str:
    """The instruction, or another text in its place, under its comments and after an empty line where it had one."""
    begin = item.comments[0].start if item.comments else item.start
    empty = re.search(r"\n[ \t]*\r?\n[ \t]*$", tree.text[:begin]) is not None
    return ("\n" if empty else "") + commented(tree, item, tree.source(item) if text is None else text)


class Account(Struct):
    """`done`: transformation -> the evidence for it; `refusals`: what was not done; `notes`: for the user."""

    done: dict[str, str] = field(default_factory=dict)
    refusals: list[Refused] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def refuse(self, name: str, reason: str) -> None:
        """Notes a transformation that is not made."""
        self.refusals.append(Refused(name, reason))


class Plan(Struct, frozen=True):
    """`values` for the template, the account, the context's paths that the Dockerfile names, and those it makes."""

    template: str
    values: dict[str, object]
    account: Account
    needed: tuple[str, ...]
    rebuilt: tuple[str, ...]

"""A single-stage PHP Dockerfile -> what each of its instructions is for, and what stands against moving a part of it.

Three parts can move, each on its own: the packages (Composer), the assets (Node) and the building of extensions. An
objection to one leaves that part where it stands; everything else keeps its place and its order.
"""

import posixpath
import re
from typing import Literal

from msgspec import Struct, field

from imageopt.dockerfile.environment import Environment, environments
from imageopt.dockerfile.model import Dockerfile, Instruction, Stage
from imageopt.project.model import PackageManager
from imageopt.rewrite.base_image import parts
from imageopt.rewrite.php.base import PhpImage
from imageopt.rewrite.php.commands import PhpCommand, php_commands
from imageopt.rewrite.surveyed import short

Part = Literal["packages", "assets", "extensions"]
CopyKind = Literal["", "composer", "node", "composer-manifests", "node-manifests", "manifests", "sources", "elsewhere"]

_COMPOSER_FILES = re.compile(r"(?:\./)?(?:composer(?:\.json|\.lock|\.\*|\*|\*\.json)|symfony\.lock|auth\.json)")
_NODE_FILES = re.compile(
    r"(?:\./)?(?:package\*?(?:-lock)?\*?\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|\.npmrc|\.yarnrc(?:\.yml)?)"
)
_WORKS = ("node-install", "node-build", "composer-install", "composer-dump", "composer-run")


class Place(Struct, frozen=True):
    """An instruction, what holds where it stands, and what it is for. `target` is where a COPY puts its files."""

    instruction: Instruction
    folder: str
    user: str
    commands: tuple[PhpCommand, ...] = ()
    copies: CopyKind = ""
    sources: tuple[str, ...] = ()
    target: str = ""

    def has(self, *purposes: str) -> bool:
        """Whether one of its commands is for one of these."""
        return any(command.purpose in purposes for command in self.commands)


class PhpSurvey(Struct):
    """The places in the order of the file. `folder` is the application's; `composer` the image that has Composer."""

    places: list[Place] = field(default_factory=list)
    folder: str = ""
    composer: str = "composer:2"
    node_image: str = ""
    install: Place | None = None
    objections: dict[Part, str] = field(default_factory=dict)

    def object(self, part: Part, instruction: Instruction, reason: str) -> None:
        """Notes the first reason against moving a part."""
        self.objections.setdefault(part, f"line {instruction.line}: {reason}")

    def last(self, keyword: str) -> Place | None:
        """The last place of that keyword."""
        return next((place for place in reversed(self.places) if place.instruction.keyword == keyword), None)

    def last_command(self, *purposes: str) -> PhpCommand | None:
        """The last command for one of these."""
        commands = [command for place in self.places for command in place.commands if command.purpose in purposes]
        return commands[-1] if commands else None

    def covering(self) -> Place | None:
        """The last COPY of the whole project into the application's folder."""
        whole = (place for place in reversed(self.places) if place.copies == "sources" and place.target == self.folder)
        return next((place for place in whole if any(_is_all(source) for source in place.sources)), None)


def php_survey(tree: Dockerfile, stage: Stage, image: PhpImage, manager: PackageManager) -> PhpSurvey:
    """The survey of a stage on an official PHP image; `manager` is what installs its Node packages."""
    found = PhpSurvey()
    states = environments(tree, stage)
    for instruction, state in zip(stage.instructions, states, strict=False):
        found.places.append(_place(found, instruction, state, image, manager))
    found.install = next((place for place in found.places if place.has("composer-install")), None)
    found.folder = _application_folder(found)
    for place in found.places:
        _judge(found, place)
    return found


def _place(
    found: PhpSurvey, instruction: Instruction, state: Environment, image: PhpImage, manager: PackageManager
) -> Place:
    folder = posixpath.normpath(posixpath.join(image.workdir, state.workdir or ""))
    user = (state.user or "").partition(":")[0]
    user = "" if user in ("root", "0") else state.user or ""
    match instruction.keyword:
        case "RUN":
            return Place(instruction, folder, user, php_commands(instruction, manager))
        case "COPY" | "ADD":
            words = instruction.values
            target = state.known(words[-1]) if words else None
            where = posixpath.normpath(posixpath.join(folder, target)) if target else ""
            sources = tuple(words[:-1])
            return Place(instruction, folder, user, (), _copies(found, instruction, sources, where), sources, where)
        case _:
            return Place(instruction, folder, user)


def _copies(found: PhpSurvey, instruction: Instruction, sources: tuple[str, ...], target: str) -> CopyKind:
    origin = instruction.flag("from")
    if origin is not None:
        name = parts(origin)[0].rpartition("/")[2]
        if name == "node":
            found.node_image = found.node_image or origin
            return "node"
        if name == "composer" or posixpath.basename(target).startswith("composer"):
            found.composer = origin
            return "composer"
        return "elsewhere"
    if instruction.heredocs or not target:
        return "elsewhere"
    if sources and all(_COMPOSER_FILES.fullmatch(source) for source in sources):
        return "composer-manifests"
    if sources and all(_NODE_FILES.fullmatch(source) for source in sources):
        return "node-manifests"
    if sources and all(_COMPOSER_FILES.fullmatch(name) or _NODE_FILES.fullmatch(name) for name in sources):
        return "manifests"
    return "sources"


def _application_folder(found: PhpSurvey) -> str:
    """Where Composer works; without it, where the most of the project is copied to."""
    if found.install is not None:
        return found.install.folder
    copies = [place for place in found.places if place.copies == "sources"]
    whole = next((place for place in copies if any(_is_all(source) for source in place.sources)), None)
    return whole.target if whole else copies[0].folder if copies else ""


def _judge(found: PhpSurvey, place: Place) -> None:
    """Objections that one instruction gives rise to."""
    item = place.instruction
    own: dict[Part, tuple[PhpCommand, ...]] = {
        "packages": tuple(c for c in place.commands if c.purpose.startswith("composer-")),
        "assets": tuple(c for c in place.commands if c.purpose.startswith("node-")),
        "extensions": tuple(c for c in place.commands if c.purpose == "extension"),
    }
    for part, commands in own.items():
        if commands and any(command.words[:1] == ("cd",) for command in place.commands):
            found.object(part, item, "it changes the folder in between")
        for command in commands:
            if command.purpose.endswith("-change"):
                found.object(part, item, f"`{short(command.text)}` is more than imageopt can move")
            elif command.purpose in _WORKS and place.folder != found.folder:
                found.object(part, item, f"it works in {place.folder}, and the application is in {found.folder}")
    if place.has("extension") and place.has("other", "composer-install", "node-install", "owner"):
        found.object("extensions", item, "the same RUN does other things as well")
    if item.keyword == "ONBUILD":
        found.object("packages", item, "ONBUILD is for another image")
        found.object("assets", item, "ONBUILD is for another image")
    if place.copies == "node" and not all(re.search(r"node|npm|yarn|corepack|usr/local/?$", s) for s in place.sources):
        found.object("assets", item, "it copies more than Node")
    folders: tuple[tuple[str, Part], ...] = (("node_modules", "assets"), ("vendor", "packages"))
    for name, brought in folders:
        named = any(posixpath.basename(posixpath.normpath(source)) == name for source in place.sources)
        if named and place.copies in ("sources", "elsewhere"):
            found.object(brought, item, f"it copies {name} from outside of the image")


def _is_all(source: str) -> bool:
    return posixpath.normpath(source.lstrip("/") or ".") == "."

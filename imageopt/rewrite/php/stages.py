"""A survey and what may move -> the lines of each stage.

The last stage is the author's own file: whatever moved is replaced, where it stood, by a COPY of what it made. What
stood before the project's files becomes the stage that the packages are installed on, so that Composer checks them
against the very PHP and extensions that will run them.
"""

import re
from collections.abc import Callable

from msgspec import Struct, field

from imageopt.rewrite.php.commands import PhpCommand
from imageopt.rewrite.php.packages import extensions_run, named, role, without
from imageopt.rewrite.php.survey import Part, PhpSurvey, Place
from imageopt.rewrite.render import flags_of
from imageopt.rewrite.surveyed import within

_ENDS_GROUND = ("COPY", "ADD", "USER", "VOLUME")
_MOVED: dict[Part, tuple[str, ...]] = {
    "packages": ("composer-tool", "composer-install", "composer-dump"),
    "assets": ("node-tool", "node-install", "node-build"),
    "extensions": ("extension",),
}


class Moves(Struct, frozen=True):
    """What is moved, what the service starts while it runs, and whether ownership is given in other ways.

    `composer` is the mount that brings Composer to a RUN of the last stage, empty where it is there.
    """

    parts: frozenset[Part]
    programs: frozenset[str]
    owner: bool
    composer: str


class Lines(Struct):
    """`ground` come before any file of the project, `rest` after. The others are what was taken out of them.

    `at` are positions in `rest`: where the packages, the assets, and the ownership have to be put in.
    """

    ground: list[str] = field(default_factory=list)
    rest: list[tuple[str, Place]] = field(default_factory=list)
    fetching: list[tuple[PhpCommand, tuple[str, ...]]] = field(default_factory=list)
    builds: list[tuple[Place, str]] = field(default_factory=list)
    build_packages: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    packages_at: int | None = None
    assets_at: int | None = None
    owner_at: int | None = None


def lines_of(found: PhpSurvey, moves: Moves, text: Callable[[Place, str | None], str]) -> Lines:
    """The lines; `text` writes a place with the author's comments, as it was or with another instruction."""
    made = Lines()
    called = _called(found, moves)
    in_ground = True
    extensions = _extensions(found, moves, made, called, text)
    for place in found.places:
        ends = place.instruction.keyword in _ENDS_GROUND and place.copies not in ("node", "composer")
        in_ground = in_ground and not ends and not place.has("composer-install", "node-install", "node-build")
        line = extensions if place is _first_extension(found, moves) else _line(found, place, moves, made, called, text)
        _note_position(place, moves, made)
        if line and (in_ground or _only_system(place)):
            made.ground.append(line)
        elif line:
            made.rest.append((line, place))
            _note_sources(place, made, found)
    return made


def _called(found: PhpSurvey, moves: Moves) -> frozenset[str]:
    """The programs that the service starts, and those of the commands that stay."""
    moved = {purpose for part in moves.parts for purpose in _MOVED[part]}
    staying = (c for place in found.places for c in place.commands if c.purpose not in moved | {"nothing", "system"})
    return moves.programs | {word for command in staying for word in (command.words or tuple(command.text.split()))}


def _only_system(place: Place) -> bool:
    """Whether the instruction may stand before the project's files wherever it stood."""
    purposes = {command.purpose for command in place.commands}
    return bool(purposes) and purposes <= {"nothing", "system", "extension"} and not place.user


def _first_extension(found: PhpSurvey, moves: Moves) -> Place | None:
    if "extensions" not in moves.parts:
        return None
    return next((place for place in found.places if place.has("extension")), None)


def _extensions(
    found: PhpSurvey, moves: Moves, made: Lines, called: frozenset[str], text: Callable[[Place, str | None], str]
) -> str:
    """The one RUN that builds all extensions; empty where they stay as they are."""
    first = _first_extension(found, moves)
    if first is None:
        return ""
    places = [place for place in found.places if place.has("extension")]
    installs = [c for place in found.places for c in place.commands if c.purpose == "system"]
    made.build_packages = [name for c in installs for name in named(c) if role(name, called) == "builds"]
    commands = [c.text for place in places for c in place.commands if c.purpose == "extension"]
    built = text(first, extensions_run(made.build_packages, commands))
    others = [_system_line(c, moves, made, called) for c in first.commands if c.purpose == "system"]
    kept = [f"RUN apt-get update && {line} && rm -rf /var/lib/apt/lists/*" for line in others if line]
    return "\n".join((*kept, built))


def _line(
    found: PhpSurvey,
    place: Place,
    moves: Moves,
    made: Lines,
    called: frozenset[str],
    text: Callable[[Place, str | None], str],
) -> str:
    """What is left of one instruction in its place."""
    if place.instruction.keyword != "RUN":
        return "" if _is_dropped(found, place, moves) else text(place, None)
    moved = {purpose for part in moves.parts for purpose in _MOVED[part]}
    kept: list[str] = []
    changed = False
    for command in place.commands:
        owns = moves.owner and owns_all(found, place, command)
        if command.purpose in moved or owns:
            changed = True
            made.owner_at = len(made.rest) if owns else made.owner_at
            if command.purpose == "node-build":
                made.builds.append((place, command.text))
            continue
        line = _system_line(command, moves, made, called) if command.purpose == "system" else command.text
        changed = changed or (line != command.text and line != " ".join(command.words))
        if line:
            kept.append(line)
    if "packages" in moves.parts and place.has("composer-run"):
        return text(
            place, f"RUN {moves.composer}\\\n    {' && '.join(kept)}" if moves.composer else f"RUN {' && '.join(kept)}"
        )
    if not changed:
        return text(place, None)
    purposes = {c.purpose for c in place.commands if c.purpose not in moved}
    if all(any(c.text == line and c.purpose == "nothing" for c in place.commands) for line in kept) or not purposes:
        made.dropped.append(place.instruction.arguments)
        return ""
    if not any(re.match(r"(?:apt|apk).* (?:install|add)\b", line) for line in kept):
        kept = [line for line in kept if not re.match(r"(?:apt|apk)\b|rm -\w+ /var/lib/apt", line)]
    if any(re.match(r"apt(?:-get)? ", line) for line in kept):
        kept += [] if any("/var/lib/apt/lists" in line for line in kept) else ["rm -rf /var/lib/apt/lists/*"]
    flags = flags_of(place.instruction)
    return text(place, f"RUN {flags}{' && '.join(kept)}")


def _system_line(command: PhpCommand, moves: Moves, made: Lines, called: frozenset[str]) -> str:
    """An install without the packages that another stage takes, or that go with what they were for."""
    leaving: list[str] = []
    fetching: list[str] = []
    for name in named(command):
        match role(name, called):
            case "builds" if "extensions" in moves.parts:
                leaving.append(name)
            case "fetches" if "packages" in moves.parts:
                fetching.append(name)
            case "node" if "assets" in moves.parts:
                leaving.append(name)
            case "there" if moves.parts:
                leaving.append(name)
            case _:
                pass
    if fetching:
        made.fetching.append((command, tuple(fetching)))
    made.dropped += [*leaving, *fetching]
    return without(command, {*leaving, *fetching}) if leaving or fetching else command.text


def _is_dropped(found: PhpSurvey, place: Place, moves: Moves) -> bool:
    """Whether an instruction other than RUN only served what has moved."""
    covered = found.covering()
    match place.copies:
        case "composer":
            return "packages" in moves.parts
        case "node":
            return "assets" in moves.parts
        case "composer-manifests":
            return "packages" in moves.parts and covered is not None
        case "node-manifests":
            return "assets" in moves.parts
        case "manifests":
            return moves.parts >= {"packages", "assets"} and covered is not None
        case _:
            return False


def owns_all(found: PhpSurvey, place: Place, command: PhpCommand) -> bool:
    """Whether a chown or chmod goes over the whole application."""
    if command.purpose not in ("owner", "mode") or not {"-R", "--recursive"} & set(command.words):
        return False
    paths = [word for word in command.words[1:] if not word.startswith("-")][1:]
    return (
        bool(paths)
        and all(path.rstrip("/") in (found.folder, ".", "./") for path in paths)
        and (place.folder == found.folder or paths[0].startswith("/"))
    )


def _note_position(place: Place, moves: Moves, made: Lines) -> None:
    if "packages" in moves.parts and place.has("composer-install", "composer-dump"):
        made.packages_at = len(made.rest)
    if "assets" in moves.parts and place.has("node-build"):
        made.assets_at = len(made.rest)


def _note_sources(place: Place, made: Lines, found: PhpSurvey) -> None:
    """Packages and assets come after the project's own files, or those would lie on top."""
    if place.copies == "sources" and within(place.target, found.folder):
        made.packages_at = len(made.rest) if made.packages_at is not None else None
        made.assets_at = len(made.rest) if made.assets_at is not None else None

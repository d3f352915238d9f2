"""A command -> which script it runs in which members of a workspace: `npm run build -w web`, `pnpm -r build`.

Only selections that name members are understood; a glob, a range of commits or an exclusion is not, and then nothing
is claimed about the command.
"""

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from msgspec import Struct

from imageopt.project.model import Member
from imageopt.project.scripts import called_script

Selecting = Literal["member", "folder", "root", "all", ""]
_SELECTORS: Mapping[str, Mapping[str, Selecting]] = {
    "npm": {
        "-w": "member", "--workspace": "member", "--prefix": "folder", "-C": "folder", "-ws": "all",
        "--workspaces": "all", "-iwr": "", "--include-workspace-root": "",
    },
    "pnpm": {
        "-F": "member", "--filter": "member", "-C": "folder", "--dir": "folder", "-r": "all", "--recursive": "all",
        "-w": "root", "--workspace-root": "root", "--stream": "", "--parallel": "", "--aggregate-output": "",
    },
    "yarn": {"--cwd": "folder", "-A": "all", "--all": "all", "-t": "", "--topological": "", "-v": "", "-p": ""},
    "bun": {"--filter": "member", "--cwd": "folder"},
    "turbo": {"--filter": "member", "-F": "member"},
}  # fmt: skip
_WITH_NEEDS = "..."  # behind a name: the members that it needs as well


class MemberCall(Struct, frozen=True):
    """`folders` are where it runs, "" being the root; `everywhere`: in all members that have the script.

    `words` are the command's without what selects members, such as `npm run build --if-present`.
    """

    script: str | None
    folders: tuple[str, ...]
    everywhere: bool
    words: tuple[str, ...]


def member_names(members: tuple[Member, ...]) -> dict[str, str]:
    """Each word by which a member may be called, to its folder; a word that several share means none of them."""
    found: dict[str, str | None] = {}
    for member in members:
        name = member.manifest.name
        for word in {name.rpartition("/")[2], member.folder.rpartition("/")[2]} - {""}:
            found[word] = None if word in found else member.folder
    exact = {word: member.folder for member in members for word in (member.manifest.name, member.folder) if word}
    return {**{word: folder for word, folder in found.items() if folder is not None}, **exact}


def member_call(words: tuple[str, ...], here: str, members: tuple[Member, ...]) -> MemberCall | None:
    """What a command calls, run in the folder `here`; None where it selects no member, or none that can be told."""
    words = words[1:] if words[:1] in (("npx",), ("pnpx",), ("bunx",)) else words
    selectors = _SELECTORS.get(words[0]) if words else None
    if selectors is None:
        return None
    selections = tuple(_selections(words[1:], selectors))
    rest = (words[0], *(value for kind, value in selections if kind is None))
    chosen = _chosen(selections, here, members)
    everywhere = any(kind == "all" for kind, _ in selections)
    if chosen is None:
        return None
    if words[0] == "yarn" and rest[1:2] in (("workspace",), ("workspaces",)):
        return _yarn(rest, members)
    if words[0] == "turbo":  # it builds what a member needs before it
        rest = ("npm", "run", *(word for word in rest[1:] if word != "run"))
        everywhere = not chosen
        chosen = [other for folder in chosen for other in _selected(f"{folder}...", members) or ()]
    folders = {member.folder: None for member in members}
    if everywhere:
        chosen = list(folders)
    elif not chosen and here in folders:
        chosen = [here]
    if not chosen or not set(chosen) <= {*folders, ""}:
        return None
    return MemberCall(called_script(rest), tuple(dict.fromkeys(chosen)), everywhere, rest)


def _chosen(
    selections: Iterable[tuple[Selecting | None, str]], here: str, members: tuple[Member, ...]
) -> list[str] | None:
    """The folders that the selections name; None where one of them is not understood."""
    chosen: list[str] = []
    for kind, value in selections:
        if kind == "member":
            found = _selected(value, members)
            if found is None:
                return None
            chosen += found
        elif kind == "folder":
            chosen.append(posixpath.normpath(posixpath.join(here, value)).removeprefix("."))
        elif kind == "root":
            chosen.append("")
    return chosen


def _selections(words: tuple[str, ...], selectors: Mapping[str, Selecting]) -> Iterator[tuple[Selecting | None, str]]:
    """Each selection with its value, and under None the words that select nothing."""
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        option, equals, value = word.partition("=")
        kind = selectors.get(option)
        if kind is None:
            yield None, word
        elif kind in ("member", "folder") and not equals:
            yield kind, waiting.pop(0) if waiting else ""
        else:
            yield kind, value


def _selected(value: str, members: tuple[Member, ...]) -> list[str] | None:
    """The folders that a name, a folder or `name...` selects; None for what is neither."""
    plain = value.removesuffix(_WITH_NEEDS).removeprefix("{").removesuffix("}").removeprefix("./").rstrip("/")
    folder = member_names(members).get(plain)
    if folder is None:
        return None
    needs = next(member.needs for member in members if member.folder == folder)
    return [*needs, folder] if value.endswith(_WITH_NEEDS) else [folder]


def _yarn(rest: tuple[str, ...], members: tuple[Member, ...]) -> MemberCall | None:
    """`yarn workspace web build`, `yarn workspaces foreach -A run build`, and Yarn 1's `yarn workspaces run build`."""
    if rest[1] == "workspace":
        found = _selected(rest[2], members) if len(rest) > 2 else None
        if not found:
            return None
        words = ("yarn", *rest[3:])
        return MemberCall(called_script(words), tuple(found), False, words)
    if rest[2:3] not in (("run",), ("foreach",)):
        return None
    words = ("yarn", *(word for word in rest[2:] if word != "foreach"))
    return MemberCall(called_script(words), tuple(member.folder for member in members), True, words)

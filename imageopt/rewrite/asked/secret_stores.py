"""The commands of a RUN and the name of a token in its environment -> the program that may keep the value in a layer.

A file is only gone where a later command of the same RUN removes it for certain; one that was removed first, or only
where something failed, stays. npm logs what it is called with below ~/.npm. What a script or a program of the project
does with its environment is not seen.
"""

import re
from collections.abc import Sequence

from imageopt.dockerfile.model import Command

MANAGERS = ("npm", "npx", "yarn", "yarnpkg", "pnpm", "pnpx", "bun", "bunx", "corepack")
_SENDS = {*MANAGERS, "curl", "wget", "pip", "pip3", "test", "[", "export", ":", ""}  # what keeps no word of its own
_KEEPS = {"config", "set", "login", "adduser", "c"}  # except these of a package manager
_WRITES = {"echo", "printf", "cat"}
_DUMPS = {"env", "printenv", "envsubst", "set", "export", "declare", "typeset"}  # write values that nobody names
_SHELLS = {"sh", "bash", "dash", "ash", "ksh", "zsh", "eval", "su"}  # expand what is in single quotes, too
_HOMES = ("~", "$HOME", "${HOME}", "/root")
_OF_NPM = {f"{home}/.npmrc" for home in _HOMES}  # where `npm config set` writes to
_LOGS = {f"{home}/{folder}" for home in _HOMES for folder in (".npm", ".npm/", ".npm/_logs")}  # npm's, of each argument
_ELSEWHERE = re.compile(r"-g|--global|-L.*|--location.*|--userconfig.*")


def storing(commands: Sequence[Command], name: str) -> str | None:
    """The first program that may store the value of the variable in a file that stays; None where none does."""
    names = [name]
    for index, command in enumerate(commands):
        program = command.name.rpartition("/")[2]
        if _stores(command, program, names, _removed(commands[index + 1 :])):
            return program
        given = command.arguments if program == "export" else () if command.words else command.assignments
        names += [word.raw.partition("=")[0] for word in given if "=" in word.raw and _expands(word.raw, names)]
    return None


def _stores(command: Command, program: str, names: Sequence[str], removed: set[str]) -> bool:
    into = {r.target.value for r in command.redirects if ">" in r.operator and not r.target.value.startswith("/dev/")}
    if program in _DUMPS and (not into <= removed or command.after.startswith("|")):
        return True
    if program in _SHELLS and any(re.search(rf"\$\{{?{name}\b", word.raw) for name in names for word in command.words):
        return True
    given = [word for word in command.arguments if _expands(word.raw, names)]
    if not given:
        return False
    if program in ("npm", "npx") and not removed & _LOGS:
        return True
    values = {word.value for word in command.arguments}
    if program in MANAGERS and values & _KEEPS:
        return program != "npm" or not removed & _OF_NPM or any(map(_ELSEWHERE.fullmatch, values))
    if program in MANAGERS:  # a package by its address is written down with it
        return not all(word.value.startswith("-") for word in given)
    if program in _WRITES:
        return command.after.startswith("|") or not into <= removed or bool(command.nesting and not into)
    return program not in _SENDS


def _removed(later: Sequence[Command]) -> set[str]:
    """The files that these remove wherever the RUN ends well."""
    certain = [one for one in later if one.name == "rm" and one.operator in ("&&", ";") and not one.nesting]
    return {word.raw.strip("\"'") for command in certain for word in command.arguments} | {
        word.value for command in certain for word in command.arguments
    }


def _expands(text: str, names: Sequence[str]) -> bool:
    """Whether the shell puts the value of one of the variables into the word."""
    unquoted = re.sub(r"""\\.|("(?:\\.|[^"\\])*")|'[^']*'""", lambda match: match[1] or "", text, flags=re.DOTALL)
    return any(re.search(rf"(?<!\\)\$\{{?{name}\b", unquoted) for name in names)

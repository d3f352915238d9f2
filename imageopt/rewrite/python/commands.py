"""A RUN of a Python image, taken apart into what each of its commands is for.

What surprises: pip is not called by its name in the rewritten file. `python -m pip` installs for the Python that is
found first, and that is the virtual environment's.
"""

import posixpath
import re
from typing import Literal

from msgspec import Struct

from imageopt.dockerfile.model import Instruction
from imageopt.rewrite.commands import split_commands

Purpose = Literal["nothing", "system", "upgrade", "install", "tool", "change", "plain", "other"]

_PIP = re.compile(r"pip(?:3(?:\.\d+)?)?")
_PYTHON = re.compile(r"python(?:3(?:\.\d+)?)?")
_TOOLS = frozenset(("pip", "setuptools", "wheel"))
_PLAIN = ("mkdir", "useradd", "groupadd", "adduser", "addgroup", "chown", "chmod", "ln", "echo", "touch", "sed")
_NOT_KEPT = ("--user", "--no-cache-dir", "--break-system-packages", "--root-user-action", "--root-user-action=ignore")
_VALUES = ("-r", "--requirement", "-c", "--constraint", "-i", "--index-url", "--extra-index-url", "--trusted-host",
           "-f", "--find-links", "--timeout", "--retries", "--default-timeout", "--progress-bar")  # fmt: skip


class PythonCommand(Struct, frozen=True):
    """One command: its text and words, what it is for, and for an install how it is written for the environment."""

    text: str
    words: tuple[str, ...]
    purpose: Purpose
    install: str = ""

    def files(self) -> tuple[str, ...]:
        """The files that an install reads what to install from, or which versions."""
        found = []
        for index, word in enumerate(self.words):
            if word in ("-r", "--requirement", "-c", "--constraint") and index + 1 < len(self.words):
                found.append(self.words[index + 1])
            elif word.startswith(("-r", "--requirement=", "--constraint=")) and len(word) > 2:
                found.append(word.partition("=")[2] if "=" in word else word[2:])
        return tuple(found)


def python_commands(run: Instruction) -> tuple[PythonCommand, ...]:
    """The commands of a RUN in order; what cannot be split is one."""
    found = ((" ".join(run.json), run.json),) if run.json is not None else split_commands(run)
    if found is None:
        body = "\n".join([run.arguments, *(heredoc.body for heredoc in run.heredocs)])
        return (
            PythonCommand(run.arguments.strip(), (), "change" if re.search(r"\bpip|poetry|uv\b", body) else "other"),
        )
    return tuple(_command(words, text) for text, words in found)


def _command(words: tuple[str, ...], text: str) -> PythonCommand:
    if not words:
        return PythonCommand(text, words, "change" if re.search(r"\bpip|poetry\b", text) else "other")
    program, rest = posixpath.basename(words[0]), words[1:]
    if _PYTHON.fullmatch(program) and rest[:2] == ("-m", "pip"):
        program, rest = "pip", rest[2:]
    if program == "uv" and rest[:2] == ("pip", "install") and "--system" in rest:
        plain = " ".join(word for word in words if word != "--system")
        return PythonCommand(text, words, "install" if _is_whole(rest[2:]) else "change", plain)
    if _PIP.fullmatch(program):
        return _pip(text, words, rest)
    match program:
        case "apt-get" | "apt" | "apk":
            action = next((word for word in rest if not word.startswith("-")), "")
            if action in ("install", "add"):
                return PythonCommand(text, words, "system")
            cleans = action in ("update", "clean", "autoremove", "upgrade")
            return PythonCommand(text, words, "nothing" if cleans else "change")
        case "poetry" if rest[:1] == ("install",):
            return PythonCommand(text, words, "install" if "--no-root" in rest else "change", text)
        case "poetry":
            return PythonCommand(text, words, "nothing" if rest[:1] == ("config",) else "change")
        case "rm" if all(re.match(r"/var/|/tmp|/root/|~/|-", word) for word in rest):
            return PythonCommand(text, words, "nothing")
        case "true" | ":" | "set":
            return PythonCommand(text, words, "nothing")
        case "uv" | "pipenv" | "conda" | "mamba" | "pdm" | "cd":
            return PythonCommand(text, words, "change")
        case _:
            return PythonCommand(text, words, "plain" if program in _PLAIN else "other")


def _pip(text: str, words: tuple[str, ...], rest: tuple[str, ...]) -> PythonCommand:
    if rest[:1] != ("install",):
        return PythonCommand(
            text, words, "nothing" if rest[:1] in (("cache",), ("--version",), ("check",)) else "change"
        )
    named = {re.split(r"[=<>~!\[;]", name)[0].lower() for name in _names(rest[1:])}
    kept = [word for word in rest[1:] if word not in _NOT_KEPT]
    install = " ".join(
        ("python -m pip install", *(f"'{word}'" if re.search(r"[<>~!\[;* ]", word) else word for word in kept))
    )
    if named and named <= _TOOLS:
        return PythonCommand(text, words, "upgrade")
    if named and named <= {"poetry", "uv"}:
        return PythonCommand(text, words, "tool")
    if "$" in text or any(word.startswith(("--target", "--prefix", "-t")) for word in rest):
        return PythonCommand(text, words, "change")
    return PythonCommand(text, words, "install" if _is_whole(rest[1:]) else "change", install)


def _names(words: tuple[str, ...]) -> list[str]:
    """What is named to be installed, without options and their values."""
    rest, found = iter(words), []
    for word in rest:
        if word in _VALUES:
            next(rest, None)
        elif not word.startswith("-"):
            found.append(word)
    return found


def _is_whole(words: tuple[str, ...]) -> bool:
    """Whether the install needs nothing of the project but the files it is told to read."""
    local = any(name.startswith((".", "/", "file:")) for name in _names(words))
    return not local and not any(word.startswith(("-e", "--editable")) for word in words)

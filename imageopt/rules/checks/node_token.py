"""The check for tokens of npm registries that stay in the image: in its history, its environment, or a file of a layer.

What surprises: `_authToken=${NPM_TOKEN}` in single quotes writes the name and is harmless; in double quotes the shell
writes the token itself. No message ever holds a value.
"""

import re
from collections.abc import Iterator
from datetime import date
from itertools import pairwise

from imageopt.dockerfile.model import Command, Instruction, Word
from imageopt.dockerfile.pairs import pairs
from imageopt.dockerfile.tools import call
from imageopt.evidence.model import Evidence
from imageopt.lazy_pattern import lazy_pattern
from imageopt.rules.checks.match import shipped, shipped_stages
from imageopt.rules.checks.steps import Step, every_stage, steps
from imageopt.rules.finding import Span, stated
from imageopt.rules.model import Finding, Rule

_NAME = lazy_pattern(r"(?:\w{1,40}_)?(?:NPM|YARN|PNPM|NODE_AUTH|NODE)(?:_\w{1,40})?_(?:TOKEN|AUTH)", re.IGNORECASE)
_SETTING = lazy_pattern(r"(?:_authToken|_auth|npmAuthToken)[\"']?(?:[ \t]{0,9}[=:][ \t]{0,9}|$)[\"']?")
_LITERAL = lazy_pattern(r"npm_[A-Za-z0-9]{36}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_FILE = lazy_pattern(r"(?:^|/)\.(?:npmrc|yarnrc(?:\.yml)?)$")
_REMOVES = lazy_pattern(r"\brm\s[^&;|]{0,300}\.(?:npmrc|yarnrc)")
_WRITERS = frozenset(("echo", "printf", "npm", "pnpm", "yarn", "tee", "cat"))


def npm_token(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """Tokens given by ARG or ENV in what is shipped, written into a file by a RUN, or copied with one."""
    if evidence.dockerfile is None:
        for text in evidence.image.config.env if evidence.image is not None else ():
            name, _, value = text.partition("=")
            if value and _NAME.fullmatch(name):
                message = f"The environment variable {name} holds a token, for everyone who can pull the image."
                yield stated(evidence, rule, None, message=message)
        return
    yield from _given(evidence, rule)
    yield from _written(evidence, rule)
    yield from _copied(evidence, rule)


def _given(evidence: Evidence, rule: Rule) -> Iterator[Finding]:
    """ENV keeps its value in the configuration; ARG in the history of each RUN below it."""
    assert evidence.dockerfile is not None
    for number in shipped_stages(evidence.dockerfile, evidence.target):
        stage = evidence.dockerfile.stages[number]
        lines = [instruction.line for instruction in stage.instructions if instruction.keyword == "RUN"]
        for instruction in stage.instructions:
            for pair in pairs(instruction) if instruction.keyword in ("ARG", "ENV") else ():
                if not _NAME.fullmatch(pair.name) or (
                    instruction.keyword == "ENV" and not (pair.value or "").strip("\"'")
                ):
                    continue
                if evidence.image is not None and not _image_has(evidence, pair.name):
                    continue
                if instruction.keyword == "ENV":
                    message = f"{pair.name} (ENV) keeps the token in the image's configuration."
                elif lines and lines[-1] > instruction.line:
                    message = f"The history of each RUN below keeps the value that the build argument {pair.name} gets."
                else:
                    continue
                yield stated(evidence, rule, instruction, message=message, at=pair.word)


def _image_has(evidence: Evidence, name: str) -> bool:
    """Whether the image's configuration or history holds a value of that name."""
    assert evidence.image is not None
    config = evidence.image.config
    given = re.compile(rf"(?<!\S){re.escape(name)}=\S")
    return any(text.startswith(f"{name}=") and text != f"{name}=" for text in config.env) or any(
        given.search(entry.created_by) for entry in config.history if re.search(r"\|\d+ ", entry.created_by)
    )


def _written(evidence: Evidence, rule: Rule) -> Iterator[Finding]:
    """Commands that write a token into a file which stays; a token in the text of any stage."""
    assert evidence.dockerfile is not None
    text = evidence.dockerfile.text
    if "_auth" not in text and "npmAuthToken" not in text and "npm_" not in text:
        return
    own = shipped_stages(evidence.dockerfile, evidence.target)
    for step in steps(evidence, every_stage(evidence)):
        literal = _LITERAL.search(step.instruction.arguments) if "npm" in step.instruction.arguments else None
        if literal is not None and ("_auth" in step.instruction.arguments or literal[0].startswith("npm_")):
            span = Span(step.instruction.locate(literal.start()), step.instruction.locate(literal.end() - 1) + 1)
            yield stated(evidence, rule, step.instruction, message="A token stands in the Dockerfile itself.", at=span)
        elif step.stage.index in own and not _removed(step):
            word = next((found for command in step.commands if (found := _writes(command)) is not None), None)
            if word is not None:
                message = "This writes a token into a file, which stays in the layer."
                yield stated(evidence, rule, step.instruction, message=message, at=word)
    for _, instruction in shipped(evidence.dockerfile, evidence.target):
        for heredoc in instruction.heredocs:
            setting = _SETTING.search(heredoc.body) if _is_settings(instruction) else None
            if setting is not None and _is_token(heredoc.body[setting.end() :], expands=heredoc.expand):
                span = Span(heredoc.start + setting.start(), heredoc.start + setting.end())
                message = "This writes a token into a file, which stays in the layer."
                yield stated(evidence, rule, instruction, message=message, at=span)


def _is_settings(instruction: Instruction) -> bool:
    """Whether a heredoc of the instruction is written into npm's or Yarn's settings."""
    return (
        instruction.keyword in ("COPY", "ADD") or "npmrc" in instruction.arguments or "yarnrc" in instruction.arguments
    )


def _writes(command: Command) -> Word | None:
    """The word with which the command writes a token, or None."""
    if command.name not in _WRITERS:
        return None
    into_file = any(_FILE.search(redirect.target.value) for redirect in command.redirects)
    setting = command.name in ("npm", "pnpm", "yarn") and any(
        word.value in ("set", "config") for word in command.arguments
    )
    if not (into_file or setting or command.after == "|"):
        return None
    for word, following in pairwise((*command.words, Word("", "", 0, 0))):
        found = _SETTING.search(word.raw)
        if found is not None:
            behind = word.raw[found.end() :]
            quoted = word.raw[: found.end()].count("'") % 2 == 1
            value, quoted = (behind, quoted) if behind.strip("\"'") else (following.raw, following.raw.startswith("'"))
            if _is_token(value.lstrip("\"'"), expands=not quoted):
                return word
    return None


def _is_token(value: str, *, expands: bool) -> bool:
    """Whether what is written is a token: put in by the shell, or as it stands; a mere name of a variable is none."""
    if value.startswith("$"):
        return expands
    return re.match(r"[A-Za-z0-9+/=_-]{16}", value) is not None


def _removed(step: Step) -> bool:
    """Whether the RUN takes the settings away again before its layer ends."""
    for command in step.commands:
        tool = call(command)
        if tool is None:
            continue
        if tool.tool == "rm" and any("npmrc" in word.value or "yarnrc" in word.value for word in tool.operands):
            return True
        words = [word.value for word in tool.operands]
        if tool.tool in ("npm", "pnpm", "yarn") and (
            tool.subcommand == "logout"
            or (tool.subcommand == "config" and words[:1] in (["delete"], ["rm"], ["unset"]))
        ):
            return True
    return False


def _copied(evidence: Evidence, rule: Rule) -> Iterator[Finding]:
    """COPY of settings that hold a token by the project, or, where nobody knows, that a later RUN removes too late."""
    assert evidence.dockerfile is not None
    project = evidence.project
    sent = project.context_bytes if project is not None else {}
    tokens = [name for name in project.token_files if name in sent] if project is not None else []
    unknown: list[tuple[Instruction, Word]] = []
    for _, instruction in shipped(evidence.dockerfile, evidence.target):
        from_context = instruction.keyword in ("COPY", "ADD") and instruction.flag("from") is None
        for word in instruction.words[:-1] if from_context else ():
            name = word.value.removeprefix("./").rstrip("/")
            held = name if name in tokens else next(iter(tokens), None) if name in ("", ".") else None
            if held is not None:
                message = f"{held} holds a token, and this copies it into a layer."
                yield stated(evidence, rule, instruction, message=message, at=word)
            elif _FILE.search(name) and name not in sent:
                unknown.append((instruction, word))
        if unknown and instruction.keyword == "RUN" and _REMOVES.search(instruction.arguments):
            copied, word = unknown.pop()
            message = f"The layer of this COPY keeps {word.value}, although a later RUN removes it."
            yield stated(evidence, rule, copied, message=message, at=word, confidence="medium")

"""Checks on variables that no instruction gives a value.

What surprises: an ARG above the first FROM is visible in FROM only, and the base image may set variables that the file
does not show. So a name is only called undefined where it can be known: in FROM, on `scratch`, with the image at hand,
or where an ARG above FROM or a name that is almost the same shows what was meant.
"""

import re
from collections.abc import Iterator
from datetime import date
from itertools import chain

from msgspec.structs import replace

from imageopt.dockerfile.environment import Environment, environments
from imageopt.dockerfile.expand import expansion
from imageopt.dockerfile.model import Dockerfile, Instruction, Stage, Word
from imageopt.dockerfile.pairs import pairs
from imageopt.dockerfile.shell import is_posix_shell
from imageopt.dockerfile.stages import global_arguments
from imageopt.evidence.model import Evidence
from imageopt.lazy_pattern import lazy_pattern
from imageopt.rules.checks.likeness import likely
from imageopt.rules.finding import stated
from imageopt.rules.model import Finding, Rule

_PLATFORM = frozenset(f"{side}{what}" for side in ("TARGET", "BUILD") for what in ("PLATFORM", "OS", "ARCH", "VARIANT"))
# BuildKit's own, and what every base image or shell sets
_GIVEN = (
    _PLATFORM
    | {"TARGETSTAGE", "BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE", "SOURCE_DATE_EPOCH"}
    | {
        *("PATH", "HOME", "USER", "HOSTNAME", "PWD", "OLDPWD", "SHELL", "TERM", "LANG", "TZ", "IFS", "RANDOM", "UID"),
        *("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"),
        *("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"),
    }
)
_EXPANDED = frozenset(("ADD", "COPY", "ENV", "EXPOSE", "LABEL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR", "ARG"))
_REFERENCE = lazy_pattern(r"\$(?:\{([A-Za-z_]\w{0,99})\}|([A-Za-z_]\w{0,99}))")
_SET_BY_SHELL = lazy_pattern(
    r"(?<![^\s;&|(])(?:for|read|export|local|declare|readonly)\s{1,9}(?:-\w{1,9}\s{1,9}){0,3}([A-Za-z_]\w{0,99})"
    r"|(?<!\w)([A-Za-z_]\w{0,99})\+?="
)
_SINGLE_QUOTED = lazy_pattern(r"'[^']*'")
_NOT_VISIBLE = "ARG {0} above FROM is not visible here: repeat `ARG {0}` in this stage."


def undefined(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """FROM with a name that no ARG above it declares has the rule's severity; all other places are `info`."""
    dockerfile = evidence.dockerfile
    if dockerfile is None:
        return
    declared = _above_from(dockerfile)
    known = global_arguments(dockerfile.instructions, dockerfile.escape, {})
    for stage in dockerfile.stages:
        yield from _in_from(evidence, rule, stage, declared, known)
        *_, end = environments(dockerfile, stage)
        for instruction, state in zip(stage.instructions, environments(dockerfile, stage), strict=False):
            if instruction.keyword in _EXPANDED and instruction.json is None:
                yield from _in_stage(evidence, rule, instruction, state, declared)
            elif instruction.keyword == "RUN" and declared and is_posix_shell(state.shell[0]):
                hidden = (name for name in _shell_names(instruction) if name[0] in declared)
                for name, start, length in hidden:
                    if name not in end.variables and name not in end.holes and not _base_names_it(stage, name):
                        spot = Word(f"${name}", name, start, start + length)
                        yield _info(stated(evidence, rule, instruction, message=_NOT_VISIBLE.format(name), at=spot))


def _above_from(dockerfile: Dockerfile) -> frozenset[str]:
    names: list[str] = []
    for instruction in dockerfile.instructions:
        if instruction.keyword == "FROM":
            break
        if instruction.keyword == "ARG":
            names += (pair.name for pair in pairs(instruction))
    return frozenset(names)


def _in_from(
    evidence: Evidence, rule: Rule, stage: Stage, declared: frozenset[str], known: dict[str, str]
) -> Iterator[Finding]:
    assert evidence.dockerfile is not None
    begin = stage.from_instruction
    for word in begin.words[:1]:
        expanded = expansion(word.raw, known, evidence.dockerfile.escape)
        for name in (name for name in expanded.undefined if name not in _PLATFORM):
            if name not in declared:
                message = f"No ARG above the first FROM declares {name}, so it is empty here."
                yield stated(evidence, rule, begin, message=message, at=word)
            elif _empty_reference(expanded.text):
                message = f"{name} has no default: without --build-arg this names no image."
                yield _info(stated(evidence, rule, begin, message=message, at=word))


def _empty_reference(text: str) -> bool:
    """Whether the name is not valid without the missing value; `node:22${SUFFIX}` is."""
    return not text or text.startswith((":", "/", "@", "-", ".")) or text.endswith((":", "/", "@", "-"))


def _in_stage(
    evidence: Evidence, rule: Rule, instruction: Instruction, state: Environment, declared: frozenset[str]
) -> Iterator[Finding]:
    dockerfile = evidence.dockerfile
    assert dockerfile is not None
    together = {pair.name for pair in pairs(instruction)} if instruction.keyword == "ENV" else set()
    told: set[str] = set()
    for word in instruction.words:
        if "$" not in word.raw:
            continue
        for name in state.expansion(word.raw).undefined:
            if name in told or name in state.holes or name in _GIVEN or _set_by_base(evidence, name):
                continue
            told.add(name)
            message = _meant(dockerfile, state, declared, together, name)
            if not message and (state.complete or evidence.image is not None):
                message = f"Nothing gives {name} a value, so it is empty here."
            if message:
                yield _info(stated(evidence, rule, instruction, message=message, at=word))


def _set_by_base(evidence: Evidence, name: str) -> bool:
    return evidence.image is not None and any(text.startswith(f"{name}=") for text in evidence.image.config.env)


def _meant(dockerfile: Dockerfile, state: Environment, declared: frozenset[str], together: set[str], name: str) -> str:
    """What the name is likely to mean, empty where nobody can say."""
    if name in together:
        return f"{name} is set by this same ENV, whose values do not see it yet."
    if name in declared:
        return _NOT_VISIBLE.format(name)
    close = likely(dockerfile, name, chain(state.variables, state.holes), 0.85)
    return f"Nothing gives {name} a value; did you mean {close}?" if close else ""


def _shell_names(instruction: Instruction) -> Iterator[tuple[str, int, int]]:
    """The variables that a script asks for and does not set itself: each once, with its place and its length."""
    text = instruction.arguments
    if "$" not in text or instruction.json is not None:
        return
    plain = _SINGLE_QUOTED.sub(lambda quoted: " " * len(quoted[0]), text)
    told = {first or second for first, second in _SET_BY_SHELL.findall(plain)} | _GIVEN
    for found in _REFERENCE.finditer(plain):
        name = found[1] or found[2]
        if name not in told:
            told.add(name)
            yield name, instruction.locate(found.start()), len(found[0])


def _base_names_it(stage: Stage, name: str) -> bool:
    """Whether the base image is likely to set it itself, as `node` sets NODE_VERSION."""
    image = (stage.base or "").rpartition("/")[2].partition(":")[0]
    return bool(image) and name.startswith(f"{re.split('[-_.]', image)[0].upper()}_")


def _info(finding: Finding) -> Finding:
    return replace(finding, severity="info") if finding.severity in ("error", "warning") else finding

"""Checks on how lines are written: lists that are none, blank lines in the middle, forms of old."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date

from imageopt.dockerfile.instructions import KEYWORDS
from imageopt.dockerfile.model import Dockerfile, Instruction, Word
from imageopt.evidence.model import Evidence
from imageopt.lazy_pattern import lazy_pattern
from imageopt.rules.finding import stated
from imageopt.rules.model import Finding, Location, Rule

_BAD_LIST = lazy_pattern(r"\[\s*(?:'[^']*'|\"[^\"]*\"|[“”‘’«][^“”‘’»]*[“”‘’»])\s*(?:,|\]|[\"'“”‘’])")
_PORT = lazy_pattern(r"(\d+)(?:-(\d+))?(?:/(\w+))?")
_HIGHEST_PORT = 65_535


def empty_continuation(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """The first of the blank lines within each instruction."""
    for instruction in evidence.dockerfile.instructions if evidence.dockerfile is not None else ():
        lines = [problem.line for problem in instruction.problems if problem.code == "empty-continuation"]
        if lines:
            yield stated(evidence, rule, None, place=Location(evidence.dockerfile_path, lines[0], 1, lines[-1]))


def invalid_list(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """What looks like the exec form and is no JSON, so that a shell, or nobody, makes something else of it."""
    for instruction in evidence.dockerfile.instructions if evidence.dockerfile is not None else ():
        worker = instruction.trigger or instruction
        text = worker.arguments
        if worker.keyword == "HEALTHCHECK":
            text = text[text.upper().find("CMD") + 3 :].strip() if "CMD" in text.upper() else ""
        if worker.json is not None or not text.startswith("[") or not text.rstrip().endswith("]"):
            continue
        if worker.keyword in ("RUN", "COPY", "ADD"):
            wrong = _BAD_LIST.match(text) is not None
        else:
            wrong = worker.keyword in ("CMD", "ENTRYPOINT", "VOLUME", "HEALTHCHECK") and not re.match(
                r"\[\[?\s+-", text
            )
        if wrong and not instruction.is_no_list_of_strings:
            place = next((word for word in worker.words if word.raw.startswith("[")), None)
            yield stated(evidence, rule, instruction, at=place)


def deprecated(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """MAINTAINER, `ENV name value`, keywords in another case than the rest, ports that are none."""
    dockerfile = evidence.dockerfile
    if dockerfile is None:
        return
    lower = _mostly_lower(dockerfile)
    for instruction in dockerfile.instructions:
        for message, spot in _old_forms(instruction):
            yield stated(evidence, rule, instruction, message=message, at=spot)
        usual = instruction.keyword.lower() if lower else instruction.keyword
        if instruction.keyword in KEYWORDS and instruction.raw_keyword != usual:
            message = f"{instruction.raw_keyword} is written unlike the other instructions: {usual}."
            yield stated(evidence, rule, instruction, message=message)


def _mostly_lower(dockerfile: Dockerfile) -> bool:
    """Whether most keywords of the file are in lower case."""
    cases = Counter(item.raw_keyword.islower() for item in dockerfile.instructions if item.keyword in KEYWORDS)
    return cases[True] > cases[False]


def _old_forms(instruction: Instruction) -> Iterator[tuple[str, Word | None]]:
    if instruction.keyword == "RUN":  # its words are many, and none is an old form
        return
    words = instruction.words
    match instruction.keyword:
        case "MAINTAINER":
            yield "MAINTAINER is deprecated: LABEL org.opencontainers.image.authors=… says the same.", None
        case "ENV" | "LABEL" if len(words) == 2 and "=" not in words[0].raw:
            yield f"{instruction.keyword} {words[0].value} … is the old form: write {words[0].value}=….", words[0]
        case "FROM" if len(words) == 3 and words[1].raw.upper() == "AS":
            if words[1].raw.isupper() != instruction.raw_keyword.isupper():
                yield f"{instruction.raw_keyword} and {words[1].raw} are written in different cases.", words[1]
            if words[2].raw != words[2].raw.lower():
                yield "The names of stages are compared in lower case: write this one so.", words[2]
        case "EXPOSE":
            for word in words:
                if message := _bad_port(word.value):
                    yield message, word


def _bad_port(text: str) -> str:
    """What is wrong with a port of EXPOSE; empty for a variable."""
    if "$" in text:
        return ""
    found = _PORT.fullmatch(text)
    if found is None:
        return f"EXPOSE takes a port, or port/tcp: {text[:40]} is none. It publishes nothing; `docker run -p` does."
    low, high, protocol = found.groups()
    if max(int(low[:9]), int((high or low)[:9])) > _HIGHEST_PORT:
        return f"There is no port {text[:40]}: the highest is {_HIGHEST_PORT}."
    if protocol is not None and protocol not in ("tcp", "udp", "sctp"):
        return f"{protocol[:20]} is no protocol of EXPOSE: tcp, udp or sctp, in small letters."
    return ""

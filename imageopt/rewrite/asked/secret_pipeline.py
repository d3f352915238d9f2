"""What hands a token to the build as an argument -> the lines that hand it over as a secret, shown and never written.

A line that is not understood is named all the same: with the argument gone from the Dockerfile, such a build fails.
"""

import re
from collections.abc import Sequence

from imageopt.errors import InputError
from imageopt.project.compose import compose_facts
from imageopt.project.files import inside
from imageopt.project.model import DeploymentFact
from imageopt.project.yaml_tree import parse_yaml
from imageopt.rewrite.asked.model import Site
from imageopt.rewrite.model import FileChange, FollowUp

_VARIABLE = re.compile(r"\$\{?(\w+)\}?")


def arguments_to_secrets(site: Site, names: Sequence[str]) -> tuple[FollowUp, ...]:
    """What must follow where these names are build arguments today, in the order of the files."""
    found = []
    for fact in site.deployment.of("build-arg", dockerfile=site.path):
        if fact.value in names:
            path, _, line = fact.source.rpartition(":")
            reason = f"line {line}: {fact.service} hands {fact.value} over as a build argument, and it is a secret now"
            found.append(FollowUp(path, reason, _edit(site, path, int(line), fact)))
    return tuple(found)


def _edit(site: Site, path: str, number: int, fact: DeploymentFact) -> FileChange | None:
    """The file with the secret; None where a person has to write it."""
    target = inside(site.project.root, path)
    try:
        before = target.read_bytes() if target is not None else b""
        lines = before.decode("utf-8").split("\n")
        compose = "compose" in path.rpartition("/")[2]
        after = _composed(lines, number - 1, fact.value) if compose else _called(lines, number - 1, fact.value)
        if after is None or (compose and not _is_right(after, path, fact)):
            return None
    except (OSError, UnicodeDecodeError, InputError):
        return None
    return FileChange(path, before, after.encode())


def _called(lines: list[str], index: int, name: str) -> str | None:
    """The text with the option of the build command that is in this line changed."""
    option = re.compile(rf"--build-arg(?:=|\s+)([\"']?){name}(?:=(?P<value>[^\s\"']*|\"\$\{{?\w+\}}?\"))?\1(?=\s|$)")
    match = option.search(lines[index])
    if match is None:
        return None
    value = _VARIABLE.fullmatch((match["value"] or f"${name}").strip('"'))
    if value is None:
        return None
    line = f"{lines[index][: match.start()]}--secret id={name},env={value[1]}{lines[index][match.end() :]}"
    return "\n".join((*lines[:index], line, *lines[index + 1 :]))


def _composed(lines: list[str], index: int, name: str) -> str | None:
    """The compose file's text with the argument of this line as a secret that it takes from the environment."""
    entry = re.fullmatch(rf"(\s*)(?:-\s+)?[\"']?{name}[\"']?(?:\s*[:=]\s*(?P<value>.*?))?[\"']?\s*", lines[index])
    above = next((number for number in range(index - 1, -1, -1) if re.fullmatch(r"\s*args:\s*", lines[number])), None)
    if entry is None or above is None or any(re.match(r"\s*secrets:", line) for line in lines):
        return None
    value = _VARIABLE.fullmatch((entry["value"] or f"${name}").strip("\"'"))
    if value is None:
        return None
    indent = lines[above][: len(lines[above]) - len(lines[above].lstrip())]
    block = _block(lines, above)
    others = [line for line in block if line is not lines[index]]
    secrets = [f"{indent}secrets:", f"{indent}  - {name}", *([lines[above], *others] if others else [])]
    rest = "\n".join((*lines[:above], *secrets, *lines[above + 1 + len(block) :])).rstrip("\n")
    return f"{rest}\n\nsecrets:\n  {name}:\n    environment: {value[1]}\n"


def _block(lines: list[str], above: int) -> list[str]:
    """The lines of the mapping or list below a key."""
    depth = len(lines[above]) - len(lines[above].lstrip())
    found: list[str] = []
    for line in lines[above + 1 :]:
        deep = len(line) - len(line.lstrip())
        if line.strip() and (deep < depth or (deep == depth and not line.lstrip().startswith("- "))):
            break
        found.append(line)
    while found and not found[-1].strip():
        found.pop()
    return found


def _is_right(after: str, path: str, fact: DeploymentFact) -> bool:
    """Whether the service has the secret in the argument's place, and nothing else is another."""
    facts = [one for document in parse_yaml(after, path) for one in compose_facts(document, path)]
    return not any(one.kind == "build-arg" and (one.value, one.service) == (fact.value, fact.service) for one in facts)

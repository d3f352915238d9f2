"""The check for Node in an image that serves PHP: there for the assets, which are built once.

What surprises: Node may render pages beside PHP; where the start command names it, nothing is said.
"""

import re
from collections.abc import Iterator
from datetime import date

from imageopt.dockerfile.model import Dockerfile
from imageopt.evidence.model import Evidence
from imageopt.evidence.variants import split_reference
from imageopt.lazy_pattern import lazy_pattern
from imageopt.rules.checks.held import held
from imageopt.rules.checks.match import shipped, shipped_stages
from imageopt.rules.checks.steps import for_development, kept, steps
from imageopt.rules.finding import stated
from imageopt.rules.model import Finding, Rule

_PHP = lazy_pattern(r"(?:^|[/-])php(?:$|[-\d])")
_STARTS_NODE = lazy_pattern(r"\b(?:node|npm|npx|pnpm|yarn|pm2(?:-runtime)?)\b")
_PACKAGES = frozenset(("nodejs", "nodejs-current", "npm", "yarn"))
_PROGRAM = lazy_pattern(
    r"(?:usr/(?:local/)?bin|opt/[^/]+/bin|(?:root|home/[^/]+)/\.nvm/versions/node/[^/]+/bin)/node$"
    r"|(?:usr/(?:local/)?|opt/[^/]+/|(?:root|home/[^/]+)/\.nvm/versions/node/[^/]+/)lib/node_modules/"
)


def node_in_php(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """Node's own files in an image with PHP; without one, what puts Node on a base image for PHP."""
    if for_development(evidence):
        return
    image = evidence.image
    if image is not None:
        started = " ".join((*image.config.entrypoint, *image.config.cmd))
        if _STARTS_NODE.search(started) is None and _serves_php(evidence):
            yield from held(evidence, rule, _of_node(evidence))
    elif evidence.dockerfile is not None and _on_php(evidence.dockerfile, evidence.target):
        starts = [i for _, i in shipped(evidence.dockerfile, evidence.target) if i.keyword in ("CMD", "ENTRYPOINT")]
        if not any(_STARTS_NODE.search(instruction.arguments) for instruction in starts):
            yield from _put_there(evidence, evidence.dockerfile, rule)


def _put_there(evidence: Evidence, dockerfile: Dockerfile, rule: Rule) -> Iterator[Finding]:
    for step in steps(evidence):
        words = kept(step.calls, _PACKAGES.__contains__)
        if words:
            yield stated(evidence, rule, step.instruction, at=words[0])
    for _, instruction in shipped(dockerfile, evidence.target):
        reference = instruction.flag("from") if instruction.keyword == "COPY" else None
        if reference is None:
            continue
        stage = dockerfile.source_stage(instruction)
        name = split_reference((stage.base if stage is not None else reference) or "")[0].rpartition("/")[2]
        word = next((word for word in instruction.words[:-1] if _is_node(word.value)), None)
        if name == "node" and word is not None:
            yield stated(evidence, rule, instruction, at=word)


def _is_node(path: str) -> bool:
    """Whether the path is Node's program or the folder of its global packages."""
    return re.search(r"(?:^|/)(?:bin/node|lib/node_modules)/?$", path) is not None


def _on_php(dockerfile: Dockerfile, target: str | None) -> bool:
    """Whether the image that is shipped is built on one for PHP, by its name."""
    numbers = shipped_stages(dockerfile, target)
    base = dockerfile.stages[numbers[0]].base if numbers else None
    return _PHP.search(split_reference(base or "")[0]) is not None


def _serves_php(evidence: Evidence) -> bool:
    """Whether PHP itself is in the image."""
    assert evidence.image is not None
    names = ("usr/local/bin/php", "usr/bin/php", "usr/local/sbin/php-fpm")
    return any(record.path.startswith(names) and record.death is None for record in evidence.image.files)


def _of_node(evidence: Evidence) -> Iterator[int]:
    """The files of Node: its program, its global packages, and what its system packages own."""
    assert evidence.image is not None
    owners = evidence.image.packages.owners
    for index, record in evidence.own_files:
        if _PROGRAM.match(record.path) or (owners and owners.get(record.path) in _PACKAGES):
            yield index

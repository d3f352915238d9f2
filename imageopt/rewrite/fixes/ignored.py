"""Fixes that keep files out of the build context: lines for the ignore file.

What surprises: a path that the Dockerfile names is never ignored, nor what a build is known to read; that is decided
where the lines are put in (`ignore_file.with_patterns`).
"""

import re

from imageopt.dockerfile.ignore import parse_ignore
from imageopt.project.files import exists
from imageopt.project.sent import TooMany, sent_files
from imageopt.rewrite.fixes.model import Outcome, Patterns, Refusal, Site
from imageopt.rewrite.fixes.trial import named_sources
from imageopt.rewrite.ignore_file import propose_ignore
from imageopt.rewrite.junk import junk_paths

_SECRET = re.compile(
    r"\.env(?:\.(?!example|sample|template|dist).*)?|id_(?:rsa|dsa|ecdsa|ed25519)|.+\.(?:pem|key|p12|pfx)"
)
_MOST = 20  # files; of more a pattern should be made, which is for a person to think of
_PHP = ("node_modules", "storage/logs", "tests")


def ignore_modules(site: Site) -> Outcome:
    """node_modules, wherever it lies: the image installs its own."""
    return Patterns("installed inside the image", ("node_modules", "**/node_modules")) if _project(site) else _UNKNOWN


def ignore_secrets(site: Site) -> Outcome:
    """The files of the context that hold secrets by their name."""
    project = site.evidence.project
    if project is None:
        return _UNKNOWN
    rules = parse_ignore(project.dockerignore or "")
    try:
        sent = [path for path in sent_files(project.root, rules, ".") if _SECRET.fullmatch(path.rpartition("/")[2])]
    except TooMany:
        sent = [name for name in project.context_bytes if _SECRET.fullmatch(name)]
    if not 0 < len(sent) <= _MOST:
        return Refusal("name them in the ignore file")
    return Patterns("secrets: given when the container starts", tuple(sorted(sent)))


def ignore_useless(site: Site) -> Outcome:
    """What is known to be of no use in a build, and what the image shows to be junk."""
    project = site.evidence.project
    if project is None:
        return _UNKNOWN
    named = named_sources(site.dockerfile)
    change = propose_ignore(project, named, junk_paths(site.evidence, (site.finding,), named), ())
    return Patterns("no build needs these", change.added) if change else Refusal("nothing else is known to be useless")


def ignore_php_development(site: Site) -> Outcome:
    """What lies in the project that only developing needs of a PHP application."""
    project = site.evidence.project
    if project is None:
        return _UNKNOWN
    found = tuple(path for path in _PHP if exists(project.root, path))
    return Patterns("only developing needs these", found) if found else Refusal("remove it in the RUN that installs")


_UNKNOWN = Refusal("the project's folder is not known")


def _project(site: Site) -> bool:
    return site.evidence.project is not None

"""The fix that mounts a cache over a package manager's downloads, where the Dockerfile asks for a syntax that can.

What surprises: only downloads that are unpacked elsewhere may be mounted. Go and Maven read theirs again in later
RUNs, where the mount is not; so they are left alone. Where a folder lies is only known for root with plain settings.
"""

import re
from collections.abc import Sequence

from imageopt.dockerfile.model import Edit
from imageopt.dockerfile.tools import Call
from imageopt.evidence.variants import split_reference
from imageopt.rewrite.fixes.model import Outcome, Refusal, Site, calls
from imageopt.rewrite.fixes.runs import is_root
from imageopt.rewrite.fixes.syntax import keyword_start

_SYNTAX = re.compile(
    r"(?:docker\.io/)?docker/dockerfile(?:-upstream)?(?::(?:1|1\.(?:[2-9]|\d\d)(?:\.\d+)?|latest)(?:-labs)?)?(?:@.*)?"
)
_FOLDERS = {
    "npm": "/root/.npm",
    "pnpm": "/root/.local/share/pnpm/store",
    "bun": "/root/.bun/install/cache",
    "pip": "/root/.cache/pip",
    "composer": "/root/.composer/cache",
    "yarn": "/usr/local/share/.cache/yarn",  # Yarn 1 as root
}
_ELSEWHERE = re.compile(
    r"(?i)npm_config_(?:cache|store_dir)|\w*cache_(?:dir|folder)|xdg_\w+|home|composer_home|bun_install|pnpm_home"
)
_SET_APART = (
    "--cache", "--cache-folder", "--cache-dir", "--store-dir", "--no-cache-dir", "--no-cache", "--offline", "--user",
    "--global-dir", "--prefix",
)  # fmt: skip
_CLEANS = frozenset(("cache", "clear-cache", "store"))


def mount_cache(site: Site) -> Outcome:
    """A cache mount for each package manager of the RUN that downloads."""
    if not _SYNTAX.fullmatch(site.dockerfile.directives.get("syntax", "")):
        return Refusal("say with `# syntax=docker/dockerfile:1` that mounts may be used; then it is done")
    commands = site.flat_commands()
    if isinstance(commands, Refusal):
        return commands
    state = site.environment
    if state is None or not is_root(site) or any(map(_ELSEWHERE.fullmatch, (*state.variables, *state.unknown))):
        return Refusal("where the downloads lie depends on the user and the variables here")
    found = [read for _, read in calls(commands, *_FOLDERS)]
    if any(read.prefixes or read.has(*_SET_APART) or read.subcommand in _CLEANS for read in found):
        return Refusal("the RUN decides itself what becomes of its cache")
    if any(command.assignments for command in commands):
        return Refusal("where the downloads lie depends on the variables of the command")
    folders = dict.fromkeys(_folder(site, read) for read in found)
    if not folders or None in folders:
        return Refusal("where this tool keeps its downloads, or who reads them later, is not known")
    place = keyword_start(site.dockerfile, site.instruction) + len(site.instruction.raw_keyword)
    return (Edit(place, place, _flags([folder for folder in folders if folder])),)


def _folder(site: Site, read: Call) -> str | None:
    """Where the tool keeps its downloads; None where that is not known."""
    stage = site.stage
    while stage is not None and stage.parent is not None:
        stage = site.dockerfile.stages[stage.parent]
    if read.tool == "yarn" and not read.has("--frozen-lockfile", "--production"):
        return None
    if read.tool == "pnpm" and read.subcommand == "fetch":
        return None
    if read.tool == "composer" and stage is not None and split_reference(stage.base or "")[0].endswith("composer"):
        return "/tmp/cache"  # noqa: S108 (that image's COMPOSER_HOME is /tmp)
    return _FOLDERS[read.tool]


def _flags(folders: Sequence[str]) -> str:
    return "".join(f" --mount=type=cache,target={folder}" for folder in folders)

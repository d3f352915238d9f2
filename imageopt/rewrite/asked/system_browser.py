"""A browser that Puppeteer downloads beside the one that the image installs -> the installed one alone.

Puppeteer promises to work with its own browser only, and Playwright with nothing else at all; so this is offered where
the author has chosen the installed one already, and the download is a duplicate that nothing starts.
"""

import re

from imageopt.dockerfile.environment import stage_environment
from imageopt.dockerfile.model import Edit
from imageopt.dockerfile.shell import run_commands
from imageopt.dockerfile.tools import call
from imageopt.project.files import read_source, source_files
from imageopt.project.native_packages import version_of
from imageopt.rewrite.asked.model import Asked, Change, Site
from imageopt.rewrite.asked.shipped import saved_bytes
from imageopt.rules.checks.steps import with_ancestors

_BROWSERS = re.compile(
    r"\b(?:install|add)\b.*?(?<![\w-])(chromium(?:-browser)?|google-chrome-stable)(?![\w-])", re.DOTALL
)
_PLACES = re.compile(r"(?:^|/)\.cache/puppeteer/|(?:^|/)node_modules/puppeteer/\.local-(?:chromium|chrome)/")
_SWITCHES = ("PUPPETEER_SKIP_DOWNLOAD", "PUPPETEER_SKIP_CHROMIUM_DOWNLOAD")
_RENAMED = (20, 0)  # before, the longer name was the one to rely on (puppeteer#10054)
_INSTALLS = ("install", "ci", "add")


def _make(site: Site) -> Change | str:
    lock, tree = site.project.lock, site.tree
    puppeteer = next((one for one in lock.packages if one.name == "puppeteer" and not one.dev), None) if lock else None
    if puppeteer is None:
        return "no production package downloads a browser that another could replace (see headless-shell)"
    runs = [
        item
        for number in with_ancestors(tree, site.final)
        for item in tree.stages[number].instructions
        if item.keyword == "RUN"
    ]
    browser = next((found[1] for run in runs if (found := _BROWSERS.search(run.arguments))), None)
    if browser is None:
        return "the final image installs no browser of its distribution"
    state = stage_environment(tree, site.final)
    root = site.project.root
    chosen = "PUPPETEER_EXECUTABLE_PATH" in state.env or any(
        "executablePath" in read_source(root, path) for path in source_files(root)
    )
    if not chosen:
        return f"nothing tells Puppeteer to start {browser}: set PUPPETEER_EXECUTABLE_PATH, and try it"
    installs = [
        item
        for stage in tree.stages
        for item in stage.instructions
        if item.keyword == "RUN"
        and any((asked := call(command)) and _installs(asked.tool, asked.subcommand) for command in run_commands(item))
        and not any(name in stage_environment(tree, stage, at=item).variables for name in _SWITCHES)
    ]
    if not installs:
        return "each installation of packages is told to download no browser already"
    names = _SWITCHES if version_of(puppeteer.version) < _RENAMED else _SWITCHES[:1]
    line = f"ENV {' '.join(f'{name}=true' for name in names)}{site.newline}"
    firsts = {stage.index: item for item in reversed(installs) if (stage := tree.stage_of(item))}
    edits = tuple(Edit(item.start, item.start, line) for item in firsts.values())
    image = site.evidence.image
    held = [i for i, file in enumerate(image.files) if _PLACES.search(file.path)] if image is not None else []
    reason = f"{browser} is installed and chosen, so nothing starts the browser that Puppeteer downloads"
    return Change(edits, reason, saved_bytes(site.evidence, held))


def _installs(tool: str, subcommand: str) -> bool:
    return tool in ("npm", "pnpm", "yarn", "bun") and (subcommand in _INSTALLS or (tool == "yarn" and not subcommand))


SYSTEM_BROWSER = Asked("system-browser", "no download of a browser beside the one that is installed", _make)

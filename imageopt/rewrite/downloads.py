"""What an install leaves outside of the application's folder: browsers, which a second stage would not have.

Puppeteer and Playwright look for them below the home folder of whoever runs them, and they need libraries that only
the full image holds; so a stage that downloads one is not split, and keeps its image and its user.
"""

import re
from collections.abc import Iterator, Mapping

from imageopt.dockerfile.pairs import pairs
from imageopt.project.model import Project
from imageopt.project.native_packages import version_of
from imageopt.rewrite.surveyed import Survey

_DOWNLOADERS: Mapping[
    str, tuple[tuple[int, int], tuple[str, ...]]
] = {  # since when outside of node_modules; switched off by
    "puppeteer": ((19, 0), ("PUPPETEER_SKIP_DOWNLOAD", "PUPPETEER_SKIP_CHROMIUM_DOWNLOAD")),
    "@playwright/browser-chromium": ((0, 0), ("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD",)),
    "@playwright/browser-firefox": ((0, 0), ("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD",)),
    "@playwright/browser-webkit": ((0, 0), ("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD",)),
}
_COMMAND = re.compile(r"\b(?:playwright(?:-core)?\s+install|puppeteer\s+browsers\s+install|cypress\s+install)\b")


def browsers(project: Project, found: Survey) -> Iterator[str]:
    """What is downloaded and where to, in words, for each browser that comes with the stage."""
    given = {
        pair.name
        for item in (*found.runtime, *found.arguments)
        if item.keyword in ("ENV", "ARG")
        for pair in pairs(item)
        if pair.value not in ("", "0", "false", None)
    }
    for package in project.lock.packages if project.lock else ():
        since, switches = _DOWNLOADERS.get(package.name, ((0, 0), ()))
        if switches and not package.dev and version_of(package.version) >= since and given.isdisjoint(switches):
            yield f"{package.name} downloads a browser into root's home folder"
    for step in found.build:
        command = _COMMAND.search(step.text or step.instruction.arguments)
        if step.instruction.keyword == "RUN" and command:
            yield f"line {step.instruction.line}: `{command[0]}` puts a browser into root's home folder"

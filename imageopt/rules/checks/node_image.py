"""Checks on what a Node image carries: browsers, the toolchain of node-gyp, packages for other platforms.

What surprises: the same download is waste for one service and the point of another; who is there to run it decides.
"""

import re
from collections.abc import Iterator
from datetime import date

from imageopt.evidence.model import Evidence
from imageopt.rules.checks.held import held, own_files
from imageopt.rules.checks.match import shipped_stages
from imageopt.rules.checks.node_install import installs_of, variables
from imageopt.rules.checks.steps import certain, for_development, steps
from imageopt.rules.finding import stated
from imageopt.rules.model import Finding, Rule

_CHROMIUM = frozenset(("chromium", "chromium-browser", "google-chrome-stable"))
_PLAYWRIGHT = re.compile(r"(?:.*/)?playwright(?:-core)?(?:@.*)?$")
_SWITCHES = {  # what fetches a browser while it is installed, and the variables that keep it from that
    "cypress": ("CYPRESS_INSTALL_BINARY",),
    "puppeteer": ("PUPPETEER_SKIP_DOWNLOAD", "PUPPETEER_SKIP_CHROMIUM_DOWNLOAD"),
    "electron": ("ELECTRON_SKIP_BINARY_DOWNLOAD",),
}


def browsers(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """Browsers that nothing in the image runs; without one, what fetches them into a shipped stage."""
    if for_development(evidence):
        return
    if evidence.image is None:
        yield from _all_of_playwright(evidence, rule)
        yield from _for_tests(evidence, rule)
        return
    files = set(evidence.files_of_causes.get(rule.name, ()))
    if any(package.name in _CHROMIUM for package in evidence.image.packages.system):
        files.update(index for index, record in own_files(evidence) if "/.cache/puppeteer/" in f"/{record.path}")
    yield from held(evidence, rule, sorted(files))


def _all_of_playwright(evidence: Evidence, rule: Rule) -> Iterator[Finding]:
    """`playwright install` without the name of a browser fetches all of them."""
    dockerfile = evidence.dockerfile
    if dockerfile is None or "playwright" not in dockerfile.text:
        return
    if any("playwright" in (dockerfile.stages[n].base or "") for n in shipped_stages(dockerfile, evidence.target)):
        return
    for step in steps(evidence):
        for command in certain(step.commands):
            words = command.words
            for number, word in enumerate(words[:-1]):
                rest = [each.value for each in words[number + 2 :] if not each.value.startswith("-")]
                if _PLAYWRIGHT.match(word.value) and words[number + 1].value == "install" and not rest:
                    text = "playwright install names no browser, so it fetches Chromium, Firefox and WebKit."
                    yield stated(evidence, rule, step.instruction, message=text, at=word)


def _for_tests(evidence: Evidence, rule: Rule) -> Iterator[Finding]:
    """An installation in a shipped stage that brings along a package for tests, whose download nothing switches off."""
    lock = evidence.project.lock if evidence.project is not None else None
    names = sorted({p.name for p in lock.packages if p.dev and p.name in _SWITCHES} if lock is not None else ())
    for step in steps(evidence) if names else ():
        for install in installs_of(step):
            known = variables(step, install.command)
            fetching = [name for name in names if not any(switch in known for switch in _SWITCHES[name])]
            if install.dev and fetching and not install.tool.has("--ignore-scripts"):
                text = f"This installs {', '.join(fetching)}, for development, which fetches a browser."
                yield stated(evidence, rule, step.instruction, message=text, at=install.tool.name)

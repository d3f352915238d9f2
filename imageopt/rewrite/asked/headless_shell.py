"""Playwright's whole Chromium beside its headless shell -> the shell alone, where nothing starts the other.

From 1.49 on `playwright install chromium` brings both, and a start without a window takes the shell unless a channel
is named. Which one it is stands in the arguments of `launch`: only where all of them are written out is it known.
"""

import re
from collections.abc import Iterator

from imageopt.dockerfile.environment import stage_environment
from imageopt.dockerfile.model import Edit, Instruction
from imageopt.project.files import read_source, source_files
from imageopt.project.native_packages import version_of
from imageopt.rewrite.asked.model import Asked, Change, Site
from imageopt.rewrite.asked.shipped import saved_bytes

_SPLIT = (1, 49)
_LIBRARIES = ("playwright", "playwright-core", "playwright-chromium")
_INSTALLS = re.compile(
    r"\bplaywright(?:-core)?(?:@(?P<version>[\w.^~-]+))?(?:\s|\\\n)+install(?P<rest>(?![\w-])[^&|;\n]*)"
)
_PLAIN = re.compile(r"(?:\s+(?:--with-deps|--force))*\s+chromium(?:\s+(?:--with-deps|--force))*\s*")
_LAUNCHES = re.compile(r"\.(?P<call>launch\w*)\s*\((?P<options>[^()]*)\)?")
_WRITTEN_OUT = re.compile(r"\s*(?:\{(?!.*\.\.\.)[^{}]*\},?)?\s*", re.DOTALL)
_OTHER_BROWSER = re.compile(r"\b(?:channel|devtools)\b|\bheadless\b(?!\s*:\s*true\b)")
_PLACES = re.compile(r"(?:^|/)ms-playwright/chromium-\d+/")


def _make(site: Site) -> Change | str:
    packages = site.project.lock.packages if site.project.lock else ()
    libraries = [one for one in packages if one.name in _LIBRARIES and not one.dev]
    if not libraries:
        return "no production package is Playwright's library"
    old = next((one for one in libraries if version_of(one.version) < _SPLIT), None)
    if old:
        return f"{old.name} {old.version} has no headless shell of its own: it came with 1.49"
    calls = [(item, found) for item in _runs(site) for found in _INSTALLS.finditer(_text(site, item))]
    if not calls:
        return "no RUN calls `playwright install`"
    reason = next(_against(site, calls), None)
    if reason:
        return reason
    places = (item.start + found.start("rest") for item, found in calls)
    edits = tuple(Edit(place, place, " --only-shell") for place in places)
    image = site.evidence.image
    held = [i for i, file in enumerate(image.files) if _PLACES.search(file.path)] if image is not None else []
    why = "each browser is started without a window, which is what the headless shell is for"
    return Change(edits, why, saved_bytes(site.evidence, held))


def _runs(site: Site) -> Iterator[Instruction]:
    for stage in site.tree.stages:
        yield from (item for item in stage.instructions if item.keyword == "RUN")


def _text(site: Site, item: Instruction) -> str:
    return site.tree.text[item.start : item.end]


def _against(site: Site, calls: list[tuple[Instruction, re.Match[str]]]) -> Iterator[str]:
    for item, found in calls:
        if not _PLAIN.fullmatch(found["rest"]):
            yield f"{site.line(item)} installs another browser than Chromium, or chooses what of it is installed"
        if found["version"] and version_of(found["version"]) < _SPLIT:
            yield f"{site.line(item)}: playwright {found['version']} is not known to have a headless shell"
    for one in site.project.lock.packages if site.project.lock else ():
        if not one.dev and one.name not in _LIBRARIES and set(one.dependencies) & set(_LIBRARIES):
            yield f"{one.name} starts the browser by itself, and may want it whole"
    if "PWDEBUG" in stage_environment(site.tree, site.final).env:
        yield "PWDEBUG starts the browser with a window"
    yield from _started(site)


def _started(site: Site) -> Iterator[str]:
    """What of the sources may start the whole browser, or does not tell."""
    root, known = site.project.root, False
    for path in source_files(root):
        text = read_source(root, path)
        if "executablePath" in text:
            yield f"{path} asks for the path of the browser, which is that of the whole one"
        for found in _LAUNCHES.finditer(text):
            known = True
            line = text.count("\n", 0, found.start()) + 1
            if found["call"] not in ("launch", "launchServer") or not _is_written_out(text, found):
                yield f"{path}:{line}: which browser {found['call']} starts is not written out"
            if _OTHER_BROWSER.search(found["options"]):
                yield f"{path}:{line}: what is given to {found['call']} may start the whole browser"
    if not known:
        yield "no source starts a browser, so which one is started is not known"


def _is_written_out(text: str, found: re.Match[str]) -> bool:
    """Whether the arguments end where they were read to, and are an object without anything spread into it."""
    return text[found.end() - 1] == ")" and _WRITTEN_OUT.fullmatch(found["options"]) is not None


HEADLESS_SHELL = Asked("headless-shell", "of Playwright's Chromium only the shell that runs without a window", _make)

"""Checks on what a Node image carries: browsers, the toolchain of node-gyp, packages for other platforms.

What surprises: the same download is waste for one service and the point of another; who is there to run it decides.
"""

from collections.abc import Collection, Iterator
from datetime import date

from imageopt.dockerfile.model import Command
from imageopt.dockerfile.tools import call
from imageopt.evidence import causes
from imageopt.evidence.model import Evidence
from imageopt.lazy_pattern import lazy_pattern
from imageopt.rules.checks.held import held
from imageopt.rules.checks.match import shipped_stages
from imageopt.rules.checks.node_install import installs_of, variables
from imageopt.rules.checks.size import billed
from imageopt.rules.checks.steps import Step, certain, for_development, kept, mounts, steps
from imageopt.rules.finding import stated
from imageopt.rules.model import Finding, Rule

_CHROMIUM = frozenset(("chromium", "chromium-browser", "google-chrome-stable"))
_PLAYWRIGHT = lazy_pattern(r"(?:.*/)?playwright(?:-core)?(?:@.*)?$")
_KINDS = (  # what node-gyp needs: Python, make, a compiler
    lazy_pattern(r"python[23]?(?:-minimal|-dev|\.\d+)?$"),
    lazy_pattern(r"make$|build-essential$|build-base$"),
    lazy_pattern(r"(?:g\+\+|gcc|clang)(?:-\d+)?$|build-essential$|build-base$"),
)
_LEAST_KINDS = 2
_NAMED = 3
_MANAGERS = frozenset(("npm", "pnpm", "yarn", "bun"))
_BUILDS = frozenset(("install", "ci", "rebuild", "add"))
_CACHE = lazy_pattern(r"\.npm(?:/|$)|\.cache|_cacache|yarn|/root/\.\*|~/\.\*")
_CACHE_MOUNT = lazy_pattern(r"type=cache.{0,200}(?:npm|yarn)|(?:npm|yarn).{0,200}type=cache")
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
        files.update(index for index, record in evidence.own_files if "/.cache/puppeteer/" in f"/{record.path}")
    yield from held(evidence, rule, sorted(files))


def package_cache(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:
    """The downloads of package managers in the image; without one, what is bound to leave some in a shipped stage.

    pnpm and bun link their store's files into node_modules, and Yarn from 2 on may run packages out of its cache:
    what they leave only an image tells.
    """
    if evidence.image is not None:
        yield from billed(evidence, rule, now)
        return
    lock = evidence.project.lock if evidence.project is not None else None
    yarn_1 = lock is not None and lock.manager == "yarn" and lock.version == "1"
    for step in steps(evidence):
        for command, tool in step.ran:
            fills = tool.tool == "npm" and tool.subcommand in ("install", "ci", "exec")
            if tool.tool == "yarn" and tool.subcommand in ("install", "add", "global"):
                fills = yarn_1 or tool.has("--frozen-lockfile", "--production") or tool.subcommand == "global"
            if fills and not tool.has("--cache", "--cache-folder", "--help") and not _cache_goes(step, command):
                yield stated(evidence, rule, step.instruction, at=tool.name)
                break


def _cache_goes(step: Step, command: Command) -> bool:
    """Whether the downloads never reach the layer: mounted over, put elsewhere, or removed in the same RUN."""
    if any("cache" in name.lower() and "npm" in name.lower() for name in variables(step, command)):
        return True  # NPM_CONFIG_CACHE, which may lie anywhere
    if mounts(step.instruction, "/root/.npm", "/root/.cache", "/root/.yarn", "/usr/local/share/.cache"):
        return True
    if any(flag.name == "mount" and _CACHE_MOUNT.search(flag.value) for flag in step.instruction.flags):
        return True
    later = step.commands[step.commands.index(command) :]
    calls = [tool for tool in map(call, later) if tool is not None]
    return any(
        (
            tool.tool in ("npm", "yarn")
            and tool.subcommand == "cache"
            and tool.operands[:1]
            and tool.operands[0].value != "ls"
        )
        or (tool.tool == "rm" and any(_CACHE.search(word.value) for word in tool.operands))
        for tool in calls
    )


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


def toolchain(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """Python, make and a compiler that npm packages were built with and that stay; it says which packages those are."""
    if evidence.image is not None:
        owners = evidence.image.packages.owners
        files = evidence.files_of_causes.get(causes.BUILD_TOOLS, ())
        said = _compiled(evidence).replace("{", "{{").replace("}", "}}")  # names from a file are no placeholders
        if evidence.image.packages.npm and _is_toolchain({owners.get(evidence.image.files[i].path, "") for i in files}):
            yield from held(evidence, rule, files, message=f"{rule.message} {said}".strip())
        return
    parts = []
    built = False
    for step in steps(evidence):
        calls = step.calls
        built = built or any(tool.tool in _MANAGERS and tool.subcommand in _BUILDS for tool in calls)
        parts += [(step.instruction, word) for word in kept(calls, _is_part)]
    if built and _is_toolchain({word.value for _, word in parts}):
        instruction, word = parts[0]
        text = f"Python, make and a compiler for npm packages are shipped. {_compiled(evidence)}"
        yield stated(evidence, rule, instruction, message=text.strip(), at=word)


def _is_part(package: str) -> bool:
    return any(kind.match(package) for kind in _KINDS)


def _is_toolchain(packages: Collection[str]) -> bool:
    """Whether these packages are there for node-gyp: at least two of the three that it needs."""
    return sum(any(kind.match(package) for package in packages) for kind in _KINDS) >= _LEAST_KINDS


def _compiled(evidence: Evidence) -> str:
    """Which production packages have an installation script, by npm's lock file; empty where nobody knows."""
    lock = evidence.project.lock if evidence.project is not None else None
    if lock is None or lock.manager != "npm" or not lock.packages:
        return ""
    names = sorted({package.name for package in lock.packages if package.has_install_script and not package.dev})
    if not names:
        return "No production package in the lock file has an installation script, so nothing needs them."
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"Only the installation of {', '.join(names[:_NAMED])}{more} may need them."

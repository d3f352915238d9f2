"""The `.dockerignore` to go with a rewrite: what no build needs is kept out, what a build needs is never touched.

Each pattern is tried with the real matcher against every path that the new Dockerfile, the build or the running service
names; one hit and the pattern is left out. An existing file keeps its bytes, new patterns go below.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

from imageopt.dockerfile.ignore import parse_ignore
from imageopt.dockerfile.model import Dockerfile
from imageopt.dockerfile.shell import run_commands
from imageopt.dockerfile.tools import call
from imageopt.project.files import exists, read_text, top_names
from imageopt.project.lock import LOCK_FILES
from imageopt.project.model import Project
from imageopt.project.scripts import reachable_commands
from imageopt.rewrite.build_git import USUAL_SCRIPTS, asks_git, reads_history

_ITSELF = ".dockerignore"
_GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (  # not .gitignore: Tailwind passes over what it names
    ("installed and built again inside the image", ("node_modules", "**/node_modules")),
    ("history, editors and pipelines", (
        ".git", ".gitattributes", ".github", ".gitlab", ".gitlab-ci.yml", ".circleci", ".travis.yml",
        "azure-pipelines.yml", "Jenkinsfile", ".vscode", ".idea", "Dockerfile*", "*.Dockerfile", _ITSELF,
        "docker-compose*.yml", "compose*.y*ml", "imageopt.toml",
    )),
    ("secrets: given when the container starts", (".env", ".env.*", "*.pem", "*.key")),
    ("what tests and tools leave behind", (
        "coverage", ".nyc_output", "test-results", "playwright-report", "junit.xml", "logs", "*.log", "tmp", "temp",
        ".cache", "*.heapsnapshot", "*.tsbuildinfo", "*.tgz", "*.tar", "*.tar.gz", "*.zip", "*.bak", "*.swp",
        ".DS_Store",
    )),
)  # fmt: skip
_ONLY_BUILT = {"dist", "build", "out", "output", "lib", ".next", ".nuxt", ".output", ".svelte-kit", "storybook-static"}
_SAMPLE = re.compile(r"\.env\.(?:example|sample|template|dist)")  # without secrets, and copied to .env by many a script
_COMPILED_IN = re.compile(  # variables of .env that bundlers write into what the browser gets
    r"^\s*(?:export\s+)?(?:VITE|NEXT_PUBLIC|REACT_APP|NUXT_PUBLIC|VUE_APP|GATSBY|PUBLIC|EXPO_PUBLIC|MIX)_\w+\s*=",
    re.MULTILINE,
)
_TAKE_FILES = frozenset(("cat", "chmod", "chown", "cp", "gunzip", "gzip", "ln", "mv", "rm", "sed", "tar", "unzip"))
_ALWAYS = {"node_modules", ".git", ".env", ".env.*", "coverage", "logs", "*.log"}


class IgnoreChange(Struct, frozen=True):
    """The new text, and the patterns that were added."""

    after: str
    added: tuple[str, ...]


def propose_ignore(
    project: Project, needed: Iterable[str], dropped: Iterable[str], rebuilt: tuple[str, ...]
) -> IgnoreChange | None:
    """The ignore file that keeps `needed` and leaves out what is known to be useless, None if there is nothing to add.

    `dropped` are paths that findings call junk, `rebuilt` the folders that the Dockerfile makes itself.
    """
    existing = project.dockerignore or ""
    rebuilt = tuple(folder for folder in rebuilt if not _may_hold_sources(project, folder))
    built = parse_ignore("\n".join(rebuilt))
    wanted = tuple(sorted(path for path in {*needed, *_always_needed(project)} if not built.excludes(path)))
    names = top_names(project.root)
    groups = [*_GROUPS, ("found in the image, and nothing needs it", tuple(sorted(set(dropped))))]
    first, patterns = groups[0]
    groups[0] = (first, (*patterns, *rebuilt))
    added: list[str] = []
    lines: list[str] = []
    for title, patterns in groups:
        fresh = [
            pattern
            for pattern in patterns
            if pattern not in added
            and _is_useful(pattern, names, "\n".join((existing, *added)), project, rebuilt)
            and not _hides(pattern, wanted, existing)
        ]
        if ".env.*" in fresh:
            fresh += [f"!{name}" for name in names if _SAMPLE.fullmatch(name)]
        if fresh:
            lines += ["", f"# {title}", *fresh]
            added += fresh
    if not {*added} - {_ITSELF}:
        return None
    return IgnoreChange(_joined(existing, lines[1:]), tuple(added))


def handled_files(dockerfile: Dockerfile) -> Iterator[str]:
    """The paths in the build's folder that a RUN's own commands fail without: `rm a.log`, and not `rm -f a.log`."""
    if reads_history(dockerfile):
        yield ".git"
    for stage in dockerfile.stages:
        for instruction in stage.instructions:
            for command in run_commands(instruction) if instruction.keyword == "RUN" else ():
                asked = call(command)
                if command.name not in _TAKE_FILES or (asked is not None and asked.has("--force")):
                    continue
                paths = (posixpath.normpath(word.value) for word in command.arguments if not word.value.startswith("-"))
                yield from (path for path in paths if not path.startswith(("/", "..", "$")) and path != ".")


def with_patterns(project: Project, title: str, patterns: Iterable[str], named: Iterable[str]) -> IgnoreChange | str:
    """The ignore file with those of the patterns that keep out something new, or why there is none.

    `named` are the context's paths that the Dockerfile copies by name; what takes one of them away is left out.
    """
    existing = project.dockerignore or ""
    wanted = tuple(sorted({*named, *_always_needed(project)}))
    rules = parse_ignore(existing)
    fresh = [pattern for pattern in patterns if not rules.excludes(pattern.replace("**", "x").replace("*", "x"))]
    if not fresh:
        return "the ignore file has these patterns already"
    added = [pattern for pattern in fresh if not _hides(pattern, wanted, existing)]
    if not added:
        return f"{fresh[0]} is copied by name, or a build needs it"
    return IgnoreChange(_joined(existing, [f"# {title}", *added]), tuple(added))


def _joined(existing: str, lines: list[str]) -> str:
    newline = "\r\n" if "\r\n" in existing else "\n"
    new = newline.join(lines) + newline
    if not existing:
        return new
    gap = "" if existing.endswith("\n") else newline
    return f"{existing}{gap}{newline}{new}"


def _is_useful(pattern: str, names: tuple[str, ...], existing: str, project: Project, rebuilt: tuple[str, ...]) -> bool:
    """Whether it keeps out something that is there, or that is sure to come, and that nothing keeps out yet."""
    rules = parse_ignore(existing)
    sample = pattern.removeprefix("**/").replace("*", "x")
    if pattern == "node_modules" and project.manifest is None:
        return False
    if pattern in _ALWAYS or pattern in rebuilt:
        return not rules.excludes(sample)
    if pattern == _ITSELF:  # Tailwind takes each word of each file in the context for a class
        return project.dockerignore is None
    if pattern == "**/node_modules":
        return project.workspace is not None and not rules.excludes("x/node_modules")
    own = parse_ignore(pattern)
    hit = [name for name in names if own.excludes(name)] or ([pattern] if "/" in pattern else [])
    return any(not rules.excludes(name) for name in hit)


def _may_hold_sources(project: Project, folder: str) -> bool:
    """Whether files that no build makes may lie in a folder that the build writes to: a page beside its bundle."""
    if not exists(project.root, folder):
        return False
    by_git = _git_ignores(project, folder)
    return folder not in _ONLY_BUILT if by_git is None else not by_git


def _git_ignores(project: Project, path: str) -> bool | None:
    """Whether .gitignore keeps the path out of the repository; None where there is none."""
    lines = (read_text(project.root, ".gitignore") or "").splitlines()
    return parse_ignore("\n".join(map(_as_docker_reads, lines))).excludes(path) if lines else None


def _as_docker_reads(line: str) -> str:
    """A line of .gitignore as one of .dockerignore: without a slash in it, git looks in every folder."""
    negated, pattern = line.startswith("!"), line.strip().removeprefix("!").rstrip("/")
    if pattern.startswith("#") or not pattern:
        return ""
    return f"{'!' * negated}{pattern.lstrip('/') if '/' in pattern else f'**/{pattern}'}"


def _hides(pattern: str, wanted: tuple[str, ...], existing: str) -> bool:
    """Whether the pattern would take away something needed, or something the existing file brings back with `!`."""
    own = parse_ignore(pattern)
    brought_back = [line.strip()[1:].strip("/ ") for line in existing.splitlines() if line.strip().startswith("!")]
    return any(own.excludes(path) for path in (*wanted, *brought_back) if path and path != ".")


def _always_needed(project: Project) -> Iterator[str]:
    yield from ("package.json", ".npmrc", *LOCK_FILES)
    yield from project.build_inputs
    yield from (fact.value for fact in project.runtime_paths)
    compiled_in = project.build_script is not None and _COMPILED_IN.search(read_text(project.root, ".env") or "")
    if compiled_in and not _git_ignores(project, ".env"):  # else no build of the repository has it
        yield ".env"
    if asks_git(project):
        yield ".git"
    scripts = project.manifest.scripts if project.manifest else {}
    for name in USUAL_SCRIPTS:
        for words in reachable_commands(f"npm run {name}", scripts) if name in scripts else ():
            yield from (re.sub(r"^\./", "", word) for word in words[1:] if not word.startswith("-"))

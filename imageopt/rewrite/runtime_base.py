"""Which image the running stage is built on: alpine where nothing speaks against it, else slim, else the one it had.

Each objection is a reason in words. The build stage needs the same C library as the
running one as soon as a production package brings a binary; where none does, it may
keep the original image and its tools.
"""

import posixpath
import re
from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from imageopt.image.elf import ElfFacts
from imageopt.project.alpine import alpine_answer
from imageopt.project.libc import USUAL_PROCESSOR, libc_needs
from imageopt.project.model import AlpineAnswer, Project
from imageopt.project.scripts import reachable_commands
from imageopt.rewrite.base_image import BaseImage
from imageopt.rewrite.build_git import asks_git
from imageopt.rewrite.development import running_lock
from imageopt.rewrite.downloads import browsers
from imageopt.rewrite.health import needs_program, with_node
from imageopt.rewrite.model import Refused
from imageopt.rewrite.surveyed import Survey, short
from imageopt.rewrite.system import RuntimeSystem

_OPENSSL = {"@prisma/client", "prisma", "@prisma/engines"}
_FULL_LIBRARIES = {"canvas"}
_FULL_TOOLS = {"git", "curl", "wget", "python", "python3", "make", "gcc", "g++", "ssh", "convert", "magick", "unzip",
               "hg", "svn", "openssl", "file", "xz", "bash", "perl", "ps", "update-ca-certificates"}  # fmt: skip
_BUSYBOX_LACKS = _FULL_TOOLS - {"unzip", "wget", "ps", "xz"} | {"jq", "zip", "rsync", "cmake"}
_SUBSTITUTED = re.compile(r"(?:\$\(|`)\s*([\w.+-]+)")  # what `$(git log)` starts, be it within quotes
_SLIM_HOLDS = {"bash", "perl"}


class Bases(Struct, frozen=True):
    """The two images, the kind of the second, why it was chosen, and what was refused on the way."""

    build: str
    runtime: str
    kind: str
    reason: str
    refusals: tuple[Refused, ...]
    build_kind: str
    toolchain: bool  # the build stage is alpine and must compile
    keeps_system: bool  # the build stage keeps the system packages that the original installed


def choose(
    base: BaseImage,
    project: Project,
    survey: Survey,
    system: RuntimeSystem,
    target: str,
    elf: Mapping[str, ElfFacts] | None = None,
    *,
    processors: tuple[str, ...] = (USUAL_PROCESSOR,),
) -> Bases:
    """The images for the target (`auto`, `alpine`, `slim`, `keep`); `elf` are the binaries of the image there is.

    `processors`, as npm names them, are those that the image is built for.
    """
    must_compile = compiles(project)
    answer = alpine_answer(running_lock(project), elf, processors=processors)
    found = {
        kind: against(kind, base, project, survey, system, answer, forced=target == kind) for kind in ("alpine", "slim")
    }
    wanted = {"auto": ("alpine", "slim"), "alpine": ("alpine", "slim"), "slim": ("slim",)}.get(target, ())
    kind = base.kind if base.kind == "alpine" else next((kind for kind in wanted if not found[kind]), base.kind)
    runtime = base.variant(kind) or base.written
    refused = () if base.kind == "alpine" else wanted[: wanted.index(kind)] if kind in wanted else wanted
    refusals = tuple(Refused("base-swap", f"{name}: {found[name][0]}") for name in refused if found[name])
    build, toolchain = base.written, False
    if kind == "alpine" and base.kind != "alpine":
        if not against_alpine_build(project, survey) and (not must_compile or target == "alpine"):
            build, toolchain = runtime, must_compile
        elif any(need.verdict == "musl-ok" for need in project.libc):
            there = next(iter(against_alpine_build(project, survey)), "what may have to be compiled")
            told = Refused(
                "base-swap", f"alpine: the build cannot be there, for {there}, and what it installs has binaries"
            )
            chosen = choose(base, project, survey, system, "slim", elf, processors=processors)
            taken = chosen.runtime if chosen.runtime != base.written else ""
            reason = explained(answer, chosen.kind, taken, (told, *chosen.refusals))
            return replace(chosen, reason=reason, refusals=(told, *chosen.refusals))
    reason = explained(answer, kind, runtime if runtime != base.written else "", refusals)
    keeps = build == base.written and (must_compile or uses(project, survey, {"git", "make", "python3", "python"}))
    build_kind = base.kind if build == base.written else kind
    return Bases(build, runtime, kind, reason, refusals, build_kind, toolchain, keeps)


def against(
    kind: str,
    base: BaseImage,
    project: Project,
    survey: Survey,
    system: RuntimeSystem,
    answer: AlpineAnswer,
    *,
    forced: bool = False,
) -> tuple[str, ...]:
    """What speaks against `alpine` or `slim` for the running service, in words; `forced` where it was asked for."""
    if kind == "alpine":
        return _against_alpine(base, project, survey, system, answer, forced=forced)
    return tuple(_common(base, project, survey, system, "slim"))


def made_for_openssl(project: Project) -> str:
    """What runs with an engine for the OpenSSL that the full image holds and a slim one of its suite can be given."""
    return next((f"{need.package}: {need.reason}" for need in project.libc if need.package in _OPENSSL), "")


def lacking(kind: str, base: BaseImage) -> set[str]:
    """The programs that the image of this kind does not hold, and the one there is does, or may."""
    if kind == "alpine":
        return set(_BUSYBOX_LACKS)
    return _FULL_TOOLS - _SLIM_HOLDS if base.kind == "full" else set()


def explained(answer: AlpineAnswer, kind: str, taken: str, refusals: tuple[Refused, ...]) -> str:
    """Why this kind of image was taken ("": none), what spoke against a smaller one, and what its tag rests on."""
    if not taken:
        return "the base image stays as it is"
    given = re.search(r"\$\{?(\w+)", taken)
    rests = f"; a {given[1]} that a build sets must be a version alone" if given else ""
    return _taken_for(answer, kind, refusals) + rests


def _taken_for(answer: AlpineAnswer, kind: str, refusals: tuple[Refused, ...]) -> str:
    if kind == "slim":
        return f"the same version and suite without compilers; {refusals[0].reason}" if refusals else "as asked for"
    if not answer.deciding:
        return "every production package is JavaScript, and nothing it starts needs more than alpine holds"
    named = ", ".join(f"{need.package} ({need.reason})" for need in answer.deciding[:3])
    return f"every production package with a binary runs on musl: {named}"


def _against_alpine(
    base: BaseImage, project: Project, survey: Survey, system: RuntimeSystem, answer: AlpineAnswer, *, forced: bool
) -> tuple[str, ...]:
    found = [
        f"{need.package}: {need.reason}"
        for need in answer.deciding
        if need.verdict == "glibc-only" or (need.verdict == "unknown" and not forced)
    ]
    if not found and answer.verdict != "yes" and not forced:
        found.append(answer.reason)
    if answer.deciding and any(_is_packages(source) for copied in survey.copies for source in copied.sources):
        found.append(f"{answer.deciding[0].package} comes from outside of the image, with a binary for its C library")
    if survey.beside and not forced:
        found.append(f"`{short(survey.beside[0])}` installs packages by no lock file that is read here")
    found += _common(base, project, survey, system, "alpine")
    found += [f"`{text}` is Debian's own" for text in survey.clock if "dpkg-reconfigure" in text]
    found += [f"`{text}` is Debian's own" for text in survey.locale]
    if survey.certificates and not forced:
        found.append(
            "it lacks update-ca-certificates, and apk may have to trust the certificate before it can get that"
        )
    if system.packages:
        found.append(f"the running service needs {', '.join(system.packages)}, named as Debian names them")
    if survey.accounts:
        found.append(f"`{survey.accounts[0]}` has other options there")
    found += [f"{name} is written for bash" for name in system.bash_scripts]
    if "bash" in system.programs and not system.bash_scripts:
        found.append("the service starts bash, which alpine lacks")
    if (shell := survey.last("SHELL")) and "bash" in shell.arguments:
        found.append("SHELL is bash")
    return tuple(found)


def _is_packages(source: str) -> bool:
    return posixpath.basename(posixpath.normpath(source)) == "node_modules"


def _common(base: BaseImage, project: Project, survey: Survey, system: RuntimeSystem, kind: str) -> list[str]:
    """What speaks against any smaller image."""
    found = []
    if base.variant(kind) is None:
        why = "pins the image by its digest" if base.digest.startswith("sha256:") else "makes the tag from an argument"
        found.append(f"FROM {why}; the digest of another image is not known here" if base.digest else "no such variant")
    lacks = _FULL_LIBRARIES if kind == "slim" else _OPENSSL | _FULL_LIBRARIES
    found += [f"{need.package}: {need.reason}" for need in project.libc if need.package in lacks]
    if survey.locale and not any(name.startswith("locales") for name in system.packages):
        found.append(f"`{short(survey.locale[0])}` needs the package locales, which nothing installs")
    found += [f"{reason}, with libraries that only the full image holds" for reason in browsers(project, survey)]
    health = survey.last("HEALTHCHECK")
    program = needs_program(health) if health else None
    if health and program and with_node(health) is None and program not in system.packages:
        found.append(f"the HEALTHCHECK needs {program}, and is no plain probe that Node could make")
    holds = _SLIM_HOLDS if kind == "slim" else {"bash"}  # of which alpine is asked by itself
    if base.kind == "full":
        lacking = sorted(name for name in system.programs & _FULL_TOOLS - holds if name not in system.packages)
        found += [f"the service starts {name}, which only the full image holds" for name in lacking]
        if "*" in system.programs:
            found.append("the service starts a program whose name its source does not tell")
    return found


def against_alpine_build(project: Project, survey: Survey) -> tuple[str, ...]:
    """What of an installation and a build would not work on alpine."""
    packages = project.lock.packages if project.lock else ()
    found = [need.package for need in libc_needs(packages, dev=True) if need.verdict in ("glibc-only", "unknown")]
    if uses(project, survey, _BUSYBOX_LACKS):
        found.append("a build command")
    return tuple(found)


def compiles(project: Project) -> bool:
    """Whether a package may have to be compiled where it is installed."""
    packages = project.lock.packages if project.lock else ()
    needs = (*project.libc, *libc_needs(packages, dev=True))
    return any(need.verdict == "unknown" for need in needs)


def uses(project: Project, survey: Survey, programs: Iterable[str]) -> bool:
    """Whether a build command, or a dependency from git, needs one of the programs."""
    manifest = project.manifest
    scripts = manifest.scripts if manifest else {}
    lines = [step.text or step.instruction.arguments for step in survey.build if step.instruction.keyword == "RUN"]
    lines += [line.partition(": ")[2] for line in project.lifecycle_scripts]
    words = {word for line in lines for command in reachable_commands(line, scripts) for word in command}
    words |= {name for line in lines for name in _SUBSTITUTED.findall(line)}
    specs = {**manifest.dependencies, **manifest.dev_dependencies}.values() if manifest else ()
    works = survey.install is not None or survey.builds
    if (works and asks_git(project)) or any(re.match(r"git|github:|[\w-]+/[\w.-]+(?:#|$)", spec) for spec in specs):
        words.add("git")
    return not words.isdisjoint(set(programs))

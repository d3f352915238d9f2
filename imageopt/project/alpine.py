"""The lock file and, where there is one, an image's binaries -> does the service run on musl: yes, no or unknown.

"yes" needs a reason for every production package. The lock alone gives it where it says which packages have install
scripts; else the image's own files do: a package without a program or library in it is JavaScript.
"""

from collections.abc import Collection, Iterator, Mapping

from imageopt.image.elf import ElfFacts
from imageopt.lazy_pattern import lazy_pattern
from imageopt.project.libc import USUAL_PROCESSOR, libc_needs, musl_twins
from imageopt.project.model import AlpineAnswer, LibcNeed, Lock

_NAME = lazy_pattern(r"((?:@[^/]+/)?[^/@.][^/]*)/")


def alpine_answer(
    lock: Lock | None,
    elf: Mapping[str, ElfFacts] | None = None,
    *,
    processors: Collection[str] = (USUAL_PROCESSOR,),
) -> AlpineAnswer:
    """The answer for an image of these processors.

    `elf` are the live binaries of an image that this lock was installed in, by path (`Image.elf`).
    """
    if lock is None or lock.state == "missing":
        return AlpineAnswer("unknown", "without a lock file nothing says which packages there are", ())
    if lock.state == "unknown" and not lock.packages:
        return AlpineAnswer("unknown", lock.reason, ())
    found = libc_needs(lock.packages, scripts_known=lock.tells_scripts, processors=processors)
    needs = {need.package: need for need in found}
    if elf is not None:
        needs |= {need.package: need for need in binary_needs(lock, elf, needs)}
    deciding = tuple(needs[name] for name in sorted(needs))
    against = next((need for need in deciding if need.verdict == "glibc-only"), None)
    if against:
        return AlpineAnswer("no", f"{against.package}: {against.reason}", deciding)
    unknown = next((need for need in deciding if need.verdict == "unknown"), None)
    if unknown:
        return AlpineAnswer("unknown", f"{unknown.package}: {unknown.reason}", deciding)
    if elf is None and not lock.tells_scripts:
        return AlpineAnswer("unknown", f"{lock.path} does not say which packages have install scripts", deciding)
    if deciding:
        return AlpineAnswer("yes", "every production package with a binary runs on musl", deciding)
    return AlpineAnswer("yes", "every production package is JavaScript", ())


def binary_needs(lock: Lock, elf: Mapping[str, ElfFacts], known: Mapping[str, LibcNeed]) -> Iterator[LibcNeed]:
    """What the binaries below `node_modules` say of the production packages that own them, where it is news.

    An engine that OpenSSL chooses stays unknown, and so does what was compiled in the image: it would be compiled anew.
    """
    names = {package.name for package in lock.packages}
    for_development = {package.name for package in lock.packages if package.dev}
    for_development -= {package.name for package in lock.packages if not package.dev}
    for name, found in sorted(_by_package(elf).items()):
        before = known.get(name)
        if name in for_development or (before and before.verdict in ("glibc-only", "musl-ok", "any")):
            continue
        if all(facts.libc is None for facts in found):
            if before is None or before.compiles:
                yield LibcNeed(name, "any", "its binaries in the image need no C library")
        elif any(facts.libc == "musl" for facts in found):
            if before is None or before.compiles:
                yield LibcNeed(name, "musl-ok", "the image holds binaries of it for musl")
        elif before is None:
            twin = next((twin for twin in musl_twins(name) if twin in names), None)
            if twin:
                yield LibcNeed(name, "musl-ok", f"the lock file holds {twin} as well")
            else:
                needed = next(facts for facts in found if facts.libc == "glibc")
                version = f" {needed.highest_glibc}" if needed.highest_glibc else ""
                yield LibcNeed(
                    name, "glibc-only", f"its binaries in the image need glibc{version}, and none is for musl"
                )


def _by_package(elf: Mapping[str, ElfFacts]) -> dict[str, list[ElfFacts]]:
    found: dict[str, list[ElfFacts]] = {}
    for path, facts in elf.items():
        before, folder, rest = path.rpartition("node_modules/")
        match = _NAME.match(rest) if folder and (not before or before.endswith("/")) else None
        if match:
            found.setdefault(match[1], []).append(facts)
    return found

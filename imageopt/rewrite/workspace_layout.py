"""What of a workspace's members the running image is given: each at its own path, so that the links between them hold.

A member is narrowed to its manifest, build output, packages of its own and what its source reads, where all of these
are known; else its built folder comes whole.
"""

import posixpath

from imageopt.project.model import Member, Project
from imageopt.project.start import entry_of
from imageopt.rewrite.layout import OWN_LAYOUT, Layout, runtime_set, unknown_read
from imageopt.rewrite.surveyed import Survey, within
from imageopt.rewrite.workspace import Part


def members_layout(project: Project, part: Part, survey: Survey, other: str | None, *, prunes: bool) -> Layout:
    """The layout of the members that run; of all that are built where the service starts with a development tool.

    `other` is why something else that runs in the image may need any of their files.
    """
    paths: list[str] = []
    whole: list[str] = []
    for member in part.running if prunes else part.built:
        outputs = part.outputs[member.folder]
        reason = other or _doubt(project, part, member, survey, outputs)
        reason = reason if prunes else "it starts with a development tool"
        if reason:
            paths.append(member.folder)
            whole.append(f"{member.folder} as a whole: {reason}")
        else:
            paths += [f"{member.folder}/package.json", *outputs]
            if _has_packages(project, member):
                paths.append(f"{member.folder}/node_modules")
    paths += runtime_set(project, survey, tuple(paths))
    named = ", ".join(member.folder for member in part.running)
    reason = f"of {len(part.members)} packages {named} run" + (f"; {'; '.join(whole)}" if whole else "")
    return Layout("narrow", tuple(paths), reason)


def members_rebuilt(part: Part, survey: Survey) -> tuple[str, ...]:
    """The build outputs that the Dockerfile itself makes."""
    return tuple(output for member in part.built if member.folder in survey.members_built
                 for output in part.outputs[member.folder])  # fmt: skip


def gathered(part: Part, outputs: tuple[str, ...]) -> tuple[str, ...]:
    """The outputs as patterns, `packages/*/dist` for those that all members beside each other have."""
    beside: dict[str, list[str]] = {}
    for member in part.members:
        beside.setdefault(posixpath.dirname(member.folder), []).append(member.folder)
    made = dict.fromkeys(outputs)
    for parent, folders in beside.items():
        for name in {output[len(folder) + 1 :] for folder in folders for output in outputs if within(output, folder)}:
            each = [f"{folder}/{name}" for folder in folders]
            if len(each) > 1 and parent and set(each) <= set(made):
                made = dict.fromkeys([path for path in made if path not in each] + [f"{parent}/*/{name}"])
    return tuple(sorted(made))


def _doubt(project: Project, part: Part, member: Member, survey: Survey, outputs: tuple[str, ...]) -> str | None:
    """Why what runs of the member is not certain, or None."""
    if project.package_manager not in ("npm", "pnpm"):
        return "its lock file does not tell which packages lie in it"
    if "build" not in member.manifest.scripts:
        return "its sources are what runs"
    if member.folder not in survey.members_built:
        return "it is not built by its own script"
    if not outputs:
        return "where its build writes is not known"
    if member is part.app:
        start = project.start
        if start is None or start.argv is None:
            return "what the start command runs is not known"
        loaded = [posixpath.normpath(posixpath.join(start.folder, entry_of(start.argv) or ""))]
        if project.framework in OWN_LAYOUT:
            return f"{project.framework} decides by itself what it reads"
    else:
        named = [path for path in (member.manifest.main, *member.manifest.exports) if path] or ["index.js"]
        loaded = [posixpath.normpath(posixpath.join(member.folder, path)) for path in named]
    other = next((path for path in loaded if not any(within(path, folder) for folder in outputs)), None)
    if other:
        return f"{other} is no output of its build"
    return unknown_read(project, f"{member.folder}/")


def _has_packages(project: Project, member: Member) -> bool:
    """Whether the member has a folder of packages of its own, after those for development are gone."""
    if project.package_manager == "pnpm":
        return bool(member.manifest.dependencies)
    packages = project.lock.packages if project.lock else ()
    return any(not package.dev and package.path.startswith(f"{member.folder}/node_modules/") for package in packages)

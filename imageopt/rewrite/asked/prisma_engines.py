"""Packages with Prisma's command line and its engines -> the generated client with its own engine alone.

The client optionally asks for the command line, so npm keeps that even where it is a development package. Only
migrations and generating need it: where either happens in the container it stays.
"""

import re

from imageopt.project.native_packages import version_of
from imageopt.project.scripts import reachable_commands
from imageopt.rewrite.asked.model import Asked, Change, Site
from imageopt.rewrite.asked.shipped import saved_bytes, shipped_packages

_TOOLS = ("prisma", "@prisma/engines", "@prisma/fetch-engine", "@prisma/get-platform", "@prisma/engines-version")
_GENERATES = re.compile(r"\bprisma\s+generate\b")
_WITHOUT_ENGINES = (7, 0)


def _make(site: Site) -> Change | str:
    project = site.project
    locked = {one.name: one for one in project.lock.packages} if project.lock else {}
    client = locked.get("@prisma/client")
    if client is None or client.dev:
        return "the service uses no Prisma client"
    if version_of(client.version) >= _WITHOUT_ENGINES:
        return "from version 7 on Prisma has no engines"
    packages = shipped_packages(site)
    if isinstance(packages, str):
        return packages
    if project.package_manager not in ("npm", "yarn"):
        return "the packages are links, and what else leads to the engines is not known"
    scripts = project.manifest.scripts if project.manifest else {}
    lines = [item.arguments for item in packages.stage.instructions if item.keyword == "RUN"]
    built = [" ".join(words) for line in lines for words in reachable_commands(line, scripts)]
    if not any(_GENERATES.search(line) for line in built):
        return "no RUN of the stage calls `prisma generate`, so the client may be made where the service starts"
    caller = _called_by(site)
    if caller is not None:
        return f"{caller} calls the command line of Prisma in the container"
    paths = [f"{folder}/{name}" for folder in packages.folders for name in (*_TOOLS, ".bin/prisma")]
    image = site.evidence.image
    folders = tuple(f"/node_modules/{name}/" for name in _TOOLS)
    held = (
        [i for i, f in enumerate(image.files) if f.death is None and any(part in f"/{f.path}" for part in folders)]
        if image is not None
        else []
    )
    if image is not None and not held:
        return "the image holds neither the command line nor the engines beside the client"
    reason = "the client is generated with its engine, and nothing that runs migrates or generates"
    return Change(
        (site.insertion(packages.end, f"RUN rm -rf {' '.join(paths)}"),), reason, saved_bytes(site.evidence, held)
    )


def _called_by(site: Site) -> str | None:
    """What in the running container may call the command line, in words."""
    project = site.project
    scripts = project.manifest.scripts if project.manifest else {}
    lines = {site.line(i): " ".join(i.json or (i.arguments,)) for i in site.final.instructions if i.keyword != "COPY"}
    if project.start is not None:
        lines["the start script"] = project.start.script
    for fact in site.deployment.of("command", "entrypoint", "hook", "run", dockerfile=site.path):
        lines[fact.source] = " ".join(fact.words) or fact.value
    lines |= site.scripts
    for program in project.programs:
        lines[program.source] = "prisma" if program.value in ("*", "npx") else program.value
    for place, line in lines.items():
        called = [line, *(" ".join(words) for words in reachable_commands(line, scripts))]
        if any(re.search(r"(?<![@\w./-])prisma\b(?!/)", text) for text in called):
            return place
    return None


PRISMA_ENGINES = Asked("prisma-engines", "Prisma's generated client without its command line and spare engines", _make)

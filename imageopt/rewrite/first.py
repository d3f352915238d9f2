"""A project without a Dockerfile -> the plainest one that builds and starts it, for `propose` to make a good one of.

So a first Dockerfile comes the same way as a rewritten one, with the same checks. The draft itself is never shown or
written, and what the project does not tell is asked for, not made up.
"""

import json

from msgspec import Struct
from msgspec.structs import replace

from imageopt.project.constraints import contradictions
from imageopt.project.model import Fact, Framework, Project
from imageopt.rewrite.model import Rewrite

NAME = "Dockerfile"
_FOLDER = "/app"
_LINES = (24, 22, 20, 18)  # release lines with long-term support, the one to begin with first; 25 on have no corepack
_SITE_PORT = 8080
_ONE_PAGE = ("vite", "cra", "vue-cli", "angular", "react-router", "remix")  # their router is in the page
_OWN_PORTS = {"next": 3000, "nuxt": 3000, "sveltekit": 3000, "astro": 4321}  # what their servers listen on, untold


class Draft(Struct, frozen=True):
    """`text` is the plainest Dockerfile; `notes` say where each decision comes from."""

    text: str
    notes: tuple[str, ...]


class Missing(Struct, frozen=True):
    """What has to be told before a first Dockerfile can be written, each with how to tell it."""

    reasons: tuple[str, ...]


class _Decided(Struct, frozen=True):
    value: str
    note: str


def draft(project: Project) -> Draft | Missing:
    """The draft for a project that has no Dockerfile, or what is missing."""
    manifest = project.manifest
    if manifest is None:
        return Missing(("there is no package.json; a first Dockerfile is written for Node projects only",))
    node, start = _node(project), _start(project)
    port = _port(project)
    reasons = [found for found in (_manager(project), node, start, port) if isinstance(found, str)]
    if isinstance(node, str) or isinstance(start, str) or isinstance(port, str) or reasons:
        return Missing(tuple(reasons))
    tool = project.package_manager
    build = [f"RUN {tool} run build"] if "build" in manifest.scripts else []
    lines = [
        f"FROM node:{node.value}",
        f"WORKDIR {_FOLDER}",
        "COPY . .",
        f"RUN {tool} install",
        *build,
        f"EXPOSE {port.value}",
        f"CMD {start.value}",
    ]
    return Draft("\n".join(lines) + "\n", (node.note, start.note, port.note))


def as_first(proposed: Rewrite, made: Draft) -> Rewrite:
    """The proposal for a draft as one for a project that has no Dockerfile: its file is new, and nothing is saved."""
    return replace(
        proposed,
        changes=tuple(replace(change, before=None) if change.path == NAME else change for change in proposed.changes),
        transformed=tuple(
            replace(done, reason=done.reason.partition(", as ")[0], rules=(), predicted_bytes=None)
            for done in proposed.transformed
        ),
        refusals=tuple(
            replace(refused, name="first-dockerfile" if refused.name == "multi-stage" else refused.name)
            for refused in proposed.refusals
        ),
        notes=(*made.notes, *proposed.notes),
        predicted_bytes=None,
        predicted_basis="unknown",
    )


def _manager(project: Project) -> str | None:
    if project.package_manager is None:
        return "nothing says which package manager installs: commit its lock file, or name it as packageManager"
    return None


def _node(project: Project) -> _Decided | str:
    """The release line that every statement allows."""
    facts = project.node_versions
    for line in _LINES:
        if not any(contradictions("node", (Fact(str(line), ""), fact)) for fact in facts):
            said = (
                f"as {facts[0].source} allows ({facts[0].value})" if facts else "for nothing says which Node it needs"
            )
            return _Decided(str(line), f"Node {line}, {said}")
    named = ", ".join(f"{fact.source} ({fact.value})" for fact in facts)
    return f"no release line of Node fits what is said: {named}"


def _start(project: Project) -> _Decided | str:
    manifest, built_on = project.manifest, project.built_on
    assert manifest is not None
    if built_on is not None and built_on.renders == "static":
        return _site(built_on)
    if "start" in manifest.scripts:
        return _Decided(json.dumps([project.package_manager, "start"]), "it starts with package.json's start script")
    words = ("npx", "next", "start") if project.framework == "next" else built_on.start if built_on else ()
    if words:
        return _Decided(json.dumps(words), f"it starts as {project.framework} does")
    if project.start is not None and project.start.argv is not None:
        return _Decided(json.dumps(project.start.argv), f"it starts with {project.start.script}")
    return "nothing says how it starts: add a start script to package.json"


def _site(built_on: Framework) -> _Decided:
    folder = built_on.outputs[0]
    single = built_on.name in _ONE_PAGE
    server = ["serve", "-s", folder, "-l"] if single else ["http-server", folder, "-p"]
    unknown = "the start page answers for paths that are no file" if single else "paths that are no file are not found"
    return _Decided(
        json.dumps(["npx", *server, str(_SITE_PORT)]),
        f"{folder} is served as it is ({built_on.source}: {built_on.reason}), and {unknown}",
    )


def _port(project: Project) -> _Decided | str:
    built_on = project.built_on
    if built_on is not None and built_on.renders == "static":
        return _Decided(str(_SITE_PORT), f"port {_SITE_PORT}, which needs no root")
    stated = next((port for port in project.ports if port.value.isdecimal()), None)
    if stated is not None:
        return _Decided(stated.value, f"port {stated.value}, as {stated.source} says")
    own = _OWN_PORTS.get(built_on.name) if built_on is not None else None
    if built_on is not None and own is not None:
        return _Decided(str(own), f"port {own}, as {built_on.name} listens where nothing else is said")
    return "nothing says which port it listens on: name it in the source, such as `process.env.PORT ?? 3000`"

"""The final stage on a Node image -> the same on Google's distroless one, which has Node and its libraries alone.

Its entry point is node itself, so the command loses that word, and nobody in it has a name: the user that the files
belonged to stays, by number. Only what a shell, a package manager or another program is needed for speaks against it.
"""

import json
import re
from collections.abc import Iterator

from imageopt.dockerfile.model import Edit, Instruction
from imageopt.rewrite.asked.model import Asked, Change, Site
from imageopt.rewrite.base_image import BaseImage, node_image

_SUITES = {"bookworm": "debian12", "trixie": "debian13"}
_MAJORS = ("20", "22", "24")  # GoogleContainerTools/distroless, nodejs/README.md
_NODE = "/nodejs/bin/node"
_STARTS = ("node", "/usr/local/bin/node")
_NAMED = re.compile(r"\bnode(?=:|$)|(?<=:)node\b")
_FINE = ("ARG", "ENV", "LABEL", "EXPOSE", "VOLUME", "WORKDIR", "COPY", "STOPSIGNAL", "USER", "CMD", "HEALTHCHECK")


def _make(site: Site) -> Change | str:
    stage = site.final
    word = stage.from_instruction.words[0]
    base = node_image(word.raw, stage.base) if stage.parent is None else None
    if base is None or base.product != "node" or "$" in word.raw:
        return f"{site.line(stage.from_instruction)}: the final stage is not built on a Node image by its name"
    image = _image(site, base)
    if not image.startswith("gcr.io/"):
        return image
    reason = next(_against(site), None)
    if reason is not None:
        return reason
    edits = [Edit(word.start, word.end, image)]
    for item in stage.instructions:
        edits += _edits(item)
    notes = (
        "the image has no shell: `docker exec` finds nothing to start in it but node",
        f"its Node is the newest {base.stem.partition('.')[0]} of the day, whatever release the tag named",
    )
    return Change(tuple(edits), f"nothing that runs needs a shell: {image} has Node alone", None, notes)


def _image(site: Site, base: BaseImage) -> str:
    """The image of the same Node and Debian, or why there is none that is known to fit."""
    major = base.stem.partition(".")[0]
    if major not in _MAJORS:
        return f"there is no distroless image of Node {base.stem}"
    binaries = [need.package for need in site.project.libc if need.verdict != "any"]
    if binaries and base.suite not in _SUITES:
        return f"{binaries[0]} has a binary, and the tag of {base.written} does not say that it is of the same Debian"
    return f"gcr.io/distroless/nodejs{major}-{_SUITES.get(base.suite, 'debian12')}"


def _against(site: Site) -> Iterator[str]:
    """What needs more than Node, in words."""
    command: Instruction | None = None
    if site.is_built_on:
        yield "another stage is built on the final one"
    for item in site.final.instructions:
        if item.keyword == "ENTRYPOINT" and item.json != ("docker-entrypoint.sh",):
            yield f"{site.line(item)}: the ENTRYPOINT is a program or a script of its own"
        elif item.keyword not in (*_FINE, "ENTRYPOINT"):
            yield f"{site.line(item)}: {item.keyword} needs a shell"
        elif item.keyword == "HEALTHCHECK" and item.arguments.strip().upper() != "NONE" and _probe(item) is None:
            yield f"{site.line(item)}: the HEALTHCHECK needs a shell, or another program than node"
        elif item.keyword == "USER" and not re.fullmatch(r"(?:node|\d+)(?::(?:node|\d+))?", item.arguments.strip()):
            yield f"{site.line(item)}: the user {item.arguments.strip()} is not in that image"
        elif item.keyword == "CMD":
            command = item
    if command is None or not command.json or command.json[0] not in _STARTS or len(command.json) < 2:
        yield "the service is not started with node in exec form"
    yield from _against_outside(site)


def _against_outside(site: Site) -> Iterator[str]:
    """What the project and its deployment start or load that is not in that image."""
    for need in site.project.libc:
        if "openssl" in need.reason.lower() or need.verdict == "unknown":
            yield f"{need.package}: {need.reason}"
    for fact in site.project.programs:
        yield f"{fact.source}: it starts {'a program' if fact.value == '*' else fact.value}"
    for said in site.deployment.of("command", "entrypoint", "probe", "hook", dockerfile=site.path):
        if said.words or said.kind in ("command", "entrypoint"):
            yield f"{said.source}: the {said.kind} of {said.service} runs in the container"


def _probe(item: Instruction) -> list[str] | None:
    """The words of a probe that calls node in exec form."""
    try:
        words = json.loads(item.arguments.partition(" ")[2])
    except ValueError:
        return None
    return words if isinstance(words, list) and words[:1] and words[0] in _STARTS else None


def _edits(item: Instruction) -> Iterator[Edit]:
    if item.keyword in ("CMD", "HEALTHCHECK"):
        start, end = item.locate(0), item.locate(len(item.arguments) - 1) + 1
        if item.keyword == "CMD" and item.json:
            yield Edit(start, end, json.dumps(item.json[1:]))
        elif words := _probe(item):
            yield Edit(start, end, f"CMD {json.dumps([_NODE, *words[1:]])}")
    elif item.keyword == "ENTRYPOINT":
        yield Edit(item.start, item.end, "")
    elif item.keyword == "USER":
        user = item.words[0]
        yield Edit(user.start, user.end, _NAMED.sub("1000", user.raw))
    for flag in item.flags if item.keyword == "COPY" else ():
        if flag.name == "chown":
            yield Edit(flag.end - len(flag.value), flag.end, _NAMED.sub("1000", flag.value))


DISTROLESS = Asked("distroless", "the final image with Node alone: no shell, no package manager", _make)

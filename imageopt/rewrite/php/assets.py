"""The Node stage of a PHP project: which Node, what it reads, and the folders that alone are copied from it.

The Node is the one that the Dockerfile brings today, whatever other files say; where it brings Debian's own, the image
or the suite tells which that is.
"""

import re
from collections.abc import Iterator

from imageopt.dockerfile.pairs import pairs, refers_to
from imageopt.evidence.model import Evidence
from imageopt.project.files import exists
from imageopt.project.model import Project
from imageopt.rewrite.lifecycle import install_inputs
from imageopt.rewrite.managers import Manager, manifest_names
from imageopt.rewrite.php.base import PhpImage
from imageopt.rewrite.php.stages import Lines
from imageopt.rewrite.php.survey import PhpSurvey, Place
from imageopt.rewrite.render import copy, flags_of, word
from imageopt.rewrite.surveyed import within

_OF_SUITE = {"bullseye": "12", "bookworm": "18", "trixie": "20"}  # packages.debian.org/nodejs
_PUBLIC = re.compile(r"(?:VITE|MIX|NODE|NPM|npm|APP|ASSET|PUBLIC|NUXT|NEXT)_\w+")


def node_image(evidence: Evidence, found: PhpSurvey, image: PhpImage) -> str | None:
    """The official Node image of the version that the Dockerfile brings; None where nothing tells it."""
    if found.node_image:
        return found.node_image
    text = "\n".join(place.instruction.arguments for place in found.places if place.instruction.keyword == "RUN")
    source = re.search(r"(?:setup_|node_)(\d{1,2})\.x", text)
    major = source[1] if source else ""
    packages = evidence.image.packages.system if evidence.image is not None else ()
    installed = next((package.version for package in packages if package.name == "nodejs"), "")
    major = major or (re.match(r"(?:\d+:)?(\d+)", installed) or ("", ""))[1] or _OF_SUITE.get(image.suite, "")
    if not major:
        return None
    compiles = evidence.project is not None and any(need.compiles for need in evidence.project.libc)
    return f"node:{major}" if compiles else f"node:{major}-slim"


def asset_outputs(project: Project) -> tuple[str, ...]:
    """The folders and files that the build writes for browsers, relative to the project; empty where not known."""
    return (project.php.asset_outputs if project.php else ()) or project.build_outputs


def asset_stage(
    project: Project, tool: Manager, found: PhpSurvey, made: Lines, image: str, name: str, vendor: str, *, mounts: bool
) -> dict[str, object]:
    """The values of the template `build-stage`; `vendor` is the COPY that brings Composer's packages, or empty."""
    inputs = install_inputs(project)
    environment = list(_environment(found))
    late = [f"ENV {place.instruction.arguments}" for place in environment if _is_node_env(place)]
    early = [
        f"{place.instruction.keyword} {place.instruction.arguments}" for place in environment if not _is_node_env(place)
    ]
    sources = [_copied(found, place) for place in found.places if _is_source(found, place)]
    folders = dict.fromkeys((*tool.folders, *inputs.paths))
    builds = [line for place, command in made.builds for line in (_run(place, command),)]
    return {
        "image": image,
        "name": name,
        "toolchain": False,
        "before_install": [*early, f"WORKDIR {word(found.folder)}"],
        "above_manifests": "",
        "above_install": "",
        "sources_first": sources if inputs.everything else [],
        "manifests": " ".join(map(word, manifest_names(project, tool))),
        "inputs": [copy([path], f"./{path}") for path in folders],
        "setup": tool.setup,
        "mounts": f"--mount=type=cache,target={word(tool.cache)} " if mounts else "",
        "install": tool.install,
        "install_flags": "",
        "steps": [*late, *([] if inputs.everything else sources), *([vendor] if vendor else []), *builds],
        "prune": "",
    }


def _run(place: Place, command: str) -> str:
    flags = flags_of(place.instruction)
    return f"RUN {flags}{command}"


def _is_source(found: PhpSurvey, place: Place) -> bool:
    return place.copies == "sources" and within(place.target, found.folder)


def _copied(found: PhpSurvey, place: Place) -> str:
    """The COPY into the asset stage: as written, but owned by root."""
    item = place.instruction
    flags = flags_of(item, "chown", "chmod")
    words = item.values
    folder = "/" if words[-1].endswith("/") else ""
    return copy(words[:-1], f"{place.target}{folder}" if place.target != found.folder else "./", *flags.split())


def _environment(found: PhpSurvey) -> Iterator[Place]:
    """ARG and ENV that a bundler looks at, and the ARGs that those refer to."""
    places = [place for place in found.places if place.instruction.keyword in ("ARG", "ENV")]
    wanted = [place for place in places if any(_PUBLIC.fullmatch(pair.name) for pair in pairs(place.instruction))]
    text = " ".join(place.instruction.arguments for place in wanted)
    for place in places:
        refers = refers_to(text, place.instruction)
        if place in wanted or (place.instruction.keyword == "ARG" and refers):
            yield place


def _is_node_env(place: Place) -> bool:
    return any(pair.name == "NODE_ENV" for pair in pairs(place.instruction))


def host_outputs(project: Project, outputs: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the outputs that hold nothing but what the build makes, and so may be kept out of the context."""
    bundles = project.php is not None and project.php.assets in ("vite", "encore")
    return outputs if bundles or not any(exists(project.root, output) for output in outputs) else ()

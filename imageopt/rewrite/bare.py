"""A rewritten Dockerfile on a Node image -> the same on the Linux below it, with Node alone copied in.

A package manager that a later RUN deletes is still in the layers of the base image; only an image that never had it is
smaller. What the Node image brings beside (its user, its libraries, its entry point script) has to be brought again.
"""

import re
from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from imageopt.dockerfile.edit import apply
from imageopt.dockerfile.model import Dockerfile, Edit, Instruction, Stage
from imageopt.dockerfile.parser import parse
from imageopt.image.model import Image
from imageopt.project.deployment import read_deployment
from imageopt.project.model import Project
from imageopt.rewrite.model import Rewrite, Transformed, edited
from imageopt.rewrite.render import Unsafe, assignment, copy, word

NAME = "no-package-managers"
_MANAGERS = ("npm", "npx", "yarn", "yarnpkg", "pnpm", "corepack")
_CALLED = re.compile(rf"(?<![\w./-])({'|'.join(_MANAGERS)})(?![\w./-])")
_SUITES = {"11": "bullseye", "12": "bookworm", "13": "trixie"}
_OWN = ("usr/local/bin/node", "usr/local/bin/docker-entrypoint.sh")
_LIBRARIES = ("usr/lib/libstdc++.so.6", "usr/lib/libgcc_s.so.1")  # Alpine itself has neither
_USERS = {
    "alpine": "addgroup -g 1000 node && adduser -u 1000 -G node -s /bin/sh -D node",
    "debian": "groupadd --gid 1000 node && useradd --uid 1000 --gid node --shell /bin/bash --create-home node",
}
_SHIPPED = ("PATH", "NODE_VERSION", "YARN_VERSION")  # the new base has its own, or nothing to say it of
_STARTS = ("RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK")


class BareBase(Struct, frozen=True):
    """The Linux below a Node image, such as `alpine:3.22`, and what has to be copied from the Node image onto it.

    `environment` is what the Node image sets beside its versions; `saved_bytes` what it holds more than that.
    """

    image: str
    libraries: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    saved_bytes: int


def bare_base(node: Image) -> BareBase | str:
    """What lies below a Node image, or why that is not known."""
    system = {package.name: package.version for package in node.packages.system}
    alpine = re.match(r"(\d+\.\d+)\.", system.get("alpine-release", ""))
    debian = _SUITES.get(system.get("base-files", "").partition(".")[0])
    if alpine is None and debian is None:
        return "which Linux the Node image is made of is not known"
    libraries = _LIBRARIES if alpine else ()
    sizes = {record.path: record.size for record in node.files if record.fate == "live"}
    brought = sum(size for path, size in sizes.items() if path.startswith((*_OWN, *libraries)))
    pairs = (entry.partition("=")[::2] for entry in node.config.env)
    return BareBase(
        f"alpine:{alpine[1]}" if alpine else f"debian:{debian}-slim",
        libraries,
        tuple((name, value) for name, value in pairs if name not in _SHIPPED),
        node.sizes.unpacked_bytes - node.layers[0].unpacked_bytes - brought,
    )


def without_managers(rewrite: Rewrite, dockerfile: str, project: Project, base: BareBase | str) -> Rewrite | str:
    """The rewrite on the bare base, or why a package manager has to stay. `dockerfile` is its path."""
    change = next((change for change in rewrite.changes if change.path == dockerfile), None)
    if change is None or isinstance(base, str):
        return base if isinstance(base, str) else "its Dockerfile stays as it is"
    if any(done.name == "static-site" for done in rewrite.transformed):
        return "there is no package manager in it"
    tree = parse(change.after)
    stage = tree.stages[-1]
    reason = next(_against(stage, project, dockerfile), None)
    if reason is not None:
        return reason
    try:
        text = _edited(tree, stage, base)
    except Unsafe as error:
        return str(error)
    saved = rewrite.predicted_bytes
    done = Transformed(NAME, "verify", f"nothing calls them: {base.image} with Node alone", (), base.saved_bytes)
    made = edited(rewrite, change, text, done)
    return (
        made
        if saved is None
        else replace(made, predicted_bytes=saved + base.saved_bytes, predicted_basis=rewrite.predicted_basis)
    )


def _against(stage: Stage, project: Project, dockerfile: str) -> Iterator[str]:
    """What needs a package manager, or something of the Node image that cannot be brought."""
    if stage.parent is not None or "$" in stage.from_instruction.words[0].raw:
        yield f"line {stage.from_instruction.line}: the image it is built on is not named there"
    entrypoint, command = (_last(stage, keyword) for keyword in ("ENTRYPOINT", "CMD"))
    wrapped = entrypoint is None or entrypoint.json == ("docker-entrypoint.sh",)
    started = command if wrapped else entrypoint
    if started is None or not started.json or started.json[0] not in ("node", "/usr/local/bin/node"):
        yield "it is not started with node alone"
    for item in stage.instructions:
        called = _CALLED.search(" ".join(item.json or (item.arguments,))) if item.keyword in _STARTS else None
        if called:
            yield f"line {item.line}: {item.keyword} calls {called[1]}"
    for fact in project.programs:
        if fact.value == "*" or fact.value.rpartition("/")[2] in _MANAGERS:
            program = "a program that its source does not name" if fact.value == "*" else fact.value
            yield f"{fact.source}: it starts {program}"
    deployment = read_deployment(project.root)
    for said in deployment.of("command", "entrypoint", "probe", "hook", "run", dockerfile=dockerfile):
        called = _CALLED.search(" ".join(said.words) or said.value)
        if called:
            yield f"{said.source} calls {called[1]}"


def _last(stage: Stage, keyword: str) -> Instruction | None:
    return next((item for item in reversed(stage.instructions) if item.keyword == keyword), None)


def _edited(tree: Dockerfile, stage: Stage, base: BareBase) -> str:
    """The text with the other base image, and what is missing from it right below."""
    written = stage.from_instruction.words[0]
    source = f"--from={word(written.raw)}"
    lines = ["# Node alone: nothing here calls a package manager"]
    lines.append(copy([f"/{path}" for path in _OWN], "/usr/local/bin/", source))
    if base.libraries:
        lines.append(copy([f"/{path}" for path in base.libraries], "/usr/lib/", source))
    named = re.compile(r"\bnode:node\b|^\s*USER\s+node\b", re.MULTILINE)
    if named.search(tree.text, stage.from_instruction.end):
        lines.append(f"RUN {_USERS[base.image.partition(':')[0]]}")
    lines += [f"ENV {assignment(name, value)}" for name, value in base.environment]
    if _last(stage, "ENTRYPOINT") is None:
        lines.append('ENTRYPOINT ["docker-entrypoint.sh"]')
    end = "\r\n" if tree.text[: stage.from_instruction.end].endswith("\r\n") else "\n"
    below = "".join(f"{line}{end}" for line in lines)
    place = stage.from_instruction.end
    return apply(tree.text, [Edit(written.start, written.end, base.image), Edit(place, place, below)])

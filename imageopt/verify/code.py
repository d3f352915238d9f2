"""An image in the engine -> the module graph of the program that it starts, its code read out of a container.

The container is made and never started: nothing of the image runs for this.
"""

import io
import shlex
import tarfile
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from imageopt.compare.filesystem import Filesystem
from imageopt.compare.modules import ModuleGraph, Read, module_graph
from imageopt.image.model import Image
from imageopt.project.model import Project
from imageopt.source.unreachable import short
from imageopt.verify.bench import Bench, Version, see_that_it_answers
from imageopt.verify.container import remove_by_name
from imageopt.verify.model import NotDone

if TYPE_CHECKING:
    from docker.models.containers import Container as EngineContainer

_MANAGERS = ("npm", "yarn", "pnpm", "bun")
_CODE = (".js", ".mjs", ".cjs", ".ts", ".mts", ".cts")
_VALUED = (
    "-r",
    "--require",
    "--import",
    "--loader",
    "-C",
    "--conditions",
)  # Node's options that take a word of their own
_MOST_BYTES = 8 << 20


def read_modules(bench: Bench, version: Version) -> ModuleGraph | NotDone:
    """What the program of the version loads, or why that is not known."""
    import requests
    from docker.errors import DockerException

    image = version.evidence.image if version.evidence is not None else None
    if isinstance(version.image, NotDone):
        return version.image
    if image is None or version.evidence is None:
        return NotDone("its image could not be read")
    entry = entry_file(image, version.evidence.project)
    if entry is None:
        return NotDone("what it starts is no file of Node's that could be found")
    name = f"imageopt-{bench.cleanup.run_id}-{version.name}-code"
    bench.cleanup.add(lambda: remove_by_name(bench.client, name))
    with bench.progress.step(f"following the modules of {version.name}"):
        try:
            container = bench.client.containers.create(
                version.image, ["-"], name=name, labels=dict(bench.cleanup.labels), network_mode="none"
            )
            try:
                return module_graph(image, entry, _reader(container))
            finally:
                container.remove(force=True, v=True)
        except (DockerException, requests.exceptions.RequestException) as error:
            see_that_it_answers(bench.client)
            return NotDone(f"the engine broke off: {short(error)}")


def entry_file(image: Image, project: Project | None) -> str | None:
    """The path of the file that Node starts with; None where the image starts something else, or nobody can tell."""
    tree = Filesystem(image)
    folder = image.config.working_dir.strip("/")
    words = [part for word in (*image.config.entrypoint, *image.config.cmd) for part in _split(word)]
    candidates = list(_arguments_of_node(words))
    if not candidates and any(word.rpartition("/")[2] in _MANAGERS for word in words) and project is not None:
        start = project.start.argv if project.start is not None else None
        candidates = list(_arguments_of_node(start or ()))
    if not candidates:  # a distroless image starts Node itself, and its command is the script alone
        candidates = [word for word in words if word.endswith(_CODE)]
    for candidate in candidates:
        path = candidate if candidate.startswith("/") else f"{folder}/{candidate}"
        for end in ("", ".js", ".mjs", ".cjs", "/index.js"):
            found = tree.real(path + end)
            if found in tree.files:
                return found
    return None


def _arguments_of_node(words: Sequence[str]) -> Iterable[str]:
    """The first word behind each `node` that is no option."""
    for index, word in enumerate(words):
        if word.rpartition("/")[2] not in ("node", "nodejs"):
            continue
        skip = False
        for argument in words[index + 1 :]:
            if skip:
                skip = False
            elif argument in _VALUED:
                skip = True
            elif not argument.startswith("-"):
                yield argument
                break


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _reader(container: "EngineContainer") -> Read:
    from docker.errors import APIError

    def read(path: str) -> bytes | None:
        try:
            chunks, _ = container.get_archive(f"/{path}")
        except APIError:
            return None
        data = bytearray()
        for chunk in chunks:
            data += chunk
            if len(data) > _MOST_BYTES:
                return None
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            member = archive.next()
            stream = archive.extractfile(member) if member is not None and member.isfile() else None
            return stream.read() if stream is not None else None

    return read

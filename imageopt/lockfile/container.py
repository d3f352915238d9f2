"""A few files and a command -> what the command said and the one file that it was to make, all in a container.

Nothing of this machine is mounted: the files are sent in as an archive and the result comes back as one, read as a
stranger's would be. The command runs as a user without rights, with bounds on time, memory, processes and log.
"""

import io
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from imageopt.build.cleaning import CleanUp
from imageopt.build.log import BuildLog, plain_line
from imageopt.errors import InputError, ToolFailed, ToolMissing
from imageopt.lockfile.inputs import LOCK_LIMIT

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container

PROJECT = "/imageopt/project"
HOME = "/imageopt/home"
AUTHORITIES = f"{HOME}/authorities.pem"

_USER = 1000  # node's in the official images; a number needs no entry in /etc/passwd
_MEMORY = "2g"
_PROCESSES = 512
_LOG_BYTES = "4m"
_LOG_LINES = 400
_FOLDERS = ("imageopt", PROJECT[1:], HOME[1:], "imageopt/tool")
_TAR_ROOM = 10_000  # the headers and the end of an archive of one file


class Ran(Struct, frozen=True):
    """How it ended. `log` are its last lines, harmless and without the hidden values; `taken` is the file asked for.

    `taken` is None where there is none.
    """

    exit_code: int
    out_of_memory: bool
    log: tuple[str, ...]
    taken: bytes | None


def run(
    client: "docker.DockerClient",
    image: str,
    script: str,
    files: Mapping[str, bytes],
    *,
    environment: Mapping[str, str],
    cleanup: CleanUp,
    name: str,
    take: str,
    hidden: Iterable[str] = (),
    timeout: float,
) -> Ran:
    """Runs the shell script in the project's folder, to which `files` belong; paths in HOME begin with a slash.

    `take` is the path of the file to bring back, `timeout` in seconds. The container is removed by `cleanup`. Raises
    ToolFailed on the timeout and where the engine refuses, InputError for a result that is no plain file.
    """
    import requests
    from docker.errors import APIError

    cleanup.add(lambda: _remove(client, name))
    try:
        made = client.containers.create(image, **container_options(script, environment, name, cleanup.labels))
        made.put_archive("/", archive(files))
        made.start()
        exit_code = _wait(made, timeout)
        made.reload()
        out_of_memory = bool(made.attrs["State"].get("OOMKilled"))
        log = BuildLog(hidden)
        text = bytes(made.logs(tail=_LOG_LINES)).decode("utf-8", "replace")
        lines = tuple(filter(None, (log.shown(line) for line in text.split("\n"))))
        taken = _take(made, f"{PROJECT}/{take}")
    except APIError as error:
        reason = plain_line(str(error.explanation or error))
        raise ToolFailed(f"the engine refused the container: {reason}", "look at the engine's log") from None
    except requests.exceptions.RequestException as error:
        raise ToolMissing(f"the engine broke off: {plain_line(str(error))}", "see that the engine is running") from None
    return Ran(exit_code, out_of_memory, lines, taken)


def container_options(
    script: str, environment: Mapping[str, str], name: str, labels: Mapping[str, str]
) -> dict[str, Any]:
    """How the container is made: no rights, no mounts, bounds on everything."""
    return {
        "name": name,
        "labels": dict(labels),
        "hostname": "imageopt",
        "entrypoint": ["/bin/sh", "-c"],
        "command": [script],
        "user": f"{_USER}:{_USER}",
        "working_dir": PROJECT,
        "environment": {"NODE_ENV": "development", **environment, "HOME": HOME},
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "mem_limit": _MEMORY,
        "memswap_limit": _MEMORY,
        "pids_limit": _PROCESSES,
        "healthcheck": {"test": ["NONE"]},
        "log_config": {"Type": "json-file", "Config": {"max-size": _LOG_BYTES, "max-file": "1"}},
    }


def archive(files: Mapping[str, bytes]) -> bytes:
    """The files as a tar for `/`: relative paths lie in the project's folder, absolute ones where they say."""
    held = {path[1:] if path.startswith("/") else f"{PROJECT[1:]}/{path}": data for path, data in files.items()}
    folders = {*_FOLDERS}
    for path in held:
        parents = [parent.as_posix() for parent in PurePosixPath(path).parents]
        if ".." in PurePosixPath(path).parts or "imageopt" not in parents:
            raise InputError(f"{path} leads out of the project", "name files inside the project")
        folders |= {*parents} - {"."}
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for path in sorted(folders):
            tar.addfile(_member(path, tarfile.DIRTYPE, 0o755))
        for path, data in sorted(held.items()):
            member = _member(path, tarfile.REGTYPE, 0o644)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return stream.getvalue()


def only_file(chunks: Iterable[bytes], name: str) -> bytes:
    """The content of the one plain file of that name in an archive. Raises InputError for anything else."""
    refused = InputError(f"what came back as {name} is no plain file", "look at the image that the project is built on")
    data = bytearray()
    for chunk in chunks:
        data += chunk
        if len(data) > LOCK_LIMIT + _TAR_ROOM:
            raise InputError(f"{name} is longer than {LOCK_LIMIT // 1_000_000} MB", "make the lock file by hand")
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
            members = tar.getmembers()
            if len(members) != 1 or not members[0].isreg() or members[0].name != name:
                raise refused
            stream = tar.extractfile(members[0])
            return stream.read() if stream is not None else b""
    except (tarfile.TarError, ValueError, OSError):
        raise refused from None


def _member(path: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(path)
    member.type, member.mode, member.uid, member.gid = kind, mode, _USER, _USER
    return member


def _wait(container: "Container", timeout: float) -> int:
    """The exit code. The engine is asked for as long as `timeout` says, then the container is killed."""
    import requests

    try:
        return int(container.wait(timeout=timeout)["StatusCode"])
    except requests.exceptions.ReadTimeout:
        pass
    except requests.exceptions.ConnectionError as error:
        if "timed out" not in str(error).lower():  # as the client calls a timeout on a socket
            raise
    raise ToolFailed(
        f"the package manager did not end within {timeout:.0f} s", "see whether its registry can be reached from here"
    )


def _take(container: "Container", path: str) -> bytes | None:
    from docker.errors import NotFound

    try:
        chunks, _ = container.get_archive(path)
    except NotFound:
        return None
    return only_file(chunks, PurePosixPath(path).name)


def _remove(client: "docker.DockerClient", name: str) -> None:
    from docker.errors import NotFound

    try:
        client.containers.get(name).remove(force=True, v=True)
    except NotFound:
        return


def run_words(commands: Sequence[Sequence[str]]) -> str:
    """The shell script of the commands, each one only where those before it went well."""
    import shlex

    return " && ".join(shlex.join(words) for words in commands if words)

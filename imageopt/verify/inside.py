"""What is tried inside a running container: its health checks, its addons, names, and the folders it has to write.

A check counts against the other version only where it passes in this one. What cannot be tried, because the image has
neither Node nor a shell, gives no check at all, and `behaviour.py` says that nobody looked.
"""

import json
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from imageopt.build.log import plain_line
from imageopt.verify.container import SEARCH_DOMAIN, Container, Executed
from imageopt.verify.model import Check

SHORT_NAME = "neighbour"
ALIAS = f"{SHORT_NAME}.{SEARCH_DOMAIN}"
HEALTHCHECK = "HEALTHCHECK"
_HEALTHY_SECONDS = 15.0
_PROBE_SECONDS = 30.0  # an engine's own limit for a health check, unless the image names another
_SCRIPT_SECONDS = 30.0
_CANNOT_RUN = (126, 127)
_NODES = ("node", "/nodejs/bin/node", "/usr/local/bin/node")
_ENGINE_NAME_SERVER = "0B00007F"  # 127.0.0.11, as /proc/net/tcp writes it
_LISTENING = re.compile(r"^\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) \S+ 0A ", re.MULTILINE)
_REASONS = {
    "writes": "it may not write there",
    "keeps": "its user may not change what the other version left in this volume",
    "addon": "the native addon does not load",
    "runs": "another major version of Node.js is there",
    "dns": "a name with a search domain cannot be looked up",
}


class Inspection(Struct, frozen=True):
    """What to try: `probes` by name, folders to write, volumes that are kept from version to version, addons."""

    probes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    folders: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    addons: tuple[str, ...] = ()


def inspect(container: Container, inspection: Inspection) -> tuple[Check, ...]:
    """All checks that could be made, in a fixed order."""
    own = container.health_command()
    probes = ((HEALTHCHECK, own), *inspection.probes) if own else inspection.probes
    return (
        *(_probe(container, name, words) for name, words in probes),
        *(Check(f"listens on {port}", True, "", "it does not listen there", lasting=True)
          for port in listening_ports(container)),
        *_scripted(container, inspection),
    )  # fmt: skip


def listening_ports(container: Container) -> tuple[int, ...]:
    """The TCP ports that something in the container listens on, sorted; none where nobody can look."""
    files = ("/proc/net/tcp", "/proc/net/tcp6")
    seen = container.execute(("cat", *files), seconds=_SCRIPT_SECONDS)
    if seen.exit_code in _CANNOT_RUN:
        read = "for (const file of process.argv.slice(1)) console.log(require('fs').readFileSync(file, 'utf8'))"
        seen = _with_node(container, read, *files) or seen
    found = _LISTENING.findall(seen.output.decode("ascii", "replace"))
    return tuple(sorted({int(port, 16) for address, port in found if address != _ENGINE_NAME_SERVER}))


def _probe(container: Container, name: str, words: tuple[str, ...]) -> Check:
    """The check, made again until it passes or fifteen seconds are over: a program may be ready before it is well."""
    start = time.monotonic()
    while True:
        ran = container.execute(words, seconds=_PROBE_SECONDS)
        gone = ran.exit_code in _CANNOT_RUN
        if ran.exit_code == 0 or gone or time.monotonic() - start > _HEALTHY_SECONDS:
            break
        time.sleep(0.3)
    reason = "the image's own check fails" if name == HEALTHCHECK else "the probe fails"
    if gone:
        reason += " because a program that it starts is gone"
    return Check(name, ran.exit_code == 0, _outcome(ran), reason, lasting=name == HEALTHCHECK)


def _scripted(container: Container, inspection: Inspection) -> Iterator[Check]:
    asked = {
        "folders": inspection.folders,
        "kept": inspection.kept,
        "addons": inspection.addons,
        "name": SHORT_NAME,
    }
    ran = _with_node(container, _script("inside.js"), json.dumps(asked))
    if ran is None:
        words = ("/bin/sh", "-c", _script("inside.sh"), "sh", " ".join(inspection.kept), *inspection.folders)
        ran = container.execute(words, seconds=_SCRIPT_SECONDS)
    for line in ran.output.decode("utf-8", "replace").splitlines():
        name, trouble = _told(line)
        kind = name.partition(" ")[0]
        if kind in _REASONS:
            yield Check(name, not trouble, plain_line(trouble), _REASONS[kind])


def _script(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _told(line: str) -> tuple[str, str]:
    try:
        name, trouble = json.loads(line)
    except (ValueError, TypeError):  # a line of something that Node was told to load first
        return "", ""
    return str(name), str(trouble)


def _with_node(container: Container, script: str, *arguments: str) -> Executed | None:
    """What the script did; None where the image has no Node."""
    for node in _NODES:
        ran = container.execute((node, "-e", script, *arguments), seconds=_SCRIPT_SECONDS)
        if ran.exit_code not in _CANNOT_RUN:
            return ran
    return None


def _outcome(ran: Executed) -> str:
    said: Sequence[str] = ran.output.decode("utf-8", "replace").strip().splitlines()
    code = "it did not end in time" if ran.exit_code is None else f"exit code {ran.exit_code}"
    return f"{code}: {plain_line(said[-1])[:200]}" if said else code

"""What both containers are asked: one port and a list of paths, from the request, the images and the source."""

from collections.abc import Iterable, Iterator

from imageopt.evidence.model import Evidence
from imageopt.verify.request import VerifyRequest
from imageopt.verify.run import RunPlan

_MOST_PATHS = 40
_MOST_LINKS = 40
_USUAL_PATHS = ("/", "/health")


def plan_run(request: VerifyRequest, sides: Iterable[Evidence | None]) -> RunPlan:
    """The plan, the same for both sides; the paths are those given, else those found, sorted, and the usual ones.

    What answers link to is asked as well, unless the paths are given.
    """
    known = [evidence for evidence in sides if evidence is not None]
    port = request.port if request.port is not None else next(_ports(known), None)
    paths = request.paths or (*_USUAL_PATHS, *sorted({path for path in _routes(known) if path.startswith("/")}))
    asked = tuple(dict.fromkeys(paths))[:_MOST_PATHS]
    return RunPlan(port, asked, request.run_timeout, 0 if request.paths else _MOST_LINKS)


def _ports(sides: Iterable[Evidence]) -> Iterator[int]:
    """What the images expose, then what the source listens on."""
    for evidence in sides:
        for exposed in evidence.image.config.exposed_ports if evidence.image is not None else ():
            number, _, protocol = exposed.partition("/")
            if protocol in ("", "tcp") and number.isdecimal():
                yield int(number)
    for evidence in sides:
        for port in evidence.project.ports if evidence.project is not None else ():
            if port.value.isdecimal() and 0 < int(port.value) < 65536:
                yield int(port.value)


def _routes(sides: Iterable[Evidence]) -> Iterator[str]:
    for evidence in sides:
        for route in evidence.project.routes if evidence.project is not None else ():
            yield route.value

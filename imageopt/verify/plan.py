"""What both containers are asked and given, from the request, the images and the source.

The same for both: a request that only one of them gets could not be compared.
"""

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping

from imageopt.config import VerifyConfig
from imageopt.evidence.model import Evidence
from imageopt.project.deployment import read_deployment
from imageopt.project.model import DeploymentFact
from imageopt.project.services import Service, read_services
from imageopt.verify.companions import Companion
from imageopt.verify.container import health_command
from imageopt.verify.exchange import Ask
from imageopt.verify.inside import Inspection
from imageopt.verify.openapi import described_paths
from imageopt.verify.probe import WEBSOCKET
from imageopt.verify.request import VerifyRequest
from imageopt.verify.run import Command, RunPlan
from imageopt.verify.users import deployed_users

_MOST_PATHS = 40
_MOST_LINKS = 40
_MOST_LOADS = 400
_MOST_COMMANDS = 6
_MOST_ADDONS = 40
_USUAL_PATHS = ("/", "/health")
_PREBUILT = re.compile(r"(?:^|/)prebuilds/([a-z0-9]+)-([a-z0-9_+]+)/")
_MACHINES = {"amd64": "x64", "arm64": "arm64"}
_GET = re.compile(r"GET :\S*?(/\S*)$")


def plan_run(request: VerifyRequest, sides: Iterable[Evidence | None]) -> RunPlan:
    """The plan; the paths are those given, else those found, sorted, and the usual ones.

    What answers link to is asked as well; where the paths are given, only files with a hash in their names. What
    these load is asked as well.
    Raises InputError for an OpenAPI file that was named and cannot be read.
    """
    known = [evidence for evidence in sides if evidence is not None]
    settings = request.settings
    services = _services(request)
    own = next(_own_services(services, request.dockerfile), None)
    facts = read_deployment(request.root).facts if request.has_project else ()
    mine = [fact for fact in facts if fact.dockerfile in ("", request.dockerfile)]
    port = request.port if request.port is not None else next(_ports(known), None)
    paths = request.paths or settings.paths
    return RunPlan(
        port=port,
        asks=tuple(_asks(paths or tuple(_found_paths(request, known, mine)), settings)),
        seconds=request.run_timeout,
        links=_MOST_LINKS,
        only_hashed=bool(paths),
        loads=_MOST_LOADS,
        environment={**(own.environment if own is not None else {}), **settings.environment},
        companions=tuple(_companions(settings, services, own)),
        commands=tuple(dict.fromkeys(_commands(settings, services, own, request.dockerfile)))[:_MOST_COMMANDS],
        users=deployed_users(settings.user, mine, services),
        inspection=Inspection(
            probes=tuple(_probes(mine, services, request.dockerfile)),
            folders=tuple(_volumes(settings, known, own)),
            addons=tuple(_addons(known))[:_MOST_ADDONS],
        ),
    )


def kept_volumes(request: VerifyRequest, sides: Iterable[Evidence | None]) -> tuple[str, ...]:
    """Where data lies that outlives a version: volumes of the image, of the compose file and of the configuration."""
    own = next(_own_services(_services(request), request.dockerfile), None)
    return tuple(_volumes(request.settings, [side for side in sides if side is not None], own))


def _services(request: VerifyRequest) -> tuple[Service, ...]:
    return read_services(request.root) if request.has_project else ()


def _asks(paths: tuple[str, ...], settings: VerifyConfig) -> Iterator[Ask]:
    seen = set()
    asks = [
        *(
            Ask(one.path, one.method, tuple(sorted(one.headers.items())), one.body.encode())
            for one in settings.requests
        ),
        *(Ask(path, WEBSOCKET) for path in settings.websockets),
        *map(Ask, tuple(dict.fromkeys(paths))[:_MOST_PATHS]),
    ]
    for ask in asks:
        if ask.what not in seen:
            seen.add(ask.what)
            yield ask


def _found_paths(request: VerifyRequest, sides: list[Evidence], facts: list[DeploymentFact]) -> Iterator[str]:
    yield from _USUAL_PATHS
    for fact in facts:
        if fact.kind == "probe" and (found := _GET.match(fact.value)):
            yield found[1]
    if request.has_project:
        yield from described_paths(request.root, request.settings.openapi)
    yield from sorted({path for path in _routes(sides) if path.startswith("/")})


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


def _own_services(services: tuple[Service, ...], dockerfile: str) -> Iterator[Service]:
    """The services that run the project's image, the one that publishes a port first: the others are its workers."""
    own = [service for service in services if service.dockerfile == dockerfile]
    yield from sorted(own, key=lambda service: not service.publishes)


def _companions(settings: VerifyConfig, services: tuple[Service, ...], own: Service | None) -> Iterator[Companion]:
    """Those of the configuration; else what the service depends on, and what its environment names."""
    for name, one in settings.companions.items():
        yield Companion(name, one.image, one.environment, tuple(shlex.split(one.command)) or None)
    if settings.companions or own is None:
        return
    wanted = {*own.needs, *_named_hosts(own.environment)}
    for service in services:
        if service.name in wanted and service.image and not service.dockerfile:
            health = health_command(service.health)
            yield Companion(service.name, service.image, service.environment, service.command, health)


def _named_hosts(environment: Mapping[str, str]) -> Iterator[str]:
    for value in environment.values():
        yield from re.findall(r"(?:^|//|@)([A-Za-z][\w.-]*)(?=[:/]|$)", value)


def _commands(
    settings: VerifyConfig, services: tuple[Service, ...], own: Service | None, dockerfile: str
) -> Iterator[Command]:
    for text in settings.commands:
        yield Command(tuple(shlex.split(text)), "imageopt.toml", compares=True)
    for service in _own_services(services, dockerfile):
        if service is not own and service.command and service.entrypoint is None:
            yield Command(service.command, service.source)


def _probes(
    facts: list[DeploymentFact], services: tuple[Service, ...], dockerfile: str
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What a compose file or a manifest runs inside to know whether the program is well."""
    for service in _own_services(services, dockerfile):
        if command := health_command(service.health):
            yield f"the healthcheck of {service.name} ({service.source})", command
    composed = {service.source.partition(":")[0] for service in services}
    for fact in facts:
        if fact.kind == "probe" and fact.words and fact.source.partition(":")[0] not in composed:
            yield f"the probe {' '.join(fact.words)} ({fact.source})", fact.words


def _volumes(settings: VerifyConfig, sides: list[Evidence], own: Service | None) -> Iterator[str]:
    found = [*settings.volumes]
    for side in sides:
        found += side.image.config.volumes if side.image is not None else ()
    found += own.volumes if own is not None else ()
    # packages that a volume keeps are those of the old version: that is never meant
    yield from dict.fromkeys(place for place in found if not place.rstrip("/").endswith("node_modules"))


def _addons(sides: list[Evidence]) -> Iterator[str]:
    """The native addons of either image that are for its platform."""
    found: dict[str, None] = {}
    for side in sides:
        if side.image is None:
            continue
        machine = _MACHINES.get(side.image.config.architecture, side.image.config.architecture)
        for path in sorted(side.image.elf):
            prebuilt = _PREBUILT.search(path)
            foreign = prebuilt is not None and (prebuilt[1] != "linux" or machine not in prebuilt[2])
            if path.endswith(".node") and not foreign:
                found[f"/{path.lstrip('/')}"] = None
    yield from found

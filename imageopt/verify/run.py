"""An image -> what its container does: whether it starts, what it answers, writes and logs, how it ends.

Each request is made twice in the same container, more than a second apart, so that what varies by itself is known. A
program without a port is waited for instead, and its output is what it answers; one that stays is known by its health.
"""

import contextlib
import time
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from imageopt.build.cleaning import CleanUp
from imageopt.build.log import plain_line
from imageopt.process import paused
from imageopt.units import format_bytes
from imageopt.verify.companions import Companion, start_companions
from imageopt.verify.container import Container, Setting, create, remove_by_name
from imageopt.verify.exchange import Ask, Exchange
from imageopt.verify.hashed_names import is_hashed
from imageopt.verify.inside import ALIAS, HEALTHCHECK, Inspection, inspect, listening_ports
from imageopt.verify.limits import Limits, Watch
from imageopt.verify.links import follow, linked_paths
from imageopt.verify.log_problems import problems_in
from imageopt.verify.model import Check, RunRecord
from imageopt.verify.network import create_network, remove_network
from imageopt.verify.probe import ask_all, wait_until_ready

if TYPE_CHECKING:
    import docker

OUTPUT = "the program's output"
_LOG_TAIL = 40
_BETWEEN_ROUNDS_SECONDS = 1.1  # a counter of whole seconds must have moved
_COMMAND_SECONDS = 20
# What has no way out cannot ask whether there is a newer npm. It would try for seconds before it ends, and only where
# the base image's npm is not the newest, so that of two versions one would seem to end more slowly.
_ASKS_FOR_NO_UPDATE = {"NPM_CONFIG_UPDATE_NOTIFIER": "false", "NO_UPDATE_NOTIFIER": "1"}


class Command(Struct, frozen=True):
    """A command that the image is started with besides its own; `source` says where it stands.

    `compares`: its output has to be the same. Else it only has to end well, or to go on.
    """

    words: tuple[str, ...]
    source: str
    compares: bool = False


class RunPlan(Struct, frozen=True):
    """What both containers are asked and given. `port` is None for a program without one.

    `links`: how many more paths may be asked that the answers themselves name; with `only_hashed` only files with a
    hash in their names, for without them nobody can tell whether two pages name the same file. `loads`: how many more
    such files, which scripts and styles name in turn. `volumes`: name of a volume that both versions use, one after the
    other -> where it is. `brief`: one round of requests, and no measured end unless it `ends`. `users`: those that a
    deployment names (number, and where); `user`: the one of this run, "" for the image's. `written` is what it is taken
    to have written; None: the engine is asked, which compares every file of the image.
    """

    port: int | None
    asks: tuple[Ask, ...]
    seconds: float
    links: int = 0
    only_hashed: bool = False
    loads: int = 0
    environment: Mapping[str, str] = field(default_factory=dict)
    companions: tuple[Companion, ...] = ()
    commands: tuple[Command, ...] = ()
    inspection: Inspection = field(default_factory=Inspection)
    volumes: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    hardened: bool = False
    brief: bool = False
    ends: bool = False
    users: tuple[tuple[str, str], ...] = ()
    user: str = ""
    written: tuple[str, ...] | None = None


class Observed(Struct, frozen=True):
    """A run with its answers as they came; `merge.py` makes records of several.

    `linked` are the requests that were made because an answer names them: the other version must be asked them too.
    """

    record: RunRecord
    answers: tuple[Exchange, ...] = ()
    linked: tuple[Ask, ...] = ()


def observe(client: "docker.DockerClient", image: str, plan: RunPlan, name: str, cleanup: CleanUp) -> Observed:
    """Runs the image and says what was seen; a container that does not start is a record, not an error."""
    with _place(client, name, plan, cleanup) as (setting, missing):
        with _watched(client, image, setting, cleanup) as (container, watch):
            if plan.port is None:
                seen = _observe_program(container, watch, plan)
            else:
                seen = _observe_server(container, watch, plan, plan.port)
        if not seen.record.started:
            return seen
        checks, outputs = _commands(client, image, plan, setting, cleanup)
        record = replace(seen.record, checks=(*seen.record.checks, *checks), unchecked=missing)
        return replace(seen, record=record, answers=(*seen.answers, *outputs))


@contextlib.contextmanager
def _place(
    client: "docker.DockerClient", name: str, plan: RunPlan, cleanup: CleanUp
) -> Iterator[tuple[Setting, tuple[str, ...]]]:
    """The network with the companions in it, and how a container is set up there; what hangs there goes with it."""
    cleanup.add(lambda: remove_network(client, name))
    network = create_network(client, name, cleanup.labels)
    setting = Setting(
        name=name,
        labels=cleanup.labels,
        network=network,
        port=plan.port,
        aliases=(ALIAS,),
        environment={**_ASKS_FOR_NO_UPDATE, **plan.environment},
        volumes=plan.volumes,
        hardened=plan.hardened,
        user=plan.user,
        limits=plan.limits,
    )
    try:
        with start_companions(client, plan.companions, setting, cleanup) as missing:
            yield setting, missing
    finally:
        remove_network(client, name)


@contextlib.contextmanager
def _watched(
    client: "docker.DockerClient", image: str, setting: Setting, cleanup: CleanUp
) -> Iterator[tuple[Container, Watch]]:
    """A container to be started, under watch."""
    cleanup.add(lambda: remove_by_name(client, setting.name))
    container = create(client, image, setting)
    try:
        with Watch(client, container.id, setting.limits) as watch:
            yield container, watch
    finally:
        container.remove()


def _observe_server(container: Container, watch: Watch, plan: RunPlan, inner: int) -> Observed:
    refusal = container.start()
    # nothing else is at work while a start is timed
    with contextlib.nullcontext() if plan.hardened else paused():
        address = None if refusal else container.address()
        if address is None:
            return Observed(_not_started(container, refusal or _end(container, watch, plan), inner))
        host, port = address
        ready = wait_until_ready(host, port, seconds=plan.seconds, still_runs=container.runs)
    if ready is None:
        reason = _silence(container, plan, inner) if container.runs() else _end(container, watch, plan)
        return Observed(_not_started(container, reason, inner))
    if plan.hardened:
        return Observed(_looked_at(container, plan, ready, ()))
    first = ask_all(host, port, plan.asks, inner_port=inner)
    known = {ask.what for ask in plan.asks}
    wanted = is_hashed if plan.only_hashed else lambda _: True
    paths = linked_paths(first.values(), port=inner, most=plan.links, wanted=wanted)
    linked = tuple(ask for ask in map(Ask, paths) if ask.what not in known)
    first |= ask_all(host, port, linked, inner_port=inner)
    if not plan.brief:
        loaded = follow(first, lambda asks: ask_all(host, port, asks, inner_port=inner), port=inner, most=plan.loads)
        first |= loaded
        linked += tuple(Ask(answer.path) for answer in loaded.values())
    second = first
    if not plan.brief:
        time.sleep(_BETWEEN_ROUNDS_SECONDS)
        again = (ask for ask in (*plan.asks, *linked) if ask.what in first)
        second = _sharing(first, ask_all(host, port, again, inner_port=inner))
    checks = inspect(container, plan.inspection) if container.runs() else ()
    died = "" if container.runs() else f"while it was asked {_end(container, watch, plan)}"
    record = replace(
        _looked_at(container, plan, ready, checks),
        reason=died,
        unanswered=tuple(ask.path for ask in (*plan.asks, *linked) if ask.what not in second),
    )
    answers = (*first.values(), *(second.values() if not plan.brief else ()))
    return Observed(record, answers, linked)


def _sharing(first: Mapping[str, Exchange], second: Mapping[str, Exchange]) -> dict[str, Exchange]:
    """The second answers, holding the first's bytes where they are the same: pictures and scripts of a site add up."""
    return {
        what: replace(answer, body=first[what].body) if answer.body == first[what].body else answer
        for what, answer in second.items()
    }


def _observe_program(container: Container, watch: Watch, plan: RunPlan) -> Observed:
    """Waits until it ends, until it is well, or until the time is up."""
    refusal = container.start()
    if refusal:
        return Observed(_not_started(container, refusal, None))
    start = time.monotonic()
    has_check = bool(container.health_command())
    checks: tuple[Check, ...] = ()
    while container.runs() and time.monotonic() - start < plan.seconds:
        if has_check and not plan.hardened:
            checks = inspect(container, plan.inspection)
            if any(check.name == HEALTHCHECK and check.passed for check in checks):
                break
        time.sleep(0.2)
    code = container.exit_code
    if code is None:
        if not has_check and not plan.hardened:
            checks = inspect(container, plan.inspection)
        return Observed(_looked_at(container, plan, None, checks))
    if code != 0:
        return Observed(_not_started(container, _end(container, watch, plan), None))
    output = Exchange("RUN", OUTPUT, code, "text/plain", "", container.log())
    return Observed(_looked_at(container, plan, None, ()), (output,))


def _commands(
    client: "docker.DockerClient", image: str, plan: RunPlan, setting: Setting, cleanup: CleanUp
) -> tuple[list[Check], list[Exchange]]:
    """Each command in a container of its own; those whose output counts are run in every round."""
    checks, outputs = [], []
    for command in plan.commands if not plan.hardened else ():
        if plan.brief and not command.compares:
            continue
        words = " ".join(command.words)
        own = replace(setting, name=f"{setting.name}-command", command=command.words, port=None, aliases=())
        with _watched(client, image, own, cleanup) as (container, watch):
            refusal = container.start()
            deadline = time.monotonic() + _COMMAND_SECONDS
            while not refusal and container.runs() and time.monotonic() < deadline:
                time.sleep(0.1)
            code = None if refusal else container.exit_code
            if command.compares and code is not None:
                outputs.append(Exchange("RUN", words, code, "text/plain", "", container.log()))
            else:
                trouble = refusal or (_end(container, watch, plan) if code else "")
                said = _lines(container)[-1:] if trouble and not refusal else ()
                detail = ": ".join((trouble, *said)) if trouble else ""
                checks.append(Check(f"command {words}", not trouble, detail, f"it does not run ({command.source})"))
    return checks, outputs


def _end(container: Container, watch: Watch, plan: RunPlan) -> str:
    if watch.reason:
        return watch.reason
    if container.was_killed_for_memory:
        return f"it was ended because it used more than {format_bytes(plan.limits.memory_bytes)} of memory"
    return f"it ended with exit code {container.exit_code}"


def _silence(container: Container, plan: RunPlan, port: int) -> str:
    others = ", ".join(str(other) for other in listening_ports(container) if other != port)
    hint = f"; it listens on {others}" if others else ""
    return f"nothing answered on port {port} within {plan.seconds:.0f} s{hint}"


def _not_started(container: Container, reason: str, port: int | None) -> RunRecord:
    log = _lines(container)
    return RunRecord(
        started=False,
        reason=reason,
        ready_seconds=None,
        user="",
        port=port,
        responses=(),
        unanswered=(),
        log_tail=log[-_LOG_TAIL:],
        log_problems=problems_in(log),
        written_paths=(),
        stop_seconds=None,
        stop_exit_code=container.exit_code,
    )


def _looked_at(container: Container, plan: RunPlan, ready: float | None, checks: tuple[Check, ...]) -> RunRecord:
    """The record of a container that did its work; one that still runs is stopped, unless that is not measured."""
    runs = container.runs()
    user = container.user()
    memory = container.memory_bytes() if runs else None
    written = container.written_paths() if plan.written is None else plan.written
    stops = runs and (plan.ends or not plan.brief) and not plan.hardened
    seconds, code = container.stop() if stops else (None, container.exit_code)
    log = _lines(container)
    return RunRecord(
        started=True,
        reason="",
        ready_seconds=ready,
        user=user,
        port=plan.port,
        responses=(),
        unanswered=(),
        log_tail=log[-_LOG_TAIL:],
        log_problems=problems_in(log),
        written_paths=written,
        stop_seconds=seconds,
        stop_exit_code=code,
        memory_bytes=memory,
        checks=checks,
    )


def written_folders(record: RunRecord) -> tuple[str, ...]:
    """The folders of the files that it wrote, sorted."""
    return tuple(sorted({str(PurePosixPath(path).parent) for path in record.written_paths}))


def _lines(container: Container) -> tuple[str, ...]:
    return tuple(plain_line(line) for line in container.log().decode("utf-8", "replace").splitlines())

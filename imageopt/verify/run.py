"""An image -> what its container does: whether it starts, what it answers, writes and logs, how it ends.

Each request is made twice in the same container, more than a second apart, so that what varies by itself is known. A
program without a port is run twice to its end instead, and its output is what it answers.
"""

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from imageopt.build.cleaning import CleanUp
from imageopt.build.log import plain_line
from imageopt.verify.build_id import MADE_UP, build_identifier
from imageopt.verify.container import Container, create, remove_by_name
from imageopt.verify.links import linked_paths
from imageopt.verify.mask import Exchange, Mask, digest, varying
from imageopt.verify.model import Response, RunRecord
from imageopt.verify.probe import ask_all, wait_until_ready

if TYPE_CHECKING:
    import docker

OUTPUT = "the program's output"
_LOG_TAIL = 40
_BETWEEN_ROUNDS_SECONDS = 1.1  # a counter of whole seconds must have moved
_PROBLEMS = re.compile(
    r"ERR_MODULE_NOT_FOUND|MODULE_NOT_FOUND|ERR_DLOPEN_FAILED|ERR_REQUIRE_ESM|EACCES|ENOENT|EROFS|EPERM|"
    r"GLIBC(?:XX)?_[\d.]+|symbol not found|Error relocating|cannot open shared object file|"
    r"UnhandledPromiseRejection|Segmentation fault"
)


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What both containers are asked: the same port and the same paths. `port` is None for a program without one.

    `links`: how many more paths may be asked that the answers themselves name.
    """

    port: int | None
    paths: tuple[str, ...]
    seconds: float
    links: int = 0


@dataclass(frozen=True, slots=True)
class Observed:
    """A run with its answers as they came, in pairs; `finish` turns two of these into records.

    `linked` are the paths that were asked because an answer names them: the other version must be asked them too.
    """

    record: RunRecord
    pairs: tuple[tuple[Exchange, Exchange], ...] = ()
    linked: tuple[str, ...] = ()


def observe(client: "docker.DockerClient", image: str, plan: RunPlan, name: str, cleanup: CleanUp) -> Observed:
    """Runs the image and says what was seen; a container that does not start is a record, not an error."""
    if plan.port is None:
        return _observe_program(client, image, plan, name, cleanup)
    container = _created(client, image, name, cleanup, plan.port)
    try:
        return _observe_server(container, plan, plan.port)
    finally:
        container.remove()  # what hangs here would slow down the other version


def finish(before: Observed, after: Observed) -> tuple[RunRecord, RunRecord]:
    """Both records with their responses, masked alike: by what varies on either side, and what each build made up."""
    masks: dict[str, Mask] = {}
    for first, second in (*before.pairs, *after.pairs):
        masks[first.path] = masks.get(first.path, Mask()) | varying(first, second)
    made_up = build_identifier((pair[0] for pair in before.pairs), (pair[0] for pair in after.pairs)) or (b"", b"")
    return _with_responses(before, masks, made_up[0]), _with_responses(after, masks, made_up[1])


def problems_in(log: Iterable[str]) -> tuple[str, ...]:
    """The kinds of trouble the lines speak of, sorted, each once."""
    return tuple(sorted({found for line in log for found in _PROBLEMS.findall(line)}))


def _observe_server(container: Container, plan: RunPlan, inner: int) -> Observed:
    if reason := container.start():
        return Observed(_not_started(container, reason, inner))
    if not container.runs():
        return Observed(_not_started(container, _end(container), inner))
    host, port = container.address()
    ready = wait_until_ready(host, port, seconds=plan.seconds, still_runs=container.runs)
    if ready is None:
        silence = f"nothing answered on port {inner} within {plan.seconds:.0f} s"
        return Observed(_not_started(container, silence if container.runs() else _end(container), inner))
    first = ask_all(host, port, plan.paths, inner_port=inner)
    linked = tuple(path for path in linked_paths(first.values(), port=inner, most=plan.links) if path not in plan.paths)
    first |= ask_all(host, port, linked, inner_port=inner)
    asked = (*plan.paths, *linked)
    time.sleep(_BETWEEN_ROUNDS_SECONDS)
    second = ask_all(host, port, first, inner_port=inner)
    died = "" if container.runs() else f"while it was asked {_end(container)}"
    pairs = tuple((first[path], second[path]) for path in asked if path in first and path in second)
    answered = {pair[0].path for pair in pairs}
    unanswered = tuple(path for path in asked if path not in answered)
    return Observed(replace(_stopped(container, inner, ready), reason=died, unanswered=unanswered), pairs, linked)


def _observe_program(client: "docker.DockerClient", image: str, plan: RunPlan, name: str, cleanup: CleanUp) -> Observed:
    runs = []
    for number in (1, 2):
        container = _created(client, image, f"{name}-{number}", cleanup, None)
        try:
            if reason := container.start():
                return Observed(_not_started(container, reason, None))
            deadline = time.monotonic() + plan.seconds
            while container.runs() and time.monotonic() < deadline:
                time.sleep(0.2)
            code = container.exit_code
            if code is None:  # it means to stay: there is nothing to ask it
                return Observed(_stopped(container, None, None))
            if code != 0:
                return Observed(_not_started(container, _end(container), None))
            runs.append(Exchange("RUN", OUTPUT, code, "text/plain", "", container.log()))
            record = _stopped(container, None, None)
        finally:
            container.remove()
    return Observed(record, ((runs[0], runs[1]),))


def _created(client: "docker.DockerClient", image: str, name: str, cleanup: CleanUp, port: int | None) -> Container:
    cleanup.add(lambda: remove_by_name(client, name))
    return create(client, image, name=name, labels=cleanup.labels, port=port)


def _end(container: Container) -> str:
    if container.was_killed_for_memory:
        return "it was ended because it used more than 2 GB of memory"
    return f"it ended with exit code {container.exit_code}"


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


def _stopped(container: Container, port: int | None, ready: float | None) -> RunRecord:
    """The record of a container that did its work; one that still runs is looked at and then stopped."""
    user = container.user()
    health = container.check_health() if container.runs() else None
    written = container.written_paths()
    seconds, code = container.stop() if container.runs() else (None, container.exit_code)
    log = _lines(container)
    return RunRecord(
        started=True,
        reason="",
        ready_seconds=ready,
        user=user,
        port=port,
        responses=(),
        unanswered=(),
        log_tail=log[-_LOG_TAIL:],
        log_problems=problems_in(log),
        written_paths=written,
        stop_seconds=seconds,
        stop_exit_code=code,
        health_exit_code=health,
    )


def _with_responses(observed: Observed, masks: Mapping[str, Mask], made_up: bytes) -> RunRecord:
    """`made_up` is the build's own identifier, empty for none."""
    responses = []
    for first, _ in observed.pairs:
        holds = made_up != b"" and made_up in first.body
        seen = replace(first, body=first.body.replace(made_up, b"~")) if holds else first
        responses.append(
            Response(
                method=first.method,
                path=first.path,
                status=first.status,
                content_type=first.content_type,
                body_bytes=len(first.body),
                body_digest=digest(seen, masks[first.path]),
                masked=(*masks[first.path].names, *((MADE_UP,) if holds else ())),
            )
        )
    return replace(observed.record, responses=tuple(responses))


def _lines(container: Container) -> tuple[str, ...]:
    return tuple(plain_line(line) for line in container.log().decode("utf-8", "replace").splitlines())

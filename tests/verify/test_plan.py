"""Which port and which paths both containers are asked for."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from imagebuilder import file
from imageof import image_of

from imageopt.evidence.model import BaseImage, Evidence
from imageopt.project.model import Fact
from imageopt.project.read import read_project
from imageopt.verify.plan import plan_run
from imageopt.verify.request import VerifyRequest
from imageopt.verify.run import RunPlan


def evidence(
    tmp_path: Path, *, exposed: Sequence[str] = (), ports: Sequence[str] = (), routes: Sequence[str] = ()
) -> Evidence:
    image = image_of([file("a", b"a")])
    project = replace(
        read_project(tmp_path),
        ports=tuple(Fact(port, "server.js:1") for port in ports),
        routes=tuple(Fact(route, "server.js:2") for route in routes),
    )
    return Evidence(
        image=replace(image, config=replace(image.config, exposed_ports=tuple(exposed))),
        dockerfile=None,
        dockerfile_path="Dockerfile",
        project=project,
        base=BaseImage(None, "unknown", None),
        origins=(),
        classes=(),
        composition=(),
    )


@pytest.mark.parametrize(
    ("given", "exposed", "ports", "port"),
    [
        (5000, ["3000/tcp"], ["4000"], 5000),
        (None, ["53/udp", "3000/tcp"], ["4000"], 3000),
        (None, ["8080"], [], 8080),
        (None, [], ["PORT", "70000", "4000"], 4000),
        (None, ["53/udp"], [], None),
    ],
)
def test_a_port_is_given_exposed_or_listened_on(
    tmp_path: Path, given: int | None, exposed: list[str], ports: list[str], port: int | None
) -> None:
    request = VerifyRequest(tmp_path, "Dockerfile", b"", port=given)
    assert plan_run(request, [evidence(tmp_path, exposed=exposed, ports=ports), None]).port == port


def test_paths_are_the_usual_ones_and_those_of_the_source_unless_given(tmp_path: Path) -> None:
    side = evidence(tmp_path, routes=["/b", "/a", "/health", "relative"])
    request = VerifyRequest(tmp_path, "Dockerfile", b"", run_timeout=7)
    assert plan_run(request, [side, side]) == RunPlan(None, ("/", "/health", "/a", "/b"), 7, 40)
    assert plan_run(replace(request, paths=("/only",)), [side, side]).paths == ("/only",)


def test_without_any_evidence_the_usual_paths_remain(tmp_path: Path) -> None:
    assert plan_run(VerifyRequest(tmp_path, "Dockerfile", b""), [None, None]).paths == ("/", "/health")


def test_not_more_than_forty_paths_are_asked(tmp_path: Path) -> None:
    side = evidence(tmp_path, routes=[f"/{number}" for number in range(99)])
    assert len(plan_run(VerifyRequest(tmp_path, "Dockerfile", b""), [side]).paths) == 40

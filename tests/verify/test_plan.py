"""Which port and which paths both containers are asked for."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from imagebuilder import file
from imageof import image_of
from msgspec.structs import replace

from imageopt.config import CompanionConfig, RequestConfig, VerifyConfig
from imageopt.evidence.model import BaseImage, Evidence
from imageopt.image.elf import ElfFacts
from imageopt.project.model import Fact
from imageopt.project.read import read_project
from imageopt.verify.companions import Companion
from imageopt.verify.exchange import Ask
from imageopt.verify.plan import kept_volumes, plan_run
from imageopt.verify.request import VerifyRequest
from imageopt.verify.run import Command, RunPlan


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


def asked(request: VerifyRequest, *sides: Evidence | None) -> tuple[str, ...]:
    return tuple(ask.what for ask in plan_run(request, sides).asks)


def test_paths_are_the_usual_ones_and_those_of_the_source_unless_given(tmp_path: Path) -> None:
    side = evidence(tmp_path, routes=["/b", "/a", "/health", "relative"])
    request = VerifyRequest(tmp_path, "Dockerfile", b"", run_timeout=7)
    asks = tuple(Ask(path) for path in ("/", "/health", "/a", "/b"))
    assert plan_run(request, [side, side]) == RunPlan(None, asks, 7, 40, loads=400)
    assert asked(replace(request, paths=("/only",)), side) == ("GET /only",)
    assert asked(replace(request, settings=VerifyConfig(paths=("/only",))), side) == ("GET /only",)


def test_without_any_evidence_the_usual_paths_remain(tmp_path: Path) -> None:
    assert asked(VerifyRequest(tmp_path, "Dockerfile", b""), None, None) == ("GET /", "GET /health")


def test_not_more_than_forty_paths_are_asked(tmp_path: Path) -> None:
    side = evidence(tmp_path, routes=[f"/{number}" for number in range(99)])
    assert len(asked(VerifyRequest(tmp_path, "Dockerfile", b""), side)) == 40


def test_what_is_configured_comes_first_and_nothing_but_it_is_posted(tmp_path: Path) -> None:
    (tmp_path / "openapi.yaml").write_text("paths: {/users: {get: {}, post: {}}, '/users/{id}': {get: {}}}")
    settings = VerifyConfig(
        requests=(RequestConfig("/login", "POST", {"X-A": "1"}, "{}"),),
        websockets=("/ws",),
        commands=("node 'a b.js'",),
    )
    request = VerifyRequest(tmp_path, "Dockerfile", b"", settings=settings)
    assert asked(request) == ("POST /login", "WS /ws", "GET /", "GET /health", "GET /users")
    plan = plan_run(request, [])
    assert plan.asks[0] == Ask("/login", "POST", (("X-A", "1"),), b"{}")
    assert plan.commands == (Command(("node", "a b.js"), "imageopt.toml", compares=True),)


COMPOSE = """\
services:
  web:
    build: .
    ports: ["3000:3000"]
    environment: {DATABASE_URL: "postgres://u:p@db:5432/x", MODE: "${MODE:-on}"}
    depends_on: [cache]
    volumes: ["uploads:/app/uploads", "./src:/app/src", "/app/node_modules", "mods:/app/node_modules"]
    healthcheck: {test: ["CMD", "curl", "-f", "http://localhost:3000/"]}
  worker: {build: ., command: node worker.js}
  db: {image: "postgres:16", environment: [POSTGRES_PASSWORD=p]}
  cache: {image: "redis:7", healthcheck: {test: redis-cli ping}}
  mail: {image: mailhog}
"""


def test_a_compose_file_says_what_the_program_is_given_and_what_runs_beside_it(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    request = VerifyRequest(tmp_path, "Dockerfile", b"")
    plan = plan_run(request, [])
    assert plan.environment == {"DATABASE_URL": "postgres://u:p@db:5432/x", "MODE": "on"}
    assert plan.companions == (
        Companion("db", "postgres:16", {"POSTGRES_PASSWORD": "p"}),
        Companion("cache", "redis:7", {}, None, ("/bin/sh", "-c", "redis-cli ping")),
    )
    assert plan.commands == (Command(("node", "worker.js"), "compose.yaml:9"),)
    assert plan.inspection.probes == (
        ("the healthcheck of web (compose.yaml:3)", ("curl", "-f", "http://localhost:3000/")),
    )
    assert kept_volumes(request, []) == ("/app/uploads",)
    settings = VerifyConfig(environment={"MODE": "off"}, companions={"db": CompanionConfig("alpine", "sleep 9")})
    configured = plan_run(replace(request, settings=settings), [])
    assert configured.environment["MODE"] == "off"
    assert configured.companions == (Companion("db", "alpine", {}, ("sleep", "9")),)


MANIFEST = """\
kind: Deployment
spec:
  containers:
    - name: web
      image: app
      livenessProbe: {exec: {command: ["node", "alive.js"]}}
      readinessProbe: {httpGet: {port: 3000, path: /ready}}
"""


def test_probes_of_a_manifest_are_run_inside_or_asked_from_outside(tmp_path: Path) -> None:
    (tmp_path / "deploy.yaml").write_text("apiVersion: apps/v1\n" + MANIFEST)
    request = VerifyRequest(tmp_path, "Dockerfile", b"")
    assert plan_run(request, []).inspection.probes == (
        ("the probe node alive.js (deploy.yaml:7)", ("node", "alive.js")),
    )
    assert asked(request) == ("GET /", "GET /health", "GET /ready")


def test_native_addons_of_the_platform_are_loaded_and_volumes_written(tmp_path: Path) -> None:
    side = evidence(tmp_path)
    assert side.image is not None
    names = ("a/prebuilds/linux-x64/a.node", "a/prebuilds/darwin-x64/a.node", "b/build/Release/b.node", "usr/lib/c.so")
    elf = dict.fromkeys(names, ElfFacts("x86_64", "", (), "", static=False))
    config = replace(side.image.config, volumes=("/data",))
    side = replace(side, image=replace(side.image, elf=elf, config=config))
    seen = plan_run(VerifyRequest(tmp_path, "Dockerfile", b""), [side]).inspection
    assert seen.addons == ("/a/prebuilds/linux-x64/a.node", "/b/build/Release/b.node")
    assert seen.folders == ("/data",)


@pytest.mark.parametrize(("paths", "only_hashed"), [((), False), (("/",), True)])
def test_where_the_paths_are_given_pages_are_followed_to_hashed_files_alone(
    paths: tuple[str, ...], only_hashed: bool, tmp_path: Path
) -> None:
    plan = plan_run(VerifyRequest(tmp_path, "Dockerfile", b"", paths=paths), [])
    assert (plan.links > 0, plan.only_hashed) == (True, only_hashed)

"""What a compose file says of running one of its services by itself."""

from pathlib import Path

from imageopt.project.services import Service, read_services

COMPOSE = """\
services:
  web:
    build: {context: ., dockerfile: docker/Dockerfile}
    env_file: [web.env, ../outside.env]
    environment: ["MODE=${MODE:-fast}", "TOKEN=$TOKEN", "PRICE=5$$", "FROM_HOST"]
    command: node "a b.js"
    depends_on: {db: {condition: service_healthy}}
    volumes: [data:/data:ro, ./src:/src, {type: volume, source: more, target: /more}, {type: bind, source: x, target: /y}]
    ports: ["80:3000"]
  db:
    image: postgres:${VERSION:-16}
    healthcheck: {test: pg_isready}
    command: ["postgres", "-c", "fsync=off"]
  odd: {image: x, command: 'echo "'}
"""


def test_services_with_what_they_need_to_run(tmp_path: Path) -> None:
    (tmp_path / "docker-compose.yml").write_text(COMPOSE)
    (tmp_path / "web.env").write_text("# comment\nexport LEVEL='info'\nMODE=slow\nnothing\n")
    (tmp_path / ".env").write_text("TOKEN=t\n")
    web, db, odd = read_services(tmp_path)
    assert web == Service(
        name="web",
        source="docker-compose.yml:3",
        image="",
        dockerfile="docker/Dockerfile",
        environment={"LEVEL": "info", "MODE": "fast", "TOKEN": "t", "PRICE": "5$"},
        command=("node", "a b.js"),
        entrypoint=None,
        health=(),
        needs=("db",),
        volumes=("/data", "/more"),
        publishes=True,
    )
    assert (db.image, db.dockerfile, db.health) == ("postgres:16", "", ("CMD-SHELL", "pg_isready"))
    assert (db.command, db.publishes) == (("postgres", "-c", "fsync=off"), False)
    assert odd.command is None


def test_no_services_without_a_file_or_in_one_that_cannot_be_read(tmp_path: Path) -> None:
    assert read_services(tmp_path) == ()
    (tmp_path / "compose.yaml").write_text("services: [")
    assert read_services(tmp_path) == ()
    (tmp_path / "compose.yaml").write_text("")
    assert read_services(tmp_path) == ()

"""Which image a compose file builds from a Dockerfile, and what it is called."""

from pathlib import Path

import pytest

from imageopt.project.composed import composed_images

WEB = "services:\n  db:\n    image: postgres:16\n  web:\n    build: .\n    image: team/web:1\n"


def names(root: Path, dockerfile: str = "Dockerfile") -> list[tuple[str, str]]:
    return [(one.name, one.source) for one in composed_images(root, dockerfile)]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "Shop.1"
    folder.mkdir()
    return folder


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (WEB, ["team/web:1"]),
        (WEB.replace("    image: team/web:1\n", ""), ["shop1-web", "shop1_web"]),
        (WEB.replace("build: .", "build: {context: ., dockerfile: ./Dockerfile}"), ["team/web:1"]),
        (WEB.replace("build: .", "build: {context: ., dockerfile: Dockerfile.dev}"), []),
        (WEB.replace("build: .", "build: ./other"), []),
        (WEB.replace("web:1", "web:${TAG:-2}"), ["team/web:2"]),
        (WEB.replace("web:1", "web:${TAG}"), []),
        (WEB.replace("team/web:1", "../../containers"), []),
        (WEB.replace("team/web:1", "'a b'"), []),
        ("services: [", []),
    ],
)
def test_the_service_that_builds_the_dockerfile_names_its_image(shop: Path, text: str, found: list[str]) -> None:
    (shop / "compose.yaml").write_text(text)
    assert [name for name, _ in names(shop)] == found


def test_a_variable_is_what_the_env_file_says(shop: Path) -> None:
    (shop / "compose.yaml").write_text(WEB.replace("web:1", "web:${TAG:-2}"))
    (shop / ".env").write_text("TAG=3\n")
    assert names(shop) == [("team/web:3", "compose.yaml:5")]


def test_the_repository_s_own_file_counts_for_the_folders_in_it(shop: Path) -> None:
    service = shop / "services" / "web"
    service.mkdir(parents=True)
    (shop / "docker-compose.yml").write_text(WEB.replace("build: .", "build: services/web"))
    assert names(service) == []
    (shop / ".git").mkdir()
    assert names(service) == [("team/web:1", "../../docker-compose.yml:5")]
    assert names(shop, "services/web/Dockerfile") == [("team/web:1", "docker-compose.yml:5")]

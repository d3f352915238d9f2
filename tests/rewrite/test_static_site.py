"""Which servers of static files nginx can stand in for, and on which port; the others are left as they are."""

import subprocess
from pathlib import Path

import pytest
from rewrite.node_shapes import FAT, evidence, package, write

from imageopt.dockerfile import parse
from imageopt.rewrite.propose import propose

DOCKERFILE = "FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci\nRUN npm run build\n{0}\n"


def proposed(root: Path, start: str, files: dict[str, str] | None = None) -> tuple[str, dict[str, str]]:
    """The rewritten Dockerfile, and the reasons for what was not done."""
    project = package(prod={"serve": "14.2.4"}, dev={"vite": "5.4.19"}, scripts={"build": "vite build"})
    write(root, {**project, **(files or {}), "index.html": "x", "Dockerfile": DOCKERFILE.format(start)})
    rewrite = propose(evidence(root), FAT)
    assert rewrite.outcome == "proposed"
    return rewrite.changes[0].after.decode(), {refusal.name: refusal.reason for refusal in rewrite.refusals}


@pytest.mark.parametrize(
    ("start", "port", "fallback"),
    [
        ("CMD npx serve -s dist", 3000, "/index.html"),
        ("CMD serve --single -l tcp://0.0.0.0:8080 dist", 8080, "/index.html"),
        ('CMD ["npx", "serve", "-s", "-p", "5000", "./dist/"]', 5000, "/index.html"),
        ("CMD npx http-server dist -p 8090", 8090, "=404"),
        ("CMD npx --yes http-server ./dist", 8080, "=404"),
        ("CMD npx vite preview --host 0.0.0.0 --port 4000", 4000, "/index.html"),
        ("CMD npx vite preview", 4173, "/index.html"),
    ],
)
def test_a_server_that_nginx_stands_in_for(tmp_path: Path, start: str, port: int, fallback: str) -> None:
    text, _ = proposed(tmp_path, start)
    assert f"listen {port};" in text
    assert f"try_files $uri $uri/ {fallback};" in text
    assert text.rstrip().endswith("USER nginx")
    assert "COPY --from=build /app/dist /usr/share/nginx/html" in text


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        ("CMD npx serve -s dist -l 80", "it listens on port 80, which outside of Docker only root may"),
        ("CMD npx serve -s public", "serve serves public, which no build of the Dockerfile makes"),
        ('ENTRYPOINT ["sh"]\nCMD ["serve", "-s", "dist"]', "the ENTRYPOINT decides what is started"),
        (
            "HEALTHCHECK CMD node probe.js\nCMD serve -s dist",
            "the HEALTHCHECK needs what the web server's image does not hold",
        ),
        ("CMD npx serve dist", None),  # it lists folders and makes addresses of its own
        ("CMD npx serve -s dist -l $PORT", None),
        ("CMD npx serve -s dist && echo done", None),
    ],
)
def test_a_server_that_stays(tmp_path: Path, start: str, reason: str | None) -> None:
    text, refusals = proposed(tmp_path, start)
    assert "nginx" not in text
    assert refusals.get("static-site") == reason


def test_rules_of_the_servers_own_are_kept(tmp_path: Path) -> None:
    text, refusals = proposed(tmp_path, "CMD serve -s dist", {"serve.json": "{}"})
    assert "nginx" not in text
    assert refusals["static-site"] == "serve.json gives serve rules of its own"


def test_the_configuration_is_the_same_for_a_builder_without_heredocs(tmp_path: Path) -> None:
    start = "CMD npx vite preview"
    heredoc, _ = proposed(tmp_path / "new", start)
    kaniko = "publish:\n  script:\n    - /kaniko/executor --context . --destination a\n"
    printed, _ = proposed(tmp_path / "old", start, {".gitlab-ci.yml": kaniko})
    stage = parse(heredoc.encode()).stages[-1]
    wanted = next(item for item in stage.instructions if item.heredocs).heredocs[0].content
    command = next(item for item in parse(printed.encode()).stages[-1].instructions if item.keyword == "RUN").arguments
    shown = subprocess.run(
        ["sh", "-c", command.replace("> /etc/nginx/nginx.conf", "")],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    assert shown.stdout == wanted

"""No secret value reaches an output: of any command, in any format, in words of progress or of errors.

Every value is a canary with one letter pattern, put where such values are found: build arguments in the history, ENV,
.npmrc, headers, addresses, scripts, the lock file. Each output is then searched for the pattern.
"""

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from imagebuilder import docker_archive, file, layer

from imageopt.cli.edge import run

pytestmark = pytest.mark.slow  # every command in every format

CANARY = re.compile(r"canary\d+z", re.IGNORECASE)
_numbers = itertools.count(100)


def canary() -> str:
    return f"Canary{next(_numbers)}z"


def filled(command: str) -> str:
    """The command with its own secret; Amazon's keys have sixteen capital letters and digits."""
    return command.format(f"{canary()}234567".upper() if "AKIA" in command else canary())


# what stands in a Dockerfile, in the history of an image, or in a script; {} is the secret
COMMANDS = [
    "ENV NPM_TOKEN={}",
    "ENV NPM_TOKEN {}",
    'ENV A=1 DB_PASSWORD="{} with words"',
    "ENV DB_PASSWORD=a\\ {}",
    "ENV DATABASE_URL=postgres://app:{}@db.internal:5432/app",
    "ENV REDIS=redis://:{}@cache",
    "RUN aws configure set aws_access_key_id AKIA{}",
    "ENV AWS_SECRET_ACCESS_KEY={}",
    "ENV SESSION_PRIVATE_KEY={}",
    "ARG GITHUB_TOKEN={}",
    "LABEL api_key={}",
    "RUN npm config set //registry.npmjs.org/:_authToken={}",
    "RUN npm config set //registry.npmjs.org/:_authToken {}",
    "RUN npm set registry.example.com/:_password '{}'",
    'RUN echo "//npm.pkg.github.com/:_authToken={}" > .npmrc',
    "RUN git clone https://{}@github.com/a/b.git",
    "RUN git clone https://user:{}@github.com/a/b.git && npm install",
    'RUN curl -H "Authorization: Bearer {}" https://example.com',
    "RUN curl -H 'Authorization: Basic {}==' https://example.com",
    "RUN curl --header 'PRIVATE-TOKEN: {}' https://example.com",
    "RUN curl -H 'X-Api-Key: {}' https://example.com",
    "RUN curl -u someone:{} https://example.com",
    "RUN curl --user someone:{} https://example.com",
    "RUN wget --password={} https://example.com",
    "RUN docker login -u someone -p {} registry.example.com",
    "RUN echo {} | docker login --password-stdin",
    "RUN export GH=ghp_{}abcdefghijklmnopqrstuvwxyz0123",
    "RUN echo glpat-{}abcdefghijklm",
    "RUN deploy --token {}",
    "RUN deploy --api-key={}",
    """RUN echo '{{"auth": "{}"}}' > config.json""",
    """RUN echo '{{"token":"{}","a":1}}' > config.json""",
    'CMD ["node", "server.js", "--secret={}"]',
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    lines = [filled(command) for command in COMMANDS]
    (folder / "Dockerfile").write_text(
        "\n".join(["FROM node:20", "WORKDIR /app", "COPY . .", *lines, "RUN npm ci"]) + "\n"
    )
    (folder / "package.json").write_text(json.dumps({
        "name": "p",
        "version": "1.0.0",
        "scripts": {
            "start": f"API_TOKEN={canary()} node server.js",
            "build": f"curl -H 'Authorization: Bearer {canary()}' x",
            "postinstall": f"npm config set //r/:_authToken={canary()}",
        },
        "dependencies": {"a": f"git+https://x:{canary()}@example.com/a.git"},
    }))  # fmt: skip
    (folder / "package-lock.json").write_text(json.dumps({
        "name": "p",
        "lockfileVersion": 3,
        "packages": {
            "": {"name": "p", "dependencies": {"a": f"git+https://x:{canary()}@example.com/a.git"}},
            "node_modules/a": {"version": "1.0.0", "resolved": f"https://x:{canary()}@example.com/a.tgz"},
        },
    }))  # fmt: skip
    (folder / "server.js").write_text(
        f"const token = process.env.API_TOKEN ?? '{canary()}'\nfetch('https://a:{canary()}@x')\n"
    )
    (folder / ".env").write_text(f"SECRET={canary()}\n")
    (folder / ".npmrc").write_text(f"//registry.npmjs.org/:_authToken={canary()}\n")
    (folder / ".dockerignore").write_text("node_modules\n# secrets: of us\n")
    return folder


@pytest.fixture
def image(tmp_path: Path) -> Path:
    created_by = [
        *(f"/bin/sh -c #(nop)  {text}" if not text.startswith("RUN") else text for text in COMMANDS),
        "RUN |2 NPM_TOKEN={} NODE_ENV=production /bin/sh -c npm ci # buildkit",
    ]
    layers = [layer(file(f"app/f{number}", b"x" * 20_000)) for number in range(len(created_by))]
    layers.append(layer(
        file("root/.npmrc", f"//registry.npmjs.org/:_authToken={canary()}\n".encode()),
        file("root/.aws/credentials", f"[default]\naws_secret_access_key={canary()}\n".encode()),
        file("root/.docker/config.json", f'{{"auths": {{"x": {{"auth": "{canary()}"}}}}}}'.encode()),
        file("app/.env", f"TOKEN={canary()}\n".encode()),
        file("app/id_rsa", f"-----BEGIN OPENSSH PRIVATE KEY-----\n{canary()}\n".encode()),
        file("app/node_modules/a/package.json",
             f'{{"name": "a", "version": "1.0.0", "_resolved": "https://x:{canary()}@y/a.tgz"}}'.encode()),
    ))  # fmt: skip
    settings = {
        "Env": [f"NPM_TOKEN={canary()}", f"PLAIN=postgres://u:{canary()}@h/db", "NODE_VERSION=20.1.0"],
        "Labels": {"token": canary(), "url": f"https://u:{canary()}@h"},
        "Cmd": ["node", "server.js", f"--token={canary()}"],
        "Entrypoint": ["sh", "-c", f"API_TOKEN={canary()} exec node server.js"],
        "Healthcheck": {"Test": ["CMD-SHELL", f"curl -H 'Authorization: Bearer {canary()}' localhost"]},
    }
    texts = [filled(text) for text in (*created_by, "COPY secrets /")]
    return docker_archive(tmp_path / "app.tar", layers, created_by=texts, settings=settings)


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NPM_TOKEN", canary())
    monkeypatch.setenv("COLUMNS", "200")


FORMATS = ("terminal", "json", "markdown", "html")
OF_FINDINGS = ("sarif", "codequality", "github")
LINES = [
    *(["analyze", "{image}", "--verbose", "--format", name] for name in FORMATS),
    *(["analyze", "{image}", "--file", "{project}/Dockerfile", "--format", name] for name in FORMATS),
    *(["analyze", "{project}", "--format", name] for name in FORMATS),
    *(["rewrite", "{project}", "--format", name] for name in FORMATS),
    ["rewrite", "{project}", "--commit-message"],
    ["rewrite", "{project}", "--patch", "-"],
    *(["compare", "{image}", "{other}", "--format", name] for name in FORMATS),
    *(["gate", "{image}", "--max-unpacked", "1", "--format", name] for name in FORMATS),
    *(["analyze", "{image}", "--format", name] for name in OF_FINDINGS),
    *(["lint", "{project}/Dockerfile", "--format", name] for name in ("terminal", "json", *OF_FINDINGS)),
    ["verify", "{project}", "--build-arg", "NPM_TOKEN=Canary99z"],
    ["analyze", "{project}", "--build", "--build-arg", "NPM_TOKEN=Canary99z", "--verbose"],
    ["analyze", "{project}", "--build-arg", "=Canary99z"],
    ["analyze", "registry:user:Canary99z@localhost:1/app"],
    ["analyze", "https://user:Canary99z@localhost:1/app"],
]


def outputs(capsys: pytest.CaptureFixture[str]) -> Iterator[str]:
    captured = capsys.readouterr()
    yield from captured.out.splitlines()
    yield from captured.err.splitlines()


@pytest.mark.parametrize("line", LINES, ids=[" ".join(line) for line in LINES])
def test_no_secret_is_shown(
    line: list[str], image: Path, project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = docker_archive(tmp_path / "other.tar", [layer(file("app/f0", b"y" * 30_000))],
                           created_by=[f"RUN curl -u me:{canary()} x"])  # fmt: skip
    code = run([part.format(image=image, project=project, other=other) for part in line])
    assert code in (0, 1, 2, 3)
    assert [text for text in outputs(capsys) if CANARY.search(text)] == []

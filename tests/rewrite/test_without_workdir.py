"""A Dockerfile without WORKDIR whose commands go to the application's folder themselves: `cd /app && npm ci`."""

from pathlib import Path

import pytest
from rewrite.node_shapes import EXPRESS, FAT, PLAIN, evidence, package, write

from imageopt.rewrite.model import Rewrite
from imageopt.rewrite.moves import moved_to, without_moves
from imageopt.rewrite.propose import propose

SERVICE = {
    **package(prod={"express": "4.19.2"}, dev={"typescript": "5.4.5"}, scripts={"build": "tsc -p ."}),
    **EXPRESS,
}
SIMPLE = {**package(prod={"ms": "2.1.3"}, dev={"eslint": "8.57.0"}, scripts={"start": "node server.js"}), **PLAIN}
START = 'CMD ["node", "/app/dist/server.js"]\n'


def proposed(root: Path, text: str, **more: str) -> Rewrite:
    return propose(evidence(write(root, {**SERVICE, **more, "Dockerfile": f"FROM node:20\n{text}"})), FAT)


def stages(rewrite: Rewrite) -> list[list[str]]:
    assert rewrite.outcome == "proposed", rewrite.refusals
    text = rewrite.changes[0].after.decode()
    assert "AS build" in text, rewrite.refusals
    return [stage.splitlines() for stage in text.split("\nFROM ")]


def refused(rewrite: Rewrite, name: str = "multi-stage") -> str:
    return "; ".join(refusal.reason for refusal in rewrite.refusals if refusal.name == name)


@pytest.mark.parametrize(
    "body",
    [
        "COPY . /app\nRUN cd /app && npm install && npm run build\n",
        "COPY . /app/\nRUN cd /app/ && npm ci\nRUN cd /app && npm run build\n",
        "ENV HOME_OF=/app\nCOPY . $HOME_OF\nRUN cd $HOME_OF && npm ci && npm run build\n",
        'COPY [".", "/app"]\nRUN cd "/app" && npm ci && npm run build && cd / && rm -rf /tmp/*\n',
        "RUN mkdir -p /app\nCOPY package*.json /app/\nRUN cd /app && npm ci\nCOPY . /app\nRUN cd /app && npm run build\n",
        "COPY . /app\nRUN (cd /app && npm ci && npm run build)\n",
        "WORKDIR /\nCOPY . /app\nRUN cd /app && npm ci\nWORKDIR /app/sub\nWORKDIR /\nRUN cd /app && npm run build\n",
        "COPY package.json package-lock.json /app/\nRUN npm ci --prefix /app\nCOPY . /app\nRUN cd /app; npm run build\n",
    ],
)
def test_it_gets_two_stages_and_starts_where_it_started(tmp_path: Path, body: str) -> None:
    build, final = stages(proposed(tmp_path, body + START))
    assert build.index("WORKDIR /app") < build.index("COPY package.json package-lock.json ./")
    assert "RUN --mount=type=cache,target=/root/.npm npm ci" in build
    assert "RUN npm run build" in build
    assert not any(line.startswith(("RUN cd", "RUN (cd", "RUN mkdir")) for line in build)
    assert build[build.index("RUN npm run build") - 1] != "WORKDIR /app/sub"
    assert "COPY --from=build --chown=node:node /app/dist ./dist" in final
    assert final[-4:-1] == ["COPY --from=build --chown=node:node /app/public ./public", "WORKDIR /", "USER node"]


def test_a_workdir_further_below_is_where_it_starts(tmp_path: Path) -> None:
    text = 'FROM node:20\nCOPY . /app\nRUN cd /app && npm ci\nWORKDIR /app\nCMD ["node", "server.js"]\n'
    _, final = stages(propose(evidence(write(tmp_path, {**SIMPLE, "Dockerfile": text})), FAT))
    assert final.count("WORKDIR /app") == 1
    assert "WORKDIR /" not in final


def test_what_each_command_changes_is_told_by_where_it_is_run(tmp_path: Path) -> None:
    body = "COPY . /app\nRUN mkdir data && cd /app && npm ci && mkdir -p log && npm run build && rm -rf src\n"
    build, final = stages(proposed(tmp_path, body + START))
    assert "RUN mkdir -p log && npm run build && rm -rf src" in build
    assert any(line.startswith("RUN mkdir -p /data log") for line in final)


@pytest.mark.parametrize("write_it", ["fs.writeFileSync('out.txt', '');", "fs.writeFileSync(name(), '');"])
def test_a_service_that_may_write_to_the_root_folder_stays_root(tmp_path: Path, write_it: str) -> None:
    server = {"src/server.ts": f"import fs from 'node:fs';\n{write_it}\n{EXPRESS['src/server.ts']}"}
    rewrite = proposed(tmp_path, f"COPY . /app\nRUN cd /app && npm ci && npm run build\n{START}", **server)
    assert "USER node" not in stages(rewrite)[1]
    assert refused(rewrite, "run-as-node") == "it is started in /, and may write there"


@pytest.mark.parametrize(
    "start",
    [
        "CMD cd /app && node dist/server.js",
        'CMD ["sh", "-c", "cd /app; exec node dist/server.js"]',
        'CMD ["npm", "--prefix", "/app", "run", "serve"]',
    ],
)
def test_one_that_goes_to_its_folder_when_it_starts_writes_there(tmp_path: Path, start: str) -> None:
    server = {"src/server.ts": f"import fs from 'node:fs';\nfs.mkdirSync('data');\n{EXPRESS['src/server.ts']}"}
    rewrite = proposed(tmp_path, f"COPY . /app\nRUN cd /app && npm ci && npm run build\n{start}\n", **server)
    _, final = stages(rewrite)
    assert final.index("WORKDIR /app") < final.index("RUN mkdir -p data && chown node:node data")
    assert final[-3:] == ["WORKDIR /", "USER node", start]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            "COPY . /app\nCOPY views app/views\nRUN cd /app && npm ci\n",
            "line 3: its target counts from /, not from /app",
        ),
        (
            "COPY . /app\nRUN cd /app && npm ci\nRUN node /app/make.js\n",
            "line 4: `node /app/make.js` is run in /, outside of the application's folder",
        ),
        (
            "COPY . /app\nRUN echo 'registry=https://r' > .npmrc && cd /app && npm ci\n",
            "line 3: `echo 'registry=https://r' > .npmrc` is run in /, where no package is installed",
        ),
        ("COPY client /app\nRUN cd /app && npm ci\n", "line 3: `npm ci` installs in /app first"),
        (
            "COPY . /app\nRUN cd /app/client && npm ci && cd .. && npm ci\n",
            "line 3: `npm ci` installs in /app/client first",
        ),
    ],
)
def test_what_is_not_certain_is_refused_with_the_reason(tmp_path: Path, body: str, reason: str) -> None:
    assert reason in refused(proposed(tmp_path, body + START))


def test_nobodys_cd_is_a_change_or_a_build(tmp_path: Path) -> None:
    text = 'FROM node:20\nWORKDIR /srv\nCOPY . .\nRUN cd /srv && npm ci\nCMD ["node", "server.js"]\n'
    build, _ = stages(propose(evidence(write(tmp_path, {**SIMPLE, "Dockerfile": text})), FAT))
    assert build[-1] == "RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev"


def test_what_is_made_in_another_folder_stands_against_two_stages(tmp_path: Path) -> None:
    body = "WORKDIR /app\nCOPY . .\nRUN npm ci && cd /opt/tool && make install\n"
    assert "`make install` is run in /opt/tool, outside of the application's folder" in refused(
        proposed(tmp_path, body + START)
    )


def test_an_image_that_builds_keeps_what_it_builds_with_even_where_it_is_not_understood(tmp_path: Path) -> None:
    rewrite = proposed(tmp_path, f"COPY . /app\nRUN ln -s /app /srv/x && cd /srv/x && npm ci && npm run build\n{START}")
    assert refused(rewrite)
    assert not any(b"--omit=dev" in change.after for change in rewrite.changes)


@pytest.mark.parametrize(
    ("words", "folder"),
    [
        ("npm ci --prefix web", "web"),
        ("npm --prefix=web ci", "web"),
        ("/usr/bin/npm -C web ci", "web"),
        ("yarn --cwd /app install", "/app"),
        ("pnpm install --dir /app", "/app"),
        ("bun install --cwd=/app", "/app"),
        ("npm ci", None),
        ("npm ci --prefix", None),
        ("make -C web", None),
        ("tar -C /app", None),
        ("", None),
    ],
)
def test_the_folder_that_a_managers_options_name(words: str, folder: str | None) -> None:
    assert moved_to(words.split()) == folder


def test_the_options_can_be_left_out() -> None:
    given = ("--prefix", "/app", "--registry", "https://r", "-C", "x", "--cwd=/app", "--no-audit")
    assert without_moves(given) == ("--registry", "https://r", "--no-audit")

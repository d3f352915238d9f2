"""When the output of a framework is all that runs, and when the whole folder has to come along."""

from pathlib import Path

import pytest
from rewrite.node_shapes import FAT, evidence, package, write

from imageopt.rewrite.propose import propose

STANDALONE = {"next.config.mjs": 'export default { output: "standalone" };\n', "app/page.tsx": "x\n"}


def rewritten(
    root: Path, *, start: str, build: str = "next build", files: dict[str, str], cmd: str = "npm start"
) -> str:
    project = package(prod={"next": "14.2.35"}, scripts={"build": build, "start": start})
    dockerfile = f"FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci\nRUN npm run build\n{cmd}\n"
    dockerfile = dockerfile.replace("\nnpm start\n", "\nCMD npm start\n")
    write(root, {**project, **files, "Dockerfile": dockerfile})
    rewrite = propose(evidence(root), FAT)
    assert rewrite.outcome == "proposed"
    return rewrite.changes[0].after.decode()


@pytest.mark.parametrize(
    ("start", "told"),
    [
        ("next start", "ENV HOSTNAME=0.0.0.0"),
        ("next start -p 4000", "ENV HOSTNAME=0.0.0.0 PORT=4000"),
        ("NODE_ENV=production next start --port=4000 -H 0.0.0.0", "ENV NODE_ENV=production HOSTNAME=0.0.0.0 PORT=4000"),
        ("npx next start", "ENV HOSTNAME=0.0.0.0"),
    ],
)
def test_the_usual_start_becomes_the_frameworks_own_server(tmp_path: Path, start: str, told: str) -> None:
    text = rewritten(tmp_path, start=start, files=STANDALONE)
    assert "COPY --from=build --chown=node:node /app/.next/standalone ./\n" in text
    assert "COPY --from=build --chown=node:node /app/.next/static ./.next/static\n" in text
    assert f'{told}\nCMD ["node", "server.js"]' in text
    assert "node_modules" not in text
    assert "public" not in text  # there is no such folder: a COPY of it would end the build


@pytest.mark.parametrize(
    ("start", "files", "cmd"),
    [
        ("next start", {"app/page.tsx": "x\n"}, "npm start"),  # no standalone output
        ("next start -p $PORT", STANDALONE, "npm start"),
        ("next start -H 127.0.0.1", STANDALONE, "npm start"),
        ("next start --keepAliveTimeout 70000", STANDALONE, "npm start"),
        ("next start && echo over", STANDALONE, "npm start"),
        ("node server.mjs", {**STANDALONE, "server.mjs": "x\n"}, "npm start"),
        ("next start", STANDALONE, 'ENTRYPOINT ["sh", "-c"]\nCMD ["npm start"]'),
    ],
)
def test_any_other_start_keeps_the_built_folder(tmp_path: Path, start: str, files: dict[str, str], cmd: str) -> None:
    text = rewritten(tmp_path, start=start, files=files, cmd=cmd)
    assert "standalone" not in text
    assert "COPY --from=build --chown=node:node /app ./" in text


def test_the_plain_start_of_nuxts_server_needs_no_packages(tmp_path: Path) -> None:
    project = package(
        prod={"nuxt": "3.13.0"}, scripts={"build": "nuxt build", "start": "node .output/server/index.mjs"}
    )
    write(tmp_path, {**project, "nuxt.config.ts": "export default {};\n", "Dockerfile": NUXT})
    text = propose(evidence(tmp_path), FAT).changes[0].after.decode()
    assert "COPY --from=build --chown=node:node /app/.output ./.output\n" in text
    assert 'CMD ["node", ".output/server/index.mjs"]' in text
    assert "node_modules" not in text


NUXT = "FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci\nRUN npm run build\nCMD npm start\n"

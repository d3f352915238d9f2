"""Packages without maps, types, manuals and tests: where that is done, and what the script leaves alone."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from rewrite.asking import asked, reason_of, text_of
from rewrite.node_shapes import package, write

from imageopt.dockerfile.parser import parse

FILES = {**package(prod={"express": "4.0.0"}, scripts={"start": "node a.js"}), "a.js": "", "server.ts": ""}
BUILD = "FROM node:22 AS build\nWORKDIR /app\nCOPY . .\nRUN npm ci --omit=dev\n"
FINAL = '\nFROM node:22-slim\nWORKDIR /app\nCOPY --from=build {source} ./node_modules\nCMD ["node", "a.js"]\n'


@pytest.mark.parametrize(
    ("syntax", "enough"),
    [
        ("docker/dockerfile:1", True),
        ("docker.io/docker/dockerfile:1.4.1", True),
        ("docker/dockerfile:1.17-labs", True),
        ("company.example/dockerfile:0", True),
        (f"docker/dockerfile:1.2@sha256:{'a' * 64}", False),
        ("docker/dockerfile:1.3.1", False),
        ("docker/dockerfile:experimental", False),
        ("docker/dockerfile:1.0-experimental", False),
    ],
)
def test_the_syntax_must_take_a_script(tmp_path: Path, syntax: str, enough: bool) -> None:
    text = f"# syntax={syntax}\n{BUILD}{FINAL.format(source='/app')}"
    assert (asked(tmp_path, "trimmed-packages", text, FILES).outcome == "proposed") == enough


@pytest.mark.parametrize("source", ["/app/node_modules", "/app", "/app/node_modules/"])
def test_they_are_trimmed_where_they_come_from(tmp_path: Path, source: str) -> None:
    before = BUILD + FINAL.format(source=source)
    after = text_of(asked(tmp_path, "trimmed-packages", before, FILES))
    start, end = after.index("# maps, types"), after.index("EOF\n", after.index("<<'EOF'\n") + 8) + 4
    assert after[:start] + after[end:] == before
    assert start == len(BUILD)
    assert "RUN node - /app/node_modules <<'EOF'\n" in after


@pytest.mark.parametrize(
    ("dockerfile", "more", "reason"),
    [
        ('FROM node:22\nRUN npm ci\nCMD ["node", "a.js"]\n', {}, "node_modules do not come from one build stage"),
        (f"{BUILD}USER node\nRUN ls\nUSER root\n{FINAL}", {}, "the stage that installs them changes its user"),
        (f"{BUILD}USER node\n{FINAL}", {}, "the stage that installs them changes its user"),
        (f"{BUILD}\nFROM build AS next\nRUN npx tsc\n{FINAL}", {}, "line 6 of the proposed Dockerfile: another stage"),
        (
            f"{BUILD}\nFROM node:22 AS next\nCOPY --from=build /app/node_modules .\nRUN npx tsc\n{FINAL}",
            {},
            "line 6 of the proposed Dockerfile: another stage",
        ),
        (
            f"{BUILD}\nFROM node:22 AS next\nRUN --mount=from=build,target=/a npx tsc\n{FINAL}",
            {},
            "line 6 of the proposed Dockerfile: another stage",
        ),
        (f'{BUILD}SHELL ["pwsh"]\n{FINAL}', {}, "the stage that installs them changes its user or its shell"),
        (
            BUILD + FINAL.replace('["node", "a.js"]', "npx ts-node a.ts"),
            {},
            "the service is not started with node alone",
        ),
        (
            BUILD + FINAL,
            {
                ".gitlab-ci.yml": "a:\n  image: gcr.io/kaniko-project/executor\n  script: [/kaniko/executor --context .]\n"
            },
            "the builder of the pipeline takes no script in a Dockerfile",
        ),
    ],
)
def test_where_it_cannot_be_done(tmp_path: Path, dockerfile: str, more: dict[str, str], reason: str) -> None:
    text = dockerfile.replace("{source}", "/app/node_modules")
    assert reason_of(asked(tmp_path, "trimmed-packages", text, {**FILES, **more})).startswith(reason)


TREE = {
    "a/package.json": json.dumps(
        {
            "main": "./lib/a.js",
            "scripts": {"test": "x"},
            "exports": {".": {"types": "./lib/a.d.ts", "default": "./lib/a.js"}, "./guide": "./README.md"},
        }
    ),
    "a/lib/a.js": "", "a/lib/a.js.map": "", "a/lib/a.d.ts": "", "a/lib/docs/y.js": "", "a/README.md": "",
    "a/LICENSE.md": "", "a/CHANGELOG.md": "", "a/test/x.js": "", "a/test/LICENSE": "",
    "docs/package.json": json.dumps({"main": "docs/index"}), "docs/docs/index.js": "", "docs/i.js": "",
    "b/package.json": "{}", "b/index.js": "require('./test/h')", "b/test/h.js": "", "b/examples/h.js": "",
    "@s/c/package.json": json.dumps({"exports": {"./*": "./doc/*.js"}}), "@s/c/doc/z.js": "", "@s/c/tests/z.js": "",
    "@s/c/node_modules/d/package.json": "{}", "@s/c/node_modules/d/r.md": "",
    "typescript/package.json": json.dumps({"main": "lib/t.js"}), "typescript/lib/lib.d.ts": "",
    "f/package.json": json.dumps({"exports": {"./*": "./examples/lib/*.js"}}), "f/examples/lib/z.md": "", "f/e.map": "",
    "f/test/node_modules/g/package.json": "{,", "f/test/node_modules/g/r.md": "",
    ".pnpm/e@1/node_modules/e/package.json": "{}", ".pnpm/e@1/node_modules/e/r.md": "",
}  # fmt: skip
GONE = {
    "a/lib/a.js.map", "a/lib/a.d.ts", "a/CHANGELOG.md", "a/test/x.js", "b/examples/h.js", "@s/c/tests/z.js",
    "@s/c/node_modules/d/r.md", ".pnpm/e@1/node_modules/e/r.md",
}  # fmt: skip


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node to run the script with")
def test_the_script_leaves_what_a_package_names_and_licences(tmp_path: Path) -> None:
    project = tmp_path / "project"
    after = parse(text_of(asked(project, "trimmed-packages", BUILD + FINAL.format(source="/app"), FILES)).encode())
    (run,) = (item for item in after.instructions if item.heredocs)
    root = write(tmp_path / "app" / "node_modules", TREE)
    subprocess.run(["node", "-", root, root / "none"], input=run.heredocs[0].content.encode(), check=True, timeout=30)
    left = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    assert set(TREE) - left == GONE

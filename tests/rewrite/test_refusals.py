"""When imageopt must not rewrite, and what it says instead."""

import json
from pathlib import Path

import pytest
from rewrite.node_shapes import EXPRESS, FAT, NAIVE, PLAIN, SIGTERM, TYPESCRIPT, evidence, finding, package, write

from imageopt.errors import UsageError
from imageopt.evidence.model import BaseImage, Evidence
from imageopt.rewrite.model import Rewrite
from imageopt.rewrite.propose import propose

GOOD = {**package(prod={"express": "4.19.2"}, **TYPESCRIPT), **EXPRESS, "Dockerfile": NAIVE}
FIXED = "FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci\n"


def reasons(rewrite: Rewrite) -> list[str]:
    assert rewrite.outcome == "refused"
    assert rewrite.changes == ()
    return [refusal.reason for refusal in rewrite.refusals]


def objections(rewrite: Rewrite) -> list[str]:
    """Why the file was not restructured; single edits are made all the same."""
    assert not any(b"AS build" in change.after for change in rewrite.changes)
    return [refusal.reason for refusal in rewrite.refusals if refusal.name == "multi-stage"]


def without(files: dict[str, str], name: str) -> dict[str, str]:
    return {path: text for path, text in files.items() if path != name}


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (
            without(GOOD, "package-lock.json"),
            "there is no lock file: add --lockfile, or run `npm install --package-lock-only` and commit it",
        ),
        (
            {**GOOD, **without(package(prod={"express": "5.0.0"}, **TYPESCRIPT), "package-lock.json")},
            (
                "package-lock.json does not fit package.json (package.json asks for express 5.0.0, the lock file holds 4.19.2):"
                " add --lockfile, or run `npm install --package-lock-only` and commit it"
            ),
        ),
        (
            {**GOOD, **without(package(prod={"express": "5.0.0", "ms": "2.1.3"}), "package-lock.json")},
            (
                "package-lock.json does not fit package.json (package.json asks for express 5.0.0, the lock file holds 4.19.2;"
                " all that do not fit: express, ms): add --lockfile, or run `npm install --package-lock-only` and commit it"
            ),
        ),
        ({**GOOD, "package-lock.json": "[]"}, "package-lock.json:1: it is not a JSON object"),
        (
            without(GOOD, "package.json"),
            "there is no package.json, composer.json or list of Python packages: what it consists of is not known",
        ),
        (
            {**without(GOOD, "package-lock.json"), "yarn.lock": "", "Dockerfile": NAIVE.replace("npm install", "yarn")},
            "yarn.lock:1: it names no version",
        ),
        (
            {**package(prod={"ms": "2.1.3"}), "a.js": "", "Dockerfile": FIXED},
            "nothing says how the service starts: add a CMD to the Dockerfile or a start script to package.json",
        ),
        (
            {**GOOD, "Dockerfile": "FROM node:20\nRUN <<EOF\nx\n"},
            "the Dockerfile has a fault: the heredoc EOF is not terminated",
        ),
    ],
)
def test_a_refusal_gives_the_reason_and_the_remedy(tmp_path: Path, files: dict[str, str], reason: str) -> None:
    (found,) = reasons(propose(evidence(write(tmp_path, files)), FAT))
    assert found == reason


@pytest.mark.parametrize(
    ("dockerfile", "reason"),
    [
        ("RUN yarn build", "line 5: it uses yarn, and the project npm"),
        ("RUN npm install lodash", "line 5: `npm install lodash` installs something that no lock file pins"),
        ("RUN ldconfig", "line 5: imageopt cannot tell whether the running service needs what `ldconfig` does"),
        (
            "RUN cp a /etc/app.conf",
            "line 5: `cp a /etc/app.conf` changes /etc/app.conf, outside of the application's folder",
        ),
        ("RUN echo x >/etc/motd", "line 5: `echo x >/etc/motd` changes /etc/motd, outside of the application's folder"),
        ("ONBUILD RUN ls", "line 5: ONBUILD is not understood here"),
        (
            "COPY --from=nginx:1 /a /b",
            "line 5: it copies from another image; imageopt cannot tell which C library those files need",
        ),
        ("COPY node_modules ./node_modules", "line 5: it copies node_modules from outside of the image"),
        ("ARG T\nCOPY a $T", "line 6: its target rests on a build argument"),
        ("COPY a /", "line 5: it copies into the root folder"),
        ("WORKDIR /elsewhere", "it installs in /app and starts in /elsewhere"),
    ],
)
def test_an_instruction_that_cannot_be_placed_is_an_objection(tmp_path: Path, dockerfile: str, reason: str) -> None:
    root = write(tmp_path, {**GOOD, "Dockerfile": f'{FIXED}{dockerfile}\nCMD ["node", "dist/server.js"]\n'})
    assert objections(propose(evidence(root), FAT)) == [reason]


@pytest.mark.parametrize(
    ("dockerfile", "reason"),
    [
        ("FROM node:20\nWORKDIR /app\nCOPY . .\nCMD node a.js\n", "no RUN of it installs packages with npm"),
        (
            "FROM node:20\nRUN npm run x\nWORKDIR /app\nCOPY . .\nRUN npm ci\nCMD node a.js\n",
            "line 2: it runs `npm run x` before the sources are there",
        ),
        (
            "FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci --registry=$R\nCMD node a.js\n",
            "line 4: it installs with a variable",
        ),
    ],
)
def test_a_dockerfile_without_a_usual_install_is_refused(tmp_path: Path, dockerfile: str, reason: str) -> None:
    assert reason in objections(propose(evidence(write(tmp_path, {**GOOD, "Dockerfile": dockerfile})), FAT))


def test_without_a_workdir_there_is_no_folder_to_copy(tmp_path: Path) -> None:
    root = write(tmp_path, {**GOOD, "Dockerfile": NAIVE.replace("    WORKDIR /app\n", "")})
    rewrite = propose(evidence(root), FAT)
    assert "it has no WORKDIR: the application would lie in the root folder" in objections(rewrite)
    assert "it has no WORKDIR" in [refusal.reason for refusal in rewrite.refusals if refusal.name == "run-as-node"]


def test_the_reason_for_a_refused_base_is_said(tmp_path: Path) -> None:
    digest = f"node:20@sha256:{'a' * 64}"
    root = write(tmp_path, {**GOOD, "Dockerfile": NAIVE.replace("node:20", digest)})
    rewrite = propose(evidence(root), FAT)
    assert rewrite.outcome == "proposed"
    assert rewrite.changes[0].after.count(f"FROM {digest}".encode()) == 2
    assert next((item.name, item.reason) for item in rewrite.refusals) == (
        "base-swap",
        "alpine: FROM pins the image by its digest; the digest of another image is not known here",
    )


@pytest.mark.parametrize(
    ("target", "runtime"),
    [("auto", "node:20-alpine"), ("alpine", "node:20-alpine"), ("slim", "node:20-slim"), ("keep", "node:20")],
)
def test_the_target_decides_the_last_stage(tmp_path: Path, target: str, runtime: str) -> None:
    rewrite = propose(evidence(write(tmp_path, GOOD)), FAT, target=target)
    stages = [line for line in rewrite.changes[0].after.decode().splitlines() if line.startswith("FROM")]
    assert stages[1] == f"FROM {runtime}"


def test_an_unknown_target_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no target"):
        propose(evidence(write(tmp_path, GOOD)), FAT, target="distroless")


COMPILING = package(
    prod={"bcrypt": "5.1.1"}, locked={"bcrypt": {"hasInstallScript": True}}, scripts={"start": "node server.js"}
)


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({**COMPILING, **PLAIN}, "bcrypt: its install script downloads a binary, or compiles it where there is none"),
        ({"server.js": "require('child_process').exec('git log');\n"}, "the service starts git, which only the full image holds"),
        (
            {"server.js": "require('child_process').exec(command);\n"},
            "the service starts a program whose name its source does not tell",
        ),
        ({"Dockerfile": f"{FIXED}SHELL [\"/bin/bash\", \"-c\"]\nCMD node server.js\n"}, "SHELL is bash"),
        (
            {"run.sh": '#!/bin/bash\n[[ -n $A ]] && exec "$@"\n', "Dockerfile": f'{FIXED}ENTRYPOINT ["./run.sh"]\nCMD ["npm", "start"]\n'},
            "run.sh is written for bash",
        ),
        (
            {"Dockerfile": f"{FIXED}RUN useradd app\nUSER app\nCMD node server.js\n"},
            "`useradd app` has other options there",
        ),
        (
            {"Dockerfile": f"{FIXED}HEALTHCHECK CMD curl -f http://a/ | grep ok\nCMD node server.js\n"},
            "the HEALTHCHECK needs curl, and is no plain probe that Node could make",
        ),
    ],
)  # fmt: skip
def test_alpine_is_refused_for_what_it_lacks(tmp_path: Path, files: dict[str, str], reason: str) -> None:
    base = {
        **package(prod={"ms": "2.1.3"}, scripts={"start": "node server.js"}),
        **PLAIN,
        "Dockerfile": f"{FIXED}CMD npm start\n",
    }
    rewrite = propose(evidence(write(tmp_path, {**base, **files})), FAT)
    assert rewrite.outcome == "proposed"
    assert f"alpine: {reason}" in [refusal.reason for refusal in rewrite.refusals]
    assert b"alpine" not in rewrite.changes[0].after


def test_a_forced_alpine_brings_its_compiler(tmp_path: Path) -> None:
    root = write(tmp_path, {**COMPILING, **PLAIN, "Dockerfile": f"{FIXED}CMD npm start\n"})
    text = propose(evidence(root), FAT, target="alpine").changes[0].after.decode()
    assert text.startswith("FROM node:20-alpine AS build\nWORKDIR /app\nRUN apk add --no-cache python3 make g++\n")


def test_a_service_that_writes_to_the_system_stays_root(tmp_path: Path) -> None:
    files = {
        **package(prod={"ms": "2.1.3"}, scripts={"start": "node server.js"}),
        "server.js": f"fs.writeFileSync('/etc/app/state', x);\n{SIGTERM}",
        "Dockerfile": f"{FIXED}CMD npm start\n",
    }
    rewrite = propose(evidence(write(tmp_path, files)), FAT)
    assert ("run-as-node", "it writes to /etc/app (server.js:1)") in [
        (item.name, item.reason) for item in rewrite.refusals
    ]
    assert b"USER" not in rewrite.changes[0].after


def test_a_name_that_no_instruction_can_hold_is_a_refusal(tmp_path: Path) -> None:
    root = write(tmp_path, {**GOOD, "Dockerfile": NAIVE.replace("/app", '"/my app"')})
    assert reasons(propose(evidence(root), FAT)) == ["'/my app' cannot be written safely in a Dockerfile"]


def test_without_a_folder_there_is_no_rewrite() -> None:
    nothing = Evidence(None, None, "Dockerfile", None, BaseImage(None, "unknown", None), (), (), ())
    assert reasons(propose(nothing, FAT)) == ["a rewrite needs the project's folder with its Dockerfile"]


def test_a_good_dockerfile_is_left_alone(tmp_path: Path) -> None:
    rewrite = propose(evidence(write(tmp_path, GOOD)), [finding("npm-install-not-ci", "npm-ci")])
    assert (rewrite.outcome, rewrite.changes, rewrite.refusals) == ("nothing", (), ())


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    root = write(tmp_path, GOOD)
    assert propose(evidence(root), FAT) == propose(evidence(root), FAT)


def test_a_rewritten_project_is_not_rewritten_again(tmp_path: Path) -> None:
    root = write(tmp_path, GOOD)
    for change in propose(evidence(root), FAT).changes:
        (root / change.path).write_bytes(change.after)
    assert propose(evidence(root), ()).outcome == "nothing"
    assert propose(evidence(root), FAT).changes == ()


def test_a_lock_that_the_ignore_file_hides_is_a_refusal(tmp_path: Path) -> None:
    root = write(tmp_path, {**GOOD, ".dockerignore": "*.json\n"})
    assert reasons(propose(evidence(root), FAT)) == [
        ".dockerignore hides package-lock.json and package.json, which the new Dockerfile copies"
    ]


def test_json_of_hostile_names_stays_data(tmp_path: Path) -> None:
    manifest = json.loads(GOOD["package.json"])
    manifest["scripts"]["start"] = 'node "dist/{{ 7 * 7 }}.js"'
    root = write(tmp_path, {**GOOD, "package.json": json.dumps(manifest), "src/{{ 7 * 7 }}.ts": SIGTERM})
    rewrite = propose(evidence(root), FAT)
    assert rewrite.changes[0].after.decode().endswith('CMD ["node", "dist/{{ 7 * 7 }}.js"]\n')

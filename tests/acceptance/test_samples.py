"""Each sample project from its own Dockerfile to a proven smaller image, without configuration.

Those that build for minutes and resemble another one wait for `make proof`.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SAMPLES = Path(__file__).parents[2] / "sample_projects"

WHOLE_WORKSPACE = """\
RUN pnpm -r build

FROM node:22-slim
WORKDIR /srv/flows
COPY --from=build /srv/flows .
"""

pytestmark = [pytest.mark.engine, pytest.mark.slow]


def verified(project: Path, *options: str) -> dict[str, Any]:
    """The result of `imageopt verify` for a project, whatever the verdict."""
    result = project.with_suffix(".json")
    command = [sys.executable, "-m", "imageopt", "verify", str(project), "--format", f"json={result}", "--skip-rebuild"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=900, check=False)
    assert result.exists(), done.stdout + done.stderr
    document: dict[str, Any] = json.loads(result.read_text())
    return document


def copied(name: str, folder: Path) -> Path:
    return Path(shutil.copytree(SAMPLES / name, folder / name))


def test_a_static_site_keeps_its_files_and_loses_node(engine: str, tmp_path: Path) -> None:
    project = copied("docs-portal", tmp_path)
    result = verified(project)
    assert result["verdict"] == "verified", result["reasons"]
    before, after = (result[side]["image"]["sizes"]["unpacked_bytes"] for side in ("before", "after"))
    assert after < 0.05 * before
    asked = {response["path"] for response in result["after"]["run"]["responses"]}
    assert {"/", "/guides/first-steps", "/img/mark.svg"} <= asked
    assert any(path.startswith("/assets/") for path in asked)


def test_a_site_that_lost_a_file_is_not_taken_for_the_same(engine: str, tmp_path: Path) -> None:
    """What its start page loads is asked for, so a forgotten folder shows."""
    project = copied("docs-portal", tmp_path)
    proposal = subprocess.run(
        [sys.executable, "-m", "imageopt", "rewrite", str(project), "--apply", "--quiet"],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert proposal.returncode == 0
    good = project / "Dockerfile"
    bad = tmp_path / "forgetful.Dockerfile"
    bad.write_text(good.read_text().replace("USER nginx", "RUN rm -r /usr/share/nginx/html/assets\nUSER nginx"))
    result = verified(project, "--after", str(bad))
    assert result["verdict"] == "behaviour-changed"
    assert any("/assets/" in reason for reason in result["reasons"])


@pytest.mark.proof
def test_a_next_application_leaves_its_packages_behind(engine: str, tmp_path: Path) -> None:
    """Each build makes up an identifier that is in every page: it is no difference."""
    result = verified(copied("next-console", tmp_path), "--skip-scan")
    assert result["verdict"] == "verified", result["reasons"]
    before, after = (result[side]["image"]["sizes"]["unpacked_bytes"] for side in ("before", "after"))
    assert after < 0.2 * before
    asked = {response["path"]: response["status"] for response in result["after"]["run"]["responses"]}
    assert (asked["/runs"], asked["/mark.svg"]) == (200, 200)
    assert any(path.startswith("/_next/static/chunks/") for path in asked)


def test_a_node_version_that_others_contradict_stays(engine: str, tmp_path: Path) -> None:
    result = verified(copied("agent-brain", tmp_path), "--skip-scan")
    assert result["verdict"] == "verified", result["reasons"]
    places = (
        ("Dockerfile:1", "20"),
        ("package.json:7 engines.node", "18.x"),
        (".nvmrc:1", "18"),
        (".gitlab-ci.yml:5", "18"),
    )
    said = ", ".join(f"{place} says {version}" for place, version in places)
    found = next(item for item in result["before"]["findings"] if item["rule"] == "node-version-conflict")
    assert found["message"] == f"The Node versions differ: {said}."
    assert result["rewrite"]["notes"][:1] == [f"the version of Node stays as it is, though {said}"]
    assert "+FROM node:20-alpine" in result["rewrite"]["diff"]
    asked = {response["path"]: response["status"] for response in result["after"]["run"]["responses"]}
    assert asked["/prompts/example"] == 200  # it reads prompts/, which nothing compiles


@pytest.mark.proof
def test_a_module_that_is_compiled_keeps_the_service_off_alpine(engine: str, tmp_path: Path) -> None:
    result = verified(copied("agent-chat", tmp_path), "--skip-scan")
    assert result["verdict"] == "verified", result["reasons"]
    assert "+FROM node:22-slim" in result["rewrite"]["diff"]
    refusal = {"name": "base-swap", "reason": "alpine: unix-dgram: its install script compiles it with node-gyp"}
    assert refusal in result["rewrite"]["refusals"]
    assert the_room_answers(result)


@pytest.mark.proof
def test_modules_for_both_c_libraries_go_to_alpine(engine: str, tmp_path: Path) -> None:
    """The same service without what is compiled; its password hashes are checked by the variant for musl."""
    project = copied("agent-chat", tmp_path)
    without = ("unix-dgram", "nan", "bindings", "file-uri-to-path")
    for name in ("package.json", "package-lock.json"):
        document = json.loads((project / name).read_text())
        root = document.get("packages", {}).get("", document)
        del root["dependencies"]["unix-dgram"]
        for package in without:
            document.get("packages", {}).pop(f"node_modules/{package}", None)
        (project / name).write_text(json.dumps(document, indent=2))
    (project / "src" / "log.js").write_text("export const logSocket = () => ({ kind: 'none', send: () => {} });\n")
    result = verified(project, "--skip-scan")
    assert result["verdict"] == "verified", result["reasons"]
    reason = next(item["reason"] for item in result["rewrite"]["transforms"] if item["name"] == "base-swap")
    assert reason == (
        "node:22-alpine: every production package with a binary runs on musl: @node-rs/argon2-linux-x64-gnu"
        " (the lock file holds @node-rs/argon2-linux-x64-musl as well)"
    )
    assert the_room_answers(result)


def the_room_answers(result: dict[str, Any]) -> bool:
    """Over HTTP, with its page and what the build made beside it, and on its WebSocket, where the health check asks."""
    asked = {response["path"]: response["status"] for response in result["after"]["run"]["responses"]}
    health = next(item for item in result["hazards"] if item["id"] == "H23")
    return (asked["/"], asked["/chat.js"], asked["/health"], health["result"]) == (200, 200, 200, "checked")


def test_a_dockerfile_that_does_not_build_is_explained(engine: str, tmp_path: Path) -> None:
    result = verified(copied("broken-baseline", tmp_path), "--skip-scan")
    assert result["verdict"] == "baseline-broken"
    reason, alone = result["reasons"]
    assert reason.startswith("before does not build in [6/6] RUN npm run build (Dockerfile:11): exit code 127: ")
    assert "tsc: not found (a program that the step calls is not in the image)" in reason
    assert alone == "after, judged alone, builds and starts"
    cause = next(item for item in result["before"]["findings"] if item["rule"] == "node-env-production-before-build")
    assert cause["location"]["line"] == 8


@pytest.mark.proof
@pytest.mark.usefixtures("php_images")
def test_node_and_composer_leave_a_php_image(tmp_path: Path) -> None:
    """The pages, the assets they load and an archive by zip: what each needs is there without what made it."""
    project = copied("llm-platform", tmp_path)
    result = verified(project, "--skip-scan")
    assert result["verdict"] == "verified", result["reasons"]
    before, after = (result[side]["image"] for side in ("before", "after"))
    assert after["sizes"]["unpacked_bytes"] < 0.65 * before["sizes"]["unpacked_bytes"]
    asked = {response["path"]: response["status"] for response in result["after"]["run"]["responses"]}
    assert (asked["/prompts.zip"], asked["/prompts/review"]) == (200, 200)
    assert any(path.startswith("/build/assets/") for path in asked)


def test_each_place_of_a_contradiction_is_named(tmp_path: Path) -> None:
    project = copied("llm-platform", tmp_path)
    command = [sys.executable, "-m", "imageopt", "analyze", str(project), "--format", "json", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    messages = {finding["rule"]: finding["message"] for finding in json.loads(done.stdout)["findings"]}
    assert messages["node-version-conflict"] == (
        "The Node versions differ: Dockerfile:9 says 20, package.json:5 engines.node says >=18 <19, .nvmrc:1 says 18."
    )
    assert messages["php-version-conflict"] == (
        "The PHP versions differ: Dockerfile:2 says 8.2-apache, composer.json:26 config.platform.php says 8.1.27,"
        " .php-version:1 says 8.1."
    )


@pytest.mark.parametrize(
    ("name", "answers"),
    [
        ("agent-tracer", {"/health", "/runs"}),
        pytest.param("agentic-flows", {"/healthz", "/flows"}, marks=pytest.mark.proof),
    ],
)
def test_one_package_of_a_workspace_becomes_an_image(engine: str, tmp_path: Path, name: str, answers: set[str]) -> None:
    """The packages it needs are linked as before, and its own folder is where it starts."""
    result = verified(copied(name, tmp_path), "--skip-scan")
    assert result["verdict"] == "verified", result["reasons"]
    before, after = (result[side]["image"]["sizes"]["unpacked_bytes"] for side in ("before", "after"))
    assert after < 0.25 * before
    asked = result["after"]["run"]["responses"]
    assert answers <= {response["path"] for response in asked if response["status"] == 200}


@pytest.mark.proof
def test_what_pnpm_deploys_is_the_app_with_the_versions_of_the_lock_file(engine: str, tmp_path: Path) -> None:
    """Its ranges have newer versions by now, which resolving anew would bring; what it answers is the same."""
    project = copied("agentic-flows", tmp_path)
    for path, old, new in (
        ("package.json", "pnpm@9.15.9", "pnpm@10.34.9"),
        ("pnpm-workspace.yaml", "packages:", "injectWorkspacePackages: true\npackages:"),
        ("pnpm-lock.yaml", "settings:", "settings:\n  injectWorkspacePackages: true"),
        ("pnpm-lock.yaml", "specifier: 4.26.1", "specifier: ^4.0.0"),
        ("pnpm-lock.yaml", "specifier: 3.22.4", "specifier: ^3.0.0"),
        ("apps/runner/package.json", '"fastify": "4.26.1"', '"fastify": "^4.0.0"'),
        ("packages/engine/package.json", '"zod": "3.22.4"', '"zod": "^3.0.0"'),
        ("Dockerfile", "FROM node:22\n", "FROM node:22 AS build\n"),
        ("Dockerfile", "pnpm@9.15.9", "pnpm@10.34.9"),
        ("Dockerfile", "RUN pnpm -r build\n", WHOLE_WORKSPACE),
        ("Dockerfile", '"pnpm", "--filter", "@agentic-flows/runner", "start"', '"node", "apps/runner/dist/main.js"'),
    ):
        text = (project / path).read_text()
        assert old in text, (path, old)
        (project / path).write_text(text.replace(old, new))
    result = verified(project, "--with", "pnpm-deploy", "--skip-scan")
    assert result["verdict"] == "verified", result["reasons"]
    assert " /deployed /srv/flows/apps/runner\n" in result["after"]["dockerfile"]
    assert not [reason for reason in result["reasons"] if "fastify" in reason or "zod" in reason]
    own = result["comparison"]["own_unpacked_bytes"]
    assert own["after"] < 0.25 * own["before"]
    assert {"/healthz", "/flows"} <= {
        one["path"] for one in result["after"]["run"]["responses"] if one["status"] == 200
    }

"""What the security rules say, and what they leave in peace: names and values, layers, words that matter."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from evidence.small_images import image, record
from msgspec.structs import replace

from imageopt.dockerfile import parse
from imageopt.evidence.join import join
from imageopt.image.model import Image
from imageopt.masking import masked
from imageopt.project.read import read_project
from imageopt.rules.check import check
from imageopt.rules.load import load_rules
from imageopt.rules.model import Finding, Rule

RULES = {rule.name: rule for rule in load_rules()}
NOW = date(2026, 3, 1)


def found(name: str, text: str, *, built: Image | None = None, folder: Path | None = None) -> Sequence[Finding]:
    rule = RULES[name]
    on: Rule = replace(rule, severity="info") if rule.severity == "off" else rule
    project = read_project(folder) if folder is not None else None
    return check(join(built, parse(text.encode()) if text else None, project), [on], now=NOW)


def places(findings: Sequence[Finding]) -> list[tuple[int, int]]:
    """The lines and columns, in the file's order."""
    return sorted((f.location.line, f.location.column) for f in findings if f.location is not None)


SECRETS = [
    ("ENV NPM_TOKEN=npm_0a1b2c3d4e5f", "error"),
    ("ENV A=ghp_0123456789abcdefghij0123456789abcdef", "error"),
    ("ENV DB_PASSWORD=Tr0ub4dor", "error"),
    ('ENV DB_PASSWORD="correct horse battery"', "error"),
    ("ENV dbPassword=Tr0ub4dor", "error"),
    ("ENV APP_KEY=base64:kG0cQZ0wYtXl5v2mB9s4n7eR", "error"),
    ("ENV SESSION_AUTH=9f86d081884c7d659a2feaa0c55ad015", "error"),
    ("ENV AMQP=amqp://app:s3cr3t-0@mq:5672", "error"),
    ("ARG T=Tr0ub4dor\nENV DB_PASSWORD=$T", "error"),
    ("ARG NPM_TOKEN", "info"),
    ("ARG NPM_TOKEN=", "info"),
    ("ARG T\nENV NPM_TOKEN=$T", "info"),
    ("ENV POSTGRES_PASSWORD=postgres", "info"),
    ("ENV DB_PASSWORD=changeme-please", "info"),
]


@pytest.mark.parametrize(("line", "severity"), SECRETS)
def test_a_secret_by_name_and_value(line: str, severity: str) -> None:
    findings = found("secret-in-arg-or-env", f"FROM node:22-slim\n{line}\n")
    assert [finding.severity for finding in findings] == [severity]
    assert masked(findings[0].message) == findings[0].message  # nothing of it is taken for a secret in a report
    assert not any(value in repr(findings) for value in ("Tr0ub4dor", "npm_0a", "ghp_0", "horse", "s3cr3t", "kG0c"))


NO_SECRETS = [
    *("ENV DB_AUTH_MODE=scram-sha-256", "ENV SSH_AUTH_SOCK=/agent", "ENV TLS_PRIVATE_KEY_FILE=/run/secrets/k"),
    *("ENV GPG_KEY=E3FF2839C048B25C084DEBE9B26995E310250568", "ENV JWT_PUBLIC_KEY=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A"),
    *("ENV TOKEN_URL=https://login.example.org/token", "ENV SECRET_NAME=db-0a1b2c3d", "ENV USE_SECRET=true"),
    *("ENV ACCESS_TOKEN_TTL=3600", "ENV CACHE_KEY=assets", "ENV AUTH=basic", "ENV KEYCLOAK_REALM=team-2026-blue"),
    *("ENV NPM_TOKEN=", "ENV NPM_TOKEN=$FROM_BASE", "ENV PASSWORD_MIN_LENGTH=12", "ENV VITE_TOKEN=pk.0123456789abcdef"),
    *(
        "ENV PROXY=http://proxy.example.org:3128",
        "ENV COMPASS=north-by-northwest-42",
        "ENV SENTRY_USERNAME=app-robot-1",
    ),
    *("ENV KEY_VERSION=2026-01-01-0a1b2c3d4e5f", "RUN apk add libcrypto3=3.5.1-r0", "LABEL token=abc123def"),
]


@pytest.mark.parametrize("line", NO_SECRETS)
def test_no_secret(line: str) -> None:
    assert not found("secret-in-arg-or-env", f"FROM node:22-slim\n{line}\n")


def test_the_image_shows_that_a_name_got_a_value() -> None:
    text = "FROM node:22-slim\nARG NPM_TOKEN\nARG OTHER_TOKEN\nRUN npm ci\n"
    built = image(["base", "RUN |2 NPM_TOKEN=abc OTHER_TOKEN= /bin/sh -c npm ci # buildkit"])
    assert [f.severity for f in found("secret-in-arg-or-env", text, built=built)] == ["error", "info"]


def test_an_image_alone_shows_its_environment() -> None:
    built = image(["base"], env=("PATH=/bin", "DB_PASSWORD=Tr0ub4dor", "TOKEN_FILE=/run/secrets/x"))
    (finding,) = found("secret-in-arg-or-env", "", built=built)
    assert "DB_PASSWORD" in finding.message
    assert "Tr0ub4dor" not in repr(finding)


def test_the_finding_points_at_the_name() -> None:
    text = "FROM node:22-slim\nENV PORT=3000 \\\n    DB_PASSWORD=Tr0ub4dor\n"
    assert places(found("secret-in-arg-or-env", text)) == [(3, 5)]


def test_a_key_that_was_deleted_is_in_its_layer() -> None:
    files = [record("root/.ssh/id_rsa", 2600, 1, "deleted", 2), record("etc/ssl/ca.pem", 2600, 1)]
    built = image(
        ["base", "COPY id_rsa /root/.ssh/ # buildkit", "RUN /bin/sh -c rm /root/.ssh/id_rsa # buildkit"], files
    )
    text = "FROM debian:12\nCOPY id_rsa /root/.ssh/\nRUN rm /root/.ssh/id_rsa\n"
    (finding,) = found("secret-file-in-any-layer", text, built=built)
    assert finding.location is not None
    assert (finding.files, finding.layers, finding.location.line) == ((0,), (1, 2), 2)


def test_without_a_dockerfile_nobody_knows_whose_layer_it_is() -> None:
    (finding,) = found("secret-file-in-any-layer", "", built=image(["a", "b"], [record("root/.netrc", 60, 1)]))
    assert (finding.confidence, finding.location) == ("low", None)


def test_copied_files_are_judged_by_their_content(tmp_path: Path) -> None:
    (tmp_path / "certs").mkdir()
    (tmp_path / "certs/server.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    (tmp_path / "certs/client.pem").write_text("-----BEGIN RSA PRIVATE KEY-----\n")
    (tmp_path / ".env").write_text("# SECRET=x\nNODE_ENV=production\nPORT=80\n")
    (finding,) = found("env-file-or-key-copied", "FROM debian:12\nCOPY cert*/*.pem /c/\nCOPY . .\n", folder=tmp_path)
    assert "certs/client.pem" in finding.message
    assert places([finding]) == [(2, 6)]


EXECUTED = [
    ("curl -fsSL https://example.org/i | sh", [(2, 40)]),
    ("curl -sSL u | sudo -E bash -", [(2, 27)]),
    ("wget -qO- u |\\\n  env A=1 bash -es -- --yes", [(3, 11)]),
    ("curl u | python3 -", [(2, 14)]),
    ("curl $(echo u) | ksh", [(2, 22)]),
    ("bash <(curl -s u)", [(2, 5)]),
    ('sh -c "$(curl u)"', [(2, 5)]),
    ("eval `curl u`", [(2, 5)]),
    ("X=$(curl u | sh)", [(2, 18)]),
    ("curl a | sh; curl b | sh", [(2, 14), (2, 27)]),
    ("curl -sS https://getcomposer.org/installer | php", []),
    ("curl u | bash script.sh", []),
    ("curl u | sh -ec 'cat'", []),
    ("curl u > x; echo y | sh", []),
    ("curl u | node -e 1", []),
    ('echo "$(curl u)"', []),
    ("bash -c 'echo' && curl u", []),
]


@pytest.mark.parametrize(("script", "at"), EXECUTED)
def test_scripts_that_are_executed_as_they_come(script: str, at: list[tuple[int, int]]) -> None:
    assert places(found("curl-pipe-shell", f"FROM debian:12\nRUN {script}\n")) == at


TRUSTING = [
    ("RUN curl -sk https://example.org", (2, 10)),
    ("RUN curl --insecure u", (2, 10)),
    ("RUN wget --no-check-certificate u", (2, 10)),
    ("RUN apt-get install -y --force-yes x", (2, 24)),
    ("RUN git -c http.sslVerify=false clone u", (2, 12)),
    ("RUN NODE_TLS_REJECT_UNAUTHORIZED=0 npm ci", (2, 5)),
    ("RUN pip install --trusted-host=x y", (2, 17)),
    ("ENV A=1 GIT_SSL_NO_VERIFY=true", (2, 9)),
    ("ARG NPM_CONFIG_STRICT_SSL=FALSE", (2, 5)),
    ("RUN apt-get -o Acquire::https::Verify-Peer=false update", (2, 16)),
]


@pytest.mark.parametrize(("line", "at"), TRUSTING)
def test_switches_that_trust_anybody(line: str, at: tuple[int, int]) -> None:
    assert places(found("tls-check-disabled", f"FROM debian:12\n{line}\n")) == [at]


MODES = [
    *(("777", 1), ("0777", 1), ("-R 666", 1), ("a+w", 1), ("o+rw", 1), ("ugo=rwx", 1), ("u+s", 1), ("4755", 1)),
    *(("755", 0), ("1777", 0), ("2775", 0), ("+x", 0), ("g+w", 0), ("g=u", 0), ("u+w", 0), ("$MODE", 0), ("a+rX", 0)),
    *(("+t,a+rwx", 0), ("--reference=a", 0)),
]


@pytest.mark.parametrize(("mode", "count"), MODES)
def test_modes_for_everybody(mode: str, count: int) -> None:
    assert len(found("unsafe-modes-added", f"FROM debian:12\nRUN chmod {mode} /app\n")) == count


def test_an_image_shows_the_modes_of_its_own_files() -> None:
    files = [
        record("bin/su", 9, 0)._replace(mode=0o4755),
        record("app/a", 5, 1)._replace(mode=0o777),
        record("usr/lib/ssh-keysign", 7, 1)._replace(mode=0o4755),
    ]
    built = image(
        ["base", "COPY a /app/ # buildkit"], files, owners={"usr/lib/ssh-keysign": "openssh-client"}, comments=None
    )
    (finding,) = found("unsafe-modes-added", "FROM debian:12\nCOPY a /app/\n", built=built)
    assert [item.path for item in finding.evidence] == ["/app/a"]


def test_sudo_inside_a_pipe_is_pointed_at() -> None:
    assert places(found("sudo-used", "FROM a\nRUN echo x | sudo tee /y\n")) == [(2, 14)]


def test_sudo_of_another_shell_is_not_guessed_at() -> None:
    assert not found("sudo-used", 'FROM a\nSHELL ["pwsh", "-c"]\nRUN sudo x\n')


REGISTRIES = [
    ("FROM registry.example.org/a", [(1, 6)]),
    ("FROM localhost:5000/a", [(1, 6)]),
    ("FROM debian\nCOPY --link --from=evil.example.org/a /b /b", [(2, 13)]),
    ("FROM docker.io/library/debian", []),
    ("FROM team/debian", []),
    ("FROM a.pkg.dev/x", []),
    ("FROM pkg.dev.example.org/x", [(1, 6)]),
    ("FROM debian AS a\nCOPY --from=a /b /b\nCOPY --from=context /b /b", []),
]


@pytest.mark.parametrize(("text", "at"), REGISTRIES)
def test_registries_that_are_not_trusted(text: str, at: list[tuple[int, int]]) -> None:
    assert places(found("untrusted-registry", f"{text}\n")) == at


def test_an_images_configuration_says_whether_there_is_a_healthcheck() -> None:
    assert found("healthcheck-missing", "", built=image(["base"]))
    assert not found("healthcheck-missing", "ARG A\n")


SHELL_FORMS = [
    ("FROM node:22-slim\nCMD node x\n", ["warning"]),
    ("FROM node:22-alpine\nCMD node x\n", ["info"]),
    ("FROM node:22-alpine\nCMD node a && node b\n", ["warning"]),
    ('FROM node:22-slim\nSHELL ["/bin/bash", "-c"]\nCMD node x\n', ["info"]),
    ('FROM node:22-slim\nSHELL ["/bin/bash", "-c"]\nARG A=1\nENV B=2\nCMD node x\n', ["info"]),
    ('FROM a\nSHELL ["cmd", "/S", "/C"]\nARG A=1\nENV B=2\nCMD node x\n', []),
    ("FROM node:22-slim\nCMD exec node x\n", []),
    ("FROM node:22-slim\nENTRYPOINT node x\nCMD []\n", ["warning"]),
]


@pytest.mark.parametrize(("text", "severities"), SHELL_FORMS)
def test_the_shell_decides_what_the_shell_form_means(text: str, severities: list[str]) -> None:
    """SHELL stays in force behind ARG and ENV, which hadolint 2.15 forgets."""
    assert [finding.severity for finding in found("shell-form-cmd", text)] == severities

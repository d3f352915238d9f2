"""Which commands may leave a token's value in a layer, told from their words alone."""

import pytest

from imageopt.dockerfile import parse
from imageopt.dockerfile.shell import run_commands
from imageopt.rewrite.asked.secret_stores import storing


def told(script: str) -> str | None:
    return storing(run_commands(parse(f"FROM a\nRUN {script}\n".encode()).instructions[-1]), "T")


@pytest.mark.parametrize(
    "script",
    [
        "npm ci",
        "npm ci --//r/:_authToken=$T && rm -rf ~/.npm",
        "yarn install --token=$T",
        "npm config set //r/:_authToken $T && npm ci && rm -rf ~/.npmrc ~/.npm",
        'npm config set //r/:_authToken $T; npm ci; rm -rf "$HOME/.npmrc" /root/.npm/_logs',
        "echo $T > .npmrc && npm ci && rm .npmrc",
        "(echo $T > .npmrc) && npm ci && rm .npmrc",
        "echo $T > /dev/null",
        "echo '${T}' > .npmrc",
        "envsubst < a > .npmrc && npm ci && rm .npmrc",
        "set -ex && env A=1 npm ci",
        'export A="$T" && npm ci',
        "A=$T npm ci && echo $A > a",
        'curl --header "Authorization: $T" --output a https://r.org',
    ],
)
def test_what_only_uses_it(script: str) -> None:
    assert told(script) is None


@pytest.mark.parametrize(
    ("script", "program"),
    [
        ("npm ci --//r/:_authToken=$T", "npm"),
        ("npm config set //r/:_authToken $T && npm ci && rm ~/.npmrc", "npm"),
        ("npm -g config set //r/:_authToken $T && rm -r ~/.npm ~/.npmrc", "npm"),
        ("npm config set //r/:_authToken $T --location=global && rm -r ~/.npm ~/.npmrc", "npm"),
        ("npm config set //r/:_authToken $T && npm ci && rm -r ~/.npm .npmrc", "npm"),
        ("npm config set //r/:_authToken $T && npm ci || rm -r ~/.npm ~/.npmrc", "npm"),
        ("yarn config set npmAuthToken $T && yarn && rm ~/.npmrc", "yarn"),
        ("npm install git+https://$T@r.org/a.git && rm -r ~/.npm", "npm"),
        ("rm -f .npmrc && echo $T > .npmrc && npm ci", "echo"),
        ("echo $T > .npmrc && if npm ci; then rm .npmrc; fi", "echo"),
        ("{ echo $T; } > .npmrc && npm ci", "echo"),
        ("echo $T | tee .npmrc", "echo"),
        ("A=$T && echo $A > a", "echo"),
        ("export A=$T; echo $A > a", "echo"),
        ("env > a && npm ci", "env"),
        ("printenv T | tee a", "printenv"),
        ("envsubst < a > .npmrc && npm ci", "envsubst"),
        ("sh -c 'echo $T > a'", "sh"),
        ("git clone https://$T@r.org/a", "git"),
    ],
)
def test_what_may_keep_it(script: str, program: str) -> None:
    assert told(script) == program

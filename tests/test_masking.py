"""What is taken for a secret, and what is not."""

import time

import pytest

from imageopt.masking import masked, sealed

SECRETS = [
    ("ENV NPM_TOKEN=abc NODE_ENV=x", "ENV NPM_TOKEN=*** NODE_ENV=x"),
    ('A_PASSWORD="a b" X=1', "A_PASSWORD=*** X=1"),
    (r"PASSWORD=a\ b c", "PASSWORD=*** c"),
    ("ENV NPM_TOKEN abc def", "ENV NPM_TOKEN ***"),
    ("npm config set //r/:_authToken abc", "npm config set //r/:_authToken ***"),
    ("//r/:_authToken=abc", "//r/:_authToken=***"),
    ("deploy --token abc --verbose", "deploy --token *** --verbose"),
    ("curl -H 'Authorization: Bearer abc' x", "curl -H 'Authorization: Bearer ***' x"),
    ("curl -H 'X-Api-Key: abc' x", "curl -H 'X-Api-Key: ***' x"),
    ('{"auth": "abc", "a": 1}', '{"auth": "***", "a": 1}'),
    (r'echo "{\"token\":\"abc\"}"', r'echo "{\"token\":\"***\"}"'),
    ("curl -u me:abc x", "curl -u me:*** x"),
    ("docker login -u me -p abc r", "docker login -u me -p *** r"),
    ("echo abc | docker login --password-stdin r", "echo *** | docker login --password-stdin r"),
    ("https://me:abc@host/x", "https://me:***@host/x"),
    ("https://abc@host/x", "https://***@host/x"),
    ('export TOKEN="$(cat /run/secrets/a)b"', "export TOKEN=***"),
    ("'me:abc@host.example/app' is no image", "'me:***@host.example/app' is no image"),
    ("the key AKIAIOSFODNN7EXAMPLE", "the key ***"),
    ("ghp_0123456789abcdef", "***"),
]
NO_SECRETS = [
    "",
    "ENV NPM_TOKEN=$NPM_TOKEN",
    "ENV NPM_TOKEN=${NPM_TOKEN}",
    "ENV PASSWORD=",
    'export NPM_TOKEN="$(cat /run/secrets/NPM_TOKEN)"; npm ci',
    "ARG NPM_TOKEN",
    'curl -H "Authorization: Bearer $TOKEN" x',
    "https://$USER:$PASS@host/x",
    "# secrets: given when the container starts",
    "RUN --mount=type=secret,id=npm_token,target=/root/.npmrc npm ci",
    "docker build --secret id=npm,src=.npmrc .",
    "git+ssh://git@github.com/a/b.git",
    "node:20@sha256:abcdef",
    "package.json asks for a as npm:react@18.2.0",
    "COPY --from=build /app/node_modules/@babel/core ./",
    "https://registry.npmjs.org/@babel/core",
    "/app/node_modules/jsonwebtoken/index.js",
    "the token of a registry is part of the image",
    "--password-stdin is safer",
    "docker login --password-stdin",
]


@pytest.mark.parametrize(("text", "expected"), SECRETS)
def test_secrets(text: str, expected: str) -> None:
    assert masked(text) == expected


@pytest.mark.parametrize("text", NO_SECRETS)
def test_no_secrets(text: str) -> None:
    assert masked(text) == text


def test_masking_twice_changes_nothing() -> None:
    for text, expected in SECRETS:
        assert masked(expected) == expected, text


@pytest.mark.parametrize(
    "text",
    ["token" * 40_000, "a" * 200_000 + "://", "a-" * 100_000 + "key:", "." * 200_000 + "@", "x://" * 50_000, "a:b@" * 50_000,
     "login " * 30_000, "echo a" * 30_000, '"token":' * 20_000, "token='" * 20_001, 'token="' * 20_001, " --token" * 20_000,
     "ENV token " * 20_000, "eyJ" * 60_000 + ".", "bearer " * 30_000, "authorization: " * 15_000, " -u" * 60_000],
    ids=lambda text: text[:14],
)  # fmt: skip
def test_no_text_takes_long(text: str) -> None:
    started = time.process_time()
    masked(text)
    assert time.process_time() - started < 2


def test_a_document_is_masked_in_its_texts_alone() -> None:
    document = {"API_TOKEN=a": ["API_TOKEN=a", 1, None, True, ("b", 2.5)]}
    assert sealed(document) == {"API_TOKEN=a": ["API_TOKEN=***", 1, None, True, ("b", 2.5)]}
    assert document == {"API_TOKEN=a": ["API_TOKEN=a", 1, None, True, ("b", 2.5)]}


def test_what_needs_no_mask_is_not_copied() -> None:
    document = {"a": [{"b": "c"}], "d": {"token": ["API_TOKEN=a"]}}
    assert sealed(document)["a"] is document["a"]

"""Rules for the tokens of registries: what shows one, and what does not."""

from pathlib import Path

import pytest
from evidence.small_images import image
from rules.asking import FROM, RULES, findings, places

from imageopt.evidence.join import join
from imageopt.project.read import read_project
from imageopt.rules.check import check

TOKEN = "npm_" + "a1B2" * 9


# Names that promise no secret (false alarm 10), and values that the shell never puts in.
@pytest.mark.parametrize(
    "body",
    [
        "ARG NPM_AUTH_MODE\nRUN npm ci",
        "ENV SSH_AUTH_SOCK=/agent NPM_TOKEN_FILE=/run/secrets/t NPM_USER=me",
        "ARG NPM_TOKEN",
        'ENV NPM_TOKEN=""',
        "RUN echo '//r/:_authToken=${NPM_TOKEN}' > .npmrc",
        'RUN echo "//r/:_authToken=\\${NPM_TOKEN}" > .npmrc',
        'RUN echo "//r/:_authToken=$T" > .npmrc && npm ci && rm .npmrc',
        'RUN npm config set "//r/:_authToken" "$T" && npm ci && npm logout',
        "RUN echo _authToken=$T",
        "RUN cat <<'EOF' > .npmrc\n//r/:_authToken=${T}\nEOF",
        "COPY .npmrc ./\nRUN npm ci",
        "RUN --mount=type=secret,id=npmrc,target=/root/.npmrc npm ci",
    ],
)
def test_no_token_is_exposed(body: str) -> None:
    assert findings("npm-token-exposed", f"{FROM}{body}\n") == []


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ("ARG NPM_TOKEN\nRUN npm ci", (2, 5)),
        ("ENV CI=1 NODE_AUTH_TOKEN=$T", (2, 10)),
        ('RUN echo "//r/:_authToken=$T" > .npmrc && npm ci', (2, 10)),
        ("RUN npm config set //r/:_authToken=$(cat /run/secrets/t)", (2, 20)),
        ("RUN npm config set //r/:_authToken ${T}", (2, 20)),
        ('RUN printf "npmAuthToken: ${T}" > .yarnrc.yml', (2, 12)),
        ("RUN cat <<EOF > .npmrc\n//r/:_authToken=${T}\nEOF", (3, 6)),
        ("COPY <<EOF /root/.npmrc\n//r/:_authToken=${T}\nEOF", (3, 6)),
        ("COPY .npmrc ./\nRUN npm ci\nRUN rm -f .npmrc", (2, 6)),
        (f"RUN echo '//r/:_authToken={TOKEN}' > .npmrc && rm .npmrc", (2, 27)),
    ],
)
def test_a_token_is_exposed(body: str, place: tuple[int, int]) -> None:
    (found,) = findings("npm-token-exposed", f"{FROM}{body}\n")
    assert found.location is not None
    assert (found.location.line, found.location.column) == place
    assert found.severity == "error"


def test_a_token_is_never_repeated() -> None:
    text = f"{FROM}ENV NPM_TOKEN={TOKEN}\nRUN echo '_authToken={TOKEN}' > .npmrc\n"
    found = findings("npm-token-exposed", text)
    assert [finding.location.line for finding in found if finding.location] == [2, 3]
    assert TOKEN not in repr(found)


def test_a_token_of_a_stage_that_is_not_shipped_counts_where_it_stands_in_the_file() -> None:
    text = f"FROM node:22 AS build\nRUN npm config set //r/:_authToken={TOKEN}\n{FROM}COPY . .\n"
    assert places("npm-token-exposed", text) == [2]


@pytest.mark.parametrize(("given", "count"), [("|1 NPM_TOKEN=s3cret /bin/sh -c npm ci", 1), ("/bin/sh -c npm ci", 0)])
def test_the_history_shows_whether_a_token_was_given(given: str, count: int) -> None:
    made = image(("base", f"RUN {given} # buildkit"))
    found = findings("npm-token-exposed", f"{FROM}ARG NPM_TOKEN\nRUN npm ci\n", made)
    assert len(found) == count
    assert "s3cret" not in repr(found)


def test_the_environment_of_an_image_alone() -> None:
    made = image(("base",), env=("NPM_TOKEN=s3cret", "PATH=/bin", "NODE_AUTH_TOKEN="))
    (found,) = check(join(made, None, None), [RULES["npm-token-exposed"]])
    assert "NPM_TOKEN" in found.message
    assert "s3cret" not in found.message


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ("//r/:_authToken=0123456789abcdef", (".npmrc",)),
        ("; //r/:_authToken=0123456789abcdef", ()),
        ("//r/:_authToken=${NPM_TOKEN}\n//r/:always-auth=true", ()),
        ('//r/:_password="cGFzc3dvcmQ="', (".npmrc",)),
        ("registry=https://npm.example.com/", ()),
    ],
)
def test_settings_in_which_a_token_stands(settings: str, found: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / ".npmrc").write_text(settings)
    assert read_project(tmp_path).token_files == found


def test_an_ignored_file_with_a_token_is_not_copied(tmp_path: Path) -> None:
    (tmp_path / ".npmrc").write_text("//r/:_authToken=0123456789abcdef")
    text = f"{FROM}COPY . .\n"
    assert len(findings("npm-token-exposed", text, project=read_project(tmp_path))) == 1
    (tmp_path / ".dockerignore").write_text(".npmrc")
    assert findings("npm-token-exposed", text, project=read_project(tmp_path)) == []

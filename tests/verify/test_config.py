"""Which keys of a configuration a rewrite may change, and which it may not."""

import pytest
from msgspec.structs import replace

from imageopt.source.model import ImageConfig
from imageopt.verify.config import compare_configs, starts_with

CONFIG = ImageConfig(
    os="linux",
    architecture="amd64",
    variant="",
    user="",
    env=("PATH=/bin", "NODE_VERSION=20.1.0", "TOKEN=hush"),
    entrypoint=("docker-entrypoint.sh",),
    cmd=("npm", "start"),
    working_dir="/app",
    exposed_ports=("3000/tcp",),
    volumes=("/data",),
    labels={"team": "a"},
    stop_signal=None,
    healthcheck=(),
    shell=(),
    created=None,
    history=(),
    diff_ids=(),
)


def test_a_token_that_only_installing_needs_may_go() -> None:
    before = replace(CONFIG, env=("NPM_TOKEN=a", "NODE_AUTH_TOKEN=a", "GITHUB_TOKEN=a"))
    changes = compare_configs(before, replace(CONFIG, env=()))
    assert {change.what: change.expected for change in changes} == {
        "Env GITHUB_TOKEN": False,
        "Env NODE_AUTH_TOKEN": True,
        "Env NPM_TOKEN": True,
    }


def test_distroless_starts_the_same_program() -> None:
    before = replace(CONFIG, cmd=("node", "server.js"))
    (change,) = compare_configs(before, replace(CONFIG, entrypoint=("/nodejs/bin/node",), cmd=("server.js",)))
    assert (change.what, change.expected) == ("Cmd", True)
    (change,) = compare_configs(before, replace(CONFIG, entrypoint=("/nodejs/bin/node",), cmd=("other.js",)))
    assert (change.what, change.expected) == ("Cmd", False)


def test_a_configuration_compared_with_itself_changes_nothing() -> None:
    assert compare_configs(CONFIG, replace(CONFIG, created="2026-01-01T00:00:00Z")) == ()


@pytest.mark.parametrize(
    ("after", "what", "expected"),
    [
        ({"user": "node"}, "User", True),
        ({"cmd": ("node", "server.js")}, "Cmd", True),
        ({"cmd": ("node", "server.js"), "entrypoint": ()}, "Cmd", True),
        ({"entrypoint": ()}, "Cmd", True),
        ({"entrypoint": ("/nodejs/bin/node",), "cmd": ("server.js",)}, "Cmd", True),
        ({"cmd": ("python", "x.py")}, "Cmd", False),
        ({"cmd": ()}, "Cmd", False),
        ({"env": (*CONFIG.env, "NODE_ENV=production")}, "Env NODE_ENV", True),
        ({"env": (*CONFIG.env, "NEW=1")}, "Env NEW", True),
        ({"env": ("PATH=/bin", "NODE_VERSION=20.9.0", "TOKEN=hush")}, "Env NODE_VERSION", True),
        ({"env": ("PATH=/bin", "NODE_VERSION=22.1.0", "TOKEN=hush")}, "Env NODE_VERSION", False),
        ({"env": ("PATH=/bin", "NODE_VERSION=20.1.0")}, "Env TOKEN", False),
        ({"env": ("PATH=/bin", "NODE_VERSION=20.1.0", "TOKEN=other")}, "Env TOKEN", False),
        ({"working_dir": "/srv"}, "WorkingDir", False),
        ({"exposed_ports": ()}, "ExposedPorts", False),
        ({"exposed_ports": ("3000/tcp", "9229/tcp")}, "ExposedPorts", True),
        ({"volumes": ()}, "Volumes", False),
        ({"stop_signal": "SIGINT"}, "StopSignal", False),
        ({"healthcheck": ("CMD", "x")}, "Healthcheck", True),
        ({"labels": {}}, "Label team", False),
        ({"labels": {"team": "b"}}, "Label team", False),
        ({"labels": {"team": "a", "version": "1"}}, "Label version", True),
        (
            {"labels": {"team": "a", "org.opencontainers.image.created": "2026"}},
            "Label org.opencontainers.image.created",
            True,
        ),
    ],
)
def test_one_key_is_one_change(after: dict[str, object], what: str, expected: bool) -> None:
    changes = compare_configs(CONFIG, replace(CONFIG, **after))
    assert [(change.what, change.expected) for change in changes] == [(what, expected)]


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        ({"user": "node"}, {"user": "root"}, "User"),
        ({"healthcheck": ("CMD", "x")}, {}, "Healthcheck"),
        ({"healthcheck": ("CMD", "x")}, {"healthcheck": ("NONE",)}, "Healthcheck"),
        ({"cmd": ("node", "a.js")}, {"cmd": ("node", "b.js")}, "Cmd"),
    ],
)
def test_what_gets_worse_is_not_expected(before: dict[str, object], after: dict[str, object], what: str) -> None:
    (change,) = compare_configs(replace(CONFIG, **before), replace(CONFIG, **after))
    assert (change.what, change.expected) == (what, False)


def test_the_label_of_the_run_is_no_change() -> None:
    assert compare_configs(CONFIG, replace(CONFIG, labels={"team": "a", "dev.imageopt.run": "1-a"})) == ()


def test_values_of_the_environment_are_not_shown() -> None:
    (change,) = compare_configs(CONFIG, replace(CONFIG, env=(*CONFIG.env[:2], "TOKEN=other")))
    assert "hush" not in repr(change)
    assert "other" not in f"{change.before} {change.after}"


@pytest.mark.parametrize("shell", [("/bin/sh", "-c", "node server.js"), ("yarn", "start"), ("npx", "next", "start")])
def test_a_launcher_may_fall_away(shell: tuple[str, ...]) -> None:
    (change,) = compare_configs(replace(CONFIG, cmd=shell), replace(CONFIG, cmd=("/usr/local/bin/node", "server.js")))
    assert change.expected


def test_a_script_that_changes_the_folder_may_fall_away() -> None:
    """`yarn start` of the root, which is `yarn workspace api start`: the image starts in that folder then."""
    before = replace(CONFIG, cmd=("/bin/sh", "-c", "yarn start"))
    after = replace(CONFIG, cmd=("node", "dist/main.js"), working_dir="/app/packages/api")

    def judged(starts_in: str) -> dict[str, bool]:
        return {change.what: change.expected for change in compare_configs(before, after, starts_in=starts_in)}

    assert judged("packages/api") == {"Cmd": True, "WorkingDir": True}
    assert judged("packages/web") == judged("") == {"Cmd": True, "WorkingDir": False}


def test_what_is_compiled_once_is_started_by_another_script() -> None:
    after = replace(CONFIG, cmd=("npm", "run", "start:prod"))
    assert [change.expected for change in compare_configs(CONFIG, after)] == [False]
    assert [change.expected for change in compare_configs(CONFIG, after, compiled=True)] == [True]
    assert starts_with(after, ("npm", "run", "start:prod"))
    assert not starts_with(after, ("npm", "start"))


def test_a_web_server_in_the_place_of_one_that_runs_on_node() -> None:
    """What went with Node is expected; what the author set is not, nor any other program in the place of the server."""
    before = replace(CONFIG, cmd=("npx", "serve", "-s", "dist"))
    after = replace(before, cmd=("nginx", "-g", "daemon off;"), env=("PATH=/bin",), stop_signal="SIGQUIT")
    judged = {change.what: change.expected for change in compare_configs(before, after)}
    assert judged == {"Cmd": True, "Env NODE_VERSION": True, "Env TOKEN": False, "StopSignal": True}
    judged = {change.what: change.expected for change in compare_configs(CONFIG, after)}
    assert (judged["Cmd"], judged["StopSignal"]) == (False, False)


@pytest.mark.parametrize("name", ["PHPIZE_DEPS", "GPG_KEY", "PYTHON_SHA256", "PYTHON_GET_PIP_URL", "PKG_RELEASE"])
@pytest.mark.parametrize("new", ["other", None])
def test_what_a_base_notes_of_how_it_was_built_follows_the_base(name: str, new: str | None) -> None:
    old = replace(CONFIG, env=(f"{name}=one",))
    (change,) = compare_configs(old, replace(CONFIG, env=() if new is None else (f"{name}={new}",)))
    assert change.expected


@pytest.mark.parametrize("name", ["org.opencontainers.image.revision", "maintainer"])
def test_a_label_that_describes_the_image_to_people_follows_the_image(name: str) -> None:
    (change,) = compare_configs(replace(CONFIG, labels={name: "a"}), replace(CONFIG, labels={}))
    assert change.expected

"""Addresses are handed on to the container, logins never are."""

from pathlib import Path

import pytest

from imageopt.lockfile.settings import user_settings, without_secrets


def test_proxies_and_registries_of_the_environment_are_handed_on() -> None:
    given = {
        "https_proxy": "http://proxy.corp:3128",
        "NO_PROXY": "corp",
        "npm_config_registry": "https://npm.corp/",
        "NPM_CONFIG_STRICT_SSL": "false",
        "NPM_CONFIG__AUTH": "c2VjcmV0",
        "NPM_TOKEN": "npm_0123456789abcdef0123",
        "HTTP_PROXY": "",
        "PATH": "/bin",
    }
    assert user_settings(given).environment == {
        "NO_PROXY": "corp",
        "NPM_CONFIG_STRICT_SSL": "false",
        "YARN_HTTPS_PROXY": "http://proxy.corp:3128",
        "https_proxy": "http://proxy.corp:3128",
        "npm_config_registry": "https://npm.corp/",
    }


def test_yarn_2_has_variables_of_its_own_which_win() -> None:
    given = {"YARN_HTTP_PROXY": "http://a", "HTTP_PROXY": "http://b", "YARN_NPM_REGISTRY_SERVER": "https://c"}
    found = user_settings(given).environment
    assert (found["YARN_HTTP_PROXY"], found["YARN_NPM_REGISTRY_SERVER"]) == ("http://a", "https://c")


def test_of_the_users_npmrc_only_addresses_are_kept(tmp_path: Path) -> None:
    (tmp_path / ".npmrc").write_text(
        "registry = https://npm.corp/${TEAM}/\n@corp:registry=https://${NOBODY}/\n; a note\nproxy=http://p:1\n"
        "//npm.corp/:_authToken=npm_0123456789abcdef0123\n_auth=abc\nemail=a@b.c\nscript-shell=/bin/evil\nbare\n"
    )
    found = user_settings({"HOME": str(tmp_path), "TEAM": "web"})
    assert found.npmrc == "registry=https://npm.corp/web/\n@corp:registry=https://${NOBODY}/\nproxy=http://p:1\n"
    assert found.hidden == ()


def test_the_npmrc_may_lie_elsewhere_or_nowhere(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("registry=https://a/\n")
    assert user_settings({"NPM_CONFIG_USERCONFIG": str(other), "HOME": "/nowhere"}).npmrc == "registry=https://a/\n"
    assert user_settings({"HOME": str(tmp_path)}).npmrc == ""
    assert user_settings({}).npmrc == ""
    assert user_settings({"HOME": "a\0b"}).npmrc == ""
    other.write_text("registry=https://a/\n" + "#" * 2_000_001)
    assert user_settings({"npm_config_userconfig": str(other)}).npmrc == ""


def test_an_unreadable_npmrc_is_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".npmrc").write_text("registry=https://a/\n")

    def refuse(_: Path) -> bytes:
        raise PermissionError

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert user_settings({"HOME": str(tmp_path)}).npmrc == ""


def test_passwords_in_addresses_are_hidden_as_written_and_as_meant(tmp_path: Path) -> None:
    (tmp_path / ".npmrc").write_text("registry=https://me:hunter2@npm.corp/\nproxy=http://token1234@[bad/\n")
    found = user_settings({"HTTPS_PROXY": "http://me:p%40ss@proxy:3128", "HOME": str(tmp_path)})
    assert {"me:p%40ss", "p%40ss", "p@ss", "me:hunter2", "hunter2", "token1234"} == {*found.hidden}


def test_the_certificates_that_the_users_node_trusts_go_with_them(tmp_path: Path) -> None:
    authorities = tmp_path / "ca.pem"
    authorities.write_bytes(b"-----BEGIN CERTIFICATE-----")
    assert user_settings({"NODE_EXTRA_CA_CERTS": str(authorities)}).authorities == authorities.read_bytes()
    assert user_settings({"npm_config_cafile": str(authorities)}).authorities == authorities.read_bytes()
    assert user_settings({"NODE_EXTRA_CA_CERTS": str(tmp_path / "gone")}).authorities == b""


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("registry=https://npm.corp/", "registry=https://npm.corp/"),
        ("legacy-peer-deps=true", "legacy-peer-deps=true"),
        ("# a note", "# a note"),
        ("registry=https://me:hunter22@npm.corp/", "registry=https://npm.corp/"),
        ("//npm.corp/:_authToken=${NPM_TOKEN}", None),
        ("//npm.corp/:_authToken=npm_0123456789abcdef0123", None),
        ("//npm.corp/:_password = abc", None),
        ("//npm.corp/:username=me", None),
        ("_auth=abc", None),
        ("certfile=/home/me/client.pem", None),
        ("key=abc", None),
        ("my-secret=0123456789", None),
        ("script-shell=./evil.sh", None),
        ("node-options=--require ./evil.js", None),
        ('yarn-path "./evil.js"', None),
        ("yarnPath: .yarn/releases/yarn-4.5.0.cjs", None),
        ('"//npm.corp/:_authToken" "abc"', None),
        ("    npmAuthToken: abc", None),
        ("nodeLinker: node-modules", "nodeLinker: node-modules"),
        ("    npmRegistryServer: https://npm.corp", "    npmRegistryServer: https://npm.corp"),
    ],
)
def test_settings_of_the_project_lose_logins_and_code(line: str, kept: str | None) -> None:
    assert without_secrets(f"a=b\n{line}\n") == "a=b\n" + (f"{kept}\n" if kept is not None else "")

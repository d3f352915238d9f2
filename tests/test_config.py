"""What `imageopt.toml` may hold, where it is looked for, and what is said of a mistake in it."""

from datetime import date
from pathlib import Path

import pytest

from imageopt.config import BudgetConfig, CompanionConfig, Config, RequestConfig, VerifyConfig, load_config
from imageopt.errors import UsageError

FULL = """
[budget]
download = "120 MB"
unpacked = "1.5 GiB"
wasted = "5%"
layers = 20
[budget.vulnerabilities]
critical = 0
high = 3
[rewrite]
target = "slim"
[verify]
port = 3000
paths = ["/", "/health"]
[build]
file = "docker/Dockerfile"
target = "web"
context = "."
secrets = ["id=npm,src=.npmrc"]
platform = "linux/arm64"
build_args.NODE = "20"
[project]
image = "docker:shop:latest"
[[ignore]]
rule = "base-untagged-or-latest"
reason = "internal mirror pins it"
until = 2027-03-31
[[ignore]]
rule = "runs-as-root"
reason = "needs port 80"
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "imageopt.toml"
    path.write_text(text)
    return path


def test_every_key_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, FULL)
    config = load_config(tmp_path)
    assert config.path == path
    assert config.budget == BudgetConfig(120_000_000, 1_610_612_736, 5.0, 20, {"critical": 0, "high": 3})
    assert config.rewrite.target == "slim"
    assert (config.verify.port, config.verify.paths) == (3000, ("/", "/health"))
    assert (config.build.file, config.build.target, config.build.platform) == (
        "docker/Dockerfile",
        "web",
        "linux/arm64",
    )
    assert config.build.context == str(tmp_path), "a context is relative to the file that names it"
    assert config.build.build_args == {"NODE": "20"}
    assert config.build.secrets == ("id=npm,src=.npmrc",)
    assert config.project.image == "docker:shop:latest"
    assert [(waiver.rule, waiver.until) for waiver in config.ignore] == [
        ("base-untagged-or-latest", date(2027, 3, 31)),
        ("runs-as-root", None),
    ]


def test_a_build_is_told_by_the_names_of_its_options_too(tmp_path: Path) -> None:
    write(
        tmp_path,
        '[build]\nbuild-arg = ["NODE=20", "URL=a=b"]\nsecret = ["id=npm"]\nssh = ["default"]\nimage = "shop:1"\n',
    )
    config = load_config(tmp_path)
    assert config.build.build_args == {"NODE": "20", "URL": "a=b"}
    assert (config.build.secrets, config.build.ssh) == (("id=npm",), ("default",))
    assert config.project.image == "shop:1"


def test_prices_are_read(tmp_path: Path) -> None:
    write(tmp_path, '[cost]\nstorage_per_gb_month = "0.10 USD"\n')
    assert load_config(tmp_path).cost.storage_per_gb_month == "0.10 USD"


def test_without_a_file_everything_has_its_default(tmp_path: Path) -> None:
    assert load_config(tmp_path) == Config()


def test_a_size_may_be_a_plain_number_of_bytes(tmp_path: Path) -> None:
    write(tmp_path, "[budget]\nunpacked = 400000000\n")
    assert load_config(tmp_path).budget.unpacked == 400_000_000


def test_it_is_looked_for_up_to_the_root_of_the_repository_and_no_further(tmp_path: Path) -> None:
    write(tmp_path, "[budget]\nlayers = 1\n")
    deep = tmp_path / "repository" / "services" / "shop"
    deep.mkdir(parents=True)
    (tmp_path / "repository" / ".git").mkdir()
    assert load_config(deep) == Config()
    write(tmp_path / "repository", "[budget]\nlayers = 2\n")
    assert load_config(deep).budget.layers == 2
    write(deep, "[budget]\nlayers = 3\n")
    assert load_config(deep).budget.layers == 3


def test_outside_of_a_repository_only_the_folder_itself_is_asked(tmp_path: Path) -> None:
    write(tmp_path, "[budget]\nlayers = 1\n")
    (tmp_path / "shop").mkdir()
    assert load_config(tmp_path / "shop") == Config()
    assert load_config(tmp_path).budget.layers == 1


def test_the_named_file_goes_before_the_found_one(tmp_path: Path) -> None:
    write(tmp_path, "[budget]\nlayers = 1\n")
    other = tmp_path / "other.toml"
    other.write_text("[budget]\nlayers = 9\n")
    assert load_config(tmp_path, other).budget.layers == 9


def test_a_named_file_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"gone\.toml cannot be read"):
        load_config(tmp_path, tmp_path / "gone.toml")


@pytest.mark.parametrize(
    ("text", "line", "key", "said"),
    [
        ('[budget]\n# ours\nunpackd = "1 MB"\n', 3, "budget.unpackd", "did you mean unpacked?"),
        ('[cost]\nstorage_per_gb_month = "cheap"\n', 2, "cost.storage_per_gb_month", "0.10 USD"),
        ('[build]\nbuild-arg = ["NODE"]\n', 2, "build.build-arg", "NAME=VALUE"),
        ("[budgte]\nlayers = 1\n", 1, "budgte", "did you mean budget?"),
        ("[budget.vulnerabilities]\ncritcal = 0\n", 2, "budget.vulnerabilities.critcal", "did you mean critical?"),
        ("[budget]\nvulnerabilities = { hihg = 0 }\n", 2, "budget.vulnerabilities.hihg", "did you mean high?"),
        ("budget.lairs = 1\n", 1, "budget.lairs", "did you mean layers?"),
        ('"budget"."zzz" = 1\n', 1, "budget.zzz", "known here: baseline"),
        ('[budget]\nlayers = "20"\n', 2, "budget.layers", "without quotes"),
        ("[budget]\nlayers = true\n", 2, "budget.layers", "without quotes"),
        ("[budget]\nlayers = -1\n", 2, "budget.layers", "0 or more"),
        ('[budget]\nunpacked = "400 apples"\n', 2, "budget.unpacked", "such as 800MB"),
        ("[budget]\nunpacked = 1.5\n", 2, "budget.unpacked", "400 MB"),
        ('[budget]\nwasted = "5"\n', 2, "budget.wasted", "percent sign"),
        ("[budget]\nwasted = 5\n", 2, "budget.wasted", '"5%"'),
        ("budget = 3\n", 1, "budget", "[budget]"),
        ('[rewrite]\ntarget = "alpin"\n', 2, "rewrite.target", "did you mean alpine?"),
        ("[verify]\nport = 70000\n", 2, "verify.port", "65535"),
        ('[verify]\npaths = "/"\n', 2, "verify.paths", '["one", "two"]'),
        ("[verify]\npaths = [1]\n", 2, "verify.paths", '["one", "two"]'),
        ('[verify]\npaths = ["health"]\n', 2, "verify.paths", '"/health"'),
        ("[build]\n\n[build.build_args]\nNODE = 20\n", 4, "build.build_args.NODE", "in quotes"),
        ('[project]\nimage = ["a"]\n', 2, "project.image", "in quotes"),
        ('[ignore]\nrule = "x"\n', 1, "ignore", "[[ignore]]"),
        ("ignore = [1]\n", 1, "ignore", "[[ignore]]"),
        ('[[ignore]]\nrule = "x"\n', 1, "ignore.reason", "its rule and its reason"),
        (
            '[[ignore]]\nrule = "x"\nreason = "y"\n[[ignore]]\nrule = "z"\nreason = "y"\nuntil = "2027"\n',
            7,
            "ignore.until",
            "without quotes",
        ),
        (
            '[[ignore]]\nrule = "x"\nreason = "y"\n[[ignore]]\nreason = "y"\n',
            4,
            "ignore.rule",
            "its rule and its reason",
        ),
    ],
)
def test_a_mistake_is_named_with_its_line_its_key_and_what_to_do(
    tmp_path: Path, text: str, line: int, key: str, said: str
) -> None:
    path = write(tmp_path, text)
    with pytest.raises(UsageError) as raised:
        load_config(tmp_path)
    assert raised.value.cause.startswith(f"{path}:{line}: {key} ")
    assert said in raised.value.remedy
    assert raised.value.exit_code == 2


def test_a_byte_order_mark_and_windows_line_ends_are_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "imageopt.toml"
    path.write_bytes(b"\xef\xbb\xbf[budget]\r\nlayers = 3\r\n")
    assert load_config(tmp_path).budget.layers == 3


def test_toml_without_end_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "imageopt.toml").write_text("x = " + "[" * 5000 + "]" * 5000)
    with pytest.raises(UsageError, match="nested too deeply"):
        load_config(tmp_path)


def test_text_that_is_not_toml_is_named_with_its_line(tmp_path: Path) -> None:
    write(tmp_path, "[budget]\nlayers = \n")
    with pytest.raises(UsageError, match="line 2"):
        load_config(tmp_path)


def test_bytes_that_are_not_utf_8_are_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "imageopt.toml").write_bytes(b"[budget]\n# caf\xe9\n")
    with pytest.raises(UsageError, match="not UTF-8"):
        load_config(tmp_path)


def test_what_verify_asks_and_starts_beside_is_configured(tmp_path: Path) -> None:
    text = """
[verify]
port = 3000
websockets = ["/ws"]
user = "1000640000:0"
openapi = "api.yaml"
commands = ["node migrate.js"]
volumes = ["/data"]
[verify.environment]
MODE = "fast"
[verify.companions.db]
image = "postgres:16"
command = "postgres -c fsync=off"
environment = { POSTGRES_PASSWORD = "p" }
[[verify.requests]]
method = "POST"
path = "/login"
headers = { X-Key = "k" }
body = "{}"
"""
    (tmp_path / "imageopt.toml").write_text(text)
    assert load_config(tmp_path).verify == VerifyConfig(
        port=3000,
        requests=(RequestConfig("/login", "POST", {"X-Key": "k"}, "{}"),),
        websockets=("/ws",),
        user="1000640000:0",
        openapi="api.yaml",
        commands=("node migrate.js",),
        volumes=("/data",),
        environment={"MODE": "fast"},
        companions={"db": CompanionConfig("postgres:16", "postgres -c fsync=off", {"POSTGRES_PASSWORD": "p"})},
    )


@pytest.mark.parametrize(
    "text",
    [
        '[verify]\nwebsockets = ["ws"]',
        '[verify]\nuser = "node"',
        '[verify]\nvolumes = ["data"]',
        '[[verify.requests]]\npath = "login"',
        '[[verify.requests]]\nmethod = "POST"',
        '[[verify.requests]]\npath = "/"\nmethod = "FETCH"',
        "[verify.companions.db]\n",
        '[verify.companions.db]\nimage = "x"\nports = 3',
        "[verify.environment]\nA = 1",
    ],
)
def test_what_verify_cannot_do_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "imageopt.toml").write_text(text)
    with pytest.raises(UsageError):
        load_config(tmp_path)

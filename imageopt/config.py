"""`imageopt.toml` -> the configuration. Every key has a default; what is not known is an error and never ignored.

Values are plain numbers and texts: the packages that use them know what they mean. A key is known because a reader
below asks for it; there is no list of keys beside the readers.
"""

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct, field

from imageopt.errors import UsageError
from imageopt.folders import upwards
from imageopt.toml_table import Table

NAME = "imageopt.toml"
SEVERITIES = ("critical", "high", "medium", "low", "unknown")
RULE_SEVERITIES = ("error", "warning", "info", "style", "off")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
Builder = Literal["auto", "buildx", "docker", "podman", "buildah", "buildctl"]
BUILDERS: tuple[Builder, ...] = ("auto", "buildx", "docker", "podman", "buildah", "buildctl")
REWRITE_TARGETS = ("auto", "alpine", "slim", "distroless", "keep")


class BudgetWaiver(Struct, frozen=True):
    """A budget that may fail, or one thing (`id`) that it does not count; why, and the last day of that."""

    budget: str
    id: str
    reason: str
    until: date | None


class BudgetConfig(Struct, frozen=True):
    """Limits; None where none is set.

    `download`, `unpacked`, `live` and `wasted_bytes` are bytes, `wasted` is percent. `growth` is a tolerance as it was
    written; `baseline` says what it is held against. `denied_licenses` are patterns.
    """

    download: int | None = None
    unpacked: int | None = None
    wasted: float | None = None
    layers: int | None = None
    vulnerabilities: Mapping[str, int] = field(default_factory=dict)
    live: int | None = None
    wasted_bytes: int | None = None
    secrets: int | None = None
    misconfigurations: int | None = None
    denied_licenses: tuple[str, ...] = ()
    build_seconds: int | None = None
    rebuild_seconds: int | None = None
    growth: str | None = None
    baseline: str | None = None
    ignore: tuple[BudgetWaiver, ...] = ()


class RewriteConfig(Struct, frozen=True):
    """`target` is the wished final base image, one of `REWRITE_TARGETS`."""

    target: str = "auto"


class RequestConfig(Struct, frozen=True):
    """A request that is made of the running service."""

    path: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


class CompanionConfig(Struct, frozen=True):
    """A service that runs beside; `command` is split as a shell would, "" for the image's own."""

    image: str
    command: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)


class VerifyConfig(Struct, frozen=True):
    """Where the service listens, what to ask it, and what it needs; None and empty: found out.

    `openapi` is a file relative to the project. `commands` are what the image is also started with; their output has
    to stay the same. `volumes` are folders whose data outlives a version. `user` is a number, `uid` or `uid:gid`, that
    the platform runs the image as, whatever the image says.
    """

    port: int | None = None
    paths: tuple[str, ...] = ()
    requests: tuple[RequestConfig, ...] = ()
    websockets: tuple[str, ...] = ()
    openapi: str | None = None
    commands: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    companions: Mapping[str, CompanionConfig] = field(default_factory=dict)
    severity: str = "unknown"
    user: str | None = None


class BuildConfig(Struct, frozen=True):
    """What is given to a build, by the names of the options, too; `image` is `[project] image`.

    `context` is relative to the folder of the configuration, resolved.
    """

    file: str | None = None
    target: str | None = None
    context: str | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    ssh: tuple[str, ...] = ()
    platform: str | None = None
    builder: Builder | None = None
    image: str | None = None


class ProjectConfig(Struct, frozen=True):
    """`image` is the folder's image."""

    image: str | None = None


class CostConfig(Struct, frozen=True):
    """Prices, an amount and a currency, for `fleet`; it is not there yet, but a file that has them is no wrong file."""

    storage_per_gb_month: str | None = None


class Waiver(Struct, frozen=True):
    """A rule that is waived, why, the last day of the waiver, and where it stands."""

    rule: str
    reason: str
    until: date | None
    file: str = NAME
    line: int = 1


class RuleConfig(Struct, frozen=True):
    """What `[rules]` says of one rule: its severity (None: as it is), its parameters, and where it says so."""

    severity: str | None
    parameters: Mapping[str, Any]
    line: int


class Config(Struct, frozen=True):
    """The whole configuration; `path` is None where there is no file."""

    path: Path | None = None
    budget: BudgetConfig = BudgetConfig()
    rewrite: RewriteConfig = RewriteConfig()
    verify: VerifyConfig = VerifyConfig()
    build: BuildConfig = BuildConfig()
    project: ProjectConfig = ProjectConfig()
    cost: CostConfig = CostConfig()
    ignore: tuple[Waiver, ...] = ()
    rules: Mapping[str, RuleConfig] = field(default_factory=dict)


def load_config(start: Path, explicit: Path | None = None) -> Config:
    """The configuration in force in the folder `start`, or the explicit file.

    Raises UsageError for an unknown key or a wrong value, and for a file that cannot be read.
    """
    path = explicit if explicit is not None else nearest(start, NAME)
    if path is None:
        return Config()
    import tomli

    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", "name another file with --config") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8 text", "save it as UTF-8") from None
    try:
        data = tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        raise UsageError(f"{path} is not TOML: {error}", "mend it at the place named") from None
    except RecursionError:
        raise UsageError(f"{path} is nested too deeply", "write plain tables and values") from None
    return _config(Table(path, text, (), data))


def nearest(start: Path, *names: str) -> Path | None:
    """The nearest file or folder of one of the names, the first name first, from a folder up to its repository's root.

    Outside of a repository only the folder itself is asked.
    """
    places = (place / name for place in upwards(start) for name in names)
    return next((place for place in places if place.exists()), None)


def _config(top: Table) -> Config:
    build = top.section("build", _build)
    config = Config(
        path=top.file,
        budget=top.section("budget", _budget),
        rewrite=top.section("rewrite", lambda table: RewriteConfig(table.choice("target", REWRITE_TARGETS, "auto"))),
        verify=top.section("verify", _verify),
        build=build,
        project=ProjectConfig(top.section("project", lambda table: table.text("image")) or build.image),
        cost=top.section("cost", lambda table: CostConfig(_price(table, "storage_per_gb_month"))),
        ignore=tuple(top.sections("ignore", _waiver)),
        rules=top.section("rules", _rules),
    )
    top.finish()
    return config


def _budget(table: Table) -> BudgetConfig:
    percent, count = table.percent_or_size("wasted")
    growth = table.text("growth")
    table.percent_or_size("growth")
    return BudgetConfig(
        download=table.size("download"),
        unpacked=table.size("unpacked"),
        wasted=percent,
        layers=table.count("layers"),
        vulnerabilities=table.section("vulnerabilities", _vulnerabilities),
        live=table.size("live"),
        wasted_bytes=count,
        secrets=table.count("secrets"),
        misconfigurations=table.count("misconfigurations"),
        denied_licenses=table.section("licenses", lambda licenses: licenses.texts("deny")),
        build_seconds=table.count("build_seconds"),
        rebuild_seconds=table.count("rebuild_seconds"),
        growth=growth,
        baseline=table.text("baseline"),
        ignore=tuple(table.sections("ignore", _budget_waiver)),
    )


def _budget_waiver(table: Table) -> BudgetWaiver:
    budget, reason = table.text("budget"), table.text("reason")
    if not budget or not reason:
        table.refuse("budget" if not budget else "reason", "is missing", "a waiver names its budget and its reason")
    return BudgetWaiver(budget, table.text("id") or "", reason, table.day("until"))


def _vulnerabilities(table: Table) -> dict[str, int]:
    limits = {severity: table.count(severity) for severity in SEVERITIES}
    return {severity: limit for severity, limit in limits.items() if limit is not None}


def _verify(table: Table) -> VerifyConfig:
    port = table.count("port")
    if port is not None and not 0 < port < 2**16:
        table.refuse("port", "is not a port", "write a number from 1 to 65535")
    return VerifyConfig(
        port=port,
        paths=_absolute(table, "paths"),
        requests=tuple(table.sections("requests", _request)),
        websockets=_absolute(table, "websockets"),
        openapi=table.text("openapi"),
        commands=table.texts("commands"),
        volumes=_absolute(table, "volumes"),
        environment=table.section("environment", _all_texts),
        companions=table.section("companions", _companions),
        severity=table.choice("severity", SEVERITIES, "unknown"),
        user=_user(table),
    )


def _user(table: Table) -> str | None:
    user = table.text("user")
    if user is not None and not re.fullmatch(r"\d+(?::\d+)?", user):
        table.refuse("user", "is no number", 'write "1000640000:0", a user and a group')
    return user


def _absolute(table: Table, key: str) -> tuple[str, ...]:
    paths = table.texts(key)
    if any(not path.startswith("/") for path in paths):
        table.refuse(key, "holds a path without a leading slash", 'write paths such as "/health"')
    return paths


def _request(table: Table) -> RequestConfig:
    path = table.text("path") or ""
    if not path.startswith("/"):
        table.refuse("path", "is no path with a leading slash", 'write paths such as "/health"')
    return RequestConfig(
        path=path,
        method=table.choice("method", METHODS, "GET"),
        headers=table.section("headers", _all_texts),
        body=table.text("body") or "",
    )


def _companions(table: Table) -> dict[str, CompanionConfig]:
    return {name: table.section(name, _companion) for name in table.data}


def _companion(table: Table) -> CompanionConfig:
    image = table.text("image")
    if not image:
        table.refuse("image", "is missing", "name the image that it is started from")
    return CompanionConfig(
        image=image,
        command=table.text("command") or "",
        environment=table.section("environment", _all_texts),
    )


def _build(table: Table) -> BuildConfig:
    context = table.text("context")
    return BuildConfig(
        file=table.text("file"),
        target=table.text("target"),
        context=None if context is None else str((table.file.parent / context).resolve()),
        build_args={**table.section("build_args", _all_texts), **_pairs(table, "build-arg")},
        secrets=(*table.texts("secrets"), *table.texts("secret")),
        ssh=table.texts("ssh"),
        platform=table.text("platform"),
        image=table.text("image"),
        builder=next((name for name in BUILDERS if name == table.choice("builder", BUILDERS, "")), None),
    )


def _price(table: Table, key: str) -> str | None:
    price = table.text(key)
    if price is not None and not re.fullmatch(r"\d+(?:\.\d+)? [A-Z]{3}", price):
        table.refuse(key, "is not a price", 'write an amount and a currency: "0.10 USD"')
    return price


def _pairs(table: Table, key: str) -> dict[str, str]:
    """`build-arg = ["NAME=VALUE"]`, as on the command line."""
    pairs = [text.partition("=") for text in table.texts(key)]
    if not all(name and equals for name, equals, _ in pairs):
        table.refuse(key, "has a text without a name and a value", 'write each as "NAME=VALUE"')
    return {name: value for name, _, value in pairs}


def _all_texts(table: Table) -> dict[str, str]:
    return {key: table.text(key) or "" for key in table.data}


def _rules(table: Table) -> dict[str, RuleConfig]:
    """`apt-lists-left = "off"`, or a table with a severity and the rule's own parameters."""
    found = {}
    for name, value in table.data.items():
        if isinstance(value, dict):
            found[name] = table.section(name, _rule)
        else:
            found[name] = RuleConfig(table.choice(name, RULE_SEVERITIES, "off"), {}, table.line(name))
    return found


def _rule(table: Table) -> RuleConfig:
    severity = table.choice("severity", RULE_SEVERITIES, "") or None
    parameters = {key: value for key, value in table.data.items() if key != "severity"}
    table.asked.update(parameters)  # which of them there are, the rule knows
    return RuleConfig(severity, parameters, min((table.line(key) for key in table.data), default=table.line("")))


def _waiver(table: Table) -> Waiver:
    rule, reason = table.text("rule"), table.text("reason")
    if not rule or not reason:
        table.refuse("rule" if not rule else "reason", "is missing", "a waiver names its rule and its reason")
    return Waiver(rule, reason, table.day("until"), table.file.name, table.line("rule"))

"""Options that several commands share, and what they become."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from msgspec import Struct

from imageopt.build.options import BuildOptions
from imageopt.cli.completion import complete_formats, complete_paths
from imageopt.config import BUILDERS, Config, load_config
from imageopt.errors import UsageError
from imageopt.progress import Progress

Function = TypeVar("Function", bound=Callable[..., Any])

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}  # as machines call themselves


def _platform(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """`amd64` is `linux/amd64`, as for `docker build`."""
    if value is None:
        return None
    system, _, machine = value.lower().rpartition("/")
    return f"{system or 'linux'}/{_ARCHITECTURES.get(machine, machine)}"


def platform_option(text: str) -> Callable[[Function], Function]:
    """The platform of an image, with this help."""
    return click.option("--platform", metavar="OS/ARCH", callback=_platform, help=text)


_BUILD = (
    click.option(
        "-f", "--file", metavar="FILE", shell_complete=complete_paths, help="The Dockerfile, relative to the folder."
    ),
    click.option("--target", "stage", metavar="STAGE", help="The stage to build; the last one without it."),
    click.option(
        "--context", metavar="DIR", shell_complete=complete_paths, help="The build context, where it is not the folder."
    ),
    click.option(
        "--build-arg",
        "build_args",
        multiple=True,
        metavar="NAME=VALUE",
        help="A build argument; NAME alone takes it from the environment (repeatable).",
    ),
    click.option("--secret", "secrets", multiple=True, metavar="SPEC", help="A build secret, such as id=npm,src=FILE."),
    click.option("--ssh", "ssh", multiple=True, metavar="SPEC", help="An SSH agent for the build, such as default."),
    platform_option("The platform, such as linux/amd64."),
    click.option("--builder", type=click.Choice(BUILDERS), help="What builds; found out without it."),
)


def _list_formats(_context: click.Context, _parameter: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """What cannot be shown is said before anything is removed or written."""
    from imageopt.cli.output import LIST_FORMATS, parse_formats

    parse_formats(value, LIST_FORMATS)
    return value


_FORMAT = click.option(
    "--format", "formats", multiple=True, metavar="FORMAT[=FILE]", shell_complete=complete_formats,
    help="terminal, json, markdown or html; of most results junit, openmetrics, dotenv or csv, too; for"
    " findings sarif, codequality or github; =FILE writes it there (repeatable).",
)  # fmt: skip
_LIST_FORMAT = click.option(
    "--format", "formats", multiple=True, metavar="FORMAT[=FILE]", callback=_list_formats,
    help="terminal or json; =FILE writes it there (repeatable).",
)  # fmt: skip
_TALK = (
    click.option("-q", "--quiet", is_flag=True, help="Results only, no progress."),
    click.option("-v", "--verbose", is_flag=True, help="Say more of what is done; of an error, where it happened."),
    click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto",
                 help="auto: on a terminal, unless NO_COLOR is set."),
)  # fmt: skip


def build_options(function: Function) -> Function:
    """How the project is built."""
    for option in reversed(_BUILD):
        function = option(function)
    return function


def image_options(function: Function) -> Function:
    """Which image belongs to the folder."""
    function = click.option("--image", metavar="NAME", help="The image that was built from the folder.")(function)
    return click.option("--build", is_flag=True, help="Build the folder's image first.")(function)


def config_option(function: Function) -> Function:
    """Where the configuration is."""
    return click.option(
        "--config", type=click.Path(dir_okay=False), help="This file instead of the folder's imageopt.toml."
    )(function)


def talk_options(function: Function) -> Function:
    """How results and progress are shown."""
    return _FORMAT(progress_options(function))


def list_options(function: Function) -> Function:
    """The configuration, and how to show what is no result but a list: it has no other formats, colours or progress."""
    return config_option(_LIST_FORMAT(progress_options(function)))


def progress_options(function: Function) -> Function:
    """How progress is shown, and in which colours."""
    for option in reversed(_TALK):
        function = option(function)
    return function


class Talk(Struct, frozen=True):
    """How to show results (`formats`, `color`) and progress."""

    formats: tuple[str, ...]
    color: str
    progress: Progress

    @classmethod
    def of(cls, options: dict[str, Any]) -> "Talk":
        """Takes the talk options out of a command's options."""
        from imageopt.cli.progress import make_progress

        quiet, verbose = options.pop("quiet"), options.pop("verbose")
        return cls(options.pop("formats"), options.pop("color"), make_progress(quiet=quiet, verbose=verbose))


def configuration(target: str, explicit: str | None) -> Config:
    """The configuration of the folder that is worked on, or the named one.

    An image or a result lies anywhere, so the current folder is asked for them.
    """
    if explicit is not None:
        return load_config(Path(), Path(explicit))
    place = Path(target)
    if place.is_file():
        from imageopt.targets import looks_like_archive

        return load_config(Path() if place.suffix == ".json" or looks_like_archive(place) else place.parent)
    return load_config(place if place.is_dir() and not (place / "oci-layout").is_file() else Path())


def read_alone(explicit: str | None) -> None:
    """Reads a configuration that was named to a command that needs none, so that what is wrong in it is said."""
    if explicit is not None:
        load_config(Path(), Path(explicit))


def folder(target: str) -> Path:
    """The folder that is worked on: the target, the one it lies in, or the current one."""
    place = Path(target)
    return place if place.is_dir() else place.parent if place.is_file() else Path()


def built_how(options: dict[str, Any], config: Config) -> BuildOptions:
    """Takes the build options out of a command's options; the configuration fills in what was not said."""
    arguments = {**config.build.build_args, **_pairs(options.pop("build_args"))}
    context = options.pop("context") or config.build.context
    return BuildOptions(
        file=options.pop("file") or config.build.file,
        target=options.pop("stage") or config.build.target,
        context=Path(context) if context else None,
        build_args=arguments,
        secrets=(*config.build.secrets, *options.pop("secrets")),
        ssh=(*config.build.ssh, *options.pop("ssh")),
        platform=options.pop("platform") or config.build.platform,
        builder=options.pop("builder") or config.build.builder or "auto",
    )


def _pairs(texts: tuple[str, ...]) -> dict[str, str]:
    import os

    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name:
            raise UsageError("a --build-arg has no name", "write --build-arg NAME=VALUE")
        pairs[name] = value if equals else os.environ.get(name, "")
    return pairs

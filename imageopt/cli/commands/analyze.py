"""`imageopt analyze`: what makes an image big, which line did it, what to do."""

import shlex
from collections.abc import Mapping
from typing import Any

import click

from imageopt.cli.completion import complete_paths
from imageopt.cli.options import (
    Talk,
    build_options,
    built_how,
    config_option,
    configuration,
    image_options,
    talk_options,
)
from imageopt.cli.output import add, emit, parse_formats, wants_edits

_FAIL_ON = ("error", "warning", "info", "style")


@click.command()
@click.argument("target", default=".", shell_complete=complete_paths)
@image_options
@build_options
@click.option("--fail-on", type=click.Choice(_FAIL_ON), help="End with 1 if a finding is as grave as this, or graver.")
@click.option(
    "--exit-code",
    type=click.IntRange(0, 255),
    default=1,
    metavar="CODE",
    help="End with this code instead of 1; 0 only reports.",
)
@click.option("--verify-digests", is_flag=True, help="Read every byte of the image and prove its digests.")
@click.option("--now", metavar="DATE", help="Judge waivers and ends of life as on this day (YYYY-MM-DD).")
@config_option
@talk_options
def command(target: str, **options: Any) -> int:
    """Analyse TARGET: a folder (this one by default), a Dockerfile, or an image reference.

    \b
    imageopt analyze . --build
    imageopt analyze docker:node:20
    imageopt analyze docker-archive:app.tar --format json
    """
    from imageopt.api import analyze
    from imageopt.cli.days import day_of
    from imageopt.report.analysis import analysis_document
    from imageopt.report.render import formats_of

    config = configuration(target, options.pop("config"))
    wanted = parse_formats(options["formats"], formats_of("imageopt.analysis/1"))
    named = {"--file": options["file"], "--image": options["image"]}
    quiet = bool(options["quiet"] or options["formats"])
    talk = Talk.of(options)
    built = built_how(options, config)
    analysis = analyze(
        target,
        image=options["image"] or config.project.image,
        build=options["build"],
        options=built,
        progress=talk.progress,
        now=day_of(options["now"]),
        verify_digests=options["verify_digests"],
        config=config,
        edits=wants_edits(wanted),
    )
    emit(analysis_document(analysis), talk.formats, talk.color)
    add(_next(target, analysis.target.kind, named, found=bool(analysis.findings)), quiet=quiet)
    fail_on = options["fail_on"]
    if fail_on is None:
        return 0
    grave = _FAIL_ON[: _FAIL_ON.index(fail_on) + 1]
    return options["exit_code"] if any(found.severity in grave for found in analysis.findings) else 0


def _next(target: str, kind: str, named: Mapping[str, str | None], *, found: bool) -> str:
    """The command that leads on from here; empty where nothing is to be done."""
    if kind == "image":
        return f"next: imageopt explore {shlex.quote(target)}  walks through its layers and files"
    if not found:
        return ""
    words = [target, *(word for option, value in named.items() if value for word in (option, value))]
    return f"next: imageopt rewrite {shlex.join(words)}  shows a smaller Dockerfile as a diff"

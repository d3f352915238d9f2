"""`imageopt rewrite`: the proposed change as a diff; written, proven or taken back when asked."""

import shlex
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from imageopt.cli.asked import asked_option
from imageopt.cli.completion import complete_paths, complete_rules
from imageopt.cli.days import day_of
from imageopt.cli.merge_request import Delivery, merge_request_options
from imageopt.cli.options import (
    Talk,
    build_options,
    built_how,
    config_option,
    configuration,
    image_options,
    talk_options,
)
from imageopt.cli.output import say
from imageopt.config import REWRITE_TARGETS
from imageopt.errors import UsageError, one_line

if TYPE_CHECKING:
    from imageopt.build.options import BuildOptions
    from imageopt.config import Config
    from imageopt.rewrite.model import Rewrite
    from imageopt.rules.model import Analysis
    from imageopt.verify.best import Search

_NO_UNDO = ("--undo goes with neither --apply nor --verify", "undo first, then rewrite again")
_APART = (
    ("undo", "write", *_NO_UNDO),
    ("undo", "prove", *_NO_UNDO),
    ("undo", "best", "--undo does not go with --best", "undo first, then rewrite again"),
    ("fix", "best", "--best does not go with --fix", "leave one of them out; --best tries what --fix does as well"),
    ("undo", "asked", "--undo does not go with --with", "undo first, then rewrite again"),
    ("best", "asked", "--with does not go with --best", "apply the best first, then ask for more on top of it"),
    ("fix", "asked", "--with does not go with --fix", "leave one of them out"),
    ("fix", "base", "--base does not go with --fix", "leave one of them out"),
    ("fix", "lockfile", "--lockfile does not go with --fix", "make the lock file first, then mend"),
)


@click.command()
@click.argument("folder", default=".", shell_complete=complete_paths)
@click.option("--apply", "write", is_flag=True, help="Write the change; --undo takes it back.")
@click.option("--undo", is_flag=True, help="Restore what the last --apply replaced.")
@click.option("--verify", "prove", is_flag=True, help="Prove the change first; write it only if it is verified.")
@click.option("--best", is_flag=True, help="Build and verify the candidates one by one; keep the smallest that works.")
@click.option("--fix", is_flag=True, help="Only mend findings where they stand, with the smallest edits.")
@click.option("--lockfile", is_flag=True, help="Check the lock file, or make a missing or drifted one, in a container.")
@click.option(
    "--rule",
    "rules",
    multiple=True,
    metavar="NAME",
    shell_complete=complete_rules,
    help="With --fix: mend this rule only. Repeatable.",
)
@click.option(
    "--base",
    type=click.Choice(REWRITE_TARGETS),
    help="The base image to end on; auto takes alpine where that is safe, keep the one there is.",
)
@asked_option
@click.option("--now", metavar="DATE", help="Judge waivers and ends of life as on this day (YYYY-MM-DD).")
@merge_request_options
@image_options
@build_options
@click.option(
    "--exit-code",
    type=click.IntRange(0, 255),
    default=1,
    metavar="CODE",
    help="End with this code instead of 1; 0 only reports.",
)
@config_option
@talk_options
def command(folder: str, **options: Any) -> int:
    """Propose a smaller Dockerfile and .dockerignore for FOLDER; nothing is written without --apply.

    \b
    imageopt rewrite .                    the proposal as a diff, and why
    imageopt rewrite . --verify --apply   written only if it is proven
    imageopt rewrite . --best --apply     the smallest image that verifies
    imageopt rewrite . --fix --apply      the findings that an edit mends
    imageopt rewrite . --with distroless  with a change made only when asked for
    imageopt rewrite . --patch - | git apply
    imageopt rewrite . --undo
    """
    from imageopt.report.rewrite import rewrite_document

    _check(options)
    write, undo, prove = options.pop("write"), options.pop("undo"), options.pop("prove")
    best, mend, rules = options.pop("best"), options.pop("fix"), options.pop("rules")
    delivery = Delivery.of(options, write=write, undo=undo, prove=prove or best)
    root = Path(folder).parent if Path(folder).is_file() else Path(folder)
    if undo:
        return _undo(root, delivery.force)
    config = configuration(folder, options.pop("config"))
    quiet = bool(options["quiet"])
    talk = Talk.of(options)
    built = built_how(options, config)
    if write:
        _recover(root)
    started = time.monotonic()
    analysis, proposed, search = _proposal(folder, built, config, talk, best=best, mend=mend, rules=rules, **options)
    delivery.show(rewrite_document(proposed, analysis.target.reference, search, analysis.day), talk.formats, talk.color)
    prepared = delivery.prepare(root, proposed)
    proof: dict[str, Any] | None = None
    if (prove or best) and (search is None or search.stopped or proposed.outcome == "proposed"):
        from imageopt.cli.proof import exit_code, place_for, searched, verification

        if search is not None and search.stopped:
            proof, verdict = searched(search, time.monotonic() - started)
        else:
            proof = verification(place_for(folder, built), built, config, talk, rewrite=proposed)
            verdict = str(proof["verdict"])
        if proof is not None:
            delivery.show(proof, (), talk.color)
        if verdict != "verified":
            prepared.withhold()
            return exit_code(verdict, int(options["exit_code"]))
    message = prepared.message(proof)
    if write:
        _write(root, folder, proposed, delivery.force)
    elif proposed.outcome == "proposed" and not (prove or best or quiet or delivery.patch or delivery.message):
        from imageopt.cli.streams import is_terminal

        gap = "\n" if is_terminal() else ""
        click.echo(f"{gap}nothing is written yet: --verify proves it, --apply writes it", err=True)
    prepared.deliver(message)
    return 0


def _check(options: Mapping[str, Any]) -> None:
    """Raises UsageError for options that do not go together."""
    for one, other, cause, remedy in _APART:
        if options[one] and options[other]:
            raise UsageError(cause, remedy)
    if options["rules"] and not options["fix"]:
        raise UsageError("--rule goes with --fix", "add --fix")


def _write(root: Path, folder: str, proposed: "Rewrite", force: bool) -> None:
    from imageopt.rewrite.apply import apply, in_place

    written = apply(root, proposed, force=force) if proposed.outcome == "proposed" else ()
    if written:
        again = f"imageopt rewrite --undo {'-- ' if folder.startswith('-') else ''}{shlex.quote(folder)}"
        click.echo(one_line(f"written: {', '.join(written)}; `{again}` takes it back"), err=True)
    elif proposed.outcome == "refused" and not in_place(root):
        click.echo("nothing was written: see why above", err=True)
    else:
        click.echo("nothing to do", err=True)


def _recover(root: Path) -> None:
    from imageopt.rewrite.apply import recover

    restored = recover(root)
    if restored:
        click.echo(one_line(f"a rewrite that was broken off is taken back: {', '.join(restored)}"), err=True)


def _proposal(
    folder: str,
    built: "BuildOptions",
    config: "Config",
    talk: Talk,
    *,
    best: bool,
    mend: bool,
    rules: tuple[str, ...],
    **options: Any,
) -> "tuple[Analysis, Rewrite, Search | None]":
    from imageopt.api import candidates, fix
    from imageopt.cli.proof import place_for, request_for

    image = options["image"] or config.project.image
    base = options["base"] or config.rewrite.target
    if best and base == "distroless":
        say("--best goes as far as slim: ask for distroless on top of what it finds")
    if mend:
        analysis, mended = fix(
            folder,
            rules=rules,
            image=image,
            build=options["build"],
            options=built,
            progress=talk.progress,
            config=config,
            now=day_of(options["now"]),
        )
        return analysis, mended, None
    return candidates(
        folder,
        base=base,
        image=image,
        build=options["build"],
        options=built,
        progress=talk.progress,
        config=config,
        lockfile=options["lockfile"],
        asked=options["asked"],
        now=day_of(options["now"]),
        request=request_for(place_for(folder, built), built, config) if best else None,
    )


def _undo(root: Path, force: bool) -> int:
    from imageopt.rewrite.apply import undo

    click.echo(one_line(f"restored: {', '.join(undo(root, force=force))}"), err=True)
    return 0

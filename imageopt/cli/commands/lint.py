"""`imageopt lint`: Dockerfiles alone, without an engine or an image: what an editor or a hook runs."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from imageopt.cli.completion import complete_paths
from imageopt.errors import ImageoptError, InputError

if TYPE_CHECKING:
    from datetime import date

    from imageopt.cli.dockerfiles import Named
    from imageopt.evidence.model import Evidence
    from imageopt.rules.lint import Source
    from imageopt.rules.model import Finding
    from imageopt.rules.policy import Policy

_FAIL_ON = ("error", "warning", "info", "style")


@click.command()
@click.argument("files", nargs=-1, metavar="[FILE|DIR|-]...", shell_complete=complete_paths)
@click.option(
    "--fail-on",
    type=click.Choice(_FAIL_ON),
    help="End with 1 if a finding is as grave as this, or graver; error by default.",
)
@click.option(
    "--exit-code",
    type=click.IntRange(0, 255),
    default=1,
    metavar="CODE",
    help="End with this code instead of 1; 0 only reports.",
)
@click.option("--stdin-filename", metavar="NAME", default="-", help="The name of what comes from standard input.")
@click.option("--project", is_flag=True, help="Read the folder of each file too, for the rules that need it.")
@click.option("--now", metavar="DATE", help="Judge waivers and ends of life as on this day (YYYY-MM-DD).")
@click.option(
    "--config", type=click.Path(dir_okay=False), help="This file instead of the imageopt.toml nearest to each file."
)
@click.option(
    "--format",
    "formats",
    multiple=True,
    metavar="FORMAT[=FILE]",
    help="terminal, json, sarif, codequality, github, junit or csv; =FILE writes it there (repeatable).",
)
@click.option("-q", "--quiet", is_flag=True, help="Findings only, no notes.")
@click.option("-v", "--verbose", is_flag=True, help="Of an error, say where it happened.")
@click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    help="auto: on a terminal, unless NO_COLOR is set.",
)
def command(files: tuple[str, ...], **options: Any) -> int:
    """Check Dockerfiles, and those in folders (this one by default): a line for each finding, as compilers write them.

    `-` is standard input. The imageopt.toml nearest to a file counts for it, or a .hadolint.yaml where there is none.
    """
    from imageopt.cli.days import day_of
    from imageopt.cli.dockerfiles import find_dockerfiles
    from imageopt.cli.output import add, emit, parse_formats, say, wants_edits, wants_fingerprints
    from imageopt.report.lint import lint_document
    from imageopt.report.render import LINT, formats_of
    from imageopt.rules.lint import Policies, lint

    wanted = parse_formats(options["formats"], formats_of(LINT))
    failed: list[ImageoptError] = []
    day = day_of(options["now"])
    result = lint(
        _sources(find_dockerfiles(files or (".",), options["stdin_filename"]), failed),
        Policies(Path(options["config"]) if options["config"] else None),
        fail_on=options["fail_on"],
        now=day,
        with_project=options["project"],
        with_fingerprints=wants_fingerprints(wanted),
        mended=_mended if wants_edits(wanted) else None,
    )
    document, notes, grave = lint_document(result, day), result.notes, result.failed
    del result  # the findings of a thousand files need not lie in memory beside their document
    emit(document, options["formats"], options["color"])
    for note in () if options["quiet"] else notes:
        say(note)
    if not options["formats"]:
        add(_summed_up(document), quiet=options["quiet"])
    if failed:  # the others were checked; the first that was not decides how it ends
        for error in failed[1:]:
            sys.stderr.write(f"error: {error.cause}\n")
        raise failed[0]
    return int(options["exit_code"]) if grave else 0


def _summed_up(document: dict[str, Any]) -> str:
    """How much was found, and where more is said of it."""
    from imageopt.report.words import counted

    files = len(document["files"])
    found = counted(document["summary"]["findings"])
    where = f"in {files} file{'' if files == 1 else 's'}"
    return f"{found} ({where}); more on each: imageopt explain NAME" if found else f"nothing found {where}"


def _mended(
    evidence: "Evidence", findings: "tuple[Finding, ...]", policy: "Policy", now: "date | None"
) -> "tuple[Finding, ...]":
    from imageopt.rewrite.offers import with_edits

    return with_edits(evidence, findings, policy.rules, waivers=policy.waivers, now=now)


def _sources(named: "Iterable[Named]", failed: list[ImageoptError]) -> "Iterator[Source]":
    """The files' bytes; one that cannot be read is put aside and keeps no other from being checked."""
    from imageopt.dockerfile.read import read_dockerfile
    from imageopt.rules.lint import Source

    for one in named:
        try:
            data = read_dockerfile(one.path, streams=True)
        except FileNotFoundError as error:
            why = f"{one.name} cannot be read: {error.strerror}"
            failed.append(InputError(why, "name the Dockerfiles to check"))
        except InputError as error:
            failed.append(error)
        else:
            yield Source(one.name, Path(one.name).parent, data)

"""`imageopt lint`: Dockerfiles alone, without an engine, an image or the project: what an editor or a hook runs."""

import sys
from pathlib import Path
from typing import Any

import click

from imageopt.errors import InputError

_FAIL_ON = ("error", "warning", "info", "style")


@click.command()
@click.argument("files", nargs=-1)
@click.option(
    "--fail-on",
    type=click.Choice(_FAIL_ON),
    default="error",
    help="End with 1 if a finding is as grave as this, or graver.",
)
@click.option(
    "--exit-code",
    type=click.IntRange(0, 255),
    default=1,
    metavar="CODE",
    help="End with this code instead of 1; 0 only reports.",
)
@click.option("--now", metavar="DATE", help="Judge the end of life of releases as on this day (YYYY-MM-DD).")
def command(files: tuple[str, ...], **options: Any) -> int:
    """Check Dockerfiles (./Dockerfile by default): a line for each finding, as compilers write them.

    `-` is standard input.
    """
    from imageopt.cli.days import parse_day
    from imageopt.dockerfile import parse
    from imageopt.evidence.join import join
    from imageopt.masking import masked
    from imageopt.report.names import harmless
    from imageopt.rules.check import check
    from imageopt.rules.load import load_rules

    rules, now = load_rules(), parse_day(options["now"])
    grave = _FAIL_ON[: _FAIL_ON.index(options["fail_on"]) + 1]
    failed = False
    for name in files or ("Dockerfile",):
        evidence = join(None, parse(_read(name)), None, dockerfile_path=name)
        found = check(evidence, rules, now=now)
        for finding in sorted(found, key=lambda item: item.location.line if item.location else 0):
            line = finding.location.line if finding.location is not None else 1
            text = finding.message.rstrip(".")
            sys.stdout.write(f"{harmless(name)}:{line}: {finding.severity} {finding.code} {harmless(masked(text))}\n")
            failed = failed or finding.severity in grave
    return int(options["exit_code"]) if failed else 0


def _read(name: str) -> bytes:
    from imageopt.dockerfile.read import read_dockerfile

    try:
        return read_dockerfile(Path("/dev/stdin" if name == "-" else name), streams=True)
    except FileNotFoundError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}", "name the Dockerfiles to check") from None

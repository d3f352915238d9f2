"""`imageopt verify`: before and after built, run, scanned and compared; the verdict is the exit code."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from imageopt.cli.asked import asked_option
from imageopt.cli.completion import complete_paths
from imageopt.cli.days import day_of
from imageopt.cli.options import Talk, build_options, built_how, config_option, configuration, talk_options
from imageopt.cli.output import add, emit, parse_formats
from imageopt.config import REWRITE_TARGETS, SEVERITIES
from imageopt.errors import InputError, UsageError

if TYPE_CHECKING:
    from imageopt.rewrite.model import Rewrite


@click.command()
@click.argument("folder", default="", shell_complete=complete_paths)
@click.option("--before", metavar="FILE", help="An older Dockerfile to compare with the folder's.")
@click.option("--after", metavar="FILE", help="A Dockerfile to prove, instead of the proposed rewrite.")
@click.option(
    "--base",
    type=click.Choice(REWRITE_TARGETS),
    help="The base image to end on; auto takes alpine where that is safe, keep the one there is.",
)
@asked_option
@click.option("--now", metavar="DATE", help="Judge waivers and ends of life as on this day (YYYY-MM-DD).")
@click.option("--lockfile", is_flag=True, help="Check the lock file, or make a missing or drifted one, in a container.")
@click.option("--image", metavar="NAME", help="The image that was built from the folder.")
@click.option("--image-before", metavar="IMAGE", help="Build nothing: an image that exists, to compare with.")
@click.option("--image-after", metavar="IMAGE", help="Build nothing: an image that exists, to prove.")
@click.option(
    "--port", type=click.IntRange(1, 65535), metavar="PORT", help="The port of the service; found out without it."
)
@click.option(
    "--path",
    "paths",
    multiple=True,
    metavar="PATH",
    help="A path to request, such as /health (repeatable); found out without it.",
)
@click.option("--trivy", metavar="FILE", help="The Trivy program, where it is not on PATH.")
@click.option("--trivy-cache", metavar="DIR", help="The folder with Trivy's database (DIR/db).")
@click.option("--sbom", metavar="FILE", help="Write the parts of the new image there, as CycloneDX.")
@click.option(
    "--severity",
    type=click.Choice(SEVERITIES),
    help="From which severity on a vulnerability that comes in counts; any without it.",
)
@click.option("--minimal", is_flag=True, help="Build and measure only: nothing is run, scanned or built again.")
@click.option(
    "--thorough",
    is_flag=True,
    help="Time the rebuild after a change of a dependency, too, and weigh transformations one by one.",
)
@click.option("--resume", is_flag=True, help="Go on with a run that was broken off: nothing is built or scanned twice.")
@click.option("--skip-scan", is_flag=True, help="Do not scan.")
@click.option("--skip-rebuild", is_flag=True, help="Do not time the rebuild after a change of one file.")
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
    """Prove the proposed rewrite of FOLDER (the current one without it), another Dockerfile, or another image.

    Both versions are built, run, sent the same requests, scanned and compared. The exit code is 0 for `verified`,
    and where there is nothing to prove.

    \b
    imageopt verify .
    imageopt verify . --after Dockerfile.new --path /health
    imageopt verify --image-before app:1 --image-after app:2
    """
    from imageopt.api import policy_of, rewrite, rungs
    from imageopt.cli.proof import exit_code, place_for, prove
    from imageopt.report.render import formats_of
    from imageopt.report.rewrite import rewrite_document

    if options["minimal"] and options["thorough"]:
        raise UsageError("--minimal and --thorough contradict each other", "leave one of them out")
    if options["asked"] and (options["after"] or options["image_after"]):
        raise UsageError("--with is for the proposed rewrite", "leave it out, or leave --after out")
    images = _images(options["image_before"], options["image_after"])
    has_project, folder = bool(folder), folder or "."
    config = configuration(folder, options.pop("config"))
    parse_formats(options["formats"], formats_of("imageopt.verification/1"))
    quiet, again = bool(options["quiet"] or options["formats"]), _same_rewrite(folder, options)
    talk = Talk.of(options)
    built = built_how(options, config)
    before: bytes | None = None
    after: bytes | None = None
    proposed: Rewrite | None = None
    neighbours = None
    if images is not None:
        root, dockerfile, before = Path(folder), built.file or "Dockerfile", b""
    else:
        root, dockerfile, before = place_for(folder, built)
    if options["before"] is not None:
        before, after = _read(options["before"]), before
    if options["after"] is not None:
        after = _read(options["after"])
    if after is None and images is None:
        base, image = options["base"] or config.rewrite.target, options["image"] or config.project.image
        analysis, proposed = rewrite(
            folder,
            base=base,
            image=image,
            options=built,
            progress=talk.progress,
            config=config,
            lockfile=options["lockfile"],
            asked=options["asked"],
            now=day_of(options["now"]),
        )
        if options["thorough"] and not (options["lockfile"] or options["asked"]):  # the ladder knows nothing of these
            neighbours = rungs(analysis, policy_of(config, root), base=base, options=built)
        if proposed.outcome != "proposed":
            emit(rewrite_document(proposed, analysis.target.reference, day=analysis.day), talk.formats, talk.color)
            return 0
    verdict = prove(
        (root, dockerfile, before),
        built,
        config,
        talk,
        talk.formats,
        rewrite=proposed,
        after=after,
        images=images,
        has_project=has_project,
        port=options["port"],
        paths=options["paths"],
        trivy=options["trivy"],
        trivy_cache=Path(options["trivy_cache"]) if options["trivy_cache"] else None,
        sbom=Path(options["sbom"]) if options["sbom"] else None,
        severity=options["severity"],
        thorough=options["thorough"],
        rungs=neighbours,
        resume=options["resume"],
        skip_run=options["minimal"],
        skip_scan=options["skip_scan"] or options["minimal"],
        skip_rebuild=options["skip_rebuild"] or options["minimal"],
    )
    if verdict == "verified" and proposed is not None:
        add(f"next: imageopt rewrite {again} --apply  writes it", quiet=quiet)
    return exit_code(verdict, int(options["exit_code"]))


def _same_rewrite(folder: str, options: Mapping[str, Any]) -> str:
    """What `rewrite` has to be told so that it proposes the same."""
    named = (("--file", options["file"]), ("--target", options["stage"]), ("--base", options["base"]))
    words = [word for option, value in named if value for word in (option, value)]
    words += [word for name in options["asked"] for word in ("--with", name)]
    return shlex.join([folder, *words, *(["--lockfile"] if options["lockfile"] else [])])


def _images(before: str | None, after: str | None) -> tuple[str, str] | None:
    if not before and not after:
        return None
    if not before or not after:
        raise UsageError("only one of the two images is named", "name both, --image-before and --image-after")
    return before, after


def _read(name: str) -> bytes:
    from imageopt.dockerfile.read import read_dockerfile

    try:
        return read_dockerfile(Path(name), streams=True)
    except FileNotFoundError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}", "check the path") from None

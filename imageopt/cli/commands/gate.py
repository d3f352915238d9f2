"""`imageopt gate`: an image, or an earlier result, held against a budget."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import replace

from imageopt.cli.baselines import FIRST, find_baseline
from imageopt.cli.completion import complete_paths
from imageopt.cli.options import (
    Talk,
    build_options,
    built_how,
    config_option,
    configuration,
    folder,
    image_options,
    talk_options,
)
from imageopt.cli.output import emit, parse_formats
from imageopt.config import BudgetConfig, Config
from imageopt.errors import InputError
from imageopt.gate.model import Budget, GateResult, Offer

if TYPE_CHECKING:
    from datetime import date

    from imageopt.api import Gathered
    from imageopt.build.options import BuildOptions

Json = dict[str, Any]


@click.command()
@click.argument("target", default=".", shell_complete=complete_paths)
@click.option("--max-download", metavar="SIZE", help="The most a pull may transfer, such as 120MB.")
@click.option("--max-unpacked", metavar="SIZE", help="The most the image may hold, such as 800MB.")
@click.option("--max-live", metavar="SIZE", help="The most that its visible files may hold.")
@click.option(
    "--max-wasted",
    metavar="LIMIT",
    help="The most that may be wasted on top of the base image: 5% of the bytes there, or 20MB.",
)
@click.option(
    "--max-layers", type=click.IntRange(0), metavar="NUMBER", help="The most layers on top of the base image."
)
@click.option("--max-growth", metavar="LIMIT", help="The most it may grow over the baseline: 2% or 5MB.")
@click.option(
    "--baseline",
    metavar="WHAT",
    help="What growth is held against: a file, an image such as registry:HOST/APP:main, or history.",
)
@click.option("--update-baseline", is_flag=True, help="If it passes, write its sizes where they are below the file's.")
@click.option("--adopt", is_flag=True, help="Write today's sizes, plus 5 %, as the budget into imageopt.toml.")
@click.option("--now", metavar="YYYY-MM-DD", help="The day that waivers are held against; today without it.")
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
def command(target: str, **options: Any) -> int:
    """Hold TARGET against its budget: a folder, an image reference, or the JSON of an earlier analyze or verify.

    The budget is [budget] in imageopt.toml; options go before it. The rules of a .dive-ci, where there is one, are held
    against dive's own figures as well.
    """
    from imageopt.cli.days import day_of
    from imageopt.gate.check import check_budget
    from imageopt.gate.dive import find_dive_rules
    from imageopt.report.gate import gate_document
    from imageopt.report.render import formats_of

    config = configuration(target, options.pop("config"))
    parse_formats(options["formats"], formats_of("imageopt.gate/1"))
    talk = Talk.of(options)
    built = built_how(options, config)
    now = day_of(options["now"])
    if options["adopt"]:
        return _adopt(target, config.path, _document(target, config, options, built, talk)[0])
    update: bool = options["update_baseline"]
    grows = bool(options["max_growth"] or config.budget.growth)
    where = find_baseline(options["baseline"], config, target, wanted=grows, update=update)
    dive = find_dive_rules(folder(target), Path())
    budget = _budget(config.budget, options, may_be_empty=dive is not None or update)
    remote = _in_registry(target, options["image"] or config.project.image, build=options["build"])
    if dive is None and where is None and budget.is_download_alone and remote is not None:
        result = _by_manifest(remote, budget, built.platform, now, talk)
    else:
        old = where.read(built, talk.progress) if where is not None else None
        document, gathered = _document(target, config, options, built, talk)
        is_first = old is None and where is not None and (where.is_history or update)
        scan = _scanned(gathered, talk) if budget.wants_scan and gathered is not None else None
        limits = replace(budget, growth=None) if is_first else budget
        result = check_budget(limits, document, dive, baseline=old, scan=scan, now=now)
        if result.is_too_big and gathered is not None:
            result = _explained(result, gathered, config, built, talk)
        if is_first:
            result = replace(result, notes=(*result.notes, FIRST))
        if where is not None and result.passed and (where.is_history or update):
            where.keep(old, result.sizes)
    emit(gate_document(result, now), talk.formats, talk.color)
    return 0 if result.passed else int(options["exit_code"])


def _explained(
    result: GateResult, gathered: "Gathered", config: Config, built: "BuildOptions", talk: Talk
) -> GateResult:
    """The failure with what the rules say of it, and with what a rewrite would save where there is a project."""
    from imageopt.api import judged, policy_of, proposed
    from imageopt.gate.causes import biggest_causes
    from imageopt.report.analysis import findings_section, measured_document

    analysis = judged(gathered, policy_of(config, gathered.folder), progress=talk.progress)
    image = measured_document(gathered.target, gathered.evidence)["image"]
    result = replace(result, causes=biggest_causes(image, findings_section(analysis.findings)))
    if gathered.evidence.project is None:
        return result
    with talk.progress.step("looking for a rewrite"):
        offered = proposed(analysis, options=built)
    if offered.outcome != "proposed":
        return result
    return replace(result, offer=Offer(offered.predicted_bytes, offered.predicted_basis))


def _document(
    target: str, config: Config, options: Mapping[str, Any], built: "BuildOptions", talk: Talk
) -> "tuple[Json, Gathered | None]":
    """The document that is judged, and what it was made from; None for a stored one."""
    earlier = _earlier_result(target)
    if earlier is not None:
        return earlier, None
    from imageopt.api import gather
    from imageopt.report.analysis import measured_document

    gathered = gather(
        target,
        image=options["image"] or config.project.image,
        build=options["build"],
        options=built,
        progress=talk.progress,
    )
    if gathered.evidence.image is None:
        raise InputError(
            f"{gathered.target.reference} has no image, and a budget needs one",
            "add --build, or name the image with --image",
        )
    return measured_document(gathered.target, gathered.evidence), gathered


def _scanned(gathered: "Gathered", talk: Talk) -> Json | None:
    """A scan of the image, where it lies in the engine."""
    image = gathered.evidence.image
    if image is None or image.source != "docker":
        return None
    from imageopt.report.verification import scan_section
    from imageopt.verify.scan import scan

    with talk.progress.step(f"scanning {image.reference}"):
        return scan_section(scan(image.reference))


def _in_registry(target: str, image: str | None, *, build: bool) -> str | None:
    """The name, in a registry, of the image that is judged; None where it is somewhere else."""
    judged = image if image is not None and Path(target).is_dir() and not build else target
    return judged.removeprefix("registry:") if judged.startswith("registry:") else None


def _by_manifest(name: str, budget: Budget, platform: str | None, now: "date | None", talk: Talk) -> GateResult:
    """A download is judged by the manifest in the registry: nothing is pulled."""
    from imageopt.gate.check import check_download
    from imageopt.source.place import parse_place
    from imageopt.source.registry import manifest_sizes

    place = parse_place(name)
    with talk.progress.step(f"reading the manifest of {place}"):
        return check_download(budget, name, manifest_sizes(place, platform).download_bytes, now)


def _budget(config: BudgetConfig, options: Mapping[str, Any], *, may_be_empty: bool) -> Budget:
    from imageopt.gate.budget import budget_of

    limits = ("download", "unpacked", "live", "wasted", "layers", "growth")
    names = (*(f"max_{limit}" for limit in limits), "baseline")
    return budget_of(config, **{name: options[name] for name in names}, may_be_empty=may_be_empty)


def _adopt(target: str, known: Path | None, document: dict[str, Any]) -> int:
    from imageopt.cli.output import write_whole
    from imageopt.gate.adopt import adopt, in_words

    path = known or (Path(target) if Path(target).is_dir() else Path()) / "imageopt.toml"
    write_whole(path, adopt(path, document))
    click.echo(f"written: {path}, from {in_words(document)}", err=True)
    return 0


def _earlier_result(target: str) -> dict[str, Any] | None:
    path = Path(target)
    if path.suffix != ".json" or not path.is_file():
        return None
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise InputError(
            f"{target} is not a result of imageopt", "write one with `imageopt analyze --format json=FILE`"
        )
    return document

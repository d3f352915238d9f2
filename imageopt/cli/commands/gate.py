"""`imageopt gate`: an image, or an earlier result, held against a budget."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

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
from imageopt.config import BudgetConfig
from imageopt.errors import UsageError
from imageopt.gate.model import Budget, GateResult


@click.command()
@click.argument("target", default=".")
@click.option("--max-download", metavar="SIZE", help="The most a pull may transfer, such as 120MB.")
@click.option("--max-unpacked", metavar="SIZE", help="The most the image may hold, such as 800MB.")
@click.option(
    "--max-wasted",
    metavar="PERCENT",
    help="The most of the bytes on top of the base image that may be wasted, such as 5%.",
)
@click.option(
    "--max-layers", type=click.IntRange(0), metavar="NUMBER", help="The most layers on top of the base image."
)
@click.option("--adopt", is_flag=True, help="Write today's sizes, plus 5 %, as the budget into imageopt.toml.")
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
    from imageopt.gate.check import check_budget
    from imageopt.gate.dive import find_dive_rules
    from imageopt.report.gate import gate_document

    config = configuration(target, options.pop("config"))
    parse_formats(options["formats"])
    talk = Talk.of(options)
    built = built_how(options, config)
    dive = None if options["adopt"] else find_dive_rules(folder(target), Path())
    budget = None if options["adopt"] else _budget(config.budget, options, may_be_empty=dive is not None)
    remote = _in_registry(target, options["image"] or config.project.image, build=options["build"])
    if budget is not None and dive is None and budget.is_download_alone and remote is not None:
        result = _by_manifest(remote, budget, built.platform, talk)
        emit(gate_document(result), talk.formats, talk.color)
        return 0 if result.passed else int(options["exit_code"])
    document = _earlier_result(target)
    if document is None:
        from imageopt.api import analyze
        from imageopt.report.analysis import analysis_document

        analysis = analyze(
            target,
            image=options["image"] or config.project.image,
            build=options["build"],
            options=built,
            progress=talk.progress,
            config=config,
        )
        if analysis.evidence.image is None:
            raise UsageError(
                f"{analysis.target.reference} has no image, and a budget needs one",
                "add --build, or name the image with --image",
            )
        document = analysis_document(analysis)
    if options["adopt"]:
        return _adopt(target, config.path, document)
    assert budget is not None
    result = check_budget(budget, document, dive)
    emit(gate_document(result), talk.formats, talk.color)
    return 0 if result.passed else int(options["exit_code"])


def _in_registry(target: str, image: str | None, *, build: bool) -> str | None:
    """The name, in a registry, of the image that is judged; None where it is somewhere else."""
    judged = image if image is not None and Path(target).is_dir() and not build else target
    return judged.removeprefix("registry:") if judged.startswith("registry:") else None


def _by_manifest(name: str, budget: Budget, platform: str | None, talk: Talk) -> GateResult:
    """A download is judged by the manifest in the registry: nothing is pulled."""
    from imageopt.gate.check import check_download
    from imageopt.source.place import parse_place
    from imageopt.source.registry import manifest_sizes

    place = parse_place(name)
    with talk.progress.step(f"reading the manifest of {place}"):
        return check_download(budget, name, manifest_sizes(place, platform).download_bytes)


def _budget(config: BudgetConfig, options: Mapping[str, Any], *, may_be_empty: bool) -> Budget:
    from imageopt.gate.budget import budget_of

    names = ("max_download", "max_unpacked", "max_wasted", "max_layers")
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
    except (OSError, ValueError):
        raise UsageError(
            f"{target} is not a result of imageopt", "write one with `imageopt analyze --format json=FILE`"
        ) from None
    return document if isinstance(document, dict) else None

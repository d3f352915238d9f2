"""A budget held against the JSON document of an analysis or a verification -> which limits pass.

It is the document that is judged, so that a stored result can be judged again without its image. A value that is not
in the document is `unknown`, and an unknown value never passes.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from imageopt.errors import InputError
from imageopt.gate.causes import biggest_causes
from imageopt.gate.dive import DiveRules, check_dive, where_dive_differs
from imageopt.gate.model import SIZES, Baseline, Budget, GateCheck, GateResult
from imageopt.gate.pardon import Pardons
from imageopt.gate.scanned import scan_checks

Json = Mapping[str, Any]
_EMPTY_TAR_BYTES = 1024  # two blocks of zeros: an image's layer without any entry


class Judged(Struct, frozen=True):
    """The parts of a document that a budget is held against; what is not in it is None."""

    reference: str
    image: Json | None
    findings: Iterable[Json]
    scan: Json | None
    build_seconds: float | None = None
    rebuild_seconds: float | None = None


def judged(document: Json, scan: Json | None = None) -> Judged:
    """What is judged: of a verification the `after`. `scan` is one that was made beside the document.

    Raises InputError for another document.
    """
    match document.get("schema"):
        case "imageopt.analysis/1":
            return Judged(document["target"]["reference"], document["image"], document.get("findings", ()), scan)
        case "imageopt.verification/1":
            after, timing = document["after"], document["timing"]
            seconds = [(timing.get(name) or {}).get("after") for name in ("build_seconds", "rebuild_seconds")]
            findings = after.get("findings", ())
            return Judged(document["reference"], after["image"], findings, scan or after["scan"], *seconds)
        case other:
            raise InputError(
                f"a budget cannot be held against {other!r}", "give it the JSON of imageopt analyze or imageopt verify"
            )


def check_budget(
    budget: Budget,
    document: Json,
    dive: DiveRules | None = None,
    *,
    baseline: Baseline | None = None,
    scan: Json | None = None,
    now: date | None = None,
) -> GateResult:
    """Every limit of the budget, in its order, then growth, then dive's. Raises InputError for another document."""
    subject = judged(document, scan)
    image = subject.image
    pardons = Pardons(budget.pardons, now)
    checks = [
        *_size_checks(budget, image),
        *scan_checks(budget, subject.scan, pardons),
        *_time_checks(budget, subject),
    ]
    notes: list[str] = []
    sizes = sizes_of(image)
    if budget.growth is not None:
        checks += _growth_checks(budget, sizes, baseline)
    if dive is not None:
        checks += check_dive(dive, image)
        notes += where_dive_differs(image)
    checks = [pardons.applied(check) for check in checks]
    result = GateResult(
        subject.reference,
        all(check.holds for check in checks),
        tuple(checks),
        (*notes, *pardons.notes()),
        sizes=sizes,
        baseline=baseline,
    )
    if image is None or not result.is_too_big:
        return result
    return replace(result, causes=biggest_causes(image, subject.findings))


def check_download(budget: Budget, reference: str, size: int, now: date | None = None) -> GateResult:
    """The one limit on what a pull transfers, where `size` in bytes is all that was asked for."""
    assert budget.is_download_alone
    assert budget.download_bytes is not None
    pardons = Pardons(budget.pardons, now)
    check = pardons.applied(held("download", budget.download_bytes, size, ""))
    sizes = {name: size if name == "download_bytes" else None for name in SIZES}
    return GateResult(reference, check.holds, (check,), pardons.notes(), sizes=sizes)


def sizes_of(image: Json | None) -> dict[str, int | None]:
    """The sizes that a baseline holds; all None without an image."""
    return {name: image["sizes"][name] if image is not None else None for name in SIZES}


def held(name: str, limit: float, value: float | None, unknown: str, items: tuple[str, ...] = ()) -> GateCheck:
    """The value held against its limit; without one, `unknown` says why."""
    if value is None:
        return GateCheck(name, limit, None, "unknown", unknown)
    return GateCheck(name, limit, value, "pass" if value <= limit else "fail", "", items)


def _size_checks(budget: Budget, image: Json | None) -> Iterator[GateCheck]:
    for name, limit in (
        ("download", budget.download_bytes),
        ("unpacked", budget.unpacked_bytes),
        ("live", budget.live_bytes),
    ):
        if limit is not None:
            yield held(
                name, limit, image["sizes"][f"{name}_bytes"] if image else None, _NO_BLOBS if image else _NO_IMAGE
            )
    unknown = _NO_BASE if image else _NO_IMAGE
    if budget.wasted_percent is not None:
        yield held("wasted", budget.wasted_percent, _wasted_percent(image), unknown)
    if budget.wasted_bytes is not None:
        yield held("wasted_bytes", budget.wasted_bytes, image["waste_author_bytes"] if image else None, unknown)
    if budget.layers is not None:
        yield held("layers", budget.layers, _author_layers(image), unknown)


def _time_checks(budget: Budget, subject: Judged) -> Iterator[GateCheck]:
    for name in ("build_seconds", "rebuild_seconds"):
        limit: float | None = getattr(budget, name)
        if limit is not None:
            value: float | None = getattr(subject, name)
            yield held(name, limit, value, "nothing was built; give the gate the JSON of imageopt verify")


def _growth_checks(budget: Budget, sizes: Mapping[str, int | None], baseline: Baseline | None) -> Iterator[GateCheck]:
    """Download and unpacked, each; one that neither side nor the other knows does not count if the other is known."""
    assert budget.growth is not None
    if baseline is None:
        yield GateCheck("growth", 0, None, "unknown", "there is no baseline: write one with --update-baseline")
        return
    known = 0
    for name in ("download", "unpacked"):
        before, now = baseline.sizes.get(f"{name}_bytes"), sizes[f"{name}_bytes"]
        if before is not None and now is not None:
            known += 1
            yield held(f"growth.{name}", budget.growth.limit(before), now, "")
    if not known:
        yield GateCheck("growth", 0, None, "unknown", f"the image and {baseline.source} have no size in common")


_NO_IMAGE = "no image was read"
_NO_BLOBS = "the source of the image holds no compressed layers; analyse it from a registry or an archive of one"
_NO_BASE = "it is not known which layers are the base image's, so the author's cannot be told"


def _wasted_percent(image: Json | None) -> float | None:
    """Waste whose layer of death is the author's, of the unpacked bytes of the author's layers."""
    wasted: int | None = image["waste_author_bytes"] if image is not None else None
    if image is None or not wasted:
        return None if wasted is None else 0.0
    own: int | None = image["own_unpacked_bytes"]
    return 100 * wasted / own if own else None


def _author_layers(image: Json | None) -> int | None:
    if image is None or image["base"]["layers"] is None:
        return None
    return sum(1 for layer in image["layers"] if not layer["base"] and not _is_empty(layer))


def _is_empty(layer: Json) -> bool:
    return bool(layer["unpacked_bytes"] == 0 and layer["overhead_bytes"] <= _EMPTY_TAR_BYTES)

"""A budget held against the JSON document of an analysis or a verification -> which limits pass.

It is the document that is judged, so that a stored result can be judged again without its image. A value that is not
in the document is `unknown`, and an unknown value never passes.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from imageopt.errors import InputError
from imageopt.gate.dive import DiveRules, check_dive, where_dive_differs
from imageopt.gate.model import Budget, GateCheck, GateResult

Json = Mapping[str, Any]
_EMPTY_TAR_BYTES = 1024  # two blocks of zeros: an image's layer without any entry


def check_budget(budget: Budget, document: Json, dive: DiveRules | None = None) -> GateResult:
    """Every limit of the budget, in its order, then dive's; of a verification it is the `after` that is judged.

    Raises InputError for another document.
    """
    match document.get("schema"):
        case "imageopt.analysis/1":
            reference, image, scan = document["target"]["reference"], document["image"], None
        case "imageopt.verification/1":
            after = document["after"]
            reference, image, scan = document["reference"], after["image"], after["scan"]
        case other:
            raise InputError(
                f"a budget cannot be held against {other!r}", "give it the JSON of imageopt analyze or imageopt verify"
            )
    checks = [*_size_checks(budget, image), *_vulnerability_checks(budget, scan)]
    notes: tuple[str, ...] = ()
    if dive is not None:
        checks += check_dive(dive, image)
        notes = tuple(where_dive_differs(image))
    return GateResult(reference, all(check.result == "pass" for check in checks), tuple(checks), notes)


def check_download(budget: Budget, reference: str, size: int) -> GateResult:
    """The one limit on what a pull transfers, where `size` in bytes is all that was asked for."""
    assert budget.is_download_alone
    assert budget.download_bytes is not None
    check = _check("download", budget.download_bytes, size, "")
    return GateResult(reference, check.result == "pass", (check,))


def _size_checks(budget: Budget, image: Json | None) -> Iterator[GateCheck]:
    if budget.download_bytes is not None:
        value = image["sizes"]["download_bytes"] if image else None
        reason = "the source of the image holds no compressed layers; analyse it from a registry or an archive of one"
        yield _check("download", budget.download_bytes, value, reason if image else _NO_IMAGE)
    if budget.unpacked_bytes is not None:
        value = image["sizes"]["unpacked_bytes"] if image else None
        yield _check("unpacked", budget.unpacked_bytes, value, _NO_IMAGE)
    if budget.wasted_percent is not None:
        yield _check("wasted", budget.wasted_percent, _wasted_percent(image), _NO_BASE if image else _NO_IMAGE)
    if budget.layers is not None:
        yield _check("layers", budget.layers, _author_layers(image), _NO_BASE if image else _NO_IMAGE)


def _vulnerability_checks(budget: Budget, scan: Json | None) -> Iterator[GateCheck]:
    for severity, limit in (budget.vulnerabilities or {}).items():
        if scan is None:
            value, reason = None, "an analysis holds no scan; give the gate a verification"
        elif scan["result"] != "scanned":
            value, reason = None, f"no scan was made: {scan['reason']}"
        elif not scan["has_database"]:
            value, reason = None, "the scan had no vulnerability database"
        else:
            value = scan["vulnerabilities"]["by_severity"].get(severity.lower())
            reason = f"the scanner knows no severity {severity!r}"
        yield _check(f"vulnerabilities.{severity.lower()}", limit, value, reason)


_NO_IMAGE = "no image was read"
_NO_BASE = "it is not known which layers are the base image's, so the author's cannot be told"


def _check(name: str, limit: float, value: float | None, unknown: str) -> GateCheck:
    if value is None:
        return GateCheck(name, limit, None, "unknown", unknown)
    return GateCheck(name, limit, value, "pass" if value <= limit else "fail", "")


def _wasted_percent(image: Json | None) -> float | None:
    """Waste whose layer of death is the author's, of the unpacked bytes of the author's layers."""
    if image is None or image["waste_author_bytes"] is None or image["own_unpacked_bytes"] is None:
        return None
    own: int = image["own_unpacked_bytes"]
    wasted: int = image["waste_author_bytes"]
    if own == 0:
        return 0.0 if wasted == 0 else None
    return 100 * wasted / own


def _author_layers(image: Json | None) -> int | None:
    if image is None or image["base"]["layers"] is None:
        return None
    return sum(1 for layer in image["layers"] if not layer["base"] and not _is_empty(layer))


def _is_empty(layer: Json) -> bool:
    return bool(layer["unpacked_bytes"] == 0 and layer["overhead_bytes"] <= _EMPTY_TAR_BYTES)

"""Two sides, compared -> for each thing that a rewrite is known to break, whether it was looked at, and why not.

The list is closed and its numbers stay: what has no row here would silently pass for checked.
A hazard that cannot occur, such as a name look-up where the C library stayed, is checked.
"""

from collections.abc import Callable

from imageopt.build.model import Built
from imageopt.compare.modules import ModuleGraph
from imageopt.image.model import Image
from imageopt.verify.model import Comparison, Hazard, NotDone, RunRecord, Side, Static

_Ask = Callable[[Side, Side, Comparison], str]


def hazards(before: Side, after: Side, comparison: Comparison) -> tuple[Hazard, ...]:
    """All of them, by number."""
    return tuple(Hazard(id, title, ask(before, after, comparison)) for id, title, ask in _TABLE)  # noqa: A001


def _static(_: Side, __: Side, comparison: Comparison) -> str:
    return comparison.static.reason if isinstance(comparison.static, NotDone) else ""


def _modules(before: Side, after: Side, comparison: Comparison) -> str:
    for side in (before, after):
        if not isinstance(side.modules, ModuleGraph):
            return side.modules.reason
        if side.modules.cut:
            return "the program has more files than are looked at"
    return _static(before, after, comparison)


def _packages(before: Side, after: Side, comparison: Comparison) -> str:
    missing = _static(before, after, comparison)
    if missing or not isinstance(comparison.static, Static):
        return missing
    seen = comparison.static.production
    held = seen.kept or seen.removed or seen.added or seen.changed
    return "" if held else "no package of the program's own was found"


def _secrets(before: Side, after: Side, comparison: Comparison) -> str:
    return _static(before, after, comparison) or _scans(before, after, comparison)


def _sizes(_: Side, __: Side, comparison: Comparison) -> str:
    for name in ("download_bytes", "unpacked_bytes"):
        size = comparison.sizes.get(name)
        if size is None or size.saved is None:
            return f"{name.partition('_')[0]} size is not known of both"
    return ""


def _scans(before: Side, after: Side, _: Comparison) -> str:
    for side in (before, after):
        if isinstance(side.scan, NotDone):
            return side.scan.reason
        if side.scan.database is None:
            return "the scanner had no database of vulnerabilities"
    return ""


def _runs(before: Side, after: Side, _: Comparison) -> str:
    """Both have to have started."""
    for side in (before, after):
        if isinstance(side.run, NotDone):
            return side.run.reason
        if not side.run.started:
            return side.run.reason
    return ""


def _ran(check: Callable[[RunRecord, RunRecord], str]) -> _Ask:
    def ask(before: Side, after: Side, comparison: Comparison) -> str:
        missing = _runs(before, after, comparison)
        if missing or not isinstance(before.run, RunRecord) or not isinstance(after.run, RunRecord):
            return missing
        return check(before.run, after.run)

    return ask


def _tried(*starts: str, otherwise: str) -> _Ask:
    """Whether before passed a check whose name begins so, and one like it was tried in after.

    One that was tried in vain compares nothing.
    """

    def compared(before: RunRecord, after: RunRecord) -> str:
        if not any(done.passed and done.name.startswith(starts) for done in before.checks):
            return otherwise
        return "" if any(done.name.startswith(starts) for done in after.checks) else "it could not be tried in after"

    return _ran(compared)


def _ports(before: RunRecord, _: RunRecord) -> str:
    listens = any(check.name.startswith("listens on") for check in before.checks)
    return "" if listens or before.port is not None else "no listening port was seen"


def _probes(before: RunRecord, _: RunRecord) -> str:
    others = ("listens on", "writes", "keeps", "addon", "dns", "command", "runs")
    probed = any(check.passed and not check.name.startswith(others) for check in before.checks)
    return "" if probed else "it has no health check, or none passed before"


def _answers(before: RunRecord, _: RunRecord) -> str:
    return "" if before.responses else "no request was answered"


def _stops(before: RunRecord, after: RunRecord) -> str:
    return (
        "" if before.stop_seconds is not None and after.stop_seconds is not None else "it ended before it was asked to"
    )


def _addons(before: Side, after: Side, comparison: Comparison) -> str:
    return _if_any(before, ".node", _tried("addon", otherwise="no addon could be loaded by itself"))(
        before, after, comparison
    )


def _if_any(before: Side, suffix: str, ask: _Ask) -> _Ask:
    """Nothing to check where the image has no such binary."""
    image = _image(before)
    return ask if image is None or any(path.endswith(suffix) for path in image.elf) else lambda *_: ""


def _names(before: Side, after: Side, comparison: Comparison) -> str:
    """A name look-up can only break with another C library."""
    old, new = _loaders(before), _loaders(after)
    if old and old == new:
        return ""
    return _tried("dns", otherwise="no name was looked up in a search domain")(before, after, comparison)


def _loaders(side: Side) -> frozenset[str]:
    image = _image(side)
    names = (record.path.rpartition("/")[2] for record in image.files if record.death is None) if image else ()
    return frozenset(
        name.partition("-")[2].partition("-")[0] for name in names if name.startswith(("ld-musl-", "ld-linux"))
    )


def _image(side: Side) -> Image | None:
    return side.evidence.image if side.evidence is not None else None


def _times(before: Side, after: Side, _: Comparison) -> str:
    for side in (before, after):
        for build in (side.build, side.rebuild):
            if not isinstance(build, Built):
                return getattr(build, "reason", "the images were given")
    return ""


def _own_test(before: Side, after: Side, comparison: Comparison) -> str:
    return _tried("command", otherwise="no command of the project's own is named under [verify]")(
        before, after, comparison
    )


_TABLE: tuple[tuple[str, str, _Ask], ...] = (
    ("H13", "addons and programs find their loader, libraries and C library", _static),
    ("H14", "the packages of production are complete and the same", _packages),
    ("H15", "the modules that the program loads are there", _modules),
    ("H16", "no views, locales, migrations, certificates or public files are lost", _static),
    ("H17", "no file is stored twice or deleted later", _static),
    ("H18", "no secret in layers, history or environment", _secrets),
    ("H19", "both sizes, of the download and unpacked", _sizes),
    ("H20", "vulnerabilities by the same database", _scans),
    ("H21", "it starts as its declared user", _ran(lambda *_: "")),
    ("H22", "it listens on the same ports", _ran(_ports)),
    ("H23", "its health checks pass inside", _ran(_probes)),
    ("H24", "it answers the same, and its log speaks of no new trouble", _ran(_answers)),
    ("H25", "its native addons load", _addons),
    ("H26", "it may write where it wrote", _tried("writes", "keeps", otherwise="no folder was written")),
    ("H27", "it ends when asked", _ran(_stops)),
    ("H28", "migrations, workers and jobs start", _tried("command", otherwise="no other command is known")),
    ("H29", "names in a search domain are found", _names),
    ("H30", "the project's own test passes", _own_test),
    ("H31", "cold and warm build times", _times),
)  # fmt: skip

"""Two sides -> their comparison and the list of what could not be compared. Pure: everything was measured before."""

from collections.abc import Iterable, Iterator

from imageopt.build.model import BuildFailed, Built
from imageopt.compare.images import compare_images
from imageopt.compare.model import ImageComparison
from imageopt.image.model import Image
from imageopt.rewrite.development import built_start
from imageopt.verify.behaviour import compare_runs
from imageopt.verify.config import compare_configs, is_site_move, starts_with
from imageopt.verify.model import Change, Comparison, NotDone, RunRecord, ScanRecord, Side, Static, Vulnerability
from imageopt.verify.static import compare_static
from imageopt.verify.trivy_report import by_severity


def compare_sides(
    before: Side, after: Side, severity: str = "unknown", *, traced: bool = False
) -> tuple[Comparison, tuple[str, ...]]:
    """The comparison, and what was not checked, each thing once and in the order of the work.

    `severity` is the one from which on a vulnerability that comes in counts. `traced`: as for `compare_static`.
    """
    compiled = _is_compiled_now(before, after)
    images, config = _images(before, after, compiled=compiled)
    behaviour, unchecked = _runs(before, after, compiled=compiled)
    fixed, introduced, unchanged = _vulnerabilities(before.scan, after.scan)
    scans = (before.scan, after.scan)
    static = compare_static(before, after, traced=traced)
    comparison = Comparison(
        sizes=images.sizes if images is not None else {},
        cached_steps=(_cached(before.rebuild), _cached(after.rebuild)),
        fixed=fixed,
        introduced=introduced,
        unchanged=unchanged,
        secrets_fixed=_gone(*(_found(scan, "secrets") for scan in scans)),
        secrets_introduced=_gone(*(_found(scan, "secrets") for scan in reversed(scans))),
        licenses_removed=_gone(*(_found(scan, "licenses") for scan in scans)),
        licenses_added=_gone(*(_found(scan, "licenses") for scan in reversed(scans))),
        misconfigurations_fixed=_gone(*(_found(scan, "misconfigurations") for scan in scans)),
        misconfigurations_introduced=_gone(*(_found(scan, "misconfigurations") for scan in reversed(scans))),
        packages_removed=images.packages_removed if images is not None else (),
        packages_added=images.packages_added if images is not None else (),
        packages_changed=images.packages_changed if images is not None else (),
        files_removed=images.files_removed if images is not None else {},
        config=config,
        behaviour=behaviour,
        removed_bytes=images.removed_bytes if images is not None else 0,
        explained_bytes=images.explained_bytes if images is not None else 0,
        files_added=images.files_added if images is not None else {},
        cached_percent=(_cached_percent(before.rebuild), _cached_percent(after.rebuild)),
        severity=severity,
        static=static,
    )
    notes = (
        *(images.notes if images is not None else ()),
        *_not_done(before, after),
        *unchecked,
        *_out_of_reach(before, after),
        *_floating(static),
        *(("packages that were left out because nothing was seen to load them",) if traced else ()),
    )
    return comparison, tuple(dict.fromkeys(notes))


def _images(before: Side, after: Side, *, compiled: bool) -> tuple[ImageComparison | None, tuple[Change, ...]]:
    if before.evidence is None or after.evidence is None:
        return None, ()
    images = compare_images(before.evidence, after.evidence, before.findings)
    old, new = before.evidence.image, after.evidence.image
    if old is None or new is None:
        return images, ()
    project = before.evidence.project
    starts_in = project.start.folder if project is not None and project.start is not None else ""
    return images, compare_configs(old.config, new.config, compiled=compiled, starts_in=starts_in)


def _runs(before: Side, after: Side, *, compiled: bool) -> tuple[tuple[Change, ...], tuple[str, ...]]:
    old, new = before.run, after.run
    if isinstance(old, RunRecord) and isinstance(new, RunRecord) and old.started and new.started:
        production = _in_production(after) and not _in_production(before)
        held = _files(after) if compiled else None
        site = _serves_the_same_site(before, after)
        return compare_runs(old, new, site=site, production=production, compiled=held)
    return (), ()


def _is_compiled_now(before: Side, after: Side) -> bool:
    """Whether the project compiles at each start (`nest start`), and the second image starts what that makes."""
    project = before.evidence.project if before.evidence is not None else None
    image = _image(after)
    built = built_start(project) if project is not None else None
    return image is not None and built is not None and starts_with(image.config, built[1])


def _files(side: Side) -> frozenset[str]:
    """The files that are there in the end, from the root."""
    image = _image(side)
    return frozenset(f"/{one.path}" for one in image.files if one.death is None) if image is not None else frozenset()


def _image(side: Side) -> Image | None:
    return side.evidence.image if side.evidence is not None else None


def _in_production(side: Side) -> bool:
    image = _image(side)
    return image is not None and "NODE_ENV=production" in image.config.env


def _serves_the_same_site(before: Side, after: Side) -> bool:
    old, new = _image(before), _image(after)
    return old is not None and new is not None and is_site_move(old.config, new.config)


def _vulnerabilities(
    before: ScanRecord | NotDone, after: ScanRecord | NotDone
) -> tuple[tuple[Vulnerability, ...], tuple[Vulnerability, ...], tuple[Vulnerability, ...]]:
    """Fixed, introduced, unchanged: by package and advisory, whatever name it goes by.

    Where the distribution changed, its packages have other names: there the advisory alone counts.
    """
    if not isinstance(before, ScanRecord) or not isinstance(after, ScanRecord):
        return (), (), ()
    alike = _distribution(before) == _distribution(after)
    old, new = _keys(before, alike=alike), _keys(after, alike=alike)
    return (
        _ordered(found for found in before.vulnerabilities if not _names(found, alike=alike) & new),
        _ordered(found for found in after.vulnerabilities if not _names(found, alike=alike) & old),
        _ordered(found for found in after.vulnerabilities if _names(found, alike=alike) & old),
    )


def _distribution(scan: ScanRecord) -> str:
    return scan.system.partition(" ")[0]


def _keys(scan: ScanRecord, *, alike: bool) -> frozenset[tuple[str, str]]:
    return frozenset().union(*(_names(found, alike=alike) for found in scan.vulnerabilities))


def _names(found: Vulnerability, *, alike: bool) -> frozenset[tuple[str, str]]:
    package = found.package if alike or found.kind != "os" else ""
    return frozenset((package, name) for name in (found.id, *found.aliases))


def _ordered(found: Iterable[Vulnerability]) -> tuple[Vulnerability, ...]:
    return tuple(sorted(found, key=by_severity))


def _found(scan: ScanRecord | NotDone, what: str) -> frozenset[str] | None:
    """None where there was no scan: then nothing came and nothing went."""
    if not isinstance(scan, ScanRecord):
        return None
    return frozenset(
        {"secrets": scan.secrets, "licenses": scan.licenses, "misconfigurations": scan.misconfigurations}[what]
    )


def _gone(before: frozenset[str] | None, after: frozenset[str] | None) -> tuple[str, ...]:
    return () if before is None or after is None else tuple(sorted(before - after))


def _cached(rebuild: Built | BuildFailed | NotDone) -> int | None:
    return rebuild.cached_steps if isinstance(rebuild, Built) else None


def _cached_percent(rebuild: Built | BuildFailed | NotDone) -> float | None:
    if not isinstance(rebuild, Built) or not rebuild.steps:
        return None
    return round(100 * rebuild.cached_steps / rebuild.steps, 1)


def _not_done(before: Side, after: Side) -> Iterator[str]:
    for what, old, new in (
        ("rebuild", before.rebuild, after.rebuild),
        ("running", before.run, after.run),
        ("scan", before.scan, after.scan),
    ):
        reasons = [part.reason if isinstance(part, NotDone | BuildFailed) else "" for part in (old, new)]
        if reasons[0] and reasons[0] == reasons[1]:
            yield f"the {what} of both: {reasons[0]}"
        else:
            yield from (
                f"the {what} of {name}: {reason}"
                for name, reason in zip(("before", "after"), reasons, strict=True)
                if reason
            )
    scans = [side.scan.system if isinstance(side.scan, ScanRecord) else "" for side in (before, after)]
    if all(scans) and scans[0] != scans[1]:
        yield f"{scans[0]} became {scans[1]}, whose advisories do not cover the same things"
    elif _managers(before) and _managers(after) and _managers(before) != _managers(after):
        yield "the two bases are of different distributions, whose advisories do not cover the same things"


def _out_of_reach(before: Side, after: Side) -> Iterator[str]:
    """What no run of two containers on one machine can tell."""
    if isinstance(before.run, RunRecord) and isinstance(after.run, RunRecord) and before.run.port is not None:
        yield "requests other than those listed, and the code that only they reach"
    image = _image(after)
    if image is None:
        return
    yield f"platforms other than {image.config.platform}"


def _floating(static: Static | NotDone) -> Iterator[str]:
    count = static.production.floating if isinstance(static, Static) else 0
    if count:
        yield f"which versions of {count} packages that differ are meant, as no lock file holds them"


def _managers(side: Side) -> frozenset[str]:
    image = _image(side)
    return frozenset(package.manager for package in image.packages.system) if image is not None else frozenset()

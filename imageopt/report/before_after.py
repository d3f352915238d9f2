"""A verification's document -> the rows of its before/after table, the same in every format.

What was not measured says `not done` or `unknown`, never 0; `better` is None where a difference is neither.
"""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from imageopt.report.verification import VULNERABILITY_SEVERITIES
from imageopt.report.words import UNKNOWN, less, seconds, size

Json = Mapping[str, Any]
NOT_DONE = "not done"
FAILED = "failed"
_SIZES = (
    ("download_bytes", "download"),
    ("unpacked_bytes", "unpacked"),
    ("live_bytes", "live files"),
    ("own_unpacked_bytes", "without base image"),
)


class Row(Struct, frozen=True):
    """One line of the table; `change` is in words, empty where nothing changed or nothing can be said.

    `numbers` are both values as bytes, seconds or a count, None where there is no number to be had.
    """

    label: str
    before: str
    after: str
    change: str
    better: bool | None
    numbers: tuple[float | None, float | None] = (None, None)


def rows(document: Json) -> list[Row]:
    """The table, from sizes over times to security. What was done of neither stands among what was not checked."""
    timing, comparison = document["timing"], document["comparison"]
    before, after = document["before"], document["after"]
    found = [
        *(_size(label, comparison[name], _measured(before, name), _measured(after, name)) for name, label in _SIZES),
        _count("files", _files(before), _files(after)),
        _build("cold build", timing["build_seconds"], before["build"], after["build"]),
        _build("rebuild after one change", timing["rebuild_seconds"], before["rebuild"], after["rebuild"]),
        _cached(before["rebuild"], after["rebuild"], comparison["cached_steps"]),
        *_dependencies(timing, before, after),
        _time("until it answers", timing["ready_seconds"]),
        _time("until it stops", timing["stop_seconds"]),
        _user(before["run"], after["run"]),
        *_scans(before["scan"], after["scan"]),
    ]
    return [row for row in found if (row.before, row.after) != (NOT_DONE, NOT_DONE)]


def _dependencies(timing: Json, before: Json, after: Json) -> list[Row]:
    """Only where it was asked for: it takes as long as a cold build."""
    if "not-done" in (before["dependency_rebuild"]["result"], after["dependency_rebuild"]["result"]):
        return []
    times = timing["dependency_rebuild_seconds"]
    return [_build("rebuild after a dependency", times, before["dependency_rebuild"], after["dependency_rebuild"])]


def vulnerabilities_in_words(by_severity: Json) -> str:
    """`3 critical, 20 high`, or `none`."""
    counted = [f"{by_severity[name]} {name}" for name in VULNERABILITY_SEVERITIES if by_severity.get(name)]
    return ", ".join(counted) or "none"


def _size(label: str, change: Json, before: int | None, after: int | None) -> Row:
    words = "" if change["saved"] in (None, 0) or change["percent"] is None else less(change["percent"])
    return Row(label, size(before), size(after), words, _less(before, after), (before, after))


def _measured(side: Json, name: str) -> int | None:
    """The size as the side's own analysis has it: it is there even where nothing could be compared."""
    image = side["image"]
    if image is None:
        return None
    value: int | None = image[name] if name == "own_unpacked_bytes" else image["sizes"][name]
    return value


def _less(before: float | None, after: float | None) -> bool | None:
    return None if before is None or after is None or before == after else after < before


def _files(side: Json) -> int | None:
    return side["image"]["file_count"] if side["image"] else None


def _count(label: str, before: int | None, after: int | None) -> Row:
    change = "" if before is None or after is None or before == after else f"{after - before:+,}"
    return Row(label, _number(before), _number(after), change, _less(before, after), (before, after))


def _number(count: int | None) -> str:
    return UNKNOWN if count is None else f"{count:,}"


def _time(label: str, times: Json) -> Row:
    before, after = times["before"], times["after"]
    shown: Callable[[float | None], str] = lambda value: NOT_DONE if value is None else seconds(value)  # noqa: E731
    differs = before and after is not None and shown(before) != shown(after)  # less than is shown is no difference
    change = less(100 * (before - after) / before) if differs else ""
    numbers = (before, after)
    return Row(label, shown(before), shown(after), change, None, numbers)  # a time of one run proves no difference


def _build(label: str, times: Json, before: Json, after: Json) -> Row:
    """The time of a build that failed is no time to compare with."""
    row = _time(label, times)
    if before["result"] == after["result"] == "given":
        return Row(label, "given", "given", "", None)
    if "failed" not in (before["result"], after["result"]):
        return row
    shown = [
        FAILED if build["result"] == "failed" else time for build, time in ((before, row.before), (after, row.after))
    ]
    return Row(label, shown[0], shown[1], "", None)


def _cached(before: Json, after: Json, steps: Json) -> Row:
    def shown(rebuild: Json, cached: int | None) -> str:
        if cached is None:
            return NOT_DONE
        of_all = f" ({round(100 * cached / rebuild['steps'])} %)" if rebuild.get("steps") else ""
        return f"{cached} of {rebuild['steps']}{of_all}" if rebuild["result"] == "built" else str(cached)

    return Row("steps from cache", shown(before, steps["before"]), shown(after, steps["after"]), "", None)


def _user(before: Json, after: Json) -> Row:
    users = [run.get("user") or (NOT_DONE if run["result"] == "not-done" else UNKNOWN) for run in (before, after)]
    roots = [user.split(":")[0] in ("0", "root") for user in users]
    better = None if users[0] == users[1] or roots[0] == roots[1] else roots[0]
    return Row("runs as user", users[0], users[1], "no longer root" if better else "", better)


def _scans(before: Json, after: Json) -> list[Row]:
    found = []
    for severity in VULNERABILITY_SEVERITIES:
        counts = [_vulnerabilities(scan, severity) for scan in (before, after)]
        if any(counts) or (severity in ("critical", "high")):
            found.append(_scanned(f"{severity} vulnerabilities", counts[0], counts[1]))
    for kind, label in (("secrets", "secrets found"), ("misconfigurations", "misconfigurations")):
        counts = [len(scan[kind]) if scan["result"] == "scanned" else None for scan in (before, after)]
        found.append(_scanned(label, counts[0], counts[1]))
    return found


def _vulnerabilities(scan: Json, severity: str) -> int | None:
    if scan["result"] != "scanned" or not scan["has_database"]:
        return None
    count: int = scan["vulnerabilities"]["by_severity"][severity]
    return count


def _scanned(label: str, before: int | None, after: int | None) -> Row:
    row = _count(label, before, after)
    return Row(
        label,
        NOT_DONE if before is None else row.before,
        NOT_DONE if after is None else row.after,
        row.change,
        row.better,
        row.numbers,
    )

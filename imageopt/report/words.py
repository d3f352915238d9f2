"""The words that people read for what documents name: categories, places, savings, numbers that are not known.

All renderers take their words from here, so that the terminal, Markdown and HTML say the same of the same result.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from imageopt.lazy_pattern import lazy_pattern
from imageopt.report.names import harmless
from imageopt.units import format_bytes, format_seconds

Json = Mapping[str, Any]
CATEGORIES: Mapping[str, str] = {
    "base-image": "base image",
    "overwritten": "overwritten by a later layer",
    "deleted": "deleted later, still stored",
    "package-manager-cache": "package manager caches",
    "vcs": "version control (.git)",
    "dev-dependencies": "development dependencies",
    "production-dependencies": "production dependencies",
    "global-tools": "global tools",
    "build-toolchain": "compilers and build tools",
    "system-packages": "system packages",
    "tests-and-docs": "tests and docs",
    "sources": "sources",
    "build-output": "build output",
    "generated-data": "logs, dumps, data",
    "application": "the application",
    "other": "other",
}
UNKNOWN = "unknown"
_SHELL = lazy_pattern(r"^(?:RUN )?(?:\|\d+ .*?)?/\S*sh -\w+ (?:#\(nop\) )?")  # what a builder writes in front


def category(name: str) -> str:
    """What a category of the composition is called."""
    return CATEGORIES.get(name, name)


def size(count: int | None) -> str:
    """The size in words; a size that could not be had is `unknown`, never 0."""
    return UNKNOWN if count is None else format_bytes(count)


def seconds(value: float | None) -> str:
    """The duration in words."""
    return UNKNOWN if value is None else format_seconds(value)


def percent(value: float | None) -> str:
    """`45 %`, `8.1 %`; what is not nothing is at least `<0.1 %`, what is not everything at most `>99.9 %`."""
    if value is None:
        return UNKNOWN
    if 0 < abs(value) < 0.05:
        return "<0.1 %"
    if 99.95 <= value < 100:
        return ">99.9 %"
    return f"{value:.1f} %" if abs(value) < 9.95 or 99 < value < 100 else f"{value:.0f} %"


def saving(finding: Json) -> str:
    """`322 MB`, `~1.05 GB` for an estimate, empty where nothing can be said."""
    count = finding["saving"]["bytes"]
    if not count:
        return ""
    return f"~{format_bytes(count)}" if finding["saving"]["basis"] == "estimate" else format_bytes(count)


def place(location: Json | None) -> str:
    """`Dockerfile:23`, empty where the line is not known."""
    return "" if location is None else f"{harmless(location['file'])}:{location['line']}"


def what(finding: Json) -> str:
    """What was found, in a line: the title of a finding that is measured, else its message, which says more."""
    text: str = finding["title"] if finding["saving"]["bytes"] else finding["message"]
    return text.rstrip(".")


def command(text: str, longest: int) -> str:
    """What made a layer, on one line of at most so many letters, without what a builder writes around it."""
    text = harmless(" ".join(_SHELL.sub("RUN ", text).removesuffix("# buildkit").split()))
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def where(finding: Json) -> str:
    """The line of a finding, else its layers; empty where neither is known."""
    return place(finding["location"]) or layers_in_words(finding["layers"])


def in_order(findings: Sequence[Json]) -> list[Json]:
    """The findings with the errors that save nothing first: a secret in a layer matters more than any megabyte."""
    return sorted(findings, key=lambda finding: finding["severity"] != "error" or bool(finding["saving"]["bytes"]))


def layers_in_words(numbers: Sequence[int]) -> str:
    """`layer 3`, `layers 0-7`, `layers 2, 5, …`; empty without one."""
    if len(numbers) < 2:
        return "".join(f"layer {number}" for number in numbers)
    first, second, last = numbers[0], numbers[1], numbers[-1]
    if last - first == len(numbers) - 1:
        return f"layers {first}-{last}"
    return f"layers {first}, {second}" + (", …" if len(numbers) > 2 else "")


def places(row: Json, findings: list[Any], layers: list[Any]) -> list[str]:
    """Where a row of the composition comes from: the lines its cause was found at, else those that made its layers.

    Where no line is known, the layers themselves.
    """
    return together((row,), findings, layers)


def together(rows: Sequence[Json], findings: list[Any], layers: list[Any]) -> list[str]:
    """Where several rows come from, each place once."""
    lines = list(dict.fromkeys(text for row in rows for text in _lines(row, findings, layers)))
    numbers = layers_in_words(sorted({index for row in rows for index in row["layers"]}))
    return lines or ([numbers] if numbers else [])


def _lines(row: Json, findings: list[Any], layers: list[Any]) -> list[str]:
    found = [place(finding["location"]) for finding in findings if row["cause"] and finding["rule"] == row["cause"]]
    made = [place(layers[index]["instruction"]) for index in row["layers"] if index < len(layers)]
    return [text for text in (found if any(found) else made) if text]


def by_category(composition: Iterable[Json]) -> list[tuple[Json, ...]]:
    """The rows of each category together, biggest first: for views that do not name the cause, by which they differ."""
    found: dict[str, list[Json]] = {}
    for row in composition:
        found.setdefault(row["category"], []).append(row)
    return sorted((tuple(rows) for rows in found.values()), key=lambda rows: -sum(row["bytes"] for row in rows))


def headline(document: Json) -> list[str]:
    """The sentences that sum an analysis up: how big it is and how much could go; without an image what was found."""
    image, summary = document["image"], document["summary"]
    if image is None:
        return [text] if (text := counted(summary["findings"])) else []
    sizes = image["sizes"]
    parts = [f"{size(sizes['unpacked_bytes'])} unpacked"]
    if sizes["download_bytes"] is not None:
        parts.append(f"{size(sizes['download_bytes'])} to download")
    count = len(image["layers"])
    parts.append(f"{count} {'layer' if count == 1 else 'layers'}")
    return [", ".join(parts), _could_go(sizes["unpacked_bytes"], summary)]


_DECIDED = {
    "digest": "known by its digest",
    "history": "by the image's history",
    "compared": "by comparison with it",
    "guessed": "a guess",
}


def base_image(document: Json) -> str:
    """How many layers are the base image's and how that is known; empty without an image."""
    image = document["image"]
    if image is None:
        return ""
    base = image["base"]
    if base["layers"] is None:
        return "which layers are the base image's is not known"
    count = f"{base['layers']} {'layer' if base['layers'] == 1 else 'layers'}"
    return f"base image: {base['reference'] or 'no name known'}, {count} ({_DECIDED[base['decided_by']]})"


def counted(findings: Mapping[str, int]) -> str:
    """`20 findings: 1 error, 15 warnings, 4 info`, by a count of each severity; empty where nothing was found."""
    total = sum(findings.values())
    named = [
        f"{findings[severity]} {severity}{'s' if severity in ('error', 'warning') and findings[severity] > 1 else ''}"
        for severity in ("error", "warning", "info", "style")
        if findings.get(severity)
    ]
    return f"{total} finding{'s' if total > 1 else ''}: {', '.join(named)}" if total else ""


def _could_go(unpacked: int, summary: Json) -> str:
    counted, estimated = summary["saving_bytes"], summary["estimated_saving_bytes"]
    if not counted and not estimated:
        return "nothing found that could go"
    share = percent(100 * counted / unpacked) if unpacked else UNKNOWN
    if not estimated:
        return f"{size(counted)} of it could go ({share}, counted byte by byte)"
    if not counted:
        return f"about {size(estimated)} of it could go (an estimate)"
    return f"{size(counted)} of it could go ({share}, counted), and about {size(estimated)} more by estimate"


def differences(changes: list[Any]) -> list[str]:
    """What differs between before and after, one line each; what is alike is left out."""
    return [
        f"{change['what']}: {change['before'] or '(none)'} -> {change['after'] or '(none)'}"
        + (f" ({change['reason']})" if change["reason"] else "" if change["expected"] else " (not expected)")
        for change in changes
        if change["before"] != change["after"]
    ]


def prediction(document: Json) -> str:
    """The forecast beside what was measured; empty where nothing was to be forecast or measured."""
    numbers = document["prediction"]
    if numbers["measured_bytes"] is None or (numbers["predicted_bytes"] is None and document["rewrite"] is None):
        return ""
    if numbers["predicted_bytes"] is None:
        return f"what it saves could not be predicted, measured {size(numbers['measured_bytes'])}"
    error = numbers["error_percent"]
    off = (
        "" if error is None else f", {percent(abs(error))} {'too much' if error > 0 else 'too little'}" if error else ""
    )
    return f"predicted to save {size(numbers['predicted_bytes'])}, measured {size(numbers['measured_bytes'])}{off}"


def saved_in_words(document: Json) -> str:
    """`2.34 GB -> 151 MB unpacked (-94 %)`; empty where one of the two is not known."""
    change = document["comparison"]["unpacked_bytes"]
    if change["before"] is None or change["after"] is None:
        return ""
    share = "" if not change["saved"] or change["percent"] is None else f" ({less(change['percent'])})"
    return f"{size(change['before'])} -> {size(change['after'])} unpacked{share}"


def less(saved_percent: float) -> str:
    """What was saved as a change: `-94 %`, `+3.1 %` where it grew."""
    return f"-{percent(saved_percent)}" if saved_percent > 0 else f"+{percent(-saved_percent)}"


def alone(section: Json) -> str:
    """What single transformations saved, beside what was predicted of them; empty where none was isolated."""
    return "; ".join(
        f"{one['name']} alone saves {size(one['measured_bytes'])}"
        + (f", {size(one['predicted_bytes'])} predicted" if one["predicted_bytes"] is not None else "")
        + f" ({one['between'][1]} beside {one['between'][0]})"
        for one in section.get("isolated", ())
    )


def scanned(document: Json) -> bool:
    """Whether both sides were scanned, so that "none introduced" means something."""
    return all(document[side]["scan"]["result"] == "scanned" for side in ("before", "after"))


def explained(document: Json) -> str:
    """How much of what is gone was found beforehand, with its layer and line; empty where nothing is gone."""
    files = document["comparison"]["files"]
    if not files["removed_bytes"]:
        return ""
    share = percent(100 * files["explained_bytes"] / files["removed_bytes"])
    return f"{size(files['removed_bytes'])} of files are gone; findings with a layer and a line explain {share} of them"


def outcome(document: Json) -> str:
    """What came of looking for a rewrite, and what it should save."""
    match document["outcome"]:
        case "nothing":
            return "nothing worth doing"
        case "refused":
            return "no rewrite is proposed: what stands in its way is left to you, see below"
    predicted = document["prediction"]
    if any(file["new"] and file["path"] == "Dockerfile" for file in document["files"]):
        return "a first Dockerfile is proposed"
    if predicted["bytes"] is None:
        return "a rewrite is proposed; what it saves is not known before it is built"
    basis = "predicted from counted bytes" if predicted["basis"] == "exact" else "an estimate"
    if predicted.get("expected_bytes") is not None:
        proofs = predicted["proofs"]
        earlier = "an earlier proof" if proofs == 1 else f"{proofs} earlier proofs"
        basis += f"; {size(predicted['expected_bytes'])} by {earlier} of such changes"
    return f"a rewrite is proposed that should save {size(predicted['bytes'])} unpacked ({basis})"


_FEW, _MANY = 4, 12  # significant figures


def limit_and_value(check: Json) -> tuple[str, str]:
    """The limit and the value of a gate's check, in the unit of its kind; `>=` marks the limit that is the least.

    Rounded, unless the two would then look the same and are not.
    """

    def shown(number: float | None, digits: int = _FEW) -> str:
        if number is None:
            return UNKNOWN
        name = check["name"]
        if name in _IN_BYTES or name.startswith("growth."):
            return format_bytes(int(number)) if digits == _FEW else f"{int(number)} B"
        if name.startswith("dive."):  # ratios, which dive's reports show in percent
            return f"{100 * number:.{digits}g} %"
        if name in ("build_seconds", "rebuild_seconds"):
            return format_seconds(number) if digits == _FEW else f"{number:.{digits}g} s"
        return f"{number:.{digits}g} %" if name == "wasted" else f"{number:g}"

    least = ">= " if check["name"] == "dive.lowestEfficiency" else ""
    limit, value = shown(check["limit"]), shown(check["value"])
    if limit == value and check["limit"] != check["value"]:
        limit, value = shown(check["limit"], _MANY), shown(check["value"], _MANY)
    return least + limit, value


_IN_BYTES = ("download", "unpacked", "live", "wasted_bytes", "dive.highestWastedBytes")
_NAMED = 3


def why(check: Json) -> str:
    """The reason of a gate's check; of one that fails, the first things that were counted as well."""
    items = check.get("items", ()) if check["result"] in ("fail", "waived") else ()
    more = [f"and {len(items) - _NAMED} more"] if len(items) > _NAMED else []
    return "; ".join(text for text in (*items[:_NAMED], *more, check["reason"]) if text)


def cause(row: Json) -> tuple[str, str, str, str]:
    """How much, where, what and what to do of one of a gate's causes."""
    about = "~" if row["basis"] == "estimate" else ""
    todo = row["fix"] or "see whether all of it is needed"
    return f"{about}{format_bytes(row['bytes'])}", place(row["location"]), row["title"].rstrip("."), todo


def offer(document: Json) -> str:
    """What a rewrite would save of an image that failed; empty where none is at hand."""
    found = document.get("rewrite")
    if found is None:
        return ""
    if found["bytes"] is None:
        return "`imageopt rewrite` has a proposal; what it saves is known once it is built (`imageopt verify`)"
    about = "" if found["basis"] == "exact" else "about "
    return f"`imageopt rewrite` has a proposal that would save {about}{format_bytes(found['bytes'])}"


def growth(before: Json, now: Json) -> list[list[str]]:
    """What, before, now and the change of each size that is known of both."""
    rows = []
    for name, label in (("download_bytes", "download"), ("unpacked_bytes", "unpacked"), ("live_bytes", "live files")):
        old, new = before.get(name), now.get(name)
        if old is not None and new is not None:
            change = "" if old == new else f"{'+' if new > old else '-'}{format_bytes(abs(new - old))}"
            rows.append([label, format_bytes(old), format_bytes(new), change])
    return rows


def also(finding: Json) -> str:
    """` (also RULE, RULE)`: the rules that would have said the same; empty where there are none."""
    others = finding.get("also") or ()
    return f" (also {', '.join(others)})" if others else ""


def suppressed(item: Json) -> tuple[str, str, str, str]:
    """Where, what, by whose word and why something that was found does not count."""
    until = f" (until {item['until']})" if item["until"] else ""
    told = f"{item['message'].rstrip('.')} ({item['code']})"
    return place(item["location"]), told, f"{item['by']}{until}", item["reason"] or "no reason given"


def lost_in_words(document: Json) -> list[str]:
    """The files of classes that are missed late, and are in `before` alone."""
    return [
        f"{lost['kind']}: {lost['files']:,} {'file' if lost['files'] == 1 else 'files'}, such as {lost['examples'][0]}"
        for lost in document["comparison"]["files"]["lost"]
    ]


def scanned_by(document: Json) -> str:
    """By which database of vulnerabilities both were scanned, and how old it was; empty where neither was."""
    date = document["timing"]["scan_database"]["after"]
    days = document["timing"]["scan_database_days"]["after"]
    if date is None:
        return ""
    age = "" if days is None else f", {days} {'day' if days == 1 else 'days'} old"
    return f"scanned with the vulnerability database of {date[:10]}{age}"


def unchecked_hazards(document: Json) -> list[str]:
    """Which of the known hazards nobody looked for, and why. Their numbers are for programs."""
    return [
        f"{hazard['title']}: {hazard['reason']}" for hazard in document["hazards"] if hazard["result"] == "not-checked"
    ]

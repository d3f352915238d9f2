"""A document -> Markdown for a merge request: the answer first, the table, the rest folded away.

Everything that comes from an image or a file is escaped, so that it can be neither markup nor a link nor HTML.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from imageopt.report.before_after import rows, vulnerabilities_in_words
from imageopt.report.candidates import HEAD, candidate_rows, how_it_ended
from imageopt.report.names import harmless
from imageopt.report.words import (
    base_image,
    category,
    cause,
    differences,
    explained,
    headline,
    limit_and_value,
    offer,
    outcome,
    place,
    places,
    prediction,
    saving,
    scanned,
    size,
    what,
    why,
)

Json = Mapping[str, Any]
_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+!|~&@])")
_SHOWN = 10
_MARKS = {"verified": "✅", "built-not-run": "⚠️", "not-smaller": "⚠️", "pass": "✅", "unknown": "⚠️", "waived": "⚠️"}


def markdown(document: Json) -> str:
    """The text, with a newline at its end."""
    match document["schema"]:
        case "imageopt.analysis/1":
            lines = _analysis(document)
        case "imageopt.verification/1":
            lines = _verification(document)
        case "imageopt.comparison/1":
            from imageopt.report.comparison_markdown import comparison_lines

            lines = comparison_lines(document)
        case "imageopt.gate/1":
            lines = _gate(document)
        case _:
            lines = _rewrite(document)
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """The text as Markdown that shows it and does nothing else."""
    return _MARKUP.sub(r"\\\1", harmless(text))


def _analysis(document: Json) -> list[str]:
    lines = [f"### imageopt: {escaped(document['target']['reference'])}", ""]
    lines += [*(f"{text}." for text in headline(document)), ""]
    if base := base_image(document):
        lines += [f"{escaped(base)}.", ""]
    findings = document["findings"]
    image = document["image"]
    if image is not None:
        composition = [
            [
                size(row["bytes"]),
                category(row["category"]),
                escaped(", ".join(places(row, findings, image["layers"])[:3])),
            ]
            for row in image["composition"]
        ]
        lines += [*table(("bytes", "what", "where"), composition[:_SHOWN], "rll"), ""]
    found = [
        [
            saving(item),
            escaped(place(item["location"])),
            f"{escaped(what(item))} ({escaped(item['code'])})",
            escaped(item["fix"]["text"]),
        ]
        for item in findings
    ]
    if found:
        lines += folded(f"{len(found)} findings", table(("saves", "line", "what", "what to do"), found, "rlll"))
    lines += [f"- {escaped(note)}" for note in document.get("notes", ())]
    return lines


def _verification(document: Json) -> list[str]:
    verdict = document["verdict"]
    lines = [f"### {_MARKS.get(verdict, '❌')} imageopt: {escaped(document['reference'])}: {verdict}", ""]
    lines += [f"- {escaped(reason)}" for reason in document["reasons"]]
    cells = [
        [escaped(row.label), escaped(row.before), escaped(row.after), escaped(row.change)] for row in rows(document)
    ]
    lines += ["", *table(("", "before", "after", ""), cells, "lrrl"), ""]
    comparison = document["comparison"]
    vulnerabilities = comparison["vulnerabilities"]
    if scanned(document):
        lines.append(
            f"Vulnerabilities fixed: {vulnerabilities_in_words(vulnerabilities['fixed']['by_severity'])}; "
            f"introduced: {vulnerabilities_in_words(vulnerabilities['introduced']['by_severity'])}."
        )
    lines += [f"{text[0].upper()}{text[1:]}." for text in (prediction(document), explained(document)) if text]
    lines.append("")
    changed = [*differences(comparison["behaviour"]), *differences(comparison["config"])]
    for title, texts in (("What differs", changed), ("Not checked", document["not_checked"])):
        if texts:
            lines += folded(title, [f"- {escaped(text)}" for text in texts])
    if document["rewrite"] is not None and document["rewrite"]["diff"]:
        lines += folded("The change", _code(document["rewrite"]["diff"], "diff"))
    return lines


def _gate(document: Json) -> list[str]:
    answer = "pass" if document["passed"] else "fail"
    cells = []
    for check in document["checks"]:
        limit, value = limit_and_value(check)
        mark = _MARKS.get(check["result"], "❌")
        cells.append([f"{mark} {check['result']}", escaped(check["name"]), value, limit, escaped(why(check))])
    head = f"### {_MARKS.get(answer, '❌')} imageopt gate: {escaped(document['reference'])}: {answer}"
    lines = [head, "", *table(("", "budget", "value", "limit", ""), cells, "llrrl")]
    if causes := document.get("causes"):
        told = [[escaped(text) for text in cause(row)] for row in causes]
        lines += ["", "Biggest causes:", "", *table(("bytes", "line", "what", "what to do"), told, "rlll")]
    if text := offer(document):
        lines += ["", f"{text}."]
    notes = [f"- {escaped(note)}" for note in document.get("notes", ())]
    return [*lines, *(["", *notes] if notes else [])]


def _rewrite(document: Json) -> list[str]:
    lines = [f"### imageopt: {escaped(document['reference'])}: {escaped(outcome(document))}", ""]
    cells = [
        [
            size(item["predicted_bytes"]) if item["predicted_bytes"] else "",
            escaped(item["name"]),
            escaped(item["reason"]),
        ]
        for item in document["transforms"]
    ]
    if cells:
        lines += [*table(("saves", "what", "why"), cells, "rll"), ""]
    if found := candidate_rows(document):
        lines += [*table(HEAD, [[escaped(text) for text in row] for row in found], "lrrrl"), ""]
        lines += [f"**{escaped(ended)}**", ""] if (ended := how_it_ended(document)) else []
    lines += [f"- not done: {escaped(item['name'])}: {escaped(item['reason'])}" for item in document["refusals"]]
    lines += [f"- {escaped(note)}" for note in document["notes"]]
    if document["diff"]:
        lines += folded("The change", _code(document["diff"], "diff"))
    for item in document.get("follow_ups", []):
        lines += ["", f"- must follow, and is left to you: {escaped(item['path'])}: {escaped(item['reason'])}"]
        if item["diff"]:
            lines += folded(item["path"], _code(item["diff"], "diff"))
    return lines


def table(head: Sequence[str], cells: Iterable[Sequence[str]], sides: str) -> list[str]:
    """The lines of a table of escaped cells; `sides` holds an `r` for each column that stands to the right."""
    rule = ["---:" if side == "r" else "---" for side in sides]
    return [f"| {' | '.join(row)} |" for row in (head, rule, *cells)]


def folded(title: str, lines: Sequence[str]) -> list[str]:
    """The lines under a title that opens them."""
    return ["<details>", f"<summary>{escaped(title)}</summary>", "", *lines, "", "</details>"]


def _code(text: str, language: str) -> list[str]:
    """A code block whose fence is longer than any in the text; control characters are spelled out."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [
        f"{fence}{language}",
        *(harmless(line.replace("\t", "    ")) for line in text.rstrip("\n").split("\n")),
        fence,
    ]

"""A document -> Markdown for a note on a merge request: the answer first, the table, the rest folded away.

Everything that comes from an image or a file is escaped, so that it can be neither markup nor a link, a mention, a
quick action nor HTML. The last line is a hidden marker, the same for each result of a kind about one thing: by it a
note is found again and updated in place.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from imageopt.report.before_after import rows, vulnerabilities_in_words
from imageopt.report.candidates import candidate_rows, how_it_ended, not_offered, on_request_rows
from imageopt.report.names import harmless
from imageopt.report.numbers import subject
from imageopt.report.words import (
    alone,
    also,
    base_image,
    by_category,
    category,
    cause,
    counted,
    differences,
    explained,
    growth,
    headline,
    in_order,
    limit_and_value,
    lost_in_words,
    offer,
    outcome,
    prediction,
    saving,
    scanned,
    size,
    suppressed,
    together,
    unchecked_hazards,
    what,
    where,
    why,
)

Json = Mapping[str, Any]
_MARKUP = re.compile(r"""([\\`*_{}\[\]()<>#+!|~&@]|[$%^](?=[\w"]))""")
_LONGEST = 60_000  # characters: GitHub takes 65,536, GitLab more
_SHOWN_FINDINGS = 50
_SHOWN = 10
_MARKS = {"verified": "✅", "built-not-run": "⚠️", "not-smaller": "⚠️", "pass": "✅", "unknown": "⚠️", "waived": "⚠️"}


def markdown(document: Json) -> str:
    """The text, with a newline at its end; what would make it too long for a note is left out, and that is said."""
    lines = list(_fitting(_lines(document)))
    return "\n".join((*lines, "", marker(document))) + "\n"


def marker(document: Json) -> str:
    """The hidden line by which a note about the same thing is found: the kind of result and what it is about."""
    kind = document["schema"].removeprefix("imageopt.").partition("/")[0]
    about = subject(document["after"] if kind == "comparison" else document)
    return f"<!-- imageopt:{kind}:{hashlib.sha256(about.encode('utf-8', 'surrogateescape')).hexdigest()[:16]} -->"


def _lines(document: Json) -> list[str]:
    match document["schema"]:
        case "imageopt.analysis/1":
            return _analysis(document)
        case "imageopt.verification/1":
            return _verification(document)
        case "imageopt.comparison/1":
            from imageopt.report.comparison_markdown import comparison_lines

            return comparison_lines(document)
        case "imageopt.gate/1":
            return _gate(document)
        case _:
            return _rewrite(document)


def _fitting(lines: list[str]) -> Iterator[str]:
    """The lines as long as they fit; a fold or a block of code that is cut is closed."""
    left, folds, fence = _LONGEST, 0, ""
    for line in lines:
        left -= len(line) + 1
        if left < 0:
            yield from ([fence] if fence else [])
            yield from ["", "…", "", *["</details>"] * folds, "This is cut: the whole of it is in the other reports."]
            return
        folds += {"<details>": 1, "</details>": -1}.get(line, 0)
        if run := re.match("`{3,}", line):
            fence = "" if fence else run[0]
        yield line


def escaped(text: str) -> str:
    """The text as Markdown that shows it and does nothing else.

    A word joiner, which shows nothing, stands behind each @: where mentions are looked for in the finished page, a
    backslash is no longer there.
    """
    return _MARKUP.sub(r"\\\1", harmless(text)).replace("@", "@\u2060")


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
                size(sum(row["bytes"] for row in rows)),
                category(rows[0]["category"]),
                escaped(", ".join(together(rows, findings, image["layers"])[:3])),
            ]
            for rows in by_category(image["composition"])
        ]
        lines += [*table(("bytes", "what", "where"), composition[:_SHOWN], "rll"), ""]
    shown = [
        [
            saving(item) or ("error" if item["severity"] == "error" else ""),
            escaped(where(item)),
            f"{escaped(what(item))} ({escaped(item['code'])}){escaped(also(item))}",
            escaped(item["fix"]["text"]),
        ]
        for item in in_order(findings)[:_SHOWN_FINDINGS]
    ]
    if shown:
        more = len(findings) - len(shown)
        rest = ["", f"And {more} more."] if more else []
        lines += folded(
            counted(document["summary"]["findings"]) if image is not None else "What to do",
            [*table(("saves", "line", "what", "what to do"), shown, "rlll"), *rest],
        )
    lines += _suppressed(document)
    notes = [f"- {escaped(note)}" for note in document.get("notes", ())]
    return [*lines, *(["", *notes] if notes else [])]  # a fold goes on until a line is empty


def _suppressed(document: Json) -> list[str]:
    """What was found and does not count, with the reason."""
    rows = [[escaped(text) for text in suppressed(item)] for item in document.get("suppressed", ())]
    if not rows:
        return []
    return folded(f"{len(rows)} suppressed", table(("line", "what", "by", "why"), rows[:_SHOWN_FINDINGS], "llll"))


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
    said = (prediction(document), escaped(alone(document["prediction"])), explained(document))
    lines += [f"{text[0].upper()}{text[1:]}." for text in said if text]
    lines.append("")
    changed = [*differences(comparison["behaviour"]), *differences(comparison["config"])]
    unchecked = [*document["not_checked"], *unchecked_hazards(document)]
    lost = lost_in_words(document)
    for title, texts in (("What differs", changed), ("Gone, and worth a look", lost), ("Not checked", unchecked)):
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
    lines = [head, "", *table(("", "budget", "value", "limit", ""), cells, "llrrl"), *_against_baseline(document)]
    if causes := document.get("causes"):
        told = [[escaped(text) for text in cause(row)] for row in causes]
        lines += ["", "Biggest causes:", "", *table(("bytes", "line", "what", "what to do"), told, "rlll")]
    if text := offer(document):
        lines += ["", f"{text}."]
    notes = [f"- {escaped(note)}" for note in document.get("notes", ())]
    return [*lines, *(["", *notes] if notes else [])]


def _against_baseline(document: Json) -> Iterator[str]:
    """What changed since the baseline, of each size that both have."""
    baseline = document.get("baseline")
    sizes = document.get("sizes") or {}
    rows = growth(baseline["sizes"], sizes) if baseline is not None else []
    if baseline is not None and rows:
        yield from ("", *table(("", escaped(baseline["source"]), "now", "change"), rows, "lrrr"))


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
        head, *below = ([escaped(text) for text in row] for row in found)
        lines += [*table(head, below, f"l{'r' * (len(head) - 2)}l"), ""]
        lines += [*(f"- not offered: {escaped(names)}: {escaped(why)}" for names, why in not_offered(document)), ""]
        lines += [f"**{escaped(ended)}**", ""] if (ended := how_it_ended(document)) else []
    lines += [
        f"- only when asked for: `{option}`: {escaped(text)}{f' ({saved})' if saved else ''}"
        for saved, option, text in on_request_rows(document)
    ]
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

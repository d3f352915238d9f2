"""A document -> JUnit's XML, which GitLab shows on a merge request in every tier: a case for each limit or finding.

What surprises: of two cases of one class and name only one is shown, so a name says where, and is numbered if that is
not enough; and a finding that is only a hint is skipped, not failed.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from msgspec import Struct

from imageopt.report.names import harmless
from imageopt.report.place import place_of
from imageopt.report.words import cause, limit_and_value, offer, what, why

Json = Mapping[str, Any]
_HINTS = ("info", "style")
_CASES_SHOWN = 10_000  # GitLab takes 30 MB


class _Case(Struct, frozen=True):
    """A test case; without an `outcome` it passed."""

    name: str
    outcome: str = ""  # failure, error or skipped
    message: str = ""
    kind: str = ""
    lines: tuple[str, ...] = ()


def junit(document: Json) -> str:
    """The XML, with its declaration; times of what was measured, 0 else, so that equal documents give equal bytes."""
    kind = document["schema"].removeprefix("imageopt.").partition("/")[0]
    name = document["target"]["reference"] if "target" in document else document.get("reference", "Dockerfiles")
    cases = list(_cases(document))[:_CASES_SHOWN]
    counts = {
        f"{word}{ending}": str(sum(case.outcome == word for case in cases))
        for word, ending in (("failure", "s"), ("error", "s"), ("skipped", ""))
    }
    whole = {"name": f"imageopt {kind}", "tests": str(len(cases)), "failures": counts["failures"]}
    top = Element("testsuites", {**whole, "errors": counts["errors"], "time": "0"})
    suite = SubElement(top, "testsuite", {**whole, **counts, "name": harmless(name), "time": "0"})
    seen: dict[str, int] = {}
    for case in cases:
        _add(suite, case, f"imageopt.{kind}", seen)
    indent(top)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(top, encoding="unicode")}\n'


def _add(suite: Element, case: _Case, group: str, seen: dict[str, int]) -> None:
    name = harmless(case.name)
    seen[name] = seen.get(name, 0) + 1
    called = name if seen[name] == 1 else f"{name} ({seen[name]})"
    made = SubElement(suite, "testcase", {"classname": group, "name": called, "time": "0"})
    if case.outcome == "skipped":  # which has text alone, as Jenkins' schema says
        SubElement(made, "skipped").text = "\n".join(map(harmless, (case.message, *case.lines)))
    elif case.outcome:
        told = SubElement(made, case.outcome, {"message": harmless(case.message), "type": case.kind})
        told.text = "\n".join(map(harmless, case.lines))


def _cases(document: Json) -> Iterable[_Case]:
    match document["schema"]:
        case "imageopt.gate/1":
            return _of_gate(document)
        case "imageopt.verification/1":
            return _of_verification(document)
        case "imageopt.rewrite/1":
            done = (_Case(item["name"]) for item in document["transforms"])
            return (*done, *(_Case(one["name"], "skipped", one["reason"]) for one in document["refusals"]))
        case _:
            return (_of_finding(document, finding) for finding in document["findings"])


def _of_gate(document: Json) -> Iterator[_Case]:
    causes = [
        f"{much} {where} {title} -> {todo}" for much, where, title, todo in map(cause, document.get("causes", ()))
    ]
    told = tuple(text for text in (*causes, offer(document)) if text)
    for check in document["checks"]:
        limit, value = limit_and_value(check)
        words = f"{value}, limit {limit}"
        match check["result"]:
            case "pass":
                yield _Case(check["name"])
            case "waived":
                yield _Case(check["name"], "skipped", f"{words}: {why(check)}")
            case "unknown":
                yield _Case(check["name"], "error", why(check), "unknown")
            case _:
                yield _Case(check["name"], "failure", words, "budget", (*filter(None, (why(check),)), *told))


def _of_verification(document: Json) -> Iterator[_Case]:
    """The verdict, then each thing about the image's behaviour and configuration that was compared."""
    verdict, reasons = document["verdict"], tuple(document["reasons"])
    if verdict == "verified":
        yield _Case("verdict")
    else:
        yield _Case("verdict", "failure", verdict, verdict, reasons)
    for change in (*document["comparison"]["behaviour"], *document["comparison"]["config"]):
        if change["before"] == change["after"] or change["expected"]:
            yield _Case(change["what"])
        else:
            words = f"{change['before']} -> {change['after']}"
            yield _Case(change["what"], "failure", words, "behaviour-changed", (change["reason"],))


def _of_finding(document: Json, finding: Json) -> _Case:
    place = place_of(document, finding)
    where = f"{place.file}:{place.line}" if finding["location"] is not None else place.file
    outcome = "skipped" if finding["severity"] in _HINTS else "failure"
    lines = (where, finding["message"], finding["fix"]["text"])
    name = f"{finding['code']} {finding['rule']} {where}"
    return _Case(name, outcome, what(finding), finding["severity"], lines)

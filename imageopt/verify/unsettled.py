"""Two runs -> what of them tells nothing of the second: never a change, and never passed over either.

A check that fails in both says little: where it fails alike both times it is the same behaviour, else nobody knows
whether it would pass. `unsettled` forbids the verdict `verified`; `unchecked` is listed beside any verdict.
"""

import re
from collections.abc import Iterator

from imageopt.verify.addons import has_substitute
from imageopt.verify.build_id import MADE_UP
from imageopt.verify.model import Check, Response, RunRecord

_NUMBER = re.compile(r"(?<!exit code )\b\d+")  # ports and times vary, what a program ended with does not
_KEEP_THEIR_NAMES = ("writes ", "keeps ", "command ", "the probe ", "the healthcheck ")  # addons may move
_NOT_FOUND = 404
_TROUBLE_FROM = 500


def says_something(record: RunRecord) -> bool:
    """Whether anything tells that the program does its work: its own check, or an answer that tells more than that
    there is nothing, or that the server is in trouble (as it is where its database is not there).
    """
    healthy = any(check.name == "HEALTHCHECK" and check.passed for check in record.checks)
    return healthy or any(one.status != _NOT_FOUND and one.status < _TROUBLE_FROM for one in record.responses)


def unsettled(before: RunRecord, after: RunRecord) -> Iterator[str]:
    """What was tried and still does not tell whether the second does what the first does."""
    for name, record in (("before", before), ("after", after)):
        if record.unrepeated:
            yield f"{name} could not be run again: {record.unrepeated}"
    if before.reason:
        yield f"before did not stay: {before.reason}"
    answered = {response.what for response in after.responses}
    for response in before.responses:
        if response.what not in answered and response.path in before.unanswered:
            yield f"{response.what}: before does not always answer it, and after never did"
    now = {check.name: check for check in after.checks}
    for check in before.checks:
        other = now.get(check.name)
        if check.passed or other is None or other.passed or _alike(check, other):
            continue
        if not (check.varies and other.varies) and not has_substitute(check.name, after):
            yield f"{check.name} fails in before too, but not alike ({_outcome(check)} -> {_outcome(other)})"


def failing_alike(before: RunRecord, after: RunRecord) -> tuple[str, ...]:
    """The checks that both fail, every time and in the same way."""
    now = {check.name: check for check in after.checks}
    pairs = ((check, now[check.name]) for check in before.checks if check.name in now and not check.passed)
    return tuple(check.name for check, other in pairs if not other.passed and _alike(check, other))


def unchecked(before: RunRecord, after: RunRecord) -> Iterator[str]:
    """What two runs could not tell, in the order of the work."""
    if before.port is None and not says_something(before):
        yield "what the program does: it opens no port and did not end by itself"
    elif not says_something(before):
        yield "what the program answers: no path was found that it answers; name one with --path"
    if before.reason:
        yield f"all of what before does: {before.reason}"
    yield from _unanswered(before, after)
    for response in before.responses:
        yield from _varying(response)
    tried = {check.name for check in after.checks}
    for check in before.checks:
        if not check.passed:
            yield f"{check.name}: it fails in before too ({check.detail})"
        elif check.name not in tried and check.name.startswith(_KEEP_THEIR_NAMES):
            yield f"{check.name}: it could not be tried in after"
    yield from before.unchecked
    yield from after.unchecked


def _unanswered(before: RunRecord, after: RunRecord) -> Iterator[str]:
    answered = {response.path for response in before.responses}
    for path in before.unanswered:
        if path in answered:
            yield f"GET {path}: before does not always answer it"
        elif path in after.unanswered:
            yield f"GET {path}: neither version answered"


def _varying(response: Response) -> Iterator[str]:
    names = [name for name in response.masked if name != MADE_UP]
    if names:
        yield f"{response.what}: {', '.join(names)} (varies by itself)"
    if MADE_UP in response.masked:
        yield f"{response.what}: {MADE_UP}"
    if len(response.statuses) > 1:
        yield f"{response.what}: its answer varies by itself ({' or '.join(map(str, response.statuses))})"


def _alike(before: Check, after: Check) -> bool:
    return (_NUMBER.sub("0", before.detail), before.varies) == (_NUMBER.sub("0", after.detail), after.varies)


def _outcome(check: Check) -> str:
    return f"{check.detail}, now and then" if check.varies else check.detail

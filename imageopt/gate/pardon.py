"""Waivers of a budget: what they spare, and which of them have expired or spared nothing."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

from msgspec.structs import replace

from imageopt.gate.model import GateCheck, Pardon


class Pardons:
    """The waivers in force on a day. It remembers which were of use, so that the others can be told of."""

    def __init__(self, pardons: Sequence[Pardon], now: date | None) -> None:
        today = (now or datetime.now(UTC).date()) if pardons else date.min
        self._expired = [one for one in pardons if one.until is not None and one.until < today]
        self._valid = [one for one in pardons if one not in self._expired]
        self._used: list[Pardon] = []

    def spares(self, budget: str, *names: str) -> bool:
        """Whether a waiver says that the thing called so is not to be counted."""
        found = [one for one in self._valid if one.budget == budget and one.id and one.id in names]
        self._used += found
        return bool(found)

    def applied(self, check: GateCheck) -> GateCheck:
        """The check; waived where it does not hold and a waiver pardons the whole budget."""
        if check.holds:
            return check
        found = next((one for one in self._valid if one.budget == check.name and not one.id), None)
        if found is None:
            return check
        self._used.append(found)
        until = f" (until {found.until})" if found.until is not None else ""
        return replace(check, result="waived", reason="; ".join(filter(None, (check.reason, found.reason + until))))

    def notes(self) -> tuple[str, ...]:
        """What somebody has to know about the waivers that did nothing."""
        expired = [f"the waiver of {_called(one)} expired on {one.until}" for one in self._expired]
        idle = [f"the waiver of {_called(one)} waives nothing" for one in self._valid if one not in self._used]
        return (*expired, *idle)


def _called(one: Pardon) -> str:
    return f"{one.budget} {one.id}".rstrip()

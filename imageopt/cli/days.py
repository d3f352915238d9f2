"""A day in words (`2026-11-25`), for what depends on today."""

from datetime import date

from imageopt.errors import UsageError


def parse_day(text: str | None) -> date | None:
    """The day, None for None. Raises UsageError for anything that is no day."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no day", "write it as YYYY-MM-DD") from None

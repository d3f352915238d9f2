"""A day in words (`2026-11-25`), for what depends on today."""

from datetime import date

from imageopt.errors import UsageError


def day_of(text: str | None) -> date:
    """The day, in the user's own calendar today for None. Raises UsageError for anything that is no day."""
    if text is None:
        return date.today()  # noqa: DTZ011
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no day", "write it as YYYY-MM-DD") from None

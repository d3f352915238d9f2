"""A moment as engines, images and scanners write it (RFC 3339), read."""

from datetime import datetime


def parse_instant(text: str | None) -> datetime | None:
    """The moment with its time zone; None for none, for what is no moment, and for one without a zone."""
    try:
        instant = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return instant if instant.tzinfo is not None else None

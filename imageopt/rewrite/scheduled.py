"""The crontabs that a Dockerfile copies or installs -> what cron starts in the container beside the service.

What surprises: a job calls programs, packages and files that no CMD names, and no request to the service shows it.
"""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from imageopt.project.files import read_text
from imageopt.rewrite.crontab import jobs_in
from imageopt.rewrite.elsewhere import Start
from imageopt.rewrite.surveyed import Survey

_PLACES = re.compile(r"/etc/(?:cron\.d|crontabs)(?:/|$)|/etc/crontab$|/var/spool/cron(?:/|$)")


def has_crontab(found: Survey) -> bool:
    """Whether a crontab is copied to where cron looks, or given to it."""
    return bool(found.crontabs) or any(_PLACES.match(item.values[-1]) for item in found.outside)


def cron_jobs(root: Path, found: Survey) -> tuple[Start, ...] | str:
    """What cron starts in the container, or why that is not known."""
    jobs: list[Start] = []
    for name, text in _crontabs(root, found):
        if text is None:
            return f"what cron starts by {name} is not known"
        jobs += [Start(job, line, f"{name}:{number}", probes=False) for number, job, line in jobs_in(text)]
    return tuple(jobs)


def _crontabs(root: Path, found: Survey) -> Iterator[tuple[str, str | None]]:
    """The name and the text of each crontab, None for one that cannot be read here."""
    given = set(found.crontabs)
    for item in found.outside:
        *sources, target = item.values
        bodies = {heredoc.name: heredoc.content for heredoc in item.heredocs}
        for source in sources:
            place = posixpath.join(target, posixpath.basename(source)) if target.endswith("/") else target
            if _PLACES.match(target) or place in given:
                given.discard(place)
                body = bodies.get(source.lstrip("<-'\"").rstrip("'\"")) if source.startswith("<<") else None
                yield source, read_text(root, source.lstrip("/")) if body is None else body
    for path in sorted(given):
        name = path.removeprefix(f"{found.folder}/")
        yield name, None if name.startswith("/") else read_text(root, name)

"""A crontab's text: the command that gives it to cron, and the jobs in it.

A job's command stands behind five fields or a word with @, and in the system's own files behind a user. Whether a file
is one of those depends on who reads it, so a job is read both ways: a line too many costs a saving, a line too few the
job.
"""

import re
from collections.abc import Iterator, Sequence

_JOB = re.compile(r"\s*(?:@[a-z]+|[\d*]\S*(?:\s+\S+){4})\s+(\S.*)")
_PATH = re.compile(r"/?[\w.-]+(?:/[\w.-]+)*")


def installs_crontab(words: Sequence[str], text: str) -> bool:
    """Whether the command gives cron a file to read, and does nothing else."""
    return len(words) == 2 and text.split() == ["crontab", words[1]] and _is_file(words[1])


def jobs_in(text: str) -> Iterator[tuple[int, str, str]]:
    """The line of each job with its text and a command that it may stand for."""
    for number, line in enumerate(text.splitlines(), 1):
        if job := _JOB.fullmatch(line):
            behind_user = job[1].partition(" ")[2].strip()
            yield from ((number, job[1], each) for each in dict.fromkeys((job[1], behind_user)) if each)


def _is_file(word: str) -> bool:
    return word[0] != "-" and _PATH.fullmatch(word) is not None

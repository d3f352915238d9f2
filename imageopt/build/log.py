"""BuildKit's plain log, line by line -> the steps, which of them came from the cache, and the one that failed.

The log is text from a stranger's build: control characters are taken out and the values given as secret are
blackened before anything is kept. `FROM` is no step here: whether BuildKit calls it cached changes from run to run.
"""

import re
from collections import deque
from collections.abc import Iterable

from imageopt.build.model import Step
from imageopt.masking import masked

_TAIL_LINES = 40
_LONGEST_LINE = 500
_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b.|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_DIRECTION = re.compile(r"[\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")  # would reorder what is shown
_STEP = re.compile(r"#(\d+) (\[(?!internal\])[^\]]*?\d+/\d+\] .+)")
_CACHED = re.compile(r"#(\d+) CACHED")
_DONE = re.compile(r"#(\d+) DONE (\d+(?:\.\d+)?)s")
_BUILDAH_STEP = re.compile(r"(?:\[\d+/\d+\] )?STEP \d+/\d+: (.+)")
_BUILDAH_CACHED = re.compile(r"--> Using cache .+")
_BUILDAH_ERROR = re.compile(r"Error: (?:error )?(?:building at STEP \"(.{1,400}?)\": )?(.+)")
_FAILED_STEP = re.compile(r" > (\[.+?\].*?):?")
_ERROR = re.compile(r"(?:ERROR|error): (?:failed to solve: |failed to build: )*(.+)")
_EXIT_CODE = re.compile(r'process "[^\n]*" did not complete successfully: exit code: (\d+)')
_RULE = "------"  # the builder frames the failing command's last lines with it, and names the place below
_PLACE = re.compile(r"(\S.*:\d+)")
_SAYS_LITTLE = re.compile(r"npm (?:notice|error (?:A complete log|code |errno |path |command )|(?:error|ERR!)?\s*$).*")
_FULL_DISK = "no space left on device"
_NO_ENGINE = (
    "cannot connect to the docker daemon",
    "error during connect",
    "failed to connect to the docker api",
    "error reading from server: eof",
    "connection error: desc",
)
_NO_BUILDKIT = ("buildx component is missing or broken", "'buildx' is not a docker command")


def plain_line(raw: str) -> str:
    """The line without control characters, cut at 500 characters: it may be shown in any terminal or report."""
    return _cut(_clean(raw))


class BuildLog:
    """What a build said so far. Feed it with `add`; everything else is read from it."""

    def __init__(self, hidden: Iterable[str] = ()) -> None:
        self._hidden = sorted((value for value in hidden if value), key=len, reverse=True)
        self._steps: dict[str, str] = {}
        self._cached: set[str] = set()
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._error = ""
        self._seconds: dict[str, float] = {}
        self._failed: str | None = None
        self._place = ""
        self._last_words = ""
        self._before = ""  # the line before this one
        self._quotes = False  # the builder repeats what the failing command said
        self.disk_is_full = False
        self.engine_is_gone = False
        self.lacks_buildkit = False

    def add(self, raw: str) -> str:
        """Takes one line and returns it as it may be shown."""
        line = self.shown(raw)
        if line:
            self._tail.append(line)
        self._read(line)
        lower = line.lower()
        self.disk_is_full |= _FULL_DISK in lower
        self.engine_is_gone |= any(words in lower for words in _NO_ENGINE)
        self.lacks_buildkit |= any(words in lower for words in _NO_BUILDKIT)
        return line

    def shown(self, raw: str) -> str:
        """The line as `plain_line` has it, with the secret values blackened."""
        line = _clean(raw)  # first, since a control sequence inside a value would hide it from the search
        for value in self._hidden:
            line = line.replace(value, "***")
        return _cut(masked(line))

    def _read(self, line: str) -> None:
        """Takes in what the line says of the build."""
        if found := _STEP.fullmatch(line):
            if not re.search(r"\] FROM ", found[2]):
                self._steps[found[1]] = found[2]
        elif found := _CACHED.fullmatch(line):
            self._cached.add(found[1])
        elif found := _DONE.fullmatch(line):
            self._seconds[found[1]] = float(found[2])
        elif found := _FAILED_STEP.fullmatch(line):
            self._failed = None if found[1].startswith("[internal]") else found[1]
            self._quotes = True
        elif found := _ERROR.fullmatch(line):
            self._error = found[1]
        elif self._before == _RULE and (found := _PLACE.fullmatch(line)):
            self._place = found[1]
        elif line == _RULE:
            self._quotes = False
        elif self._quotes:
            said = re.sub(r"^\d+\.\d+ ?", "", line).strip()
            self._last_words = said if said and not _SAYS_LITTLE.fullmatch(said) else self._last_words
        self._before = line

    @property
    def done(self) -> tuple[Step, ...]:
        """The steps in the order in which they were reached."""
        return tuple(
            Step(name, self._seconds.get(number), number in self._cached) for number, name in self._steps.items()
        )

    @property
    def steps(self) -> int:
        """How many steps of the Dockerfile were reached, FROM aside."""
        return len(self._steps)

    @property
    def cached_steps(self) -> int:
        """How many of them came from the cache."""
        return len(self._cached & self._steps.keys())

    @property
    def failed_step(self) -> str | None:
        """The step that failed, with its file and line where the builder names them."""
        return f"{self._failed} ({self._place})" if self._failed and self._place else self._failed

    @property
    def failed_line(self) -> int | None:
        """The line of the file at which it failed, where the builder names it."""
        return int(self._place.rpartition(":")[2]) if self._place else None

    @property
    def reason(self) -> str:
        """Why it failed, one line: the last thing that the command said; the log's last line where nothing is named."""
        ended = _EXIT_CODE.fullmatch(self._error)
        if ended and self._last_words:
            return _cut(f"exit code {ended[1]}: {self._last_words}")
        return self._error or (self._tail[-1] if self._tail else "it said nothing")

    @property
    def tail(self) -> tuple[str, ...]:
        """The last 40 lines."""
        return tuple(self._tail)


class BuildahLog(BuildLog):
    """What Podman or Buildah said: it counts its steps through all stages, `FROM` among them."""

    def _read(self, line: str) -> None:
        if found := _BUILDAH_STEP.fullmatch(line):
            if not found[1].upper().startswith("FROM "):
                self._steps[str(len(self._steps))] = found[1]
        elif _BUILDAH_CACHED.fullmatch(line) and self._steps:
            self._cached.add(str(len(self._steps) - 1))
        elif found := _BUILDAH_ERROR.fullmatch(line):
            self._failed, self._error = found[1], found[2]


def _clean(raw: str) -> str:
    return _DIRECTION.sub("", _CONTROL.sub("", raw.replace("\t", "    "))).rstrip()


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST_LINE else line[:_LONGEST_LINE] + "…"

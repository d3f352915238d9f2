"""Before and after: built, run, scanned, compared. What was not done is a value with a reason, never a pass."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field

from imageopt.build.model import BuildFailed, Built, Given
from imageopt.compare.loading import Unloadable
from imageopt.compare.lost import Lost
from imageopt.compare.model import SizeChange as SizeChange
from imageopt.compare.modules import Missing, ModuleGraph
from imageopt.compare.production import Production
from imageopt.evidence.model import Evidence
from imageopt.rewrite.model import Rewrite
from imageopt.rules.model import Finding
from imageopt.verify.isolated import Isolated

Verdict = Literal[
    "baseline-broken",
    "broken",
    "behaviour-changed",
    "less-secure",
    "not-smaller",
    "built-not-run",
    "verified",
]


class NotDone(Struct, frozen=True):
    """Something that was not done, and why; shown to the user, never counted as a pass."""

    reason: str


class Check(Struct, frozen=True):
    """Something that was tried inside a container: a health check, a folder to write, an addon to load, a command.

    `detail` is what came of it, `reason` what it means if it fails. `lasting`: that it cannot be tried counts as well.
    `varies`: it passed in one run and failed in another; then it counts as failed.
    """

    name: str
    passed: bool
    detail: str
    reason: str
    lasting: bool = False
    varies: bool = False


class Response(Struct, frozen=True):
    """One answered request, over all runs. `body_digest` is of the body with what varies masked.

    `status` is that of the first answer; `statuses` are all that were seen, sorted. `headers` are those that matter to
    a client and never varied. `shows_stack`: its body has the lines of a stack trace in it.
    """

    method: str
    path: str
    status: int
    content_type: str
    body_bytes: int
    body_digest: str
    masked: tuple[str, ...]  # what was masked because it varies between two answers of one version, e.g. JSON keys
    statuses: tuple[int, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    shows_stack: bool = False

    @property
    def what(self) -> str:
        """What names it in reports."""
        return f"{self.method} {self.path}"


class RunRecord(Struct, frozen=True):
    """What was seen of a version, over all its runs. `user` is what the process runs as (`uid:gid`).

    Seconds and memory are medians; `ready_between` is the quickest and the slowest start, where there were several,
    and `stop_between` the quickest and the slowest end.
    `hardened` is why it does not start with a file system that cannot be written and
    without capabilities, "" where it does, None where that was not tried. `unrepeated`: why it could not be run
    again, "" where it could.
    """

    started: bool
    reason: str  # why it did not start, or that it ended while it was asked; empty otherwise
    ready_seconds: float | None
    user: str
    port: int | None
    responses: tuple[Response, ...]
    unanswered: tuple[str, ...]  # paths that were not answered, in one run at least
    log_tail: tuple[str, ...]
    log_problems: tuple[str, ...]  # MODULE_NOT_FOUND, EACCES …
    written_paths: tuple[str, ...]  # what the container changed in its file system, outside /tmp and /proc
    stop_seconds: float | None
    stop_exit_code: int | None  # for a program without a port: what it ended with
    memory_bytes: int | None = None
    checks: tuple[Check, ...] = ()
    hardened: str | None = None
    runs: int = 1
    unchecked: tuple[str, ...] = ()  # what could not be tried, in words
    unrepeated: str = ""
    ready_between: tuple[float, float] | None = None
    stop_between: tuple[float, float] | None = None


class Vulnerability(Struct, frozen=True):
    """One advisory for one package, as the scanner reports it."""

    id: str
    package: str
    version: str
    fixed_version: str
    severity: str
    kind: str  # os or the ecosystem
    aliases: tuple[str, ...] = ()  # what other databases call the same advisory


class ScanRecord(Struct, frozen=True):
    """One Trivy scan. `database` is the date of the vulnerability database, None where there was none."""

    scanner: str
    version: str
    database: str | None
    vulnerabilities: tuple[Vulnerability, ...]
    secrets: tuple[str, ...]  # rule id and path, never the secret
    licenses: tuple[str, ...]
    misconfigurations: tuple[str, ...]
    packages: Mapping[str, str]  # `kind/name` -> version
    system: str = ""  # the distribution, `debian 12.8`; "" for none
    database_days: int | None = None  # how old the database was


class Side(Struct, frozen=True):
    """One of the two versions, as far as it came."""

    dockerfile: str
    build: Built | BuildFailed | Given | NotDone
    rebuild: Built | BuildFailed | NotDone
    evidence: Evidence | None
    findings: tuple[Finding, ...]
    run: RunRecord | NotDone
    scan: ScanRecord | NotDone
    modules: ModuleGraph | NotDone = NotDone("its modules were not looked at")
    dependency_rebuild: Built | BuildFailed | NotDone = NotDone("it was not timed")


class Change(Struct, frozen=True):
    """Something that differs between the two: `what` names it, with both values in words."""

    what: str
    before: str
    after: str
    expected: bool
    reason: str


class Static(Struct, frozen=True):
    """What differs between two images without running them; what both have in common is left out."""

    unloadable: tuple[Unloadable, ...]
    missing_modules: tuple[Missing, ...]
    unmet_dependencies: tuple[Missing, ...]
    production: Production
    lost: tuple[Lost, ...]
    secrets: tuple[str, ...]  # new findings on secrets in layers, history and environment; never their values


class Comparison(Struct, frozen=True):
    """The two sides, compared; what could not be compared is in the verification's `not_checked`."""

    sizes: Mapping[str, SizeChange]
    cached_steps: tuple[int | None, int | None]
    fixed: tuple[Vulnerability, ...]
    introduced: tuple[Vulnerability, ...]
    unchanged: tuple[Vulnerability, ...]
    secrets_fixed: tuple[str, ...]
    secrets_introduced: tuple[str, ...]
    licenses_removed: tuple[str, ...]
    licenses_added: tuple[str, ...]
    misconfigurations_fixed: tuple[str, ...]
    misconfigurations_introduced: tuple[str, ...]
    packages_removed: tuple[str, ...]
    packages_added: tuple[str, ...]
    packages_changed: tuple[str, ...]
    files_removed: Mapping[str, int]  # category -> bytes in before and not in after, by path and content
    config: tuple[Change, ...]
    behaviour: tuple[Change, ...]
    removed_bytes: int = 0  # of stored files, every copy, that are in before and not in after
    explained_bytes: int = 0  # how many of them a finding with a line and a layer is about
    files_added: Mapping[str, int] = field(default_factory=dict)  # category -> bytes in after and not in before
    cached_percent: tuple[float | None, float | None] = (None, None)  # of the rebuild's steps
    severity: str = "unknown"  # from which on a vulnerability that comes in counts
    static: Static | NotDone = NotDone("the images were not read")


class Hazard(Struct, frozen=True):
    """Something that rewrites are known to break, by its number. `reason` says why it was not checked, "" if it was."""

    id: str
    title: str
    reason: str


class Verification(Struct, frozen=True):
    """The result of `imageopt verify`. `reasons` argue the verdict; `not_checked` lists what nobody looked at.

    `isolated`: what single transformations saved, where rewrites were built that differ in just one.
    """

    reference: str
    before: Side
    after: Side
    rewrite: Rewrite | None
    comparison: Comparison
    predicted_bytes: int | None
    measured_bytes: int | None
    verdict: Verdict
    reasons: tuple[str, ...]
    not_checked: tuple[str, ...]
    hazards: tuple[Hazard, ...] = ()
    isolated: tuple[Isolated, ...] = ()

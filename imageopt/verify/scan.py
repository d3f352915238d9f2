"""An image in the engine -> what Trivy finds in it, or the reason it was not scanned.

Both images must be scanned with the same database, so a scan never updates it: it links the user's database into a
cache folder of its own, where nothing is remembered from other scans. Trivy reads the image as it was laid out from the
engine's storage, where that may be read: the engine's export would take longer than the scan.
"""

import contextlib
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from imageopt.build.temporary import prefix
from imageopt.errors import ToolFailed, ToolMissing
from imageopt.instant import parse_instant
from imageopt.process import find_program, run, together
from imageopt.source.engine import engine_address
from imageopt.verify.model import NotDone, ScanRecord
from imageopt.verify.trivy_report import read_report

_SCAN_SECONDS = 900
_DOWNLOAD_SECONDS = 600
_ASK_SECONDS = 30
_LIMITED = re.compile(r"TOOMANYREQUESTS|429 Too Many|rate limit", re.IGNORECASE)
_OFFLINE = re.compile(
    r"no such host|connection refused|network is unreachable|i/o timeout|no route to host", re.IGNORECASE
)
_MISSING = "Trivy is not installed: get it from https://trivy.dev (one binary), or name it with --trivy"
_QUIET = {  # by environment, because an older Trivy refuses options that it does not know
    "TRIVY_DISABLE_TELEMETRY": "true",
    "TRIVY_SKIP_VERSION_CHECK": "true",
    "TRIVY_SKIP_CHECK_UPDATE": "true",
    "TRIVY_NO_PROGRESS": "true",
}
# How the image is set up, and Dockerfiles in it. To ask of each JSON in node_modules whether it is a manifest, which
# nobody applies from there, takes a third of a scan's time.
_MISCONFIGURATION = {"TRIVY_MISCONFIG_SCANNERS": "dockerfile"}
# Go collects its garbage less often while there is room, which takes a tenth off a scan's time.
_ROOM = {"GOGC": "400", "GOMEMLIMIT": "768MiB"}


def scan(image: str, *, trivy: str | None = None, cache: Path | None = None) -> ScanRecord | NotDone:
    """What Trivy says of the image named so in the engine; as `scan_all`."""
    return scan_all([image], trivy=trivy, cache=cache)[0]


def scan_all(
    images: Sequence[str],
    *,
    trivy: str | None = None,
    cache: Path | None = None,
    sbom: Path | None = None,
    pauses: float = 0,
) -> list[ScanRecord | NotDone]:
    """What Trivy says of each image, all scanned at the same time by the same database.

    `trivy` is the program, `cache` the folder with its `db`; without a database in it, it is downloaded there, once.
    `sbom`: where the parts of the last image are written, as CycloneDX. `pauses`: the seconds for which it may be kept
    waiting besides. What keeps Trivy from scanning is a NotDone.
    """
    program = find_program(trivy or "trivy")
    if program is None:
        return [NotDone(_MISSING if trivy is None else f"there is no program {trivy}") for _ in images]
    folder = cache or default_cache()
    try:
        if not _has_database(folder):
            _download(program, folder)
        version = _version(program)
    except (ToolFailed, ToolMissing) as error:
        return [NotDone(error.cause) for _ in images]

    def work(image: str, listed: Path | None) -> ScanRecord | NotDone:
        try:
            date = _database_date(folder)
            return read_report(
                _scan(program, image, folder, listed, _SCAN_SECONDS + pauses),
                version=version,
                database=date,
                days=_age(date, datetime.now(UTC)),
            )
        except (ToolFailed, ToolMissing) as error:
            return NotDone(error.cause)

    lists = [None] * (len(images) - 1) + [sbom]
    return together(*(partial(work, image, listed) for image, listed in zip(images, lists, strict=True)))


def default_cache() -> Path:
    """Where Trivy itself would look for its database."""
    named = os.environ.get("TRIVY_CACHE_DIR")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")  # noqa: PTH111,PTH118
    return Path(base) / "trivy"


def database_age(cache: Path, today: datetime) -> int | None:
    """Days since the database in the folder was made; None where there is none, or where it does not say."""
    return _age(_database_date(cache), today) if _has_database(cache) else None


def _scan(program: str, image: str, cache: Path, sbom: Path | None, seconds: float) -> str:
    with tempfile.TemporaryDirectory(prefix=prefix("trivy")) as own:
        for name in ("db", "java-db"):
            if (cache / name).is_dir():
                (Path(own) / name).symlink_to((cache / name).resolve(), target_is_directory=True)
        done = run(
            [
                program,
                "image",
                "--cache-dir",
                own,
                "--scanners",
                "vuln,secret,misconfig,license",
                "--image-config-scanners",
                "misconfig,secret",
                "--list-all-pkgs",
                "--skip-db-update",
                "--skip-java-db-update",
                "--offline-scan",
                "--timeout",
                f"{seconds:.0f}s",
                "--format",
                "json",
                *_source(image, Path(own) / "image", seconds),
            ],
            timeout=seconds + 30,
            environment={**_ROOM, **_QUIET, **_MISCONFIGURATION, "DOCKER_HOST": engine_address().host, "TMPDIR": own},
            folder=Path(own),  # a trivy.yaml or .trivyignore of the user's folder would change what is found
        )
        if done.exit_code == 0 and sbom is not None:
            _write_parts(program, _named(done.stdout, image), Path(own), sbom)
    if done.exit_code != 0:
        raise ToolFailed(f"Trivy failed: {_last_words(done.stderr)}", "run `trivy image` by hand to see why")
    return done.stdout


def _named(report: str, image: str) -> str:
    """The report by the image's own name: that of a layout is a folder of this machine, long gone."""
    document = json.loads(report)
    document["ArtifactName"] = image
    return json.dumps(document)


def _source(image: str, folder: Path, seconds: float) -> list[str]:
    """What Trivy reads: the image as it is laid out in the folder, else what the engine exports of it."""
    # -P: nothing is imported from the folder where somebody happens to be
    laid_out = [sys.executable, "-P", "-m", "imageopt.source.laid_out", image, str(folder)]
    with contextlib.suppress(ToolFailed):  # it took too long
        if run(laid_out, timeout=seconds).exit_code == 0:
            return ["--input", str(folder)]
    shutil.rmtree(folder, ignore_errors=True)  # half of it would take the room that the export needs
    return ["--image-src", "docker", image]


def _write_parts(program: str, report: str, own: Path, sbom: Path) -> None:
    """The parts by the report that was just made: no second scan."""
    (own / "report.json").write_text(report, encoding="utf-8")
    target = str(sbom.absolute())
    done = run(
        [program, "convert", "--format", "cyclonedx", "--output", target, str(own / "report.json")],
        timeout=_ASK_SECONDS,
        environment=_QUIET,
        folder=own,
    )
    if done.exit_code != 0:
        raise ToolFailed(f"Trivy could not list the parts: {_last_words(done.stderr)}", "try another file for --sbom")


def _download(program: str, cache: Path) -> None:
    done = run(
        [program, "image", "--cache-dir", str(cache), "--download-db-only"],
        timeout=_DOWNLOAD_SECONDS,
        environment=_QUIET,
    )
    if done.exit_code != 0 or not _has_database(cache):
        words = _state(done.stderr) or _last_words(done.stderr)
        raise ToolFailed(f"Trivy has no vulnerability database and could not get one: {words}", "check the network")


def _state(stderr: str) -> str:
    """What keeps the database away, where it is nobody's fault here; empty for anything else."""
    if _LIMITED.search(stderr):
        return "rate-limited, the registry that has it was asked too often"
    return "offline, the registry that has it is out of reach" if _OFFLINE.search(stderr) else ""


def _version(program: str) -> str:
    words = run([program, "--version"], timeout=_ASK_SECONDS, environment=_QUIET).stdout.split()
    return words[1] if len(words) > 1 and words[0] == "Version:" else "unknown"


def _has_database(cache: Path) -> bool:
    return (cache / "db" / "trivy.db").is_file() and (cache / "db" / "metadata.json").is_file()


def _database_date(cache: Path) -> str | None:
    try:
        metadata = json.loads((cache / "db" / "metadata.json").read_bytes())
    except (OSError, ValueError):
        return None
    updated = metadata.get("UpdatedAt") if isinstance(metadata, dict) else None
    return updated if isinstance(updated, str) else None


def _age(date: str | None, today: datetime) -> int | None:
    made = parse_instant(date)
    return max(0, (today - made).days) if made is not None else None


def _last_words(stderr: str) -> str:
    """The last line of Trivy's log without its time stamp and level; its causes are joined by `: ` in it."""
    line = (stderr.strip().splitlines() or ["no reason given"])[-1]
    return line.strip().rpartition("\t")[2][-300:]

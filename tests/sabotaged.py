"""The sabotage catalogue, tried: a thin layer on a service that works, held against the service as it was.

The services are built and run once; each case costs one small build and the runs of its own image. Used by the tests,
which try each case once, and by `python tests/sabotaged.py`, which tries all of them three times, writes down what was said
of them, and makes the table of docs/verification.md; `python tests/sabotaged.py 3 NAME…` tries those cases only.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from imageopt.build.model import Given
from imageopt.config import RequestConfig, VerifyConfig
from imageopt.dockerfile import parse
from imageopt.evidence.join import join
from imageopt.progress import Progress
from imageopt.source.model import ImageRef
from imageopt.verify.bench import Bench, Version, open_bench
from imageopt.verify.measure import read_image, run_version, scanning, side
from imageopt.verify.model import NotDone, ScanRecord, Verification
from imageopt.verify.plan import kept_volumes, plan_run
from imageopt.verify.request import VerifyRequest
from imageopt.verify.rounds import Baseline, make_volumes, run_against, run_baseline
from imageopt.verify.verify import judge

FOLDER = Path(__file__).parent / "verify" / "sabotage"
PROOF = FOLDER / "proof.json"
PAGE = Path(__file__).parents[1] / "docs" / "verification.md"
_BEGIN, _END = "<!-- made by tests/sabotaged.py -->", "<!-- end -->"
_PROGRAMS = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
_SECONDS = 15.0  # a service that does not answer is waited for so long
_LINKS = 10  # what pages load is asked for under the name that the page gives it
_PATHS = {
    "web": (
        "/", "/health", "/hello", "/locale", "/report", "/certificates", "/visit", "/old", "/flaky",
        "/vary/time", "/vary/id", "/vary/process", "/vary/boot", "/vary/nonce", "/zone",
    ),
    "site": ("/", "/deep/link", "/assets/site.css", "/assets/mark.svg"),
    "job": (),
}  # fmt: skip
_SETTINGS = {
    "web": VerifyConfig(
        requests=(RequestConfig("/login", "POST", {}, "user=a"),),
        websockets=("/ws",),
        commands=("node migrate.js",),
    ),
}


class Case(Struct, frozen=True):
    """A row of the catalogue; `verdict` is what has to be said."""

    name: str
    service: str
    layer: str
    verdict: str = "verified"
    reason: str = ""
    scan: bool = False
    twice: bool = False  # it takes a second run to see it

    def told(self, result: Verification) -> bool:
        """Whether the right thing was said, for the right reason."""
        return result.verdict == self.verdict and any(self.reason in reason for reason in result.reasons)


class Service(Struct, frozen=True):
    """A service that works, built and run."""

    bench: Bench
    version: Version
    baseline: Baseline


def cases(kind: str) -> list[Case]:
    """The rows that are called `sabotage` or `harmless`."""
    return [Case(**row) for row in tomllib.loads((FOLDER / "catalogue.toml").read_text())[kind]]


@contextlib.contextmanager
def service(name: str, trivy: str | None = None, trivy_cache: Path | None = None) -> Iterator[Service]:
    """The service of that name for the length of the block."""
    request = VerifyRequest(
        FOLDER,
        "Dockerfile",
        b"",
        paths=_PATHS[name],
        settings=_SETTINGS.get(name, VerifyConfig()),
        trivy=trivy,
        trivy_cache=trivy_cache,
        run_timeout=_SECONDS,
        has_project=False,
    )
    with open_bench(request, Progress()) as bench:
        version = _version(bench, f"{name}-before", str(FOLDER / name), (FOLDER / name / "Dockerfile").read_text())
        sides = [version.evidence]
        baseline = run_baseline(
            replace(plan_run(request, sides), links=_LINKS, only_hashed=False),
            lambda plan: run_version(bench, version, plan),
            lambda: make_volumes(bench.client, bench.cleanup, kept_volumes(request, sides)),
        )
        yield Service(bench, version, baseline)


def tried(good: Service, case: Case, *, once: bool = False) -> Verification:
    """The verification of the sabotaged image against the service; `once`: with one run where one is enough."""
    bench = good.bench
    kept = _volumes(bench)
    tag = good.version.build.tag if isinstance(good.version.build, Given) else ""
    layer = case.layer.replace("{service}", tag)
    recipe = layer if layer.startswith("FROM") else f"FROM {tag}\n{layer}\n"
    with tempfile.TemporaryDirectory() as nothing:
        after = _version(bench, f"{case.service}-after", nothing, recipe)
    rounds = 1 if once and not case.twice else 3
    try:
        ran = run_against(good.baseline, lambda plan: run_version(bench, after, plan), rounds=rounds)
        scans: list[ScanRecord | NotDone] = [NotDone("nothing is scanned here")] * 2
        if case.scan:
            with scanning(bench, [good.version, after]) as found:
                scans = found()
    finally:
        assert isinstance(after.build, Given)
        bench.client.images.remove(after.build.tag, force=True)
        for volume in _volumes(bench) - kept:
            bench.client.volumes.get(volume).remove(force=True)
    rebuilt = NotDone("nothing is built again here")
    before = side(good.version, ran[0], scans[0], rebuilt)
    return judge(bench.request, before, side(after, ran[1], scans[1], rebuilt))


def _volumes(bench: Bench) -> set[str]:
    """The volumes of the run, which are removed with it; those of one case have to go with the case."""
    label = {"label": f"dev.imageopt.run={bench.cleanup.run_id}"}
    return {volume.name for volume in bench.client.volumes.list(filters=label)}


def _version(bench: Bench, name: str, context: str, recipe: str) -> Version:
    tag = f"imageopt-verify:{bench.cleanup.run_id}-{name}"
    label = f"dev.imageopt.run={bench.cleanup.run_id}"
    words = ["docker", "buildx", "build", "--quiet", "--load", "--tag", tag, "--label", label, "--file", "-", context]
    built = subprocess.run(words, input=recipe.encode(), capture_output=True, check=False, timeout=300)
    assert built.returncode == 0, built.stderr.decode()
    image = read_image(bench, name, ImageRef("docker", tag))
    evidence = join(image, parse(recipe.encode()), None)  # no findings: they have no part in a verdict
    return Version(name, None, recipe.encode(), Given(image.digest or "", tag), evidence, ())


def proven(repeats: int, names: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
    """What was said of each case, or of those named, tried `repeats` times; the fields are those of the committed file."""
    from trivydb import write_database

    with tempfile.TemporaryDirectory() as cache:
        write_database(Path(cache))
        wanted = [case for case in (*cases("sabotage"), *cases("harmless")) if not names or case.name in names]
        for name in (name for name in _PATHS if any(case.service == name for case in wanted)):
            with service(name, shutil.which("trivy", path=_PROGRAMS), Path(cache)) as good:
                for kind in ("sabotage", "harmless"):
                    for case in cases(kind):
                        if case in wanted and case.service == name:
                            yield _row(kind, case, [tried(good, case, once=repeats == 1) for _ in range(repeats)])


def _row(kind: str, case: Case, results: Sequence[Verification]) -> dict[str, Any]:
    return {
        "kind": kind,
        "name": case.name,
        "service": case.service,
        "expected": case.verdict,
        "verdicts": [result.verdict for result in results],
        "reason": next((text for text in results[0].reasons if case.reason in text), results[0].reasons[0]),
        "right": sum(case.told(result) for result in results),
        "of": len(results),
    }


def page(rows: Sequence[Mapping[str, Any]]) -> str:
    """The table of docs/verification.md, as Markdown."""
    lines = []
    for kind, words in (
        ("sabotage", "caught, with the verdict and the reason that were expected"),
        ("harmless", "false alarms"),
    ):
        mine = [row for row in rows if row["kind"] == kind]
        right, of = (sum(row[key] for row in mine) for key in ("right", "of"))
        shown = right if kind == "sabotage" else of - right
        lines += [f"{shown} of {of} {words} ({len(mine)} cases).", ""]
        lines += ["| what was done | on | verdict | right |", "|---|---|---|---|"]
        for row in mine:
            verdicts = ", ".join(sorted(set(row["verdicts"])))
            lines.append(f"| {row['name']} | {row['service']} | {verdicts} | {row['right']} of {row['of']} |")
        lines.append("")
    return "\n".join(lines)


def write_page() -> None:
    """Puts the table that the committed file makes into docs/verification.md."""
    text = PAGE.read_text()
    head, _, rest = text.partition(_BEGIN)
    _, _, tail = rest.partition(_END)
    PAGE.write_text(f"{head}{_BEGIN}\n\n{page(json.loads(PROOF.read_text()))}\n{_END}{tail}")


def main(repeats: int, names: Sequence[str]) -> None:
    """Tries everything, or the cases named, writes down what was said, and makes the page of it."""
    order = [case.name for kind in ("sabotage", "harmless") for case in cases(kind)]
    rows: list[dict[str, Any]] = json.loads(PROOF.read_text()) if names else []
    for row in proven(repeats, names):
        rows = [*(other for other in rows if other["name"] != row["name"] and other["name"] in order), row]
        print(f"{row['right']}/{repeats} {row['service']}: {row['name']}", file=sys.stderr)
        PROOF.write_text(json.dumps(sorted(rows, key=lambda one: order.index(one["name"])), indent=1) + "\n")
    write_page()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3, sys.argv[2:])

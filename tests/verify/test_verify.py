"""The whole proof on tiny services, with a real engine and a real scanner: one test for each verdict."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from imageopt.build.model import BuildFailed, Built, Given
from imageopt.compare.modules import ModuleGraph
from imageopt.errors import InputError, UsageError
from imageopt.progress import Progress
from imageopt.verify.model import NotDone, RunRecord, ScanRecord, Verification
from imageopt.verify.request import VerifyRequest
from imageopt.verify.verify import verify

pytestmark = [pytest.mark.engine, pytest.mark.slow]

LODASH = "node_modules/lodash/package.json"
VULNERABLE = f"""RUN mkdir -p node_modules/lodash && echo '{{"name": "lodash", "version": "4.17.20"}}' > {LODASH}\n"""


def prove(root: Path, after: str, **options: object) -> Verification:
    given: Mapping[str, object] = {"skip_scan": True, "skip_rebuild": True, "run_timeout": 20.0, **options}
    before = (root / "Dockerfile").read_bytes()
    request = VerifyRequest(root, "Dockerfile", before, after=after.encode(), **given)  # type: ignore[arg-type]
    result = verify(request, progress=Progress())
    assert images_of(os.getpid()) == []
    assert containers_of(os.getpid()) == []
    assert list(Path(tempfile.gettempdir()).glob(f"imageopt-*-{os.getpid()}-*")) == []
    return result


def edited(text: str, *replacements: tuple[str, str]) -> str:
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    return text


def test_a_smaller_image_that_answers_alike_is_verified(
    service: Path, after: str, engine: str, trivy: Path, trivy_cache: Path, tmp_path: Path
) -> None:
    (service / "Dockerfile").write_text(edited((service / "Dockerfile").read_text(), ("EXPOSE", VULNERABLE + "EXPOSE")))
    files = {path: path.read_bytes() for path in service.iterdir()}
    result = prove(
        service,
        after,
        skip_scan=False,
        skip_rebuild=False,
        trivy=str(trivy),
        trivy_cache=trivy_cache,
        paths=("/", "/visits", "/none"),
        thorough=True,
        sbom=tmp_path / "sbom.json",
    )
    assert (result.verdict, result.not_checked[:1]) == ("verified", ("GET /: $.up (varies by itself)",))
    assert result.measured_bytes is not None
    assert result.measured_bytes > 2_000_000
    unpacked = result.comparison.sizes["unpacked_bytes"]
    assert unpacked.saved == result.measured_bytes
    assert isinstance(result.before.run, RunRecord)
    assert [(answer.path, answer.status) for answer in result.before.run.responses] == [
        ("/", 200),
        ("/visits", 200),
        ("/none", 404),
    ]
    assert result.before.run.written_paths == ("/app/data/visits",)
    assert result.before.run.user == "0:0"
    assert isinstance(result.after.run, RunRecord)
    assert result.after.run.user == "1000:1000"
    assert result.after.run.stop_exit_code == 0
    for run in (result.before.run, result.after.run):
        assert {check.name: check.passed for check in run.checks}["HEALTHCHECK"]
    assert isinstance(result.before.rebuild, Built)
    assert isinstance(result.after.scan, ScanRecord)
    assert isinstance(result.after.dependency_rebuild, Built)
    assert result.after.dependency_rebuild.cached_steps < result.after.dependency_rebuild.steps
    assert result.after.scan.system.startswith("alpine ")
    assert json.loads((tmp_path / "sbom.json").read_text())["bomFormat"] == "CycloneDX"
    assert isinstance(result.after.modules, ModuleGraph)
    assert result.after.modules.files == ("app/server.js",)
    assert {found.id for found in result.comparison.fixed} == {"CVE-2021-23337", "CVE-2020-28500"}
    assert result.comparison.introduced == ()
    assert {path: path.read_bytes() for path in service.iterdir()} == files


BROKEN = {
    "does not build": ("RUN mkdir data", "RUN false && mkdir data"),
    "exit code": ("COPY server.js package.json ./", "COPY package.json ./"),
    "no-such-program": ("EXPOSE 3000", 'ENTRYPOINT ["no-such-program"]'),
}


@pytest.mark.parametrize("reason", list(BROKEN))
def test_an_image_that_does_not_build_or_start_is_broken(service: Path, after: str, engine: str, reason: str) -> None:
    result = prove(service, edited(after, BROKEN[reason]))
    assert result.verdict == "broken"
    assert reason in result.reasons[0]
    if reason == "does not build":
        assert isinstance(result.after.build, BuildFailed)
        assert result.after.build.step is not None
        assert "RUN false && mkdir data" in result.after.build.step


CHANGED = {
    "GET /: the content differs": ("USER node", "ENV HELLO=there\nUSER node"),
    "run: it ends by itself": ("RUN mkdir data && chown node data\n", "RUN mkdir data\n"),
}


@pytest.mark.parametrize("what", list(CHANGED))
def test_another_answer_is_changed_behaviour(service: Path, after: str, engine: str, what: str) -> None:
    result = prove(service, edited(after, CHANGED[what]), paths=("/", "/visits"))
    assert result.verdict == "behaviour-changed"
    assert result.reasons[0].startswith(what)


def test_root_after_a_user_is_less_secure(service: Path, after: str, engine: str) -> None:
    (service / "Dockerfile").write_text(after + "RUN head -c 200000 /dev/urandom > /tmp/junk\n")
    result = prove(service, edited(after, ("USER node\n", "")))
    assert result.verdict == "less-secure"
    assert "it runs as root" in result.reasons[0]


def test_a_vulnerable_package_that_comes_in_is_less_secure(
    service: Path, after: str, engine: str, trivy: Path, trivy_cache: Path
) -> None:
    worse = edited(after, ("USER node", VULNERABLE + "USER node"))
    result = prove(service, worse, skip_scan=False, trivy=str(trivy), trivy_cache=trivy_cache)
    assert result.verdict == "less-secure"
    assert result.reasons[0] == "CVE-2021-23337 (HIGH) comes in with lodash 4.17.20"


def test_a_larger_image_is_not_smaller(service: Path, after: str, engine: str) -> None:
    result = prove(service, edited(after, ("RUN mkdir data", "RUN head -c 4000000 /dev/urandom > /junk && mkdir data")))
    assert result.verdict == "not-smaller"


def test_a_baseline_that_does_not_start_is_named_and_after_is_judged_alone(
    service: Path, after: str, engine: str
) -> None:
    (service / "Dockerfile").write_text(
        edited((service / "Dockerfile").read_text(), ('["npm", "start"]', '["node", "gone.js"]'))
    )
    result = prove(service, after)
    assert result.verdict == "baseline-broken"
    assert result.reasons == (
        "before does not start: it ended with exit code 1",
        "after, judged alone, builds and starts",
    )
    assert isinstance(result.before.run, RunRecord)
    assert result.before.run.log_problems == ("MODULE_NOT_FOUND",)


def test_a_port_that_never_opens_is_a_container_that_did_not_start(service: Path, after: str, engine: str) -> None:
    result = prove(service, after, port=4000, run_timeout=3.0)
    assert result.verdict == "baseline-broken"
    assert result.reasons[0] == "before does not start: nothing answered on port 4000 within 3 s; it listens on 3000"


def test_a_program_without_a_port_is_judged_by_its_end_and_its_output(service: Path, after: str, engine: str) -> None:
    job = 'FROM node:20-alpine\nCMD ["node", "-e", "console.log(6 * 7)"]\n'
    (service / "Dockerfile").write_text(job)
    (service / "server.js").unlink()
    same = prove(service, job.replace("FROM node:20-alpine\n", "FROM node:20-alpine\nUSER node\n"))
    assert same.verdict == "verified"
    assert same.reasons[0] == "both versions built and ran to their end, with the same output"
    other = prove(service, job.replace("6 * 7", "6 * 9"))
    assert other.verdict == "behaviour-changed"


def test_a_minimal_proof_builds_and_measures_and_goes_on_where_it_broke_off(
    service: Path, after: str, engine: str
) -> None:
    result = prove(service, after, skip_run=True)
    again = prove(service, after, skip_run=True, resume=True)
    assert isinstance(result.after.build, Built)
    assert isinstance(again.after.build, Built)
    assert (again.after.build.seconds, again.after.build.cached_steps) == (
        result.after.build.seconds,
        result.after.build.cached_steps,
    )
    assert result.verdict == "built-not-run"
    assert result.reasons[0] == "neither version was run: running was switched off"
    assert result.measured_bytes is not None
    assert {hazard.id for hazard in result.hazards if hazard.reason} >= {"H21", "H24", "H31"}


def test_without_trivy_the_proof_stands_and_says_what_is_missing(service: Path, after: str, engine: str) -> None:
    result = prove(service, after, skip_scan=False, trivy="no-such-trivy")
    assert result.verdict == "verified"
    assert result.after.scan == NotDone("there is no program no-such-trivy")
    assert "the scan of both: there is no program no-such-trivy" in result.not_checked
    assert "not scanned: there is no program no-such-trivy" in result.reasons


def test_two_images_that_exist_are_judged_without_a_build(tmp_path: Path, engine: str) -> None:
    images = ("node:20-slim", "node:20-alpine")
    request = VerifyRequest(
        tmp_path, "Dockerfile", b"", images=images, has_project=False, skip_scan=True, run_timeout=1
    )
    result = verify(request, progress=Progress())
    assert isinstance(result.before.build, Given)
    assert result.before.build.tag == "node:20-slim"
    assert result.before.dockerfile == ""
    assert result.before.rebuild == NotDone("the images were given")
    assert result.comparison.sizes["unpacked_bytes"].saved is not None
    assert isinstance(result.after.run, RunRecord)


def test_given_images_have_to_be_images(tmp_path: Path, engine: str) -> None:
    request = VerifyRequest(tmp_path, "Dockerfile", b"", images=("node:20-slim", "no such"), has_project=False)
    with pytest.raises(InputError, match="is no image"):
        verify(request, progress=Progress())


def test_without_a_proposal_nothing_is_built(service: Path, engine: str) -> None:
    request = VerifyRequest(service, "Dockerfile", b"FROM node:20-alpine\n")
    with pytest.raises(UsageError, match="no proposal"):
        verify(request, progress=Progress())


INTERRUPTED = """
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from imageopt.progress import Progress
from imageopt.verify.request import VerifyRequest
from imageopt.verify.verify import verify

class Spoken(Progress):
    @contextmanager
    def step(self, text):
        print(text, flush=True)
        yield

signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started the tests may ignore it
root = Path(sys.argv[1])
text = (root / "Dockerfile").read_bytes()
try:
    request = VerifyRequest(root, "Dockerfile", text, after=text, skip_scan=True, run_timeout=60.0, port=4000)
    verify(request, progress=Spoken())
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.exit(130)
"""


@pytest.mark.parametrize(
    ("step", "number", "times"),
    [
        ("building before", signal.SIGINT, 1),
        ("running before", signal.SIGINT, 3),
        ("running before", signal.SIGTERM, 1),
    ],
)
def test_an_interrupt_leaves_nothing_behind(
    service: Path, engine: str, tmp_path: Path, step: str, number: signal.Signals, times: int
) -> None:
    (service / "Dockerfile").write_text((service / "Dockerfile").read_text().replace("RUN ", "RUN sleep 2 && "))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, str(service)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == step:
            break
    time.sleep(1.5)
    for _ in range(times):
        process.send_signal(number)
        time.sleep(0.1)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert rest.splitlines()[-1] == "interrupted"
    assert list(temporary.iterdir()) == []
    assert images_of(process.pid) == []
    assert containers_of(process.pid) == []


def images_of(pid: int) -> list[str]:
    return _named(["docker", "images", "--format={{.Repository}}:{{.Tag}}"], f"imageopt-verify:{pid}-")


def containers_of(pid: int) -> list[str]:
    return _named(["docker", "ps", "-a", "--format={{.Names}}"], f"imageopt-{pid}-")


def _named(command: list[str], start: str) -> list[str]:
    names = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.split()
    return [name for name in names if name.startswith(start)]

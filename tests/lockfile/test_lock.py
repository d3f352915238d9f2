"""A lock file looked after, with containers that say what they are told to: checked, made, or left with a reason."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from docker.errors import NotFound
from lockfile.tiny import Write, npm_lock

from imageopt.errors import ToolFailed
from imageopt.lockfile import lock as module
from imageopt.lockfile.container import Ran
from imageopt.lockfile.lock import look_after
from imageopt.lockfile.model import Kept, LockOutcome, Made, NotDone
from imageopt.progress import Progress
from imageopt.project.model import Project

FITS = npm_lock(ms="2.1.3")
OLD = npm_lock(ms="1.0.0")
DEPENDENCIES = {"ms": "^2.1.0"}
NODE = {".nvmrc": "20"}
GOOD = Ran(0, False, (), FITS.encode())
DRIFT = Ran(
    1, False, ("npm error code EUSAGE", "npm error `npm ci` can only", "npm error Missing: a@1 from lock file"), None
)
UNSAID = Ran(1, False, ("npm error code EUSAGE", "npm error `npm ci` can only install in sync"), None)


class Bed:
    """Stands for the engine: `answers` are the runs in their order, `seen` the steps and what was sent in."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: list[Ran] = []
        self.seen: list[tuple[str, dict[str, Any]]] = []
        self.pulled: list[str] = []
        self.images: Any = self
        self.has_image = True
        monkeypatch.setattr(module, "connect", lambda: self)
        monkeypatch.setattr(module, "inspect_image", lambda _client, _name: {} if self.has_image else None)
        monkeypatch.setattr(module, "run", self._run)
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "NODE_EXTRA_CA_CERTS", "http_proxy", "https_proxy"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HOME", "/nowhere")

    def _run(self, _client: object, image: str, script: str, files: Mapping[str, bytes], **options: Any) -> Ran:
        step = str(options["name"]).rpartition("-")[2]
        self.seen.append((step, {**options, "image": image, "script": script, "files": dict(files)}))
        return self.answers.pop(0)

    @property
    def steps(self) -> list[str]:
        return [step for step, _ in self.seen]

    def pull(self, image: str) -> None:
        self.pulled.append(image)
        if image == "node:0-slim":
            raise NotFound("no", explanation="no such\x1b[2J image")

    def close(self) -> None:
        pass


@pytest.fixture
def bed(monkeypatch: pytest.MonkeyPatch) -> Bed:
    return Bed(monkeypatch)


def looked_after(project: Project) -> LockOutcome:
    return look_after(project, None, progress=Progress())


def made(outcome: LockOutcome) -> Made:
    assert isinstance(outcome, Made), outcome
    return outcome


def reason(outcome: LockOutcome) -> str:
    assert isinstance(outcome, NotDone), outcome
    return outcome.reason


def test_a_missing_lock_is_made_and_checked_again(bed: Bed, project: Write) -> None:
    bed.answers = [GOOD]
    found = made(looked_after(project(NODE, dependencies=DEPENDENCIES)))
    assert (found.path, found.before, found.after) == ("package-lock.json", None, FITS.encode())
    assert found.reason == "there was no package-lock.json"
    assert found.how == "`npm install --package-lock-only --ignore-scripts` in node:20-slim"
    assert found.summary == f"1 package, {len(FITS.splitlines())} lines"
    assert bed.steps == ["make"]
    assert list(bed.seen[0][1]["files"]) == ["package.json"]
    assert bed.seen[0][1]["script"] == (
        "npm install --package-lock-only --ignore-scripts --no-audit --no-fund && rm -rf node_modules"
        " && npm ci --dry-run --ignore-scripts --no-audit --no-fund"
    )


def test_a_lock_that_fits_is_checked_and_kept(bed: Bed, project: Write) -> None:
    bed.answers = [Ran(0, False, (), None)]
    found = looked_after(project({**NODE, "package-lock.json": FITS}, dependencies=DEPENDENCIES))
    assert found == Kept("package-lock.json", "`npm ci --dry-run --ignore-scripts` in node:20-slim")
    assert bed.steps == ["check"]


def test_a_drifted_lock_is_mended(bed: Bed, project: Write) -> None:
    bed.answers = [GOOD]
    found = made(looked_after(project({**NODE, "package-lock.json": OLD}, dependencies=DEPENDENCIES)))
    assert found.before == OLD.encode()
    assert found.drifted == ("ms",)
    assert found.reason == "package.json asks for ms ^2.1.0, the lock file holds 1.0.0"
    assert found.summary.startswith("1 package changed (ms 1.0.0 -> 2.1.3)")
    assert bed.seen[0][1]["files"]["package-lock.json"] == OLD.encode()


@pytest.mark.parametrize(
    ("said", "names", "why"),
    [
        (DRIFT, ("a",), "npm says that package-lock.json does not fit: a"),
        (UNSAID, (), "npm says that package-lock.json does not fit: `npm ci` can only install in sync"),
    ],
)
def test_what_only_the_manager_sees_is_a_drift_too(
    bed: Bed, project: Write, said: Ran, names: tuple[str, ...], why: str
) -> None:
    bed.answers = [said, GOOD]
    found = made(looked_after(project({**NODE, "package-lock.json": FITS}, dependencies=DEPENDENCIES)))
    assert (found.drifted, found.reason) == (names, why)
    assert bed.steps == ["check", "make"]


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ([Ran(1, False, ("npm error code ETARGET", "npm error No matching version"), None)], "could not make"),
        ([Ran(0, False, (), None)], "npm made no package-lock.json; see whether its settings forbid it"),
        ([Ran(0, False, (), b"{}")], "what npm made does not fit"),
        ([DRIFT], "npm refuses the package-lock.json that it made: `npm ci` can only"),
    ],
)
def test_a_lock_that_cannot_be_made_is_a_reason(bed: Bed, project: Write, answers: list[Ran], why: str) -> None:
    bed.answers = answers
    assert why in reason(looked_after(project(NODE, dependencies=DEPENDENCIES)))


def test_a_drift_that_cannot_be_mended_is_still_known(bed: Bed, project: Write) -> None:
    bed.answers = [DRIFT, Ran(1, False, ("npm error code ERESOLVE", "npm error could not resolve"), None)]
    found = looked_after(project({**NODE, "package-lock.json": FITS}, dependencies=DEPENDENCIES))
    assert isinstance(found, NotDone)
    assert found.lock is not None
    assert (found.lock.state, found.lock.drifted) == ("drifted", ("a",))


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (
            ("npm error code ENOTFOUND", "npm error request to x failed"),
            "npm cannot reach its registry from a container",
        ),
        (("npm error code E401", "npm error Unable to authenticate"), "the registry wants a login"),
        (("npm error code E500", "npm error 500 oops"), "npm cannot reach"),
    ],
)
@pytest.mark.parametrize("lock", [{}, {"package-lock.json": FITS}], ids=["make", "check"])
def test_what_lies_elsewhere_is_an_error(
    bed: Bed, project: Write, lock: dict[str, str], answer: tuple[str, ...], why: str
) -> None:
    bed.answers = [Ran(1, False, answer, None)]
    with pytest.raises(ToolFailed, match=why):
        looked_after(project({**NODE, **lock}, dependencies=DEPENDENCIES))


def test_a_check_that_breaks_says_nothing_of_the_lock(bed: Bed, project: Write) -> None:
    bed.answers = [Ran(127, False, ("/bin/sh: npm: not found",), None)]
    with pytest.raises(ToolFailed, match=r"npm could not check package-lock.json: /bin/sh: npm: not found"):
        looked_after(project({**NODE, "package-lock.json": FITS}, dependencies=DEPENDENCIES))


@pytest.mark.parametrize("ended", [Ran(137, False, (), None), Ran(1, True, (), None)])
def test_too_little_memory_is_an_error(bed: Bed, project: Write, ended: Ran) -> None:
    bed.answers = [ended]
    with pytest.raises(ToolFailed, match="npm needs more than the 2 GB"):
        looked_after(project(NODE, dependencies=DEPENDENCIES))


@pytest.mark.parametrize(
    ("files", "manifest", "why"),
    [
        (NODE, {"packageManager": "bun@1.1.0"}, "the project uses bun"),
        ({}, {"name": "x"}, "nothing says which Node it runs on: add `engines.node` to package.json"),
        ({**NODE, "package-lock.json": "<<<<<<< HEAD\n"}, {"name": "x"}, "mend or delete package-lock.json first"),
    ],
)
def test_what_needs_a_person_starts_no_container(
    bed: Bed, project: Write, files: dict[str, str], manifest: dict[str, str], why: str
) -> None:
    assert why in reason(looked_after(project(files, **manifest)))
    assert bed.seen == []


def test_an_image_that_is_not_there_is_pulled_or_an_error(bed: Bed, project: Write) -> None:
    bed.has_image = False
    bed.answers = [GOOD]
    looked_after(project(NODE, dependencies=DEPENDENCIES))
    assert bed.pulled == ["node:20-slim"]
    with pytest.raises(ToolFailed, match="node:0-slim cannot be pulled: no such image"):
        looked_after(project({".nvmrc": "0"}, dependencies=DEPENDENCIES))


def test_settings_of_the_user_go_in_and_their_logins_are_hidden(
    bed: Bed, project: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = project({**NODE, "home/.npmrc": "registry=https://npm.corp/\n", "ca.pem": "PEM"}, dependencies=DEPENDENCIES)
    monkeypatch.setenv("HOME", str(found.root / "home"))
    monkeypatch.setenv("HTTPS_PROXY", "http://me:hunter2@proxy:1")
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", str(found.root / "ca.pem"))
    bed.answers = [GOOD]
    looked_after(found)
    options = bed.seen[0][1]
    assert options["files"]["/imageopt/home/.npmrc"] == b"registry=https://npm.corp/\n"
    assert options["files"]["/imageopt/home/authorities.pem"] == b"PEM"
    assert options["environment"]["NODE_EXTRA_CA_CERTS"] == "/imageopt/home/authorities.pem"
    assert options["environment"]["HTTPS_PROXY"] == "http://me:hunter2@proxy:1"
    assert "hunter2" in options["hidden"]


def test_the_steps_are_told(bed: Bed, project: Write) -> None:
    told: list[str] = []

    class Told(Progress):
        @contextlib.contextmanager
        def step(self, text: str) -> Iterator[None]:
            told.append(text)
            yield

    bed.has_image = False
    bed.answers = [DRIFT, GOOD]
    lock = {"package-lock.json": FITS}
    look_after(project({**NODE, **lock}, dependencies=DEPENDENCIES), None, progress=Told())
    assert told == [
        "pulling node:20-slim",
        "checking package-lock.json in node:20-slim",
        "making package-lock.json in node:20-slim",
    ]

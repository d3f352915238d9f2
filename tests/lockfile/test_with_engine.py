"""Lock files made and checked by real package managers, in real containers."""

import json
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from lockfile.tiny import Write

from imageopt.build.cleaning import cleaning, new_run_id
from imageopt.dockerfile.parser import parse
from imageopt.errors import InputError, ToolFailed
from imageopt.lockfile.container import Ran, run
from imageopt.lockfile.lock import look_after
from imageopt.lockfile.model import Kept, Made
from imageopt.progress import Progress
from imageopt.project.read import read_project

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("engine")]
SAMPLE = Path(__file__).parents[2] / "sample_projects" / "agent-ops"


def in_container(script: str, timeout: float = 60) -> Ran:
    from imageopt.source.engine import connect

    with closing(connect()) as client, cleaning(new_run_id()) as cleanup:
        return run(
            client,
            "node:20-alpine",
            script,
            {"package.json": b'{"name": "x"}', "/imageopt/home/.npmrc": b"fund=false\n"},
            environment={"HELLO": "world"},
            cleanup=cleanup,
            name=f"imageopt-{cleanup.run_id}-test",
            take="out",
            timeout=timeout,
        )


def test_the_command_is_nobody_special_and_may_write_its_own_folder_only() -> None:
    done = in_container(
        "id -u; pwd; echo $HELLO; ls -A . ~; (touch /usr/x /etc/x || echo refused) 2>/dev/null;"
        " grep CapEff /proc/self/status; echo made > out"
    )
    assert done.exit_code == 0
    assert done.taken == b"made\n"
    said = " ".join(" ".join(done.log).split())
    assert said.startswith("1000 /imageopt/project world")
    assert "package.json" in said
    assert ".npmrc" in said
    assert "refused" in said
    assert "CapEff: 0000000000000000" in said


def test_a_link_in_the_place_of_the_result_is_refused() -> None:
    with pytest.raises(InputError, match="what came back as out is no plain file"):
        in_container("ln -s /etc/passwd out")


def test_nothing_made_is_nothing_taken() -> None:
    done = in_container("exit 7")
    assert (done.exit_code, done.taken, done.log) == (7, None, ())


def test_a_command_without_an_end_is_ended() -> None:
    with pytest.raises(ToolFailed, match="did not end within 1 s"):
        in_container("sleep 600", timeout=1)


@pytest.mark.slow
def test_npm_s_lock_is_made_kept_and_mended(project: Write) -> None:
    """What only npm sees, a package that another needs and that is not locked, is seen."""
    tree = parse(b"FROM node:20\n")
    found = project({"Dockerfile": "FROM node:20\n"}, dependencies={"debug": "4.3.4"})
    made = look_after(found, tree, progress=Progress())
    assert isinstance(made, Made)
    assert [package.name for package in made.lock.packages] == ["debug", "ms"]
    document = json.loads(made.after)
    del document["packages"]["node_modules/ms"]
    (found.root / "package-lock.json").write_text(json.dumps(document))
    drifted = read_project(found.root)
    mended = look_after(drifted, tree, progress=Progress())
    assert isinstance(mended, Made)
    assert "ms" in mended.drifted
    assert mended.summary.startswith("1 package added (ms 2.1.2)")
    (found.root / "package-lock.json").write_bytes(mended.after)
    assert isinstance(look_after(read_project(found.root), tree, progress=Progress()), Kept)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("manager", "files", "lock"),
    [
        ("pnpm@9.15.0", {}, "pnpm-lock.yaml"),
        ("yarn@1.22.22", {}, "yarn.lock"),
        ("yarn@4.5.0", {".yarnrc.yml": "nodeLinker: node-modules\n"}, "yarn.lock"),
    ],
)
def test_the_other_managers_make_theirs(project: Write, manager: str, files: dict[str, str], lock: str) -> None:
    found = project(files, packageManager=manager, dependencies={"ms": "2.1.3"})
    made = look_after(found, parse(b"FROM node:20-slim\n"), progress=Progress())
    assert isinstance(made, Made), made
    assert (made.path, made.lock.state, [package.name for package in made.lock.packages]) == (lock, "in-sync", ["ms"])


@pytest.mark.slow
def test_agent_ops_gets_a_lock_file_and_a_dockerfile_that_installs_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    root = Path(shutil.copytree(SAMPLE, tmp_path / "agent-ops"))

    def imageopt(*options: str) -> str:
        command = [sys.executable, "-m", "imageopt", "rewrite", str(root), *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
        return done.stdout

    assert "there is no lock file: add --lockfile" in imageopt("--quiet")
    shown = imageopt("--quiet", "--lockfile", "--apply")
    assert "+++ b/package-lock.json\n\\ " in shown
    assert shown.count("\n") < 100
    assert "npm ci" in (root / "Dockerfile").read_text()
    lock = read_project(root).lock
    assert lock is not None
    assert (lock.state, lock.version) == ("in-sync", "3")
    assert {"express", "morgan"} <= {package.name for package in lock.packages}
    imageopt("--undo")
    assert sorted(path.name for path in root.iterdir()) == sorted(path.name for path in SAMPLE.iterdir())
    assert (root / "Dockerfile").read_bytes() == (SAMPLE / "Dockerfile").read_bytes()

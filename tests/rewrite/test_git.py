"""What is in no commit is told by real git, and nothing that a repository names is run to find out."""

import os
import subprocess
from pathlib import Path

import pytest
from rewrite.gitrepository import Git, git_environment, git_in

from imageopt.errors import InputError
from imageopt.rewrite.apply import apply, undo
from imageopt.rewrite.git import blob_id, repository, uncommitted
from imageopt.rewrite.model import FileChange, Rewrite

pytestmark = pytest.mark.usefixtures("own_git")
TEXT = b"FROM a\n"


@pytest.fixture
def own_git(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    git_environment(monkeypatch, tmp_path_factory.mktemp("home"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "a b"
    folder.mkdir()
    return folder


@pytest.fixture
def git(root: Path) -> Git:
    run = git_in(root)
    run("init", "-q", "-b", "main")
    return run


def commit(git: Git, root: Path, content: bytes = TEXT, name: str = "Dockerfile") -> Path:
    (root / name).write_bytes(content)
    git("add", name)
    git("commit", "-q", "-m", "x")
    return root / name


def said(target: Path) -> str | None:
    return uncommitted(target, target.read_bytes() if target.exists() else None)


CHANGED = "has changes that are not committed"


@pytest.mark.parametrize("name", ["Dockerfile", "a b", "ü", "*", ":(top)x", '"q"', "-f", "tab\there"])
def test_a_committed_file_is_told_from_a_changed_one(git: Git, root: Path, name: str) -> None:
    (root / name).write_bytes(TEXT)
    (root / "other").write_bytes(b"other")
    assert said(root / name) == "was never committed"
    git("add", "-A")
    assert said(root / name) == CHANGED  # staged, in no commit
    git("commit", "-q", "-m", "x")
    assert said(root / name) is None
    (root / name).write_bytes(TEXT + b"# mine\n")
    assert said(root / name) == CHANGED
    git("add", "-A")
    assert said(root / name) == CHANGED
    (root / name).write_bytes(TEXT)  # as committed, but something else is staged
    assert said(root / name) == CHANGED


def test_a_file_that_is_not_there(git: Git, root: Path) -> None:
    assert said(root / ".dockerignore") is None
    commit(git, root, name=".dockerignore").unlink()
    assert said(root / ".dockerignore") == CHANGED


def test_a_conflict_is_a_change(git: Git, root: Path) -> None:
    commit(git, root)
    git("checkout", "-q", "-b", "other")
    commit(git, root, b"FROM b\n")
    git("checkout", "-q", "main")
    commit(git, root, b"FROM c\n")
    with pytest.raises(AssertionError, match="CONFLICT"):
        git("merge", "other")
    assert said(root / "Dockerfile") == CHANGED


def test_line_ends_as_git_converts_them_are_no_change(git: Git, root: Path) -> None:
    git("config", "core.autocrlf", "true")
    target = commit(git, root, b"FROM a\r\nRUN b\r\n")
    assert git("show", "HEAD:Dockerfile") == b"FROM a\nRUN b\n"
    assert said(target) is None


def test_what_git_ignores_is_none_of_its_business(git: Git, root: Path) -> None:
    (root / ".gitignore").write_text("/project/\n")
    (root / "project").mkdir()
    (root / "project" / "Dockerfile").write_bytes(TEXT)
    assert said(root / "project" / "Dockerfile") is None


def test_a_repository_of_the_other_hash(git: Git, root: Path) -> None:
    git("init", "-q", "--object-format=sha256", "new")
    new = root / "new"
    (new / "Dockerfile").write_bytes(TEXT)
    git("-C", "new", "add", "Dockerfile")
    git("-C", "new", "commit", "-q", "-m", "x")
    assert said(new / "Dockerfile") is None
    found = repository(new)
    assert found is not None
    assert (found.top, found.hash_name) == (new, "sha256")
    assert blob_id(TEXT, "sha256") == git("-C", "new", "rev-parse", "HEAD:Dockerfile").decode().strip()


def test_where_the_repository_begins(git: Git, root: Path) -> None:
    (root / "down" / "ö").mkdir(parents=True)
    found = repository(root / "down" / "ö")
    assert found is not None
    assert (found.top, found.hash_name) == (root, "sha1")


def test_without_git_or_a_repository_nobody_can_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Dockerfile").write_bytes(TEXT)
    assert said(tmp_path / "Dockerfile") is None
    assert repository(tmp_path) is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert said(tmp_path / "Dockerfile") is None
    assert repository(tmp_path) is None
    (tmp_path / "git").write_text("#!/nowhere/sh\n")
    (tmp_path / "git").chmod(0o755)
    assert said(tmp_path / "Dockerfile") is None


def test_nothing_that_a_repository_names_is_run(git: Git, root: Path, tmp_path: Path) -> None:
    target = commit(git, root)
    tree = git("rev-parse", "HEAD^{tree}").decode().strip()
    ran, program = tmp_path / "ran", tmp_path / "program"  # git's shell would take a space in the name for its end
    program.write_text(f"#!/bin/sh\necho ran >> '{ran}'\n")
    program.chmod(0o755)
    (root / ".gitattributes").write_text("* filter=evil diff=evil\n")
    for hook in ("post-index-change", "reference-transaction", "fsmonitor-watchman"):
        (root / ".git" / "hooks" / hook).write_text(program.read_text())
        (root / ".git" / "hooks" / hook).chmod(0o755)
    for key in (
        "core.fsmonitor",
        "core.pager",
        "core.sshCommand",
        "filter.evil.clean",
        "filter.evil.process",
        "diff.evil.textconv",
        "diff.external",
        "remote.origin.uploadpack",
        "alias.ls-files",
    ):
        git("config", key, str(program))
    git("config", "core.repositoryFormatVersion", "1")
    git("config", "extensions.partialClone", "origin")
    git("config", "remote.origin.promisor", "true")
    git("config", "remote.origin.url", f"ext::{program}")
    git("config", "protocol.ext.allow", "always")
    os.utime(target, (1, 1))  # git would look into the file again
    ran.unlink(missing_ok=True)
    assert said(target) is None
    assert not ran.exists()
    (root / ".git" / "objects" / tree[:2] / tree[2:]).unlink()  # git would fetch what is not there
    assert said(target) == CHANGED
    assert repository(root) is not None
    assert not ran.exists()
    subprocess.run(["git", "ls-files", "--stage"], cwd=root, check=False, capture_output=True, timeout=20)
    assert ran.exists()  # the trap is a trap
    ran.unlink()
    bare = ["git", "-c", "core.fsmonitor=false", "ls-tree", "HEAD"]
    subprocess.run(bare, cwd=root, check=False, capture_output=True, timeout=20)
    assert ran.exists()  # and so is the other


def test_the_index_is_not_written(git: Git, root: Path) -> None:
    target = commit(git, root)
    os.utime(target, (1, 1))
    before = (root / ".git" / "index").read_bytes()
    assert said(target) is None
    assert (root / ".git" / "index").read_bytes() == before
    assert not (root / ".git" / "index.lock").exists()


def rewrite(before: bytes | None, after: bytes) -> Rewrite:
    return Rewrite("proposed", (FileChange("Dockerfile", before, after),), (), (), None, "unknown", ())


def test_what_is_in_no_commit_is_not_overwritten_without_force(git: Git, root: Path) -> None:
    target = commit(git, root)
    target.write_bytes(b"FROM mine\n")
    proposed = rewrite(b"FROM mine\n", b"FROM small\n")
    with pytest.raises(InputError, match="Dockerfile has changes that are not committed") as caught:
        apply(root, proposed)
    assert "--force" in caught.value.remedy
    assert target.read_bytes() == b"FROM mine\n"
    assert apply(root, proposed, force=True) == ("Dockerfile",)
    undo(root)
    assert target.read_bytes() == b"FROM mine\n"


def test_what_the_last_rewrite_left_is_no_edit_of_the_users(git: Git, root: Path) -> None:
    target = commit(git, root)
    apply(root, rewrite(TEXT, b"FROM small\n"))
    apply(root, rewrite(b"FROM small\n", b"FROM smaller\n"))
    undo(root)
    undo(root)
    assert target.read_bytes() == TEXT


def test_a_link_is_followed_to_the_file_that_git_knows(git: Git, root: Path) -> None:
    (root / "docker").mkdir()
    commit(git, root, name="docker/app")
    (root / "Dockerfile").symlink_to("docker/app")
    apply(root, rewrite(TEXT, b"FROM small\n"))
    (root / "docker" / "app").write_bytes(b"FROM mine\n")
    with pytest.raises(InputError, match="not committed"):
        apply(root, rewrite(b"FROM mine\n", b"FROM other\n"))

"""A patch is right when real git makes the new files of the old ones with it, to the byte."""

import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rewrite.gitrepository import Git, git_environment, git_in

from imageopt.errors import InputError
from imageopt.rewrite.model import FileChange, Rewrite
from imageopt.rewrite.patch import Patched, git_patch, rewrite_patch

pytestmark = pytest.mark.usefixtures("own_git")


@pytest.fixture(scope="module")
def own_git(tmp_path_factory: pytest.TempPathFactory) -> object:
    with pytest.MonkeyPatch.context() as patch:
        git_environment(patch, tmp_path_factory.mktemp("home"))
        yield


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, own_git: object) -> Path:
    folder = tmp_path_factory.mktemp("repository")
    git_in(folder)("init", "-q", "-b", "main")
    return folder


@pytest.fixture(scope="module")
def git(root: Path) -> Git:
    return git_in(root)


def put(root: Path, files: list[Patched]) -> None:
    """The repository's files as the patch expects them, and nothing else."""
    for path in sorted(root.rglob("*"), reverse=True):
        if ".git" not in path.relative_to(root).parts:
            path.rmdir() if path.is_dir() else path.unlink()
    for file in files:
        if file.before is not None:
            (root / file.path).parent.mkdir(parents=True, exist_ok=True)
            (root / file.path).write_bytes(file.before)
            (root / file.path).chmod(0o755 if file.executable else 0o644)


def check(root: Path, git: Git, *files: Patched) -> bytes:
    """The patch, after git made the new files of the old ones with it, and the old ones of the new ones."""
    put(root, list(files))
    patch = git_patch(files)
    git("apply", "-", stdin=patch)
    for file in files:
        assert ((root / file.path).read_bytes() if (root / file.path).exists() else None) == file.after
        if file.after is not None:
            assert bool((root / file.path).stat().st_mode & stat.S_IXUSR) == file.executable
    git("apply", "--reverse", "-", stdin=patch)
    for file in files:
        assert ((root / file.path).read_bytes() if (root / file.path).exists() else None) == file.before
    return patch


MANY = b"".join(b"line %d\n" % number for number in range(60))
CONTENTS = [
    ("a change", b"a\nb\n", b"a\nc\n"),
    ("a new file", None, b"a\nb\n"),
    ("a new file of one line", None, b"a\n"),
    ("a new file without a newline", None, b"a"),
    ("a new empty file", None, b""),
    ("a deleted file", b"a\nb\n", None),
    ("a deleted file without a newline", b"a", None),
    ("a deleted empty file", b"", None),
    ("a file that was empty", b"", b"a\n"),
    ("a file that becomes empty", b"a\n", b""),
    ("CRLF", b"a\r\nb\r\n", b"a\r\nc\r\n"),
    ("from CRLF to LF", b"a\r\nb\r\n", b"a\nb\n"),
    ("from LF to CRLF", b"a\nb\n", b"a\r\nb\r\n"),
    ("a carriage return inside", b"a\rb\n", b"a\rc\n"),
    ("no newline before", b"a\nb", b"a\nb\n"),
    ("no newline afterwards", b"a\nb\n", b"a\nb"),
    ("no newline on either side", b"a\nb", b"a\nc"),
    ("no newline, in the context", b"a\nb\nc", b"x\nb\nc"),
    ("no UTF-8", b"\xff\xfe\na\n", b"\xff\xfe\nb\xe4\n"),
    ("zero bytes", b"a\0b\n", b"a\0c\n"),
    ("line ends of Unicode", "a\u2028b\x85c\n".encode(), "a\u2028b\x85d\n".encode()),
    ("form feeds", b"a\x0cb\x1c\n", b"a\x0cb\x1d\n"),
    ("what looks like a patch", b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n", b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-b\n"),
    ("what looks like a sign-off", b"-- \n2.39.5\n", b"-- \n"),
    ("far apart", MANY, b"first\n" + MANY.replace(b"line 30\n", b"") + b"last"),
    ("spaces at line ends", b"a  \n\n\n", b"a  \n \n\n"),
]


@pytest.mark.parametrize(("before", "after"), [row[1:] for row in CONTENTS], ids=[row[0] for row in CONTENTS])
def test_git_takes_every_content(root: Path, git: Git, before: bytes | None, after: bytes | None) -> None:
    check(root, git, Patched("Dockerfile", before, after))


NAMES = [
    "Dockerfile",
    "with space",
    " led and ended ",
    "ünïcode/日本",
    'say "x"',
    "back\\slash",
    "tab\there",
    "line\nend",
    "bell\x07\x01",
    "a b/c d",
    "-f",
    "not utf-8 \udcff",
    "b/Dockerfile",
    "x b/x",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("before", "after"), [(b"a\n", b"b\n"), (None, b"b\n"), (b"a\n", None), (None, b"")])
def test_git_takes_every_name(root: Path, git: Git, name: str, before: bytes | None, after: bytes | None) -> None:
    check(root, git, Patched(name, before, after))


@pytest.mark.parametrize("name", NAMES)
def test_names_and_modes_are_written_as_git_writes_them(root: Path, git: Git, name: str) -> None:
    files = [Patched(name, b"a\n", b"b\n", executable=True), Patched(f"{name}2", b"a\n", None)]
    put(root, files)
    git("add", "-A")
    (root / name).write_bytes(b"b\n")
    (root / f"{name}2").unlink()
    shown = git("-c", "core.quotePath=true", "diff", "--full-index", "--no-renames")
    assert sorted(git_patch(files).splitlines()) == sorted(
        # git ends a quoted name with a tab, too, where it holds a space
        line.removesuffix(b"\t") if line.endswith(b'"\t') else line
        for line in shown.splitlines()
    )


def test_modes_are_kept(root: Path, git: Git) -> None:
    check(
        root, git, Patched("run.sh", b"a\n", b"b\n", executable=True), Patched("new.sh", None, b"b\n", executable=True)
    )


def test_several_files_at_once_in_the_index_too(root: Path, git: Git) -> None:
    files = [Patched("a/Dockerfile", b"a\n", b"b\n"), Patched("a/.dockerignore", None, b"x"), Patched("z", b"z", None)]
    put(root, files)
    git("add", "-A")
    git("apply", "--index", "-", stdin=git_patch(files))
    assert git("ls-files", "-z") == b"a/.dockerignore\0a/Dockerfile\0"
    assert git("show", ":a/Dockerfile") == b"b\n"


LINES = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\r\n", b"\n", b"\xff \n", b"@@\n"]), max_size=30).map(b"".join)
FILE = st.one_of(st.none(), LINES, LINES.map(lambda data: data + b"end"), st.binary(max_size=40))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(before=FILE, after=FILE)
def test_git_takes_whatever_the_files_hold(root: Path, git: Git, before: bytes | None, after: bytes | None) -> None:
    if before == after:
        assert git_patch([Patched("Dockerfile", before, after)]) == b""
    else:
        check(root, git, Patched("Dockerfile", before, after))


def rewrite(*changes: FileChange) -> Rewrite:
    return Rewrite("proposed", changes, (), (), None, "unknown", ())


BOTH = rewrite(FileChange("Dockerfile", b"FROM a\n", b"FROM b\n"), FileChange(".dockerignore", None, b"x\n"))


def test_names_count_from_the_root_of_the_repository(root: Path, git: Git) -> None:
    put(root, [Patched("apps/ö/Dockerfile", b"FROM a\n", b"", executable=True)])
    project = root / "apps" / "ö"
    patch = rewrite_patch(project, BOTH)
    assert b'+++ "b/apps/\\303\\266/.dockerignore"' in patch
    git("apply", "-", stdin=patch)
    assert ((project / "Dockerfile").read_bytes(), (project / ".dockerignore").read_bytes()) == (b"FROM b\n", b"x\n")
    assert (project / "Dockerfile").stat().st_mode & stat.S_IXUSR
    git("apply", "--reverse", "-", stdin=patch)
    git_in(project)("apply", "-", stdin=patch)  # git looks for them from the root, wherever it is called
    assert (project / "Dockerfile").read_bytes() == b"FROM b\n"


def test_outside_a_repository_names_count_from_the_project(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_bytes(b"FROM a\n")
    git_in(tmp_path)("apply", "-", stdin=rewrite_patch(tmp_path, BOTH))
    assert (tmp_path / "Dockerfile").read_bytes() == b"FROM b\n"
    assert (tmp_path / ".dockerignore").read_bytes() == b"x\n"


def test_a_link_is_followed_to_its_file(root: Path, git: Git) -> None:
    put(root, [Patched("docker/app", b"FROM a\n", b"")])
    (root / "Dockerfile").symlink_to("docker/app")
    git("apply", "-", stdin=rewrite_patch(root, BOTH))
    assert (root / "Dockerfile").is_symlink()
    assert (root / "docker" / "app").read_bytes() == b"FROM b\n"


def test_a_path_out_of_the_project_is_refused(root: Path) -> None:
    with pytest.raises(InputError, match="leads out"):
        rewrite_patch(root, rewrite(FileChange("../x", None, b"x")))


def test_nothing_to_change_is_an_empty_patch(root: Path) -> None:
    assert rewrite_patch(root, rewrite()) == b""
    assert git_patch([Patched("x", b"a", b"a")]) == b""

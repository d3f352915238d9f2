"""The two copies of a project, and the file that is changed in both."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from imageopt.errors import InputError, UsageError
from imageopt.project.read import read_project
from imageopt.rewrite.model import FileChange, Rewrite
from imageopt.verify.request import VerifyRequest
from imageopt.verify.workspace import file_to_change, workspace


@pytest.fixture
def request_(service: Path) -> VerifyRequest:
    return VerifyRequest(service, "Dockerfile", b"FROM a\n", after=b"FROM b\n")


def rewrite(*changes: FileChange) -> Rewrite:
    return Rewrite("proposed", changes, (), (), None, "unknown", ())


def test_each_copy_holds_its_own_dockerfile_and_the_user_keeps_theirs(request_: VerifyRequest, service: Path) -> None:
    text = (service / "Dockerfile").read_bytes()
    with workspace(request_) as work:
        assert (work.before.folder / "Dockerfile").read_bytes() == work.before_dockerfile == b"FROM a\n"
        assert (work.after.folder / "Dockerfile").read_bytes() == work.after_dockerfile == b"FROM b\n"
        assert (work.after.folder / "server.js").read_bytes() == (service / "server.js").read_bytes()
    assert (service / "Dockerfile").read_bytes() == text


def test_a_rewrite_is_applied_to_the_second_copy_only(request_: VerifyRequest, service: Path) -> None:
    changes = (FileChange("Dockerfile", b"", b"FROM c\n"), FileChange("new/.dockerignore", None, b"*.md\n"))
    with workspace(replace(request_, after=None, rewrite=rewrite(*changes))) as work:
        assert work.after_dockerfile == b"FROM c\n"
        assert (work.after.folder / "new" / ".dockerignore").read_bytes() == b"*.md\n"
        assert not (work.before.folder / "new").exists()


@pytest.mark.parametrize("name", [".dockerignore", "Dockerfile.dockerignore"])
def test_an_ignore_file_takes_the_place_of_the_one_in_use(request_: VerifyRequest, service: Path, name: str) -> None:
    (service / name).write_text("old")
    with workspace(replace(request_, after_ignore=b"new")) as work:
        assert (work.after.folder / name).read_bytes() == b"new"
        assert (work.before.folder / name).read_bytes() == b"old"


def test_a_new_ignore_file_has_the_usual_name(request_: VerifyRequest) -> None:
    with workspace(replace(request_, after_ignore=b"new")) as work:
        assert (work.after.folder / ".dockerignore").read_bytes() == b"new"


@pytest.mark.parametrize("nothing", [None, rewrite()])
def test_without_a_proposal_there_is_nothing_to_do(request_: VerifyRequest, nothing: Rewrite | None) -> None:
    with (
        pytest.raises(UsageError, match="no proposal"),
        workspace(replace(request_, after=None, rewrite=nothing)),
    ):
        pass


def test_a_change_cannot_leave_the_copy(request_: VerifyRequest) -> None:
    hostile = rewrite(FileChange("../evil", None, b""))
    with (
        pytest.raises(InputError, match="no file of the project"),
        workspace(replace(request_, after=None, rewrite=hostile)),
    ):
        pass


@pytest.mark.parametrize(
    ("files", "ignored", "chosen"),
    [
        ([], "", "server.js"),  # the manifest's main
        (["src/a.ts", "src/deep/b.ts"], "server.js\n", "src/a.ts"),
        (["src/a.ts", "z.js"], "server.js\nsrc\n", "z.js"),
        ([], "*.js\n", None),
    ],
)
def test_the_changed_file_is_one_that_both_builds_take_in(
    request_: VerifyRequest, service: Path, files: list[str], ignored: str, chosen: str | None
) -> None:
    for name in files:
        (service / name).parent.mkdir(parents=True, exist_ok=True)
        (service / name).write_text("export {}")
    with workspace(replace(request_, after_ignore=ignored.encode())) as work:
        assert file_to_change(work, "Dockerfile", read_project(service)) == chosen

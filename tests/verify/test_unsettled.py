"""What two runs leave open is said, and keeps a rewrite from being called verified where it matters."""

import pytest
from msgspec.structs import replace
from verify.conftest import RUN as QUIET

from imageopt.verify.behaviour import compare_runs
from imageopt.verify.model import Check, Response, RunRecord
from imageopt.verify.unsettled import says_something, unsettled


def response(path: str = "/", status: int = 200, kind: str = "text/html", digest: str = "sha256:a1") -> Response:
    return Response("GET", path, status, kind, 10, digest, ())


def health(*, passed: bool, reason: str = "the image's own check fails") -> tuple[Check, ...]:
    return (Check("HEALTHCHECK", passed, "exit code 0" if passed else "exit code 1", reason, lasting=True),)


RUN = replace(QUIET, responses=(response(),))


@pytest.mark.parametrize(
    ("before", "after", "unchecked"),
    [
        (
            {"port": None, "responses": ()},
            {"port": None, "responses": ()},
            ("what the program does: it opens no port and did not end by itself",),
        ),
        (
            {"responses": (response(status=404),)},
            {"responses": (response(status=404),)},
            ("what the program answers: no path was found that it answers; name one with --path",),
        ),
        ({"unanswered": ("/slow",)}, {"unanswered": ("/slow",)}, ("GET /slow: neither version answered",)),
        ({"unanswered": ("/slow",)}, {}, ()),
        ({"checks": (Check("writes /data", True, "", ""),)}, {}, ("writes /data: it could not be tried in after",)),
        ({"checks": (Check("addon /a.node", True, "", ""),)}, {}, ()),  # it may lie elsewhere
        ({"unanswered": ("/",)}, {}, ("GET /: before does not always answer it",)),
        (
            {"responses": (replace(response(), masked=("$.up", "$.id")),)},
            {},
            ("GET /: $.up, $.id (varies by itself)",),
        ),
    ],
)
def test_what_was_not_checked_is_said(
    before: dict[str, object], after: dict[str, object], unchecked: tuple[str, ...]
) -> None:
    assert compare_runs(replace(RUN, **before), replace(RUN, **after))[1] == unchecked


def test_a_page_that_is_not_found_or_in_trouble_says_nothing() -> None:
    assert says_something(RUN)
    assert says_something(replace(RUN, responses=(response(status=404), response("/x", 401))))
    assert not says_something(replace(RUN, responses=(response(status=404), response("/x", 500))))
    assert not says_something(replace(RUN, responses=(response(status=404),)))
    assert not says_something(replace(RUN, responses=()))
    assert says_something(replace(RUN, responses=(), checks=health(passed=True)))


def failing(detail: str, *, varies: bool = False) -> dict[str, object]:
    return {"checks": (Check("HEALTHCHECK", False, detail, "", lasting=True, varies=varies),)}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (failing("exit code 7: port 3000 refused"), failing("exit code 7: port 3001 refused"), None),
        (failing("exit code 1"), failing("exit code 127"), "not alike (exit code 1 -> exit code 127)"),
        (failing("exit code 1: curl: (7)"), failing("exit code 1: curl: not found"), "not alike"),
        (failing("exit code 1", varies=True), failing("exit code 1"), "not alike"),
        (failing("exit code 1", varies=True), failing("exit code 2", varies=True), None),
        (failing("exit code 1"), {"checks": health(passed=True)}, None),
        ({"unanswered": ("/",)}, {"responses": ()}, "GET /: before does not always answer it, and after never did"),
        ({"reason": "it ended"}, {"reason": "it ended"}, "before did not stay: it ended"),
        ({}, {"unrepeated": "the engine broke off"}, "after could not be run again: the engine broke off"),
    ],
)
def test_a_check_that_failed_before_proves_nothing_of_another_failure(
    before: dict[str, object], after: dict[str, object], said: str | None
) -> None:
    reasons = list(unsettled(replace(RUN, **before), replace(RUN, **after)))
    assert reasons == [] if said is None else said in reasons[0]


def test_what_after_alone_could_not_try_is_said_too() -> None:
    assert compare_runs(RUN, replace(RUN, unchecked=("its cache cannot be had",)))[1] == ("its cache cannot be had",)


@pytest.mark.parametrize("loads", [True, False])
def test_an_addon_for_another_platform_may_fail_as_it_likes(loads: bool) -> None:
    """Of argon2 for glibc and for musl one is loaded; where it is not, the other's failures say nothing good."""
    folder = "addon /app/node_modules/@node-rs/argon2-linux-x64"

    def run(said: str) -> RunRecord:
        glibc = Check(f"{folder}-gnu/argon2.linux-x64-gnu.node", loads, "" if loads else "no", "")
        return replace(RUN, checks=(glibc, Check(f"{folder}-musl/argon2.linux-x64-musl.node", False, said, "")))

    assert (list(unsettled(run("invalid ELF header"), run("libc.so: no such file"))) == []) == loads

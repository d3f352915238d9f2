"""What counts as another behaviour, what is welcome, and what nobody could tell."""

import pytest
from msgspec.structs import replace
from verify.conftest import RUN as QUIET

from imageopt.verify.behaviour import compare_runs, is_root
from imageopt.verify.model import Check, Response


def response(path: str = "/", status: int = 200, kind: str = "text/html", digest: str = "sha256:a1") -> Response:
    return Response("GET", path, status, kind, 10, digest, ())


def health(*, passed: bool, reason: str = "the image's own check fails") -> tuple[Check, ...]:
    return (Check("HEALTHCHECK", passed, "exit code 0" if passed else "exit code 1", reason, lasting=True),)


def check(name: str, *, passed: bool = True) -> tuple[Check, ...]:
    return (Check(name, passed, "", "it may not write there"),)


NODE = "runs Node.js "
GNU = "addon /app/node_modules/@img/sharp-linux-x64/sharp.node"
MUSL = "addon /app/node_modules/@img/sharp-linuxmusl-x64/sharp.node"
RUN = replace(QUIET, responses=(response(),))


def test_a_run_compared_with_itself_changes_nothing() -> None:
    assert compare_runs(RUN, RUN) == ((), ())


@pytest.mark.parametrize(
    ("before", "after", "what", "reason", "expected"),
    [
        ({}, {"reason": "while it was asked it ended"}, "run", "it ends by itself", False),
        ({"reason": "while it was asked it ended"}, {}, "run", "it does not end by itself any more", True),
        ({}, {"responses": (response(status=500),)}, "GET /", "the status differs", False),
        ({}, {"responses": (response(kind="text/plain"),)}, "GET /", "the content type differs", False),
        ({}, {"responses": (response(digest="sha256:b2"),)}, "GET /", "the content differs", False),
        ({}, {"responses": ()}, "GET /", "it answered before", False),
        ({"responses": ()}, {}, "GET /", "it answers now", True),
        ({}, {"log_problems": ("EACCES",)}, "log", "the log speaks of new trouble", False),
        ({"written_paths": ("/app/data/a",)}, {}, "writes /app/data/a", "it may not write there", False),
        (
            {"checks": health(passed=True)},
            {"checks": health(passed=False)},
            "HEALTHCHECK",
            "the image's own check fails",
            False,
        ),
        ({"checks": health(passed=True)}, {}, "HEALTHCHECK", "the image's own check is gone", False),
        (
            {"checks": check("writes /d")},
            {"checks": check("writes /d", passed=False)},
            "writes /d",
            "it may not write there",
            False,
        ),
        ({}, {"checks": check("writes /d", passed=False)}, "writes /d", "it may not write there", False),
        (
            {},
            {"checks": check("writes /root/.x", passed=False), "written_paths": ("/home/node/.xy/a",)},
            "writes /root/.x",
            "it may not write there",
            False,
        ),
        ({"checks": check(GNU)}, {"checks": check(MUSL, passed=False)}, MUSL, "it may not write there", False),
        ({"checks": check(NODE + "20")}, {"checks": check(NODE + "22")}, "Node.js", "it may not write there", False),
        ({"checks": check(GNU)}, {"checks": check(GNU, passed=False)}, GNU, "it may not write there", False),
        (
            {"checks": check("addon /app/node_modules/a/build/a.node")},
            {
                "checks": (
                    *check("addon /app/node_modules/a/build/a.node", passed=False),
                    *check("addon /app/node_modules/a/prebuilds/linux-x64/a.node"),
                )
            },
            "addon /app/node_modules/a/build/a.node",
            "it may not write there",
            False,
        ),
        (
            {"ready_seconds": 0.5},
            {"ready_seconds": 2.0},
            "start",
            "it takes more than three times as long to be ready",
            False,
        ),
        ({}, {"responses": (replace(response(), statuses=(200, 500)),)}, "GET /", "the status differs", False),
        ({}, {"responses": (replace(response(), headers={"vary": "x"}),)}, "GET /", "the header vary differs", False),
        ({}, {"user": "1000:1000"}, "user", "it does not run as root any more", True),
        ({"user": "1000:1000"}, {}, "user", "it runs as root", False),
        ({"user": "1000:1000"}, {"user": "1001:1001"}, "user", "it runs as another user", True),
        ({"user": "0:0"}, {"user": "0:1"}, "user", "it runs as another user", True),
        ({}, {"stop_exit_code": 137}, "stop", "it does not end when asked and has to be killed", False),
        ({"stop_exit_code": 137, "stop_seconds": 10.2}, {}, "stop", "it ends when asked", True),
        ({}, {"stop_seconds": 5.0}, "stop", "it takes longer to end", False),
    ],
)
def test_one_difference_is_one_change(
    before: dict[str, object], after: dict[str, object], what: str, reason: str, expected: bool
) -> None:
    changes, _ = compare_runs(replace(RUN, **before), replace(RUN, **after))
    assert [(change.what, change.reason, change.expected) for change in changes] == [(what, reason, expected)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"log_problems": ("EACCES",)}, {"log_problems": ()}),
        ({"log_problems": ("ENOENT",)}, {"log_problems": ("ENOENT",)}),
        ({"written_paths": ("/app/logs/17.log",)}, {"written_paths": ("/app/logs/18.log",)}),
        ({"written_paths": ("/root/.state/x",)}, {"written_paths": ("/home/node/.state/x",)}),
        ({}, {"written_paths": ("/app/new",)}),
        (  # its home is another one, and it writes there
            {"written_paths": ("/root/.pm2/pm2.log", "/root/.state")},
            {
                "written_paths": ("/home/node/.pm2/pm2.log", "/home/node/.state"),
                "checks": (*check("writes /root/.pm2", passed=False), *check("writes /root", passed=False)),
            },
        ),
        (
            {"written_paths": ("/root/.pm2/pm2.log",), "checks": check("writes /root/.pm2")},
            {"written_paths": ("/home/node/.pm2/pm2.log",), "checks": check("writes /root/.pm2", passed=False)},
        ),
        ({"stop_exit_code": 143}, {"stop_exit_code": 0}),
        ({"stop_exit_code": 1, "stop_seconds": 1.9}, {}),
        ({"stop_seconds": None}, {"stop_seconds": 9.0}),
        ({}, {"stop_seconds": 5.0, "stop_between": (2.1, 9.0)}),  # the machine was busy: it can be quick
        ({"stop_between": (0.2, 3.1)}, {"stop_seconds": 5.0}),
        ({}, {"checks": health(passed=False)}),
        ({"checks": health(passed=False)}, {"checks": health(passed=False)}),
        ({"checks": health(passed=False)}, {}),
        ({"checks": check("addon /a.node")}, {}),
        ({"checks": check(GNU)}, {"checks": (*check(GNU, passed=False), *check(MUSL))}),
        ({"checks": check(GNU)}, {"checks": check(MUSL)}),
        ({"checks": check(NODE + "20")}, {}),  # a compiled program, or a web server, needs none
        ({}, {"checks": check(MUSL, passed=False)}),
        ({}, {"checks": check("keeps /d", passed=False)}),
        ({"ready_seconds": 0.1}, {"ready_seconds": 0.9}),
        ({"ready_seconds": 2.0}, {"ready_seconds": 5.0}),
        ({}, {"ready_seconds": 7.5, "ready_between": (0.8, 9.0)}),  # the machine was busy: it can be quick
        ({"ready_between": (0.4, 8.0)}, {"ready_seconds": 8.5}),
        (
            {"responses": (response(kind="text/javascript"),)},
            {"responses": (response(kind="application/javascript"),)},
        ),
        ({"responses": (replace(response(), statuses=(200, 500)),)}, {"responses": (response(digest="sha256:b2"),)}),
    ],
)
def test_these_are_no_changes(before: dict[str, object], after: dict[str, object]) -> None:
    assert compare_runs(replace(RUN, **before), replace(RUN, **after))[0] == ()


@pytest.mark.parametrize(
    ("user", "root"),
    [("", True), ("0", True), ("root", True), ("0:0", True), ("root:node", True), ("node", False), ("1000:0", False)],
)
def test_root_has_many_names(user: str, root: bool) -> None:
    assert is_root(user) is root


def test_another_server_for_the_same_files_sets_its_own_headers() -> None:
    after = replace(RUN, responses=(replace(response(), headers={"cache-control": "no-cache"}),))
    assert [change.expected for change in compare_runs(RUN, after, site=True)[0]] == [True]


@pytest.mark.parametrize(
    ("status", "shorter", "production", "stack", "expected"),
    [
        (404, True, True, True, True),
        (500, True, True, True, True),
        (404, True, False, True, False),  # nothing tells it to say less
        (404, False, True, True, False),  # it says more
        (200, True, True, True, False),  # it is no error
        (422, True, True, False, False),  # what is gone is the program's own: why it refuses
    ],
)
def test_an_error_page_may_leave_out_its_stack_in_production(
    status: int, shorter: bool, production: bool, stack: bool, expected: bool
) -> None:
    old = replace(response(status=status), shows_stack=stack)
    size = old.body_bytes - 5 if shorter else old.body_bytes + 5
    new = replace(old, body_digest="sha256:b2", body_bytes=size, shows_stack=False)
    before, after = replace(RUN, responses=(old,)), replace(RUN, responses=(new,))
    (change,) = compare_runs(before, after, production=production)[0]
    assert change.expected is expected


def test_a_run_as_another_user_is_not_taken_for_the_version_of_node() -> None:
    """A web server in the place of Node runs none, and is run as the deployment's user all the same."""
    user = check("runs as 1001 (pod.yaml:7)")
    assert compare_runs(replace(RUN, checks=(*check(NODE + "20"), *user)), replace(RUN, checks=user))[0] == ()


def test_what_was_compiled_at_each_start_need_not_be_written() -> None:
    """A folder into which anything else was written has to stay open."""
    before = replace(RUN, written_paths=("/app/dist/main.js", "/app/app.tsbuildinfo", "/app/log/a"))
    after = replace(RUN, checks=(*check("writes /app", passed=False), *check("writes /app/log", passed=False)))
    held = {"/app/dist/main.js", "/app/package.json"}
    judged = {change.what: change.expected for change in compare_runs(before, after, compiled=held)[0]}
    assert judged == {
        "writes /app/dist/main.js": True,
        "writes /app/app.tsbuildinfo": True,
        "writes /app/log/a": False,
        "writes /app": True,
        "writes /app/log": False,
    }
    assert not any(change.expected for change in compare_runs(before, after)[0])
    tried = replace(before, checks=check("writes /app"))
    assert next(one for one in compare_runs(tried, after, compiled=held)[0] if one.what == "writes /app").expected

"""BuildKit's plain log, as it was seen, and what is read from it."""

import pytest

from imageopt.build.log import BuildahLog, BuildLog, plain_line
from imageopt.build.model import Step

GOOD = """\
#0 building with "default" instance using docker driver

#1 [internal] load build definition from Dockerfile
#1 transferring dockerfile: 80B done
#1 DONE 0.0s

#4 [build 1/3] FROM docker.io/library/node:20-alpine
#4 CACHED

#5 [internal] load build context
#5 CACHED

#6 [build 2/3] RUN echo hi
#6 CACHED

#7 [build 3/3] COPY Dockerfile /x
#7 DONE 0.1s

#8 [stage-1 2/2] COPY --from=build /x /x
#8 DONE 0.1s

#9 exporting to image
#9 DONE 0.0s"""
FAILED = """\
#4 [stage-1 1/2] FROM docker.io/library/node:20-alpine
#5 [stage-1 2/2] RUN false
#5 ERROR: process "/bin/sh -c false" did not complete successfully: exit code: 1
------
 > [stage-1 2/2] RUN false:
------
Dockerfile:2
   2 | >>> RUN false
ERROR: failed to solve: process "/bin/sh -c false" did not complete successfully: exit code: 1"""


def read(text: str, *hidden: str) -> BuildLog:
    log = BuildLog(hidden)
    for line in text.splitlines():
        log.add(line)
    return log


def test_steps_are_counted_without_from_and_without_the_builders_own() -> None:
    log = read(GOOD)
    assert (log.steps, log.cached_steps, log.failed_step) == (3, 1, None)


def test_the_failing_step_and_the_reason_are_found() -> None:
    log = read(FAILED)
    assert log.failed_step == "[stage-1 2/2] RUN false (Dockerfile:2)"
    assert log.reason == 'process "/bin/sh -c false" did not complete successfully: exit code: 1'


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("2.091 > tsc -p .\n2.091\n2.158 sh: 1: tsc: not found", "exit code 127: sh: 1: tsc: not found"),
        (
            """1.2 npm error code EUSAGE
1.2 npm error
1.2 npm error Missing: ms@2.1.3 from lock file
1.2 npm error A complete log of this run can be found in: /root/.npm/_logs/x-debug-0.log
1.3 npm notice""",
            "exit code 127: npm error Missing: ms@2.1.3 from lock file",
        ),
        ("0.1", 'process "/bin/sh -c npm run build" did not complete successfully: exit code: 127'),
    ],
)
def test_the_reason_is_what_the_failing_command_said_last(said: str, reason: str) -> None:
    error = 'process "/bin/sh -c npm run build" did not complete successfully: exit code: 127'
    log = read(
        f"#10 [6/6] RUN npm run build\n#10 ERROR: {error}\n------\n > [6/6] RUN npm run build:\n{said}\n------\n"
        f"app.Dockerfile:11\n--------------------\n  11 | >>> RUN npm run build\n--------------------\nERROR: {error}"
    )
    assert (log.failed_step, log.reason) == ("[6/6] RUN npm run build (app.Dockerfile:11)", reason)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (" > [internal] load metadata for x:1:\nERROR: failed to solve: x:1: not found", "x:1: not found"),
        ("ERROR: failed to solve: dockerfile parse error on line 2", "dockerfile parse error on line 2"),
        ("ERROR: failed to build: failed to solve: no", "no"),
        ("something odd", "something odd"),
        ("", "it said nothing"),
    ],
)
def test_a_reason_is_always_one_line_and_a_step_is_never_the_builders_own(text: str, reason: str) -> None:
    log = read(text)
    assert (log.reason, log.failed_step) == (reason, None)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link", "link"),
        ("a\tb", "a    b"),
        ("bell\x07 \x9b1m", "bell 1m"),
        ("abc\u202etxt", "abctxt"),
        ("trailing   ", "trailing"),
        ("x" * 600, "x" * 500 + "…"),
    ],
)
def test_a_line_can_be_shown_anywhere(raw: str, shown: str) -> None:
    assert plain_line(raw) == shown


def test_secrets_are_blackened_the_longest_first() -> None:
    log = read("#5 0.1 token is s3cret-longer and s3cret", "s3cret", "s3cret-longer")
    assert log.tail == ("#5 0.1 token is *** and ***",)


def test_a_secret_with_control_characters_in_it_is_blackened() -> None:
    assert read("a\x1b[1mhunt\x1b[0mer22b", "hunter22").tail == ("a***b",)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("ERROR: write /x: no space left on device", "disk_is_full"),
        ("ERROR: Cannot connect to the Docker daemon at unix:///x", "engine_is_gone"),
        ("ERROR: BuildKit is enabled but the buildx component is missing or broken.", "lacks_buildkit"),
        ("ERROR: failed to solve: exit code: 1", None),
    ],
)
def test_what_is_no_fault_of_the_dockerfile_is_told_apart(line: str, what: str | None) -> None:
    log = read(line)
    marks = {name: getattr(log, name) for name in ("disk_is_full", "engine_is_gone", "lacks_buildkit")}
    assert marks == {name: name == what for name in marks}


def test_the_tail_is_the_last_forty_lines() -> None:
    assert read("\n".join(str(number) for number in range(60))).tail == tuple(str(number) for number in range(20, 60))


def test_each_step_has_its_time_and_whether_it_came_from_the_cache() -> None:
    assert read(GOOD).done == (
        Step("[build 2/3] RUN echo hi", None, True),
        Step("[build 3/3] COPY Dockerfile /x", 0.1, False),
        Step("[stage-1 2/2] COPY --from=build /x /x", 0.1, False),
    )


def test_the_failing_line_is_told() -> None:
    assert (read(GOOD).failed_line, read(FAILED).failed_line) == (None, 2)


BUILDAH = """\
[1/2] STEP 1/3: FROM node:20-alpine AS build
[1/2] STEP 2/3: WORKDIR /app
--> Using cache 7f0a
[1/2] STEP 3/3: RUN make
make: not found
Error: building at STEP "RUN make": while running runtime: exit status 127"""


def test_what_buildah_says() -> None:
    log = BuildahLog()
    for line in BUILDAH.splitlines():
        log.add(line)
    assert (log.steps, log.cached_steps, log.failed_step) == (2, 1, "RUN make")
    assert log.reason == "while running runtime: exit status 127"
    assert log.done == (Step("WORKDIR /app", None, True), Step("RUN make", None, False))

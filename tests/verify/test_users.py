"""A user that only the deployment names: who it is, and what counts of a run as that user."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from verify.conftest import RUN

from imageopt.config import VerifyConfig
from imageopt.verify.behaviour import compare_runs
from imageopt.verify.exchange import Ask, Exchange
from imageopt.verify.model import NotDone, RunRecord
from imageopt.verify.plan import plan_run
from imageopt.verify.request import VerifyRequest
from imageopt.verify.rounds import run_both
from imageopt.verify.run import Observed, RunPlan

PLAN = RunPlan(3000, (Ask("/"),), 5, users=(("1001", "pod.yaml:7"),))
NAME = "runs as 1001 (pod.yaml:7)"

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  securityContext: {runAsUser: 1001, runAsNonRoot: true}
  containers:
    - {name: web, image: web:1, securityContext: {runAsUser: 0}}
"""
COMPOSE = """\
services:
  web: {build: ., user: "1002:1002"}
  db: {image: "postgres:16", user: "999"}
  other: {build: ./other, user: "1003"}
"""


@pytest.mark.parametrize(
    ("files", "configured", "users"),
    [
        ({"pod.yaml": POD}, None, (("1001", "pod.yaml:5"),)),
        ({"compose.yaml": COMPOSE}, None, (("1002:1002", "compose.yaml:2"),)),
        ({"pod.yaml": POD}, "1000640000:0", (("1000640000:0", "imageopt.toml"), ("1001", "pod.yaml:5"))),
        ({"compose.yaml": "services: {web: {build: ., user: node}}"}, None, ()),
        ({}, None, ()),
    ],
)
def test_users_are_numbers_that_the_deployment_names_for_this_image(
    tmp_path: Path, files: dict[str, str], configured: str | None, users: tuple[tuple[str, str], ...]
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    request = VerifyRequest(tmp_path, "Dockerfile", b"", settings=VerifyConfig(user=configured))
    assert plan_run(request, []).users == users


def seen(status: int = 200, **record: Any) -> Observed:
    return Observed(replace(RUN, **record), (Exchange("GET", "/", status, "text/html", "", b"a", {}),))


def both(
    before: Observed | NotDone, after: Observed | NotDone, usual: Observed | None = None
) -> tuple[list[str], list[str]]:
    """What is held against `after`, and what was not checked, where these are the runs as the deployment's user."""
    asked: list[str] = []

    def runs(other: Observed | NotDone) -> Any:
        def run(plan: RunPlan) -> Observed | NotDone:
            asked.append(plan.user)
            return other if plan.user else usual or seen()

        return run

    old, new = run_both(PLAN, runs(before), runs(after), dict)
    assert isinstance(old, RunRecord)
    assert isinstance(new, RunRecord)
    changes, unchecked = compare_runs(old, new)
    return [f"{change.what}: {change.after}" for change in changes], list(unchecked)


@pytest.mark.parametrize(
    ("after", "told"),
    [
        (seen(), []),
        (seen(500), [f"{NAME}: GET / is answered with 500"]),
        (seen(started=False, reason="it ended with exit code 1"), [f"{NAME}: it ended with exit code 1"]),
        (seen(reason="while it was asked it ended"), [f"{NAME}: while it was asked it ended"]),
        (seen(unanswered=("/",)), [f"{NAME}: / is not answered"]),
        (NotDone("no network is left"), []),
    ],
)
def test_what_only_the_version_as_it_stands_does_as_that_user_counts(
    after: Observed | NotDone, told: list[str]
) -> None:
    assert both(seen(), after)[0] == told


def test_where_it_never_did_as_that_user_nothing_is_known() -> None:
    refused = seen(started=False, reason="it ended with exit code 1")
    told, unchecked = both(refused, seen(500))
    assert told == []
    assert f"{NAME}: it fails in before too (it ended with exit code 1)" in unchecked
    assert both(NotDone("no network is left"), seen(500))[0] == []


def test_trouble_that_it_always_is_in_is_none_of_the_users() -> None:
    assert both(seen(500), seen(500), usual=seen(500))[0] == []

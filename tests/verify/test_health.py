"""A health check that notices less than the one before, or later."""

import pytest
from msgspec.structs import replace

from imageopt.source.model import HealthTiming, ImageConfig
from imageopt.verify.config import compare_configs

PROBE = ("CMD-SHELL", "curl -f localhost:3000/health || exit 1")
CHECKED = ImageConfig("linux", "amd64", "", "", (), (), ("node",), "", (), (), {}, None, PROBE, (), None, (), ())


@pytest.mark.parametrize(
    "test",
    [
        ("CMD-SHELL", "exit 0"),
        ("CMD-SHELL", "curl -f localhost:3000/health || exit 0"),
        ("CMD-SHELL", "curl -f localhost:3000/health || true"),
        ("CMD-SHELL", "curl -f localhost:3000/health; true"),
        ("CMD-SHELL", "echo ok"),
        ("CMD", "/bin/sh", "-c", "curl -f localhost:3000/health || :"),
        ("CMD", "true"),
        ("CMD", "node", "-e", "process.exit(0)"),
    ],
)
def test_a_check_that_cannot_fail_is_a_change_for_the_worse(test: tuple[str, ...]) -> None:
    after = replace(CHECKED, healthcheck=test)
    (change,) = compare_configs(CHECKED, after)
    assert (change.what, change.expected, change.reason) == ("Healthcheck", False, "the check cannot fail any more")
    assert all(change.expected for change in compare_configs(after, CHECKED))
    assert all(change.expected for change in compare_configs(after, replace(after, healthcheck=("CMD", "true"))))


@pytest.mark.parametrize(
    "test",
    [
        ("CMD-SHELL", "wget -q localhost:3000/health || exit 1"),
        ("CMD-SHELL", "wget -q localhost:3000/health && true"),
        ("CMD-SHELL", "wget -q localhost:3000/health && exit 0"),
        ("CMD-SHELL", "test -e /app/true"),
        ("CMD", "node", "-e", "fetch('http://localhost:3000').then(a => process.exit(a.ok ? 0 : 1))"),
        ("CMD", "node", "healthcheck.js"),
    ],
)
def test_another_check_that_can_fail_is_a_rewritten_one(test: tuple[str, ...]) -> None:
    (change,) = compare_configs(CHECKED, replace(CHECKED, healthcheck=test))
    assert (change.expected, change.reason) == (True, "the check was rewritten")


@pytest.mark.parametrize(
    ("timing", "reason"),
    [
        (HealthTiming(interval=300), "it is made every 300 s and no more every 30 s"),
        (HealthTiming(retries=20), "it has to fail 20 times and no more 3"),
        (HealthTiming(timeout=90), "it may take 90 s and no more 30 s"),
        (HealthTiming(start_period=600), "it does not count for 600 s after the start and no more for 0 s"),
        (
            HealthTiming(interval=60, retries=5),
            "it is made every 60 s and no more every 30 s, it has to fail 5 times and no more 3",
        ),
    ],
)
def test_a_check_that_notices_later_is_weaker_and_one_that_notices_sooner_is_not(
    timing: HealthTiming, reason: str
) -> None:
    weaker = replace(CHECKED, health_timing=timing)
    (change,) = compare_configs(CHECKED, weaker)
    assert (change.what, change.expected, change.reason) == ("Healthcheck", False, reason)
    assert change.before.endswith("(every 30 s, 30 s each, unhealthy after 3, not in the first 0 s)")
    (change,) = compare_configs(weaker, CHECKED)
    assert (change.expected, change.reason) == (True, "the check was rewritten")

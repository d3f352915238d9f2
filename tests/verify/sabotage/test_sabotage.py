"""Each case of the catalogue once: what breaks is called by its name, and what does no harm is not spoken of."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sabotaged
from sabotaged import Case, Service

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.trivy]
ALL = sorted((*sabotaged.cases("sabotage"), *sabotaged.cases("harmless")), key=lambda case: case.service)


@pytest.fixture(scope="module")
def good(
    request: pytest.FixtureRequest,
    engine: str,
    trivy: Path,
    trivy_cache: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Service]:
    """The service that a case sabotages, built and run once. What its base holds is read once too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMAGEOPT_CACHE", str(tmp_path_factory.mktemp("layers")))
        with sabotaged.service(request.param, str(trivy), trivy_cache) as service:
            yield service


@pytest.mark.parametrize(
    ("good", "case"),
    [(sys.intern(case.service), case) for case in ALL],  # a fixture is kept for the same object
    indirect=["good"],
    ids=lambda value: value.name if isinstance(value, Case) else "",
)
def test_sabotage_is_caught_and_harmless_differences_are_not(good: Service, case: Case) -> None:
    result = sabotaged.tried(good, case, once=True)
    assert result.verdict == case.verdict, result.reasons
    assert case.told(result), result.reasons

"""Each case of the catalogue once: what breaks is called by its name, and what does no harm is not spoken of."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sabotaged
from sabotaged import Case, Service

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.trivy]
ALL = (*sabotaged.cases("sabotage"), *sabotaged.cases("harmless"))


def _fixture(name: str) -> Callable[..., Iterator[Service]]:
    """A service that its cases sabotage, built and run once. What its base holds is read once too."""

    @pytest.fixture(scope="module", name=name)
    def good(
        engine: str, trivy: Path, trivy_cache: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> Iterator[Service]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("IMAGEOPT_CACHE", str(tmp_path_factory.mktemp("layers")))
            with sabotaged.service(name, str(trivy), trivy_cache) as service:
                yield service

    return good


web, site, job = _fixture("web"), _fixture("site"), _fixture("job")


def _of(service: str) -> pytest.MarkDecorator:
    cases = [case for case in ALL if case.service == service]
    return pytest.mark.parametrize("case", cases, ids=[case.name for case in cases])


@_of("web")
def test_a_node_service(web: Service, case: Case) -> None:
    _judged(web, case)


@_of("site")
def test_a_static_site(site: Service, case: Case) -> None:
    _judged(site, case)


@_of("job")
def test_a_command(job: Service, case: Case) -> None:
    _judged(job, case)


def _judged(good: Service, case: Case) -> None:
    result = sabotaged.tried(good, case, once=True)
    assert result.verdict == case.verdict, result.reasons
    assert case.told(result), result.reasons

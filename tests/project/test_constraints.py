"""Which stated versions can be true together: npm's ranges and Composer's, tags of images, and what says nothing."""

import pytest

from imageopt.project.constraints import Product, contradictions
from imageopt.project.model import Fact


def differ(product: Product, *stated: str) -> bool:
    return bool(contradictions(product, [Fact(value, str(number)) for number, value in enumerate(stated)]))


@pytest.mark.parametrize(
    ("product", "stated"),
    [
        ("node", ("20-alpine", "18")),
        ("node", ("20", ">=18 <19")),
        ("node", ("20.11.0", "^18.17.0 || 22.x")),
        ("node", ("20", "18 - 19")),
        ("node", ("20", "~18.2")),
        ("node", ("20", "<20")),
        ("node", ("18", ">18")),
        ("node", ("20", "=18")),
        ("php", ("8.1-apache", "^8.2")),
        ("php", ("8.2-fpm", "~8.1.0")),
        ("php", ("8.2", "8.1.27")),
        ("php", ("8.2", "8.1.*")),
        ("php", ("7.4-cli", ">=8.0,<9")),
        ("php", ("8.4", "<=8.3")),
        ("php", ("0.4", "^0.3")),
    ],
)
def test_what_cannot_be_true_together(product: Product, stated: tuple[str, ...]) -> None:
    assert differ(product, *stated)


@pytest.mark.parametrize(
    ("product", "stated"),
    [
        ("node", ("20-alpine", "20.11.0", ">=18", "*", "20.x", "^20 || ^22")),
        ("node", ("20", "lts/*", "latest", "lts-slim", "$NODE", ">= 18 <= 20")),
        ("node", ("latest", "alpine")),
        ("node", ("22", "x")),
        ("node", ("20", "18 || current")),  # who knows what is current
        ("php", ("8.2-apache", "^8.1", "~8.1", ">=8.1 <8.4", "8.2.*", "7.4.*|8.*")),
        ("php", ("8-apache", "8.3", "^8.2")),
        ("php", ("8.2", "!=8.2.5", "8.1 - 8.3")),
        ("php", ()),
    ],
)
def test_what_can(product: Product, stated: tuple[str, ...]) -> None:
    assert not differ(product, *stated)


def test_all_that_are_in_conflict_are_named_and_no_others() -> None:
    facts = [Fact("latest", "a"), Fact(">=16", "b"), Fact("20", "c"), Fact("18", "d"), Fact("20.1", "e")]
    assert [fact.source for fact in contradictions("node", facts)] == ["c", "d", "e"]

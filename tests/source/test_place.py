"""Names of images in registries, as an engine reads them."""

import pytest

from imageopt.errors import UsageError
from imageopt.source.place import HUB, Place, is_safe, parse_place

DIGEST = f"sha256:{'a' * 64}"


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("node:20", Place(HUB, "library/node", "20")),
        ("docker.io/node", Place(HUB, "library/node", "latest")),
        ("docker.io/library/node", Place(HUB, "library/node", "latest")),
        ("team/app", Place(HUB, "team/app", "latest")),
        ("a/b/c:1", Place(HUB, "a/b/c", "1")),
        ("//ghcr.io/team/app:1", Place("ghcr.io", "team/app", "1")),
        ("localhost/app:1", Place("localhost", "app", "1")),
        ("registry:5050/x/node:18", Place("registry:5050", "x/node", "18")),
        ("[::1]:5000/app", Place("[::1]:5000", "app", "latest")),
        ("x.io/a_b/c__d/e.f/g--h:V_1.2-rc", Place("x.io", "a_b/c__d/e.f/g--h", "V_1.2-rc")),
        (f"node:20@{DIGEST}", Place(HUB, "library/node", DIGEST)),
        (f"x.io/app@{DIGEST}", Place("x.io", "app", DIGEST)),
    ],
)
def test_names(name: str, place: Place) -> None:
    assert parse_place(name) == place


@pytest.mark.parametrize(
    "name",
    ["", "UPPER/case", "x.io/App", "x.io/../app", "x.io//app", "x.io/a/", "app:", f"app:{'t' * 129}", "app@sha256:12",
     "x.io/app?q", "user@x.io/app", "x.io/app:1\n", "a/" * 200 + "a", f"{'a' * 200}.io/{'b' * 100}", "x.io/é"],
)  # fmt: skip
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(UsageError):
        parse_place(name)


def test_a_place_in_words() -> None:
    assert str(parse_place("node:20")) == "docker.io/library/node:20"
    assert str(parse_place(f"x.io/app@{DIGEST}")) == f"x.io/app@{DIGEST}"


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("127.8.8.8", "http://127.8.8.8"),
        ("localhost", "http://localhost"),
        ("[::1]:5000", "http://[::1]:5000"),
        ("registry:5000", "https://registry:5000"),
        ("127.0.0.1.evil.example", "https://127.0.0.1.evil.example"),
        ("localhost.example", "https://localhost.example"),
    ],
)
def test_plain_http_is_for_loopback_alone(host: str, origin: str) -> None:
    place = Place(host, "app", "1")
    assert place.origin == origin
    assert place.url == f"{origin}/v2/app"


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://x.io/token", True),
        ("http://127.0.0.1:5000/token", True),
        ("http://localhost", True),
        ("http://x.io/token", False),
        ("http://127.0.0.1@x.io/token", False),
        ("http://127.0.0.1:80@x.io/", False),
        ("http://127.0.0.1?@x.io/", False),
        ("http://127.0.0.1\\@x.io/", False),
        ("file:///etc/passwd", False),
        ("//x.io/", False),
        ("", False),
    ],
)
def test_where_a_secret_may_be_sent(url: str, safe: bool) -> None:
    assert is_safe(url) is safe

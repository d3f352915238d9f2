"""What the `--mount` flags of a RUN say."""

import pytest

from imageopt.dockerfile import parse
from imageopt.dockerfile.mounts import mounts_of


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("--mount=type=cache,target=/a", [("cache", "/a")]),
        (
            "--mount=type=cache,dst=/a --network=none --mount=type=tmpfs,destination=/b",
            [("cache", "/a"), ("tmpfs", "/b")],
        ),
        ("--mount=from=build", [("", "")]),
        ("--mount=type=bind,target=,dst=/c", [("bind", "/c")]),
        ("--network=none", []),
    ],
)
def test_kind_and_target(flags: str, expected: list[tuple[str, str]]) -> None:
    run = parse(f"FROM a\nRUN {flags} true\n".encode()).instructions[1]
    assert [(mount.kind, mount.target) for mount in mounts_of(run)] == expected

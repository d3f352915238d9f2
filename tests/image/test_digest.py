"""The digest that is worked out beside the reading is the digest."""

import hashlib
import random
import threading

import pytest

from imageopt.image import digest
from imageopt.image.digest import Digest


@pytest.mark.parametrize("begin", [0, 1000, 10**9])
def test_it_is_the_digest_of_all_pieces_in_order(begin: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest, "_FROM", begin)
    chance = random.Random(1)
    pieces = [chance.randbytes(chance.randrange(5000)) for _ in range(200)]
    with Digest() as found:
        for piece in pieces:
            found.update(piece)
        assert found.value() == f"sha256:{hashlib.sha256(b''.join(pieces)).hexdigest()}"
    assert found.length == sum(map(len, pieces))


def test_its_thread_ends_with_whatever_breaks_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest, "_FROM", 1)
    before = threading.active_count()

    def break_off() -> None:
        with Digest() as found:
            found.update(b"x")
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        break_off()
    assert threading.active_count() == before

"""A page that is sent while it is made -> the page in one piece, however it happened to be cut.

Next sends what React makes of a page as it comes, each piece in a script of its own
(`self.__next_f.push([1,"…"])`): how many there are is a matter of the moment, and the browser joins them. Astro writes
a checksum of the rest of it into an island's tag, the hashes in names of files included: it says nothing of its own.
"""

import re
from collections.abc import Sequence

from msgspec.structs import replace

from imageopt.verify.exchange import Exchange
from imageopt.verify.run import Observed

_CUT = re.compile(rb'"\]\)</script><script(?: nonce="[^"]*")?>self\.__next_f\.push\(\[1,"')

_CHECKSUM = re.compile(rb'(?<=<astro-island uid=")\w+')


def in_one_piece(runs: Sequence[Observed]) -> list[Observed]:
    """The runs with each of their pages joined, and without checksums of the page in it."""
    return [replace(run, answers=tuple(map(_joined, run.answers))) for run in runs]


def _joined(answer: Exchange) -> Exchange:
    body = _CHECKSUM.sub(b"~", _CUT.sub(b"", answer.body))
    return answer if body == answer.body else replace(answer, body=body)

"""Reading Dockerfiles: `parse` gives the lossless tree, the other modules read and change it.

`parse` is looked up on first use, so that importing the types alone costs nothing.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imageopt.dockerfile.parser import parse

__all__ = ["parse"]


def __getattr__(name: str) -> object:
    if name != "parse":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from imageopt.dockerfile.parser import parse

    return parse

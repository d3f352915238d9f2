"""Finds what makes a container image big, rewrites the Dockerfile, and proves the result.

As a library, `analyze`, `rewrite` and `verify` are what the commands call, and
`imageopt.dockerfile.parse` reads a Dockerfile without losing a byte. Nothing else is public.
"""

TYPE_CHECKING = False  # as type checkers read it; importing typing would take longer than `--version`
if TYPE_CHECKING:
    from imageopt.api import analyze, rewrite, verify

__version__ = "0.1.0"
__all__ = ["__version__", "analyze", "rewrite", "verify"]


def __getattr__(name: str) -> object:
    """Loads the library on first use, so that `imageopt --version` does not pay for it."""
    if name in ("analyze", "rewrite", "verify"):
        from imageopt import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

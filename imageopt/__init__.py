"""Finds what makes a container image big, rewrites the Dockerfile, and proves the result.

As a library, `analyze`, `rewrite` and `verify` are what the commands call, and
`imageopt.dockerfile.parse` reads a Dockerfile without losing a byte. Nothing else is public.
"""

__version__ = "0.1.0"

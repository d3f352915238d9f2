"""Reading Dockerfiles: `parse` gives the lossless tree, the other modules read and change it."""

from imageopt.dockerfile.parser import parse

__all__ = ["parse"]

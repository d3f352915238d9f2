"""Finds the heredocs of a RUN, COPY or ADD line: which end markers follow, in which order.

What surprises: BuildKit lexes the joined line before it looks, always with a backslash as escape; one quote or `${`
that does not match up, and the line has no heredoc at all.
"""

from msgspec import Struct

from imageopt.dockerfile.expand import heredoc_name, heredoc_words
from imageopt.dockerfile.words import SPACE
from imageopt.lazy_pattern import lazy_pattern

_HEREDOC = lazy_pattern(rf"[0-9]*<<(-?)[{SPACE}]*([^<]+)")


class Marker(Struct, frozen=True):
    """The end marker of a heredoc; `expand` is False where it was quoted (a backslash is no quote to BuildKit)."""

    name: str
    expand: bool
    strip_tabs: bool

    def ends(self, line: str) -> bool:
        """Whether this line, without its line end, closes the heredoc."""
        return (line.lstrip("\t") if self.strip_tabs else line) == self.name


def find_markers(line: str) -> tuple[Marker, ...]:
    """The heredocs that a joined line opens, in the order in which their bodies follow."""
    if "<<" not in line:
        return ()
    matches = (_HEREDOC.fullmatch(word) for word in heredoc_words(line))
    named = ((match, heredoc_name(match[2])) for match in matches if match)
    return tuple(Marker(name[0], name[1], match[1] == "-") for match, name in named if name)

"""Applies span edits to a text. What no edit touches stays as it is, character for character."""

from collections.abc import Iterable

from imageopt.dockerfile.model import Edit


def apply(text: str, edits: Iterable[Edit]) -> str:
    """The text with all edits made. Spans count in the old text, so the order of the edits does not matter.

    Insertions at one place stay in the order given. Raises ValueError where spans overlap or leave the text.
    """
    result: list[str] = []
    done = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        if not done <= edit.start <= edit.end <= len(text):
            raise ValueError(f"the edit of {edit.start}:{edit.end} overlaps another or leaves the text")
        result += (text[done : edit.start], edit.replacement)
        done = edit.end
    return "".join(result) + text[done:]


def before(offset: int, edits: Iterable[Edit]) -> int:
    """Where the character at an offset of the edited text stood; for one that came in, where it was put in.

    The edits are in the order of their places.
    """
    shift = 0
    for edit in edits:
        if offset < edit.start + shift:
            break
        if offset < edit.start + shift + len(edit.replacement):
            return edit.start
        shift += len(edit.replacement) - (edit.end - edit.start)
    return offset - shift

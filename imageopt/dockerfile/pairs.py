"""The names and values of ENV, LABEL and ARG."""

import re

from msgspec import Struct

from imageopt.dockerfile.model import Instruction, Word


class Pair(Struct, frozen=True):
    """A name and its value as written, with quotes and variables; `value` is None for an ARG without a default."""

    name: str
    value: str | None
    word: Word


def pairs(instruction: Instruction) -> tuple[Pair, ...]:
    """The pairs of an ENV, LABEL or ARG, in order; of `ENV key value` one. Words without `=` are left out."""
    words = instruction.words
    if instruction.keyword == "ARG":
        return tuple(_pair(word) for word in words)
    if words and "=" not in words[0].raw:
        return (Pair(words[0].value, words[1].raw, words[1]),) if len(words) == 2 else ()
    return tuple(_pair(word) for word in words if "=" in word.raw)


def refers_to(text: str, instruction: Instruction) -> bool:
    """Whether the text names, as `$NAME` or `${NAME`, one of the variables of an ENV or ARG."""
    return any(re.search(rf"\$\{{?{re.escape(pair.name)}\b", text) for pair in pairs(instruction))


def _pair(word: Word) -> Pair:
    name, equals, value = word.raw.partition("=")
    return Pair(name, value if equals else None, word)

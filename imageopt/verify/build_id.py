"""Answers of two builds -> the identifier that each build makes up for itself, where they differ in nothing else.

Next.js draws one at random and writes it into every page. It is one value on each side, of the same length, and the two
take each other's place everywhere: then it says nothing about the program. Anything less regular is a difference, but
for the name that SvelteKit makes of its build, whose length varies.
"""

import re
from collections.abc import Iterable

from imageopt.verify.exchange import Exchange

MADE_UP = "an identifier that each build makes up"
_TOKEN = re.compile(rb"[A-Za-z0-9_-]{16,64}")
_SVELTEKIT = re.compile(rb"__sveltekit_[a-z0-9]{4,8}")  # a number of 32 bits in base 36, made of the time of the build
_LOOKS_DRAWN = re.compile(rb"(?=.*[a-z])(?=.*(?:[A-Z]|\d))")


def build_identifier(before: Iterable[Exchange], after: Iterable[Exchange]) -> tuple[bytes, bytes] | None:
    """The identifier of each build; None where they differ in no such value, in several, or in more than that."""
    others = {exchange.what: exchange.body for exchange in after}
    found: set[tuple[bytes, bytes]] = set()
    for exchange in before:
        other = others.get(exchange.what)
        if other is None or other == exchange.body:
            continue
        old, new = _TOKEN.findall(exchange.body), _TOKEN.findall(other)
        if len(old) == len(new):
            found |= {pair for pair in zip(old, new, strict=True) if pair[0] != pair[1]}
    if len(found) != 1:
        return None
    ((old_token, new_token),) = found
    drawn = _LOOKS_DRAWN.match(old_token) and _LOOKS_DRAWN.match(new_token) and len(old_token) == len(new_token)
    named = _SVELTEKIT.fullmatch(old_token) and _SVELTEKIT.fullmatch(new_token)
    return (old_token, new_token) if drawn or named else None

"""The `--mount` flags of a RUN, each as what it says: `type=cache,target=/root/.npm` and its older spellings.

Nothing is filled in: a mount that names no type is a bind mount to BuildKit, and one without a target lies on WORKDIR,
but what that means is for the reader to say (BuildKit, frontend/dockerfile/docs/reference.md, RUN --mount).
"""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from imageopt.dockerfile.model import Instruction

_TARGETS = ("target", "dst", "destination")


class Mount(Struct, frozen=True):
    """`kind` and `target` are empty where the flag names none; `options` are all that it names."""

    kind: str
    target: str
    options: Mapping[str, str]


def mounts_of(instruction: Instruction) -> Iterator[Mount]:
    """The mounts of the instruction, in their order."""
    for flag in instruction.flags:
        if flag.name == "mount":
            options = dict(part.partition("=")[::2] for part in flag.value.split(","))
            target = next((options[name] for name in _TARGETS if options.get(name)), "")
            yield Mount(options.get("type", ""), target, options)

"""A mapping and a list of which each instruction makes a new version, and all versions stay readable.

What surprises: versions share their storage, so that fifty thousand of them cost as much as fifty thousand changes and
not as many copies. Only a change to a version that was changed before makes a copy.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Generic, TypeVar, overload

Value = TypeVar("Value")
_GONE = object()


class Versions(Mapping[str, Value], Generic[Value]):
    """One version of a mapping."""

    __slots__ = ("_latest", "_log", "_time")

    def __init__(self, log: dict[str, tuple[list[int], list[Value | object]]], latest: list[int], time: int) -> None:
        self._log = log  # for each key the times of its changes, and what it became
        self._latest = latest  # the time of the newest version that shares the log
        self._time = time

    @classmethod
    def of(cls, items: Mapping[str, Value]) -> "Versions[Value]":
        """The first version, with these items."""
        return cls({key: ([0], [value]) for key, value in items.items()}, [0], 0)

    def changed(self, key: str, value: Value) -> "Versions[Value]":
        """The version in which the key has this value."""
        return self._next(key, value)

    def without(self, key: str) -> "Versions[Value]":
        """The version without the key."""
        return self._next(key, _GONE) if key in self else self

    def _next(self, key: str, value: Value | object) -> "Versions[Value]":
        start = self if self._latest[0] == self._time else Versions.of(self)  # else a later one was made of it already
        log, latest, time = start._log, start._latest, start._time + 1  # noqa: SLF001
        latest[0] = time
        times, values = log.setdefault(key, ([], []))
        times.append(time)
        values.append(value)
        return Versions(log, latest, time)

    def __getitem__(self, key: str) -> Value:
        times, values = self._log[key]
        at = len(times) if times[-1] <= self._time else bisect_right(times, self._time)
        if at == 0 or values[at - 1] is _GONE:
            raise KeyError(key)
        return values[at - 1]  # type: ignore[return-value]

    def __iter__(self) -> Iterator[str]:
        return (key for key in self._log if key in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return repr(dict(self))


class Growing(Sequence[str]):
    """The first texts of a list that grows: each longer version shares it."""

    __slots__ = ("_length", "_texts")

    def __init__(self, texts: list[str], length: int) -> None:
        self._texts = texts
        self._length = length

    def added(self, text: str) -> "Growing":
        """The version with one more at its end."""
        texts = self._texts if len(self._texts) == self._length else list(self)
        texts.append(text)
        return Growing(texts, len(texts))

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        return tuple(self)[index] if isinstance(index, slice) else self._texts[range(self._length)[index]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts[: self._length])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))

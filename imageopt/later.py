"""Values that are worked out when somebody first looks into them.

They stand where a sequence or a mapping is expected and cannot be told from one, but for what they cost: an image that
was read before is answered for without its thirty thousand files, unless somebody asks for one of them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")


class Later(Generic[T]):
    """A value that `make` gives, once."""

    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[], T]) -> None:
        self._make: Callable[[], T] | None = make
        self._made: T

    def get(self) -> T:
        """The value itself."""
        if self._make is not None:
            self._made = self._make()
            self._make = None  # and what it holds
        return self._made


class LaterSequence(Sequence[V]):
    """A sequence that `make` gives when it is first looked into."""

    __slots__ = ("_later",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, make: Callable[[], Sequence[V]]) -> None:
        self._later = Later(make)

    @overload
    def __getitem__(self, index: int) -> V: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[V]: ...
    def __getitem__(self, index: int | slice) -> V | Sequence[V]:
        return self._later.get()[index]

    def __len__(self) -> int:
        return len(self._later.get())

    def __iter__(self) -> Iterator[V]:
        return iter(self._later.get())

    def __eq__(self, other: object) -> bool:
        return tuple(self) == (tuple(other) if isinstance(other, LaterSequence) else other)

    def __repr__(self) -> str:
        return repr(self._later.get())


class LaterMapping(Mapping[K, V]):
    """A mapping that `make` gives when it is first looked into."""

    __slots__ = ("_later",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, make: Callable[[], Mapping[K, V]]) -> None:
        self._later = Later(make)

    def __getitem__(self, key: K) -> V:
        return self._later.get()[key]

    def get(self, key: K, default: Any = None) -> Any:
        """As a dictionary's, and as fast as can be: the one in `Mapping` makes and catches a KeyError."""
        return self._later.get().get(key, default)

    def __contains__(self, key: object) -> bool:
        return key in self._later.get()

    def __len__(self) -> int:
        return len(self._later.get())

    def __iter__(self) -> Iterator[K]:
        return iter(self._later.get())

    def __eq__(self, other: object) -> bool:
        return dict(self.items()) == (dict(other.items()) if isinstance(other, LaterMapping) else other)

    def __repr__(self) -> str:
        return repr(self._later.get())

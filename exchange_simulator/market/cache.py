"""A memory-bounded cache that drops the least recently used values first."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Protocol, TypeVar


class Sized(Protocol):
    """Something that knows how much memory it holds."""

    @property
    def nbytes(self) -> int:
        """Return the memory held, in bytes."""
        ...


T = TypeVar("T", bound=Sized)


@dataclass(frozen=True)
class Caches:
    """Memory for what is served, and less of it for what that is made from."""

    rows: "ByteLru"
    """Rendered rows."""
    columns: "ByteLru"
    """Trades and the like: larger than the rows made from them, and seldom needed again."""

    @classmethod
    def of_size(cls, max_bytes: int) -> "Caches":
        """Return caches that together hold `max_bytes`."""
        return cls(ByteLru(max_bytes * 3 // 4), ByteLru(max_bytes // 4))


class ByteLru:
    """Keeps values up to `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0
        self._values: OrderedDict[Hashable, Sized] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the value of `key`, made now unless it is kept."""
        value = self._values.get(key)
        if value is None:
            value = make()
            self._values[key] = value
            self._held += value.nbytes
            while self._held > self._limit and len(self._values) > 1:
                self._held -= self._values.popitem(last=False)[1].nbytes
        else:
            self._values.move_to_end(key)
        return value  # type: ignore[return-value]

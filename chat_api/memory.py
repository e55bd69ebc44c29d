"""What the service remembers between requests: bounded, in memory, the oldest forgotten first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Memory(Generic[T]):
    """Values by key, at most so many and of so much weight together.

    Args:
        most: how many values are kept.
        weight: what a value weighs; None where only their number counts.
        heaviest: what all of them may weigh together.
    """

    def __init__(self, most: int, weight: Callable[[T], int] | None = None, heaviest: int = 0) -> None:
        self._most = most
        self._weigh = weight
        self._heaviest = heaviest
        self._weight = 0
        self._kept: OrderedDict[str, T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> T | None:
        """The value, now the youngest; None where it is not known (any more)."""
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key]

    def put(self, key: str, value: T) -> None:
        """Keep a value; the newest is always kept."""
        with self._lock:
            self._forget(key)
            self._kept[key] = value
            self._weight += self._weigh(value) if self._weigh else 0
            while len(self._kept) > self._most or (
                self._weigh and self._weight > self._heaviest and len(self._kept) > 1
            ):
                self._forget(next(iter(self._kept)))

    def _forget(self, key: str) -> None:
        if key in self._kept:
            value = self._kept.pop(key)
            self._weight -= self._weigh(value) if self._weigh else 0

    def __len__(self) -> int:
        return len(self._kept)

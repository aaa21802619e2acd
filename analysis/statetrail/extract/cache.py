"""What was worked out before, within bounds: the same values are met again and again.

Enters: pure results by what they were made from. Leaves: them, until the memory is full and begins
anew. Nothing depends on what is remembered but the time that it takes.
"""


class BoundedCache[Key, Value](dict[Key, Value]):
    """A bounded memory of a pure function's results; `get` is the dictionary's own.

    Parameters
    ----------
    limit
        Results that are remembered.
    """

    __slots__ = ("_limit",)

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit

    def keep(self, key: Key, value: Value) -> Value:
        """Remember a result, and return it."""
        if len(self) >= self._limit:
            self.clear()
        self[key] = value
        return value

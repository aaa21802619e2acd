"""A bounded cache of a pure function's results: the same values come again and again.

Nothing depends on what is cached but the time that it takes.
"""


class BoundedCache[Key, Value](dict[Key, Value]):
    """At most `limit` results by what they were made from; `get` is the dictionary's own.

    A full cache is emptied and starts anew.
    """

    __slots__ = ("_limit",)

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit

    def keep(self, key: Key, value: Value) -> Value:
        """Cache a result, and return it."""
        if len(self) >= self._limit:
            self.clear()
        self[key] = value
        return value

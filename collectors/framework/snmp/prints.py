"""What the rows of a table looked like on the wire, so that one that comes again as it was need not be decoded (pure).

Of each row the length and a hash of its varbinds are kept, 10 bytes. The hash is Python's own of bytes, 64 bits and
keyed anew in each process: no agent can foresee it, and one that could would deceive us about itself alone.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import compress

MOST_BYTES = 0xFFFF
MANY = 256
"""Rows that are new: so many are not put into lists one by one, which would go with their square."""
NO_PRINT = (0, -1)
"""Of a row that is to be decoded whatever it looks like: no hash is -1."""

Oid = tuple[int, ...]


class Prints:
    """The rows of a table, each with its length and hash; only rows whose index is one number.

    Attributes:
        columns: that a row's varbinds are of, in their order.
        indexes: rising.
        sizes, hashes: in the order of the indexes.
    """

    __slots__ = ("columns", "hashes", "indexes", "sizes")

    def __init__(
        self,
        columns: Iterable[Oid],
        indexes: Iterable[int] = (),
        sizes: Iterable[int] = (),
        hashes: Iterable[int] = (),
    ) -> None:
        self.columns = tuple(columns)
        self.indexes = tuple(indexes)
        self.sizes = array("H", sizes)
        self.hashes = array("q", hashes)

    def without(self, places: Sequence[int]) -> Prints:
        """All but some."""
        out = bytearray(b"\1") * len(self.indexes)
        for place in places:
            out[place] = 0
        return Prints(self.columns, compress(self.indexes, out), compress(self.sizes, out), compress(self.hashes, out))

    def with_rows(self, rows: Mapping[int, tuple[int, int]]) -> Prints:
        """These, and more."""
        if len(rows) > MANY:
            known = dict(zip(self.indexes, zip(self.sizes, self.hashes, strict=True), strict=True))
            known.update(rows)
            order = sorted(known)
            return _made(self.columns, order, [known[index] for index in order])
        indexes, sizes, hashes = list(self.indexes), self.sizes[:], self.hashes[:]
        for index, (size, found) in rows.items():
            at = bisect_right(indexes, index)
            indexes.insert(at, index)
            sizes.insert(at, size)
            hashes.insert(at, found)
        return Prints(self.columns, indexes, sizes, hashes)

    def over(self, indexes: tuple[int, ...], without: Collection[int] = ()) -> Prints:
        """The prints of these rows, in their order; none where there is none, and of those `without`."""
        if self.indexes == indexes:
            found = Prints(self.columns, indexes, self.sizes, self.hashes)
        else:
            known = dict(zip(self.indexes, zip(self.sizes, self.hashes, strict=True), strict=True))
            found = _made(self.columns, indexes, [known.get(index, NO_PRINT) for index in indexes])
        if without:
            for place, index in enumerate(indexes):
                if index in without:
                    found.sizes[place], found.hashes[place] = NO_PRINT
        return found


class Comparing:
    """A walk over a table of which the prints are known; or of which they are made.

    Args:
        known: of the table when it was walked last.
        columns: that are walked. When there are more than prints are of, all rows are decoded, and the prints are of
            the first ones.

    Attributes:
        width: how many columns are walked.
        same: how many rows came as they were.
    """

    def __init__(self, known: Prints, columns: Sequence[Oid]) -> None:
        self._known = known
        self._skips = bool(known.indexes) and known.columns == tuple(columns)
        self._prints = len(known.columns) if known.columns == tuple(columns[: len(known.columns)]) else 0
        self.width = len(columns)
        self.begin_again()

    def begin_again(self) -> None:
        """Forget what was compared."""
        self._place = 0
        self._most = len(self._known.indexes) if self._skips else 0
        self._runs: list[tuple[int, int]] = []
        self._fresh: dict[int, tuple[int, int]] = {}
        self.same = 0

    def stand(self, last: Oid) -> None:
        """Expect the row that follows an index."""
        self._place = bisect_right(self._known.indexes, last[0]) if last else 0

    def skip(self, data: bytes, at: int, stop: int) -> int:
        """Pass over all rows from `at` on that are those expected; return where the first other one starts."""
        sizes, hashes, most = self._known.sizes, self._known.hashes, self._most
        begun = place = self._place
        while place < most:
            end = at + sizes[place]
            if hash(data[at:end]) != hashes[place] or end > stop:
                break
            at = end
            place += 1
        if place > begun:
            self._place = place
            self._runs.append((begun, place))
            self.same += place - begun
        return at

    @property
    def last(self) -> Oid:
        """Index of the row that was passed over last."""
        return (self._known.indexes[self._place - 1],)

    def took(self, index: Oid, data: bytes, at: int, end: int) -> None:
        """A row was decoded: make its print, and expect the one that follows."""
        number = index[0]
        if len(index) == 1:
            if self._prints < self.width:
                end = _end_of(self._prints, data, at, end)
            if at < end <= at + MOST_BYTES:
                self._fresh[number] = (end - at, hash(data[at:end]))
        place = self._place
        if place < self._most and self._known.indexes[place] == number:
            self._place = place + 1
        else:
            self._place = bisect_right(self._known.indexes, number)

    def differ(self) -> list[int] | None:
        """Places of the known rows that did not come as they were; None when no row was compared."""
        if not self._skips:
            return None
        places: list[int] = []
        at = 0
        for begin, end in self._runs:
            places += range(at, begin)
            at = end
        places += range(at, self._most)
        return places

    def prints(self) -> Prints:
        """Of the table as it is now."""
        known, fresh, differ = self._known, self._fresh, self.differ()
        if differ is None:
            return _made(known.columns, fresh, fresh.values())
        if len(differ) == len(fresh) and all(known.indexes[place] in fresh for place in differ):
            now = Prints(known.columns, known.indexes, known.sizes, known.hashes)
            for place in differ:
                now.sizes[place], now.hashes[place] = fresh[known.indexes[place]]
            return now
        return known.without(differ).with_rows(fresh)


def _made(columns: Iterable[Oid], indexes: Iterable[int], rows: Iterable[tuple[int, int]]) -> Prints:
    pairs = list(rows)
    return Prints(columns, indexes, [size for size, _ in pairs], [found for _, found in pairs])


def _end_of(varbinds: int, data: bytes, at: int, end: int) -> int:
    """Where so many varbinds end that begin at `at`; `at` when that is not as simple as it mostly is."""
    mark = at
    for _ in range(varbinds):
        size = data[mark + 1]
        if size > 0x7F:
            return at
        mark += size + 2
    return mark if mark <= end else at

"""Curves as DEF and CDEF of rrdtool: which files, which points, reckoned how (pure).

Each variable is made once, however many curves need it.
"""

from __future__ import annotations

from msgspec import Struct

from common.rpn import compile_rpn, number_rpn

OWN = "value"
"""The name of a curve's own point in its transform."""


class File(Struct, frozen=True, kw_only=True):
    """A file of series, as far as a picture reads it.

    Attributes:
        path: without colon or backslash.
        names: of its points.
        start: first epoch second to read, where the finest rows begin a little later than the picture; else 0.
        copies: files with the same points, which know of times that this one has forgotten.
        copies_first: what they know holds, even where the file knows something coarser.
    """

    path: str
    names: frozenset[str]
    start: int = 0
    copies: tuple[str, ...] = ()
    copies_first: bool = False


class Term(Struct, frozen=True, kw_only=True):
    """A point of a file, or what an expression makes of it.

    Attributes:
        needs: points that the expression names, without its own.
        factor: what it is multiplied by; above 0.
    """

    file: File
    point: str
    transform: str = ""
    needs: frozenset[str] = frozenset()
    factor: float = 1.0

    @property
    def has_range(self) -> bool:
        """Whether least and greatest are those of its point's; of several points they are not of one moment."""
        return not self.needs


class Definitions:
    """Variables of one picture, or of one reading.

    Args:
        start, end: epoch seconds of the picture, or of a time that it is compared with.
        step_s: seconds of each row that is made of the file's rows; 0 for what a pixel holds.

    Attributes:
        lines: arguments of rrdtool, in order.
    """

    def __init__(self, start: int, end: int, step_s: int = 0, *, compared: bool = False) -> None:
        self._start = start
        self._end = end
        self._step_s = step_s
        self._compared = compared
        self._made: dict[tuple[object, ...], str] = {}
        self.lines: list[str] = []

    def total(self, terms: tuple[Term, ...], cf: str, *, each: str = "", earlier_s: int = 0) -> str:
        """The variable of a sum of terms; what is unknown in one of several is left out.

        Args:
            terms: at least one.
            cf: AVERAGE, MIN or MAX.
            each: what is done with each value of the sum, as RPN.
            earlier_s: it is read of so much earlier, and put at its place in the picture.
        """
        key = (terms, cf, each, earlier_s)
        if key not in self._made:
            parts = [self._term(term, cf, earlier_s) for term in terms]
            text = parts[0] + "".join(f",{part},ADDNAN" for part in parts[1:]) + (f",{each}" if each else "")
            name = self._new(key, "t", f"CDEF:{{}}={text}")
            if earlier_s:
                self.lines.append(f"SHIFT:{name}:{earlier_s}")
        return self._made[key]

    def reckoned(self, text: str) -> str:
        """The variable of an RPN over other variables."""
        return self._made.get((text,)) or self._new((text,), "r", f"CDEF:{{}}={text}")

    def _term(self, term: Term, cf: str, earlier_s: int) -> str:
        found = self._plain_term(term, cf, earlier_s)
        return found if term.factor == 1 else self.reckoned(f"{found},{number_rpn(term.factor)},*")

    def _plain_term(self, term: Term, cf: str, earlier_s: int) -> str:
        if not term.transform:
            return self._point(term.file, term.point, cf, earlier_s)
        if cf == "AVERAGE" or not term.has_range:
            return self._transformed(term, "AVERAGE", earlier_s)
        # What falls where its point rises has its least where that is greatest.
        least, most = self._transformed(term, "MIN", earlier_s), self._transformed(term, "MAX", earlier_s)
        return self.reckoned(f"{least},{most},{cf}")

    def _transformed(self, term: Term, cf: str, earlier_s: int) -> str:
        key = (term, cf, earlier_s, "transformed")
        if key not in self._made:
            names = {name: self._point(term.file, name, cf, earlier_s) for name in sorted(term.needs & term.file.names)}
            names[OWN] = self._point(term.file, term.point, cf, earlier_s)
            names.setdefault(term.point, names[OWN])
            self._new(key, "x", f"CDEF:{{}}={compile_rpn(term.transform, names)}")
        return self._made[key]

    def _point(self, file: File, point: str, cf: str, earlier_s: int) -> str:
        key = (file.path, point, cf, earlier_s)
        if key in self._made:
            return self._made[key]
        moved = not self._compared and self._start < file.start < self._end
        options = f":start={file.start}" if moved else ""
        if earlier_s:
            options = f":start={self._start - earlier_s}:end={self._end - earlier_s}"
        if self._step_s:
            options += f":step={self._step_s}:reduce={cf}"
        name = ""
        for path in (file.path, *file.copies):
            found = self._new((path, point, cf, earlier_s, "def"), "d", f"DEF:{{}}={path}:{point}:{cf}{options}")
            first, second = (found, name) if file.copies_first else (name, found)
            name = self.reckoned(f"{first},UN,{second},{first},IF") if name else found
        self._made[key] = name
        return name

    def _new(self, key: tuple[object, ...], letter: str, line: str) -> str:
        name = f"{letter}{len(self._made)}"
        self._made[key] = name
        self.lines.append(line.format(name))
        return name


def scaled(factor: float, *, times_width: bool) -> str:
    """What is done with each value, so that it is in units of the scale; of rates, how much there was in a row."""
    parts = ["STEPWIDTH,*"] if times_width else []
    if factor != 1:
        parts.append(f"{number_rpn(factor)},/")
    return ",".join(parts)

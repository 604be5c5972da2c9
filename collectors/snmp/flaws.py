"""What is wrong with a source of a device, in words (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from collectors.framework.snmp.errors import error_key, oid_text
from collectors.framework.sources.results import Problem
from collectors.snmp.join import MOST_ROWS, NO_ROWS, Joined
from collectors.snmp.naming import index_text
from collectors.snmp.recipe import Recipe
from common.errors import TocsinError
from common.events import Severity

POINT, ROWS, NAMES, CUT = "snmp_point", "snmp_rows", "snmp_names", "snmp_cut"
"""What the keys of events begin with; the id of the source follows, and of `POINT` the point."""
MOST_NAMED = 10
LATER = "It is asked less often until it answers."
BY_HAND = "See what snmpget or snmpwalk shows of it."


def flaws(recipe: Recipe, joined: Joined, came: Mapping[int, str]) -> list[Problem]:
    """All that is wrong with a source now.

    Args:
        recipe: of the source.
        joined: what became of it.
        came: what came of objects that said nothing when they were asked last, by number.
    """
    return [*_rows(recipe, joined, came), *_points(recipe, joined, came), *_names(recipe, joined)]


def unreadable(error: TocsinError) -> Problem:
    """Why nothing of a device can be read: the same event, whatever source it is that was to be read."""
    return Problem(key=error_key(error), summary=error.message[:500], severity=Severity.ERROR)


def _points(recipe: Recipe, joined: Joined, came: Mapping[int, str]) -> Iterator[Problem]:
    source = recipe.source.id
    for point, wrong in recipe.flaws.items():
        yield _problem(recipe, f"{POINT}:{source}:{point}", f"{source}: {point} cannot be made: {wrong}", "")
    whole = _silent(recipe, came)
    for made in recipe.made:
        key = f"{POINT}:{source}:{made.point}"
        bad = sorted(place for place in made.numbers if place in came)
        odd = sorted(place for place in made.numbers if place in joined.odd)
        if bad and not whole:
            what = "; ".join(f"{where(recipe, place)} gave {came[place]}" for place in bad[:MOST_NAMED])
            yield _problem(recipe, key, f"{source}: {made.point} is unknown: {what}", f"{LATER} {BY_HAND}")
        elif odd and not bad:
            strange = joined.odd[odd[0]]
            rows = "one row" if strange.count == 1 else f"{strange.count} rows"
            what = f"{where(recipe, odd[0])} gave {strange.came} in row {index_text(strange.index)}, which is no number"
            yield _problem(recipe, key, f"{source}: {made.point} is unknown in {rows}: {what}", BY_HAND)


def _rows(recipe: Recipe, joined: Joined, came: Mapping[int, str]) -> Iterator[Problem]:
    source = recipe.source.id
    if joined.cut:
        summary = f"{source}: not all rows could be read: {joined.cut}"
        yield _problem(recipe, f"{CUT}:{source}", summary, "Nothing is concluded of the rows that are missing.")
    elif joined.left:
        summary = f"{source}: {MOST_ROWS + joined.left} rows, of which the first {MOST_ROWS} are read"
        yield _problem(recipe, f"{CUT}:{source}", summary, "Have the template ask for less, or say 'only'.")
    elif joined.several:
        summary = f"{source}: {joined.several} rows where one was expected, of which the first is read"
        yield _problem(recipe, f"{CUT}:{source}", summary, "Write sum($1) or avg($1), or give the source a name.")
    if _silent(recipe, came):
        asked = [place for place in sorted(recipe.walked) if place in came]
        first = oid_text(recipe.objects[asked[0] - 1].oid)
        more = f" and {len(asked) - 1} more" if len(asked) > 1 else ""
        summary = f"{source}: the agent has no rows of .{first}{more}"
        yield _problem(recipe, f"{ROWS}:{source}", summary, LATER, Severity.INFO)
    elif recipe.named and all(place in came for place in recipe.named):
        what = "; ".join(f"{where(recipe, place)} gave {came[place]}" for place in sorted(recipe.named))
        yield _problem(recipe, f"{ROWS}:{source}", f"{source}: rows have no names: {what}", f"{LATER} {BY_HAND}")


def _names(recipe: Recipe, joined: Joined) -> Iterator[Problem]:
    if not joined.twice:
        return
    source = recipe.source.id
    told = [
        f"{name!r} are the rows {', '.join(index_text(row) for row in rows[:MOST_NAMED])}"
        for name, rows in list(joined.twice.items())[:MOST_NAMED]
    ]
    more = f", and {len(joined.twice) - MOST_NAMED} more names" if len(joined.twice) > MOST_NAMED else ""
    yield _problem(
        recipe,
        f"{NAMES}:{source}",
        f"{source}: several rows have one name: {'; '.join(told)}{more}",
        "The first row has the name, the others have their index behind it. Give them names that differ.",
    )


def _silent(recipe: Recipe, came: Mapping[int, str]) -> bool:
    """Whether the agent has nothing of all that is walked."""
    return bool(recipe.walked) and all(came.get(place) == NO_ROWS for place in recipe.walked)


def _problem(recipe: Recipe, key: str, summary: str, message: str, severity: Severity = Severity.WARNING) -> Problem:
    tail = f" (template {recipe.source.template})"
    return Problem(key=key, summary=summary[: 500 - len(tail)] + tail, message=message, severity=severity)


def where(recipe: Recipe, place: int) -> str:
    """An object of a source."""
    asked = recipe.objects[place - 1]
    return f"${place} (.{oid_text(asked.oid)}{', walked' if asked.walk else ''})"

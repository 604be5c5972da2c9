"""Sources of the type status: something of the collector's own host."""

from __future__ import annotations

from collections.abc import Iterable

from common.matching import check_regex
from common.sources import Follow, Match
from common.statuspoints import ITEMS
from hub.model.fields import Fault, FieldSpec, Reader, WrongValueError, choice, many, text, unknown
from hub.model.nested import line_of
from hub.model.sourcefields.shape import SourceFields, Values, check_known
from hub.model.sources import Source
from hub.model.yaml import Item

PROCESSES = "processes"

_word = text("an item of the status", r".+")


def _read_item(item: Item) -> str:
    word: str = _word(item)
    if word not in ITEMS:
        raise WrongValueError(Fault(item.line, "", unknown("item", word, ITEMS)))
    return word


def _check(values: Values, item: Item) -> Iterable[Fault]:
    if "item" not in values:
        return
    known = ITEMS[values["item"]]
    yield from check_known(values, item, {point.name: point for point in known.points}, "the status collector")
    if "only" in values and not known.names:
        yield Fault(line_of(item, "only"), ".only", f"of {known.name} there is nothing to choose from; leave it out")
    elif not values.get("only") and known.must_name:
        yield Fault(line_of(item, "only"), "", f"{known.name} needs 'only': {known.names}")
    if known.name != PROCESSES:
        for name in {"match", "follow"} & values.keys():
            yield Fault(line_of(item, name), f".{name}", f"is for the item {PROCESSES} alone; leave it out")
    elif values.get("match") == Match.REGEX.value:
        for pattern in values.get("only", ()):
            if sentence := check_regex(pattern):
                yield Fault(line_of(item, "only"), ".only", sentence)


def _fits(source: Source, component: str) -> Iterable[str]:
    known = ITEMS.get(source.item)
    if known is not None and known.component != component:
        yield f"the item {source.item} belongs in a template with component: {known.component}, not {component}"


STATUS = SourceFields(
    fields={
        "item": FieldSpec(Reader(_read_item, {"enum": list(ITEMS)})),
        "only": FieldSpec(many(text("a name on one line", r".+", longest=4096), longest=1000)),
        "match": FieldSpec(choice(*(one.value for one in Match))),
        "follow": FieldSpec(choice(*(one.value for one in Follow))),
    },
    needs=("item",),
    check=_check,
    fits=_fits,
)

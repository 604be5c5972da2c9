"""What a request says of a picture."""

from __future__ import annotations

import math
import re

from common.graphs import MAX_COMPARE_S, MAX_PERCENTILES, Theme
from hub.graphs.drawings import Wishes
from hub.web.call import Call
from hub.web.refusals import bad_request

PARAMETERS = (
    "theme", "compare_s", "percentile", "top", "band", "log", "thresholds", "events", "zone", "zoom", "title",
)  # fmt: skip
MAX_TOP = 100
MAX_TITLE = 200

_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{0,40}(/[A-Za-z0-9_+-]{1,40}){0,3}")
_YES_OR_NO = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


def wishes_of(call: Call) -> Wishes:
    """Read them.

    Raises:
        RefusalError: one does not fit.
    """
    zone = call.text("zone") or "UTC"
    if not _ZONE.fullmatch(zone):
        raise bad_request(f"parameter zone: got {zone[:80]!r}, wanted a time zone such as Europe/Vienna")
    title = call.text("title") or ""
    if len(title) > MAX_TITLE:
        raise bad_request(f"parameter title: wanted at most {MAX_TITLE} characters")
    return Wishes(
        theme=Theme(call.choice("theme", Theme.LIGHT.value, [theme.value for theme in Theme])),
        compare_s=call.integer("compare_s", 0, 0, MAX_COMPARE_S) or 0,
        percentiles=_percentiles(call),
        top=call.integer("top", 0, 0, MAX_TOP) or 0,
        band=_yes_or_no(call, "band"),
        log=_yes_or_no(call, "log"),
        thresholds=_yes_or_no(call, "thresholds"),
        events=_yes_or_no(call, "events"),
        zone=zone,
        zoom=call.integer("zoom", 1, 1, 4) or 1,
        title=title,
    )


def _yes_or_no(call: Call, name: str) -> bool | None:
    value = call.text(name)
    if value is None:
        return None
    found = _YES_OR_NO.get(value.lower())
    if found is None:
        raise bad_request(f"parameter {name}: got {value[:80]!r}, wanted 1 or 0")
    return found


def _percentiles(call: Call) -> tuple[float, ...] | None:
    texts = list(dict.fromkeys(call.all("percentile")))
    if not texts:
        return None
    if len(texts) > MAX_PERCENTILES:
        raise bad_request(f"parameter percentile: at most {MAX_PERCENTILES} may be given, not {len(texts)}")
    if texts == [""]:
        return ()
    return tuple(_percentile(text) for text in texts)


def _percentile(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < 100:
        raise bad_request(f"parameter percentile: got {text[:80]!r}, wanted a number above 0 and below 100")
    return value

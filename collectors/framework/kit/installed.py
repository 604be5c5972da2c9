"""Collectors that packages bring, by entry points of the group `tocsin.collectors`."""

from __future__ import annotations

from collections.abc import Sequence

from collectors.framework.interfaces import CollectorSpec
from collectors.framework.kit.collector import Collector
from collectors.framework.kit.program import spec
from common.entrypoints import COLLECTOR_NAME, COLLECTORS, OWN_COLLECTORS, Found, found, load, wrong
from common.errors import NotFoundError, SettingsError


def brought() -> Sequence[Found]:
    """All that packages bring, also what cannot be used; nothing is imported."""
    return found(COLLECTORS, COLLECTOR_NAME, OWN_COLLECTORS)


def spec_of(name: str) -> CollectorSpec:
    """The collector of a name, imported.

    Raises:
        NotFoundError: no package brings it.
        SettingsError: the package's cannot be used; the sentence says why.
    """
    all_of_them = brought()
    of_that_name = [one for one in all_of_them if one.name == name]
    for one in of_that_name:
        if not one.why:
            return _spec(one)
    if of_that_name:
        raise SettingsError(f"{name} of the package {of_that_name[0].package} cannot be used: {of_that_name[0].why}")
    there = ", ".join(one.name for one in all_of_them if not one.why)
    if name in OWN_COLLECTORS:
        raise NotFoundError(f"{name} comes with Tocsin, and has a program of its own: type tocsin-{name}")
    raise NotFoundError(
        f"no package brings a collector {name[:60]!r}; "
        + (f"there are: {there}" if there else "there is none: pip install one into the environment of this program")
    )


def why_not(one: Found) -> str:
    """Why a collector cannot be used, when it is imported; empty when it can."""
    if one.why:
        return one.why
    try:
        _spec(one)
    except SettingsError as error:
        return error.message
    return ""


def _spec(one: Found) -> CollectorSpec:
    given = load(one)
    if isinstance(given, type) and issubclass(given, Collector):
        try:
            made = spec(given)
        except SettingsError as error:
            raise wrong(one, f"cannot be used: {error.message}") from None
    elif isinstance(given, CollectorSpec):
        made = given
    else:
        raise wrong(one, "is neither a collector of the kit (a class of kit.Collector) nor what kit.spec makes of one")
    if made.service != one.name or made.program != f"tocsin-{one.name}":
        what = f"calls itself {made.service}, with the program {made.program}"
        raise wrong(one, f"{what}; the entry point, the collector's name and tocsin-NAME have to agree")
    return made

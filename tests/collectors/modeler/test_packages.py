# mypy: allow-untyped-calls
"""Plugins that packages bring: what is broken about one harms no other."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from collectors.modeler.facts import Found, HostRows, Plugin, Tables
from collectors.modeler.guests import WITHIN_S, Guests
from collectors.modeler.modelling import modelled
from collectors.modeler.plugins.catalogue import KINDS, PLUGINS, chosen
from collectors.modeler.plugins.packages import brought
from common.components import ComponentKind, FoundComponent
from common.entrypoints import PLUGINS as GROUP
from tests.collectors.modeler.tables import config
from tests.fakes.packages import install

MODULE = "made_up_plugins_pack"
GOOD = """
from collectors.modeler.facts import Found, Plugin, Walk
GOOD = Plugin(name="zone", of_host=lambda: "UTC", found=lambda zone, config: Found(attributes={"zone": zone}))
OTHER = Plugin(name="newt", found=GOOD.found, walks=(Walk(name="interfaces", what="x", columns=((1, 3, 6),)),))
BAD_OID = Plugin(name="newt", found=GOOD.found, scalars=("1.3.6",))
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop(MODULE, None)


@pytest.mark.parametrize(
    ("names", "why"),
    [
        ({"newt": f"{MODULE}:OTHER"}, "has a walk interfaces with other columns"),
        ({"newt": f"{MODULE}:BAD_OID"}, "has scalars that are no OIDs"),
        ({"newt": f"{MODULE}:GOOD"}, "calls itself 'zone'"),
        ({"newt": f"{MODULE}:Found"}, "is no collectors.modeler.facts.Plugin"),
        ({"newt": f"{MODULE}:nothing"}, "AttributeError"),
        ({"newt": "nothing_of_that_name:X"}, "ModuleNotFoundError"),
        ({"identity": f"{MODULE}:GOOD"}, "identity is Tocsin's own"),
    ],
)
def test_a_broken_one_is_told_and_the_others_are_used(here: Path, names: dict[str, str], why: str) -> None:
    install(here, "plugin-pack", GROUP, {"zone": f"{MODULE}:GOOD"}, {MODULE: GOOD})
    install(here, "bad-pack", GROUP, names)
    found = brought(PLUGINS)
    assert "zone" in found.plugins
    assert not names.keys() & found.plugins.keys()
    (told,) = [one for one in found.refused if "bad-pack 1.2" in one]
    assert why in told


def plugin(found: Callable[[Any, Any], Any]) -> Plugin[Any]:
    return Plugin(name="zone", of_host=lambda: "UTC", found=found)


def told(one: Plugin[Any], *plugins: str) -> tuple[str, str]:
    """The problem of a plugin, and that of the device."""
    by = config(plugins=plugins)
    result = modelled([one], HostRows(rows={"zone": "UTC"}, problems={}), by)
    return result.outcomes[0].problem, result.problem


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (None, "and gave NoneType"),
        (Found(attributes={"a": math.nan}), "is no number"),
        (Found(attributes={"a": "x" * 3000}), "cannot be told"),
        (Found(attributes={"a": object()}), "cannot be told"),  # type: ignore[dict-item]
        (Found(components=(FoundComponent(kind=ComponentKind.CPU, name="\x1b[2J"),)), "cannot be told"),
        (Found(kinds=(ComponentKind.INTERFACE,)), "as the plugin interfaces does"),
    ],
)
def test_what_could_not_cross_or_would_undo_what_others_find_is_refused(given: Any, why: str) -> None:
    problem, of_device = told(plugin(lambda *_: given))
    assert why in problem
    assert f"zone: {problem}" in of_device


def test_it_may_stand_in_the_place_of_one_of_ours() -> None:
    mine = plugin(lambda *_: Found(kinds=(ComponentKind.INTERFACE,)))
    assert told(mine, "zone", "identity") == ("", "")


def test_which_of_ours_finds_what_is_true() -> None:
    assert set(KINDS) == set(ComponentKind)
    assert set(KINDS.values()) == set(PLUGINS) - {"identity"}


def test_installed_ones_run_behind_ours_and_only_where_they_are_asked_for() -> None:
    mine = {"zone": plugin(lambda *_: Found())}
    assert [one.name for one in chosen(config(), mine)] == [*PLUGINS, "zone"]
    assert [one.name for one in chosen(config(plugins=("zone", "identity")), mine)] == ["identity", "zone"]


def test_a_name_that_this_modeler_does_not_have_is_told_and_the_others_run() -> None:
    by = config(plugins=("identity", "zoen"))
    ours, missing = chosen(by, {"zone": plugin(lambda *_: Found())})
    assert ours.name == "identity"
    result = modelled([missing], Tables(values={}, tables={}), by)
    assert "no plugin of that name; it has identity, " not in result.problem
    assert "zoen: this modeler has no plugin of that name; it has zone, identity, processes" in result.problem


class GuestTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.threads: list[Callable[[], None]] = []
        self.guests = Guests(self, self.clock, self.threads.append)

    def callFromThread(self, function: Callable[..., None], *arguments: Any) -> None:
        function(*arguments)

    def read(self, **readers: Callable[[], object]) -> Deferred[tuple[dict[str, object], dict[str, str]]]:
        return Deferred.fromCoroutine(self.guests.read(readers))

    def test_one_that_hangs_is_given_up_and_asked_again_when_it_has_come_back(self) -> None:
        reading = self.read(slow=lambda: 1, quick=lambda: 2)
        self.threads.pop()()
        self.assertNoResult(reading)
        self.clock.advance(WITHIN_S)
        self.assertEqual(
            self.successResultOf(reading), ({"quick": 2}, {"slow": "it did not read this host within 30 s"})
        )
        rows, problems = self.successResultOf(self.read(slow=lambda: 1))
        self.assertEqual((rows, list(problems)), ({}, ["slow"]))
        self.threads.pop()()
        again = self.read(slow=lambda: 3)
        self.threads.pop()()
        self.assertEqual(self.successResultOf(again), ({"slow": 3}, {}))

    def test_one_that_raises_is_told(self) -> None:
        def broken() -> object:
            raise OSError("no such clock")

        reading = self.read(broken=broken)
        self.threads.pop()()
        self.assertEqual(
            self.successResultOf(reading)[1], {"broken": "this host could not be read: OSError: no such clock"}
        )
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)

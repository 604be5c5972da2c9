"""What packages bring: names, who holds one, and what is wrong with others."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from common.entrypoints import COLLECTOR_NAME, OWN_COLLECTORS, Found, found, load, usable
from common.errors import SettingsError
from tests.fakes.packages import install

GROUP = "tocsin.only_tests_use_it"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_a_name_has_its_package_and_its_origin(here: Path) -> None:
    install(here, "queue-collector", GROUP, {"queue": "made_up_pack.collector:Queue"})
    assert found(GROUP, COLLECTOR_NAME) == [Found("queue", "made_up_pack.collector:Queue", "queue-collector 1.2")]
    assert "made_up_pack" not in sys.modules


def test_of_two_packages_with_one_name_the_first_has_it_and_the_other_is_told(here: Path) -> None:
    install(here, "zoo", GROUP, {"queue": "zoo:Queue", "lions": "zoo:Lions"})
    install(here, "ark", GROUP, {"queue": "ark:Queue"})
    assert {name: one.package for name, one in usable(GROUP, COLLECTOR_NAME).items()} == {
        "queue": "ark 1.2",
        "lions": "zoo 1.2",
    }
    (refused,) = [one for one in found(GROUP, COLLECTOR_NAME) if one.why]
    assert (refused.package, refused.why) == ("zoo 1.2", "ark 1.2 brings queue already; uninstall one of both")


@pytest.mark.parametrize(
    ("name", "origin", "why"),
    [
        ("snmp", "a:B", "snmp is Tocsin's own"),
        ("../x", "a:B", "is no name for it"),
        ("Queue", "a:B", "is no name for it"),
        ("queue", "a", "is no MODULE:NAME"),
        ("queue", "a:B; import os", "is no MODULE:NAME"),
    ],
)
def test_what_is_wrong_with_one_is_a_sentence_and_harms_no_other(here: Path, name: str, origin: str, why: str) -> None:
    install(here, "bad", GROUP, {name: origin})
    install(here, "good", GROUP, {"fine": "good:Fine"})
    assert list(usable(GROUP, COLLECTOR_NAME, OWN_COLLECTORS)) == ["fine"]
    (refused,) = [one for one in found(GROUP, COLLECTOR_NAME, OWN_COLLECTORS) if one.why]
    assert why in refused.why


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import nothing_of_that_name", "ModuleNotFoundError: No module named 'nothing_of_that_name'"),
        ("def (", "SyntaxError"),
        ("raise SystemExit('bye')", "SystemExit: bye"),
        ("Other = 1", "AttributeError"),
        ("1 / 0", "ZeroDivisionError"),
    ],
)
def test_what_cannot_be_imported_is_a_sentence_that_names_the_package(here: Path, code: str, why: str) -> None:
    install(here, "broken", GROUP, {"queue": "broken_pack:Queue"}, {"broken_pack": code})
    (one,) = found(GROUP, COLLECTOR_NAME)
    with pytest.raises(
        SettingsError, match=r"queue of the package broken 1\.2 cannot be loaded from broken_pack:Queue"
    ) as told:
        load(one)
    assert why in told.value.message
    sys.modules.pop("broken_pack", None)

"""What a device says that it is."""

from __future__ import annotations

import pytest

from collectors.modeler.facts import Unbelievable
from collectors.modeler.plugins.identity import PLUGIN, SCALARS
from tests.collectors.modeler.tables import config, found, tables


def test_the_system_group_becomes_attributes() -> None:
    told = tables(
        {
            SCALARS["sysDescr"]: b"Cisco IOS\r\nSoftware\0",
            SCALARS["sysObjectID"]: (1, 3, 6, 1, 4, 1, 9),
            SCALARS["sysName"]: b"sw1\x1b[31m",
            SCALARS["sysContact"]: b"",
        }
    )
    result = found(PLUGIN, told)
    assert result.attributes == {
        "sysDescr": "Cisco IOS Software",
        "sysObjectID": "1.3.6.1.4.1.9",
        "sysName": "sw1�[31m",
    }
    assert (result.kinds, result.components) == ((), ())


def test_an_agent_that_does_not_say_is_a_problem() -> None:
    with pytest.raises(Unbelievable, match="does not say what it is"):
        found(PLUGIN, tables())


def test_figures_of_this_host_stay_figures() -> None:
    assert PLUGIN.found({"hostname": "a\nb", "booted_at": 17, "distribution": ""}, config()).attributes == {
        "hostname": "a b",
        "booted_at": 17,
    }

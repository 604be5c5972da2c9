"""What stands for a hub in the settings, and which hub is tried next."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.framework.daemonsettings import CollectorSettings
from collectors.framework.hubaddresses import HubAddress, Rotation, read_address
from collectors.framework.linksettings import LinkSettings
from common.errors import SettingsError
from common.settings import read_settings


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("hub1", "hub1", 8789),
        ("hub1.example.org:4747", "hub1.example.org", 4747),
        ("192.0.2.1", "192.0.2.1", 8789),
        ("192.0.2.1:1", "192.0.2.1", 1),
        ("::1", "::1", 8789),
        ("2001:db8::1", "2001:db8::1", 8789),
        ("[2001:db8::1]", "2001:db8::1", 8789),
        ("[2001:db8::1]:65535", "2001:db8::1", 65535),
    ],
)
def test_an_address_is_a_host_and_perhaps_a_port(text: str, host: str, port: int) -> None:
    assert read_address(text, 8789) == HubAddress(host, port)


@pytest.mark.parametrize(
    "text",
    ["", ":", "hub1:", ":4747", "hub1:0", "hub1:65536", "hub1:x", "a b", "hub1:1:2", "[::1", "[hub1]:1", "[::1]1"],
)
def test_what_is_no_address_is_named_in_the_mistake(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no|has no") as raised:
        read_address(text, 8789)
    assert repr(text) in str(raised.value)


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        found = read_address(text, 8789)
    except ValueError:
        return
    assert found.host
    assert 1 <= found.port <= 65535


def settings(text: str) -> LinkSettings:
    return read_settings(text, CollectorSettings, "process.toml").hub


def test_one_hub_is_host_and_port() -> None:
    assert settings("").hubs() == (HubAddress("127.0.0.1", 8789),)
    assert settings('[hub]\nhost = "hub1"\nport = 4747').hubs() == (HubAddress("hub1", 4747),)


def test_several_hubs_are_addresses_and_the_port_is_for_those_without_one() -> None:
    given = settings('[hub]\naddresses = ["hub1:4747", "hub2"]\nport = 5000')
    assert given.hubs() == (HubAddress("hub1", 4747), HubAddress("hub2", 5000))


def test_a_host_that_is_among_the_addresses_does_no_harm() -> None:
    assert len(settings('[hub]\nhost = "hub2"\naddresses = ["hub1", "hub2"]').hubs()) == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('host = "hub3"\naddresses = ["hub1", "hub2"]', "host is hub3, which is not among addresses"),
        ('addresses = ["hub1", "hub1:8789"]', "hub1 port 8789 twice"),
        ('addresses = ["hub1:"]', "'hub1:' has no port"),
        ('addresses = [""]', "'' is no host name"),
        ("addresses = [5]", "a list, each text"),
    ],
)
def test_addresses_that_cannot_be_are_mistakes_in_the_settings(text: str, says: str) -> None:
    with pytest.raises(SettingsError) as raised:
        settings(f"[hub]\n{text}")
    assert says in "\n".join(raised.value.details)


def test_each_failure_is_the_next_ones_turn_and_pauses_grow_with_whole_rounds() -> None:
    hubs = [HubAddress(name, 1) for name in ("a", "b", "c")]
    turn = Rotation(hubs)
    seen = []
    for _ in range(7):
        seen.append((turn.now.host, turn.rounds))
        turn.failed()
    assert seen == [("a", 0), ("b", 1), ("c", 1), ("a", 1), ("b", 2), ("c", 2), ("a", 2)]
    turn.worked()
    assert (turn.now.host, turn.rounds) == ("b", 0)

"""Where simulated agents may listen."""

from __future__ import annotations

import pytest

from collectors.sim.addresses import endpoint, fleet
from common.errors import SettingsError


def test_endpoints() -> None:
    assert endpoint("127.0.0.1:1161", anywhere=False) == ("127.0.0.1", 1161)
    assert endpoint("[::1]:0", anywhere=False) == ("::1", 0)
    assert endpoint("192.0.2.7:161", anywhere=True) == ("192.0.2.7", 161)


@pytest.mark.parametrize(
    "text", ["", "127.0.0.1", "127.0.0.1:", ":1161", "localhost:1", "127.0.0.1:70000", "::1:5", "1:x"]
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(SettingsError, match="--listen"):
        endpoint(text, anywhere=True)


@pytest.mark.parametrize("text", ["0.0.0.0:161", "192.0.2.1:161", "[::]:161", "128.0.0.1:161"])
def test_addresses_that_others_can_reach_want_a_word(text: str) -> None:
    with pytest.raises(SettingsError, match="--any-address"):
        endpoint(text, anywhere=False)


def test_a_fleet_counts_addresses_or_ports_up() -> None:
    found = fleet(("127.1.0.254", 1161), 4, by_port=False, anywhere=False)
    assert [host for host, _ in found] == ["127.1.0.254", "127.1.0.255", "127.1.1.0", "127.1.1.1"]
    assert {port for _, port in found} == {1161}
    assert fleet(("127.0.0.1", 2000), 2, by_port=True, anywhere=False) == [("127.0.0.1", 2000), ("127.0.0.1", 2001)]
    assert fleet(("127.0.0.1", 0), 2, by_port=True, anywhere=False) == [("127.0.0.1", 0)] * 2


@pytest.mark.parametrize(
    ("first", "by_port"), [(("127.255.255.250", 1), False), (("127.0.0.1", 65_530), True), (("::1", 1161), False)]
)
def test_a_fleet_that_does_not_fit_is_refused(first: tuple[str, int], by_port: bool) -> None:
    with pytest.raises(SettingsError):
        fleet(first, 10, by_port=by_port, anywhere=False)

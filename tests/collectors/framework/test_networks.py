"""Which network a device is in."""

from __future__ import annotations

import random

import pytest

from collectors.framework.networks import MOST_HOSTS, Networks, NetworkSettings
from collectors.framework.snmp.errors import SnmpTimeout
from collectors.framework.snmp.factory import client_factory
from collectors.framework.stats import fares
from common.configs import SnmpConfig
from tests.fakes.snmp import FakeUdpReactor


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:DB8:0:1::77", "2001:db8:0:1::/64"),
        ("[2001:db8:0:1::1]", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.5", "192.0.2.0/24"),
    ],
)
def test_addresses_by_their_prefix(host: str, network: str) -> None:
    assert Networks().of(host) == network


def test_prefixes_are_settings() -> None:
    networks = Networks(NetworkSettings(ipv4_prefix=16, ipv6_prefix=48))
    assert networks.of("10.1.2.3") == networks.of("10.1.200.3") != networks.of("10.2.2.3")
    assert networks.of("2001:db8:1:2::1") == networks.of("2001:db8:1:9::1") != networks.of("2001:db8:2:2::1")


def test_names_count_by_their_domain_until_they_are_resolved() -> None:
    networks = Networks()
    web, db, other = "web1.Paris.example.org", "db1.paris.example.org.", "web1.rome.example.org"
    assert networks.of(web) == networks.of(db) == ".paris.example.org" != networks.of(other)
    networks.learn(web, "192.0.2.1")
    networks.learn(other, "192.0.2.2")
    assert networks.of(web) == networks.of(other) == networks.of("192.0.2.3")
    networks.learn(web, "198.51.100.1")  # it has moved
    assert networks.of(web) == "198.51.100.0/24"


def test_bare_names_wait_together_until_they_are_resolved() -> None:
    networks = Networks()
    assert networks.of("web1") == networks.of("db1") == networks.of("") == "."


def test_what_an_address_resolves_to_is_itself() -> None:
    networks = Networks()
    networks.learn("192.0.2.1", "192.0.2.1")
    networks.learn("2001:DB8::1", "2001:db8::1")
    assert networks.of("2001:DB8::1") == "2001:db8::/64"


@pytest.mark.parametrize(("part", "limit"), [(1.0, 20), (0.25, 5), (0.26, 6), (0.001, 1)])
def test_workers_share_the_places_of_a_network(part: float, limit: int) -> None:
    assert Networks(part=part).limit == limit


def test_what_is_known_of_hosts_is_bounded() -> None:
    networks = Networks()
    for number in range(MOST_HOSTS + 10):
        networks.of(f"h{number}")
    assert len(networks._known) <= MOST_HOSTS


def test_clients_tell_what_names_were_resolved_to() -> None:
    networks = Networks()
    reactor = FakeUdpReactor()
    reactor.nameResolver.names["web1.example.org"] = "192.0.2.77"
    make = client_factory(reactor, reactor, random.Random(1), networks.learn)
    client = make("web1.example.org", SnmpConfig(timeout_s=0.1, retries=0))
    assert networks.of("web1.example.org") == ".example.org"
    with pytest.raises(SnmpTimeout):
        reactor.finish(client.get([(1, 3, 6)]))
    assert networks.of("web1.example.org") == "192.0.2.0/24"


def test_status_tells_how_many_do_not_answer() -> None:
    assert fares({"collector": "x", "hub": "connected", "silent": 0, "devices": 9}) == "collector x, hub: connected"
    assert "3 of 9 devices do not answer" in fares({"collector": "x", "hub": "y", "silent": 3, "devices": 9})
    assert "1 of 9 devices does not answer" in fares({"collector": "x", "hub": "y", "silent": 1, "devices": 9})

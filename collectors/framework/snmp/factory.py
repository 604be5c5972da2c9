"""Gives each device the SNMP client that its config asks for."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Any

from twisted.internet.interfaces import IReactorTime

from collectors.framework.snmp.client import SnmpClient
from collectors.framework.snmp.errors import SnmpConfigError, endpoint
from collectors.framework.snmp.exchange import Exchange, Shared
from collectors.framework.snmp.interfaces import ISnmpClient, SnmpClientFactory
from collectors.framework.snmp.rows import Indexes
from collectors.framework.snmp.usm import KeyCache
from common.configs import DeviceConfig, SnmpConfig, SnmpEngine


def asyncio_reactor_needed(configs: Iterable[DeviceConfig]) -> bool:
    """Whether a daemon with these configs must install the asyncio reactor: pysnmp runs on no other."""
    return any(config.snmp is not None and config.snmp.engine is SnmpEngine.PYSNMP for config in configs)


def has_asyncio_loop(reactor: Any) -> bool:
    """Whether a reactor is an asyncio one."""
    return hasattr(reactor, "_asyncioEventloop")


def client_factory(
    reactor: Any,
    clock: IReactorTime,
    rng: random.Random,
    learn: Callable[[str, str], object] = lambda _host, _found: None,
) -> SnmpClientFactory:
    """The clients of one daemon; they share keys made of passwords, and what row indexes look like.

    Args:
        reactor: for sockets and names.
        clock: for timeouts.
        rng: for request ids and salts; of a kind that nobody can foresee, such as SystemRandom.
        learn: is told what a host was resolved to.

    Returns:
        (address, config) -> ISnmpClient; raises SnmpConfigError for settings that cannot work.
    """
    shared = Shared(reactor, clock, rng, KeyCache(), Indexes(), learn)

    def make(address: str, config: SnmpConfig) -> ISnmpClient:
        if config.engine is SnmpEngine.OWN:
            return SnmpClient(Exchange(address, config, shared), config, shared.indexes, clock.seconds)
        if not has_asyncio_loop(reactor):
            raise SnmpConfigError(
                f"{endpoint(address, config.port)} is to be read with the SNMP engine pysnmp, which needs the asyncio "
                "reactor, and this daemon runs on another. Start the daemon again on the asyncio reactor, or set "
                "snmp.engine of the device to own."
            )
        from collectors.framework.snmp.pysnmp_engine import PysnmpExchange

        engine = PysnmpExchange(address, config, reactor, clock, learn)
        return SnmpClient(engine, config, shared.indexes, clock.seconds)

    return make

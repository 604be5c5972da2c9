"""Reads what plugins need of a device, over SNMP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from collectors.framework.snmp.errors import SnmpAuthError, SnmpError, SnmpTimeout
from collectors.framework.snmp.interfaces import ISnmpClient, Oid, SnmpClientFactory, Table
from collectors.modeler.facts import Plugin, Tables, Walk
from common.configs import DeviceConfig, SnmpConfig

SYS_UPTIME: Oid = (1, 3, 6, 1, 2, 1, 1, 3, 0)


class SnmpReader:
    """Reads one device; its socket is open only meanwhile."""

    def __init__(self, make_client: SnmpClientFactory, config: DeviceConfig) -> None:
        self._make_client = make_client
        self._config = config

    async def read(self, plugins: Sequence[Plugin[Any]]) -> Tables:
        """Read single values first, then table after table; one that fails does not keep the others from it.

        Raises:
            SnmpTimeout, SnmpAuthError, SnmpConfigError, SnmpError: the device does not even tell how long it is up.
        """
        client: ISnmpClient = self._make_client(self._config.address, self._config.snmp or SnmpConfig())
        try:
            oids = list(dict.fromkeys((SYS_UPTIME, *(oid for plugin in plugins for oid in plugin.scalars))))
            values = dict(zip(oids, await client.get(oids), strict=True))
            walks = {walk.name: walk for plugin in plugins for walk in plugin.walks}
            tables = {name: await _walked(client, walk) for name, walk in walks.items()}
        finally:
            client.close()
        return Tables(values=values, tables=tables)


async def _walked(client: ISnmpClient, walk: Walk) -> Table:
    try:
        return await client.table(walk.columns)
    except (SnmpTimeout, SnmpAuthError, SnmpError) as error:
        return Table(columns=({},) * len(walk.columns), complete=False, problem=error.message)

"""All plugins there are."""

from __future__ import annotations

from typing import Any

from collectors.modeler.facts import Plugin
from collectors.modeler.plugins import filesystems, hardware, identity, interfaces, processes
from common.configs import DeviceConfig

PLUGINS: dict[str, Plugin[Any]] = {
    plugin.name: plugin
    for plugin in (identity.PLUGIN, processes.PLUGIN, interfaces.PLUGIN, filesystems.PLUGIN, hardware.PLUGIN)
}


def chosen(config: DeviceConfig) -> list[Plugin[Any]]:
    """The plugins that a config asks for; all of them when it names none."""
    names = config.model.plugins if config.model is not None else ()
    return [plugin for name, plugin in PLUGINS.items() if not names or name in names]

"""All plugins there are: those that come with Tocsin, and behind them those that packages bring."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from collectors.modeler.facts import Found, Plugin, Unbelievable
from collectors.modeler.plugins import filesystems, hardware, identity, interfaces, processes
from common.components import ComponentKind
from common.configs import DeviceConfig

PLUGINS: dict[str, Plugin[Any]] = {
    plugin.name: plugin
    for plugin in (identity.PLUGIN, processes.PLUGIN, interfaces.PLUGIN, filesystems.PLUGIN, hardware.PLUGIN)
}
KINDS: Mapping[ComponentKind, str] = MappingProxyType(
    {
        ComponentKind.PROCESS_SET: "processes",
        ComponentKind.INTERFACE: "interfaces",
        ComponentKind.FILESYSTEM: "filesystems",
        ComponentKind.CPU: "hardware",
        ComponentKind.MEMORY: "hardware",
    }
)
"""Which of them finds what."""
NONE: Mapping[str, Plugin[Any]] = MappingProxyType({})


def chosen(config: DeviceConfig, brought: Mapping[str, Plugin[Any]] = NONE) -> list[Plugin[Any]]:
    """The plugins that a config asks for; all of them when it names none.

    One that is not there stands for itself: what it finds is that it is not there.
    """
    names = config.model.plugins if config.model is not None else ()
    there = {**brought, **PLUGINS}
    found = [plugin for name, plugin in (*PLUGINS.items(), *brought.items()) if not names or name in names]
    return found + [_missing(name, ", ".join(there)) for name in dict.fromkeys(names) if name not in there]


def is_own(plugin: Plugin[Any]) -> bool:
    """Whether a plugin comes with Tocsin."""
    return PLUGINS.get(plugin.name) is plugin


def _missing(name: str, there: str) -> Plugin[Any]:
    sentence = f"this modeler has no plugin of that name; it has {there}: mend model_plugins, or install its package"

    def found(_rows: Any, _config: DeviceConfig) -> Found:
        raise Unbelievable(sentence)

    return Plugin(name=name, of_tables=_nothing, found=found, of_host=dict)


def _nothing(_tables: Any) -> None:
    """It needs nothing."""

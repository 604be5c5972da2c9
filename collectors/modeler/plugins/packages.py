"""Plugins that packages bring, by entry points of the group `tocsin.modeler_plugins`: looked for once, at the start."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from collectors.modeler.facts import Found as Finding
from collectors.modeler.facts import Plugin, Unbelievable, Walk
from collectors.modeler.plugins.catalogue import KINDS, chosen
from common.configs import DeviceConfig
from common.entrypoints import PLUGIN_NAME, PLUGINS, Found, found, load, wrong
from common.errors import SettingsError
from common.wire import MAX_COMPONENTS, PluginOutcome


class Brought(Struct, frozen=True):
    """What packages bring.

    Attributes:
        refused: why others are not used, a sentence each.
    """

    plugins: Mapping[str, Plugin[Any]] = {}
    refused: tuple[str, ...] = ()


def brought(own: Mapping[str, Plugin[Any]]) -> Brought:
    """Import the plugins of packages; what cannot be used harms no other.

    Args:
        own: those that come with Tocsin, whose names and walks are theirs.
    """
    plugins: dict[str, Plugin[Any]] = {}
    refused: list[str] = []
    walks = {walk.name: walk for plugin in own.values() for walk in plugin.walks}
    for one in found(PLUGINS, PLUGIN_NAME, own):
        if one.why:
            refused.append(f"{one.name} of the package {one.package} is not used: {one.why}")
            continue
        try:
            plugin = _plugin(one, walks)
        except SettingsError as error:
            refused.append(error.message)
            continue
        plugins[one.name] = plugin
        walks |= {walk.name: walk for walk in plugin.walks}
    return Brought(plugins, tuple(refused))


def check(plugin: Plugin[Any], given: Any, config: DeviceConfig) -> None:
    """Refuse what a plugin of a package found, where it could not cross, or would undo what others find.

    Raises:
        Unbelievable: the sentence says why.
    """
    if not isinstance(given, Finding):
        raise Unbelievable(f"it has to give a collectors.modeler.facts.Found, and gave {type(given).__name__}")
    outcome = PluginOutcome(
        plugin=plugin.name,
        kinds=list(given.kinds),
        components=list(given.components[:MAX_COMPONENTS]),  # too many are told elsewhere
        attributes=dict(given.attributes),
    )
    try:
        msgspec.convert(msgspec.to_builtins(outcome), PluginOutcome)
    except (msgspec.ValidationError, TypeError) as error:
        raise Unbelievable(f"what it found cannot be told: {error}") from None
    told = [given.attributes, *(component.attributes for component in given.components)]
    figures = [value for attributes in told for value in attributes.values()]
    if any(isinstance(value, float) and not math.isfinite(value) for value in figures):
        raise Unbelievable("one of the figures that it found is no number")
    asked = {one.name for one in chosen(config)}
    for kind in given.kinds:
        if KINDS[kind] in asked:
            raise Unbelievable(
                f"it looks for components of the kind {kind.value}, as the plugin {KINDS[kind]} does; "
                "name in model_plugins only one of the two"
            )


def _plugin(one: Found, walks: Mapping[str, Walk]) -> Plugin[Any]:
    given = load(one)
    if not isinstance(given, Plugin):
        raise wrong(one, "is no collectors.modeler.facts.Plugin")
    if given.name != one.name:
        raise wrong(one, f"calls itself {str(given.name)[:60]!r}; that and the entry point have to be the same")
    if _ill_formed(given.scalars, given.walks):
        raise wrong(one, "has scalars that are no OIDs, or walks that are no Walks of some: OIDs are tuples of numbers")
    for walk in given.walks:
        other = walks.get(walk.name)
        if other is not None and other.columns != walk.columns:
            raise wrong(one, f"has a walk {walk.name} with other columns than that of another plugin; rename it")
    return given


def _ill_formed(scalars: Any, walks: Any) -> bool:
    if not isinstance(scalars, tuple) or not isinstance(walks, tuple):
        return True
    return not all(map(_is_oid, scalars)) or not all(map(_is_walk, walks))


def _is_walk(given: Any) -> bool:
    columns: Any = given.columns if isinstance(given, Walk) else ()
    return isinstance(columns, tuple) and bool(columns) and all(map(_is_oid, columns))


def _is_oid(given: Any) -> bool:
    parts: Collection[Any] = given if isinstance(given, tuple) else ()
    return 2 <= len(parts) <= 128 and all(isinstance(one, int) and 0 <= one < 2**32 for one in parts)

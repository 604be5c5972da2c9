"""Changes of single devices, one revision each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from common.errors import SettingsError
from hub.model.change import Change, plan
from hub.model.documents import read_entity
from hub.model.entities import KIND_DEVICE, Device
from hub.model.fields import unknown
from hub.model.model import Model
from hub.model.properties import CATALOGUE
from hub.model.resolution import rebound
from hub.model.service import ModelService
from hub.model.templates import UNBIND


class PutResult(Struct, frozen=True, kw_only=True):
    """What became of a single device; `revision` is None when it was so already."""

    revision: int | None
    created: bool
    device: Device


class DeviceChanges:
    """Changes the devices of a model."""

    def __init__(self, model: ModelService) -> None:
        self._model = model

    async def put(self, device_id: str, fields: Mapping[str, object], author: str, text: str) -> PutResult:
        """Add a device, or put another in its place.

        Args:
            device_id: its id.
            fields: as in a document; what is left out is at its default afterwards.
            author: who.
            text: why.

        Raises:
            SettingsError: a field is wrong; the details say which.
            TransientError: it could not be stored.
        """
        device = read_entity(KIND_DEVICE, {"id": device_id, **fields})
        assert isinstance(device, Device)
        change, revision = await self._model.change(lambda model: plan(model, [device]), author, text)
        return PutResult(revision=revision, created=bool(change.created), device=device)

    async def alter(
        self,
        device_id: str,
        fields: Mapping[str, object],
        author: str,
        text: str,
        *,
        put: Mapping[str, object],
        reset: Collection[str] = (),
        bind: Collection[str] = (),
        unbind: Collection[str] = (),
        inherit: Collection[str] = (),
    ) -> PutResult:
        """Change some of what is said of a device; the rest stays.

        Args:
            device_id: its id.
            fields: as in a document.
            author: who.
            text: why.
            put: properties that get these values.
            reset: names of properties that are inherited again.
            bind: ids of templates that are to hold.
            unbind: ids of templates that are not to hold, whoever binds them.
            inherit: ids of templates of which the device is to say nothing any more.

        Raises:
            NotFoundError: there is no such device.
            SettingsError: a field or property is wrong; the details say which.
            TransientError: it could not be stored.
        """
        strange = [unknown("property", name, CATALOGUE) for name in reset if name not in CATALOGUE]
        if strange:
            raise SettingsError(f"device {device_id} cannot be changed so", strange)

        def change_of(model: Model) -> Change:
            present = msgspec.to_builtins(model.device(device_id))
            properties = {**present.get("properties", {}), **put}
            kept = {name: value for name, value in properties.items() if name not in reset}
            said = [word for word in present.get("templates", ()) if word.removeprefix(UNBIND) not in inherit]
            templates = rebound(said, bind, unbind)
            altered = {**present, "properties": kept, "templates": templates, **fields}
            return plan(model, [read_entity(KIND_DEVICE, altered)])

        change, revision = await self._model.change(change_of, author, text)
        return PutResult(revision=revision, created=False, device=change.after.device(device_id))

    async def alter_component(
        self,
        device_id: str,
        key: str,
        alter: Callable[[Model, Device, dict[str, Any]], Mapping[str, object]],
        author: str,
        text: str,
    ) -> PutResult:
        """Change what a device's document says of one of its components; the rest stays.

        Args:
            device_id: its id.
            key: of the component, for example `process_set/nginx`.
            alter: gets model, device and what is said now, as plain values; gives what shall be said.
            author: who.
            text: why.

        Raises:
            NotFoundError: there is no such device.
            SettingsError: the key or a property is wrong; the details say which.
            TransientError: it could not be stored.
        """

        def change_of(model: Model) -> Change:
            device = model.device(device_id)
            present = msgspec.to_builtins(device)
            components = present.get("components", {})
            said = alter(model, device, components.get(key, {}))
            return plan(model, [read_entity(KIND_DEVICE, {**present, "components": {**components, key: said}})])

        change, revision = await self._model.change(change_of, author, text)
        return PutResult(revision=revision, created=False, device=change.after.device(device_id))

    async def remove(self, device_id: str, author: str, text: str) -> int:
        """Remove a device; return the number of the revision.

        Raises:
            NotFoundError: there is no such device.
            TransientError: it could not be stored.
        """

        def change_of(model: Model) -> Change:
            model.device(device_id)
            return plan(model, (), [(KIND_DEVICE, device_id)])

        _, revision = await self._model.change(change_of, author, text)
        assert revision is not None
        return revision

"""What is remembered of a device from one modelling to the next, and over restarts of the daemon."""

from __future__ import annotations

import hashlib

import msgspec
from msgspec import Struct, field

from common.configs import DeviceConfig


class ModelMemory(Struct):
    """A device, as the hub has last heard of it.

    Attributes:
        modelled_at: epoch seconds of the last modelling that the hub has taken.
        essence: what was looked for then, and where; see `essence`.
        alarms: severity by event key of what is open at the hub.
        hub: id of the hub's store that all this is true of; empty when it is not known.
    """

    modelled_at: float | None = None
    essence: str = ""
    alarms: dict[str, int] = field(default_factory=dict)
    hub: str = ""


def essence(config: DeviceConfig) -> str:
    """Name of all that another modelling would come out differently by; secrets are no part of it."""
    port = config.snmp.port if config.snmp is not None else 0
    looks_for = [(one.id, one.order, one.include, one.exclude, one.name, one.title) for one in config.process_sets]
    text = msgspec.json.encode((config.address, port, config.source, looks_for, config.model))
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def dump(memory: ModelMemory) -> bytes:
    """As bytes, to be kept."""
    return msgspec.msgpack.encode(memory)


def load(data: bytes | None) -> ModelMemory:
    """From bytes; a memory of another shape is forgotten rather than trusted."""
    if data is None:
        return ModelMemory()
    try:
        return msgspec.msgpack.decode(data, type=ModelMemory)
    except msgspec.MsgspecError:
        return ModelMemory()

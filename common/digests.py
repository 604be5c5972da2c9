"""Names of configs: what hub and collector call the same content, whatever versions they are of."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from common.configs import DeviceConfig, ProcessSetConfig

LAPSED = "0" * 32
"""Told in place of its digest of a device that is not collected any more because its lease is over, but was not let go:
the hub then sends it again, or has it removed, so that what is known of it is forgotten."""


def _late(type_: type[Struct], first: str) -> tuple[tuple[str, ...], tuple[tuple[str, Any], ...]]:
    """Names of the fields before `first`; names and defaults of those from there on, which came later."""
    fields = msgspec.structs.fields(type_)
    place = [field.name for field in fields].index(first)
    return tuple(field.name for field in fields[:place]), tuple((field.name, field.default) for field in fields[place:])


_LATE_OF_DEVICE = _late(DeviceConfig, "roll_days")
_LATE_OF_SET = _late(ProcessSetConfig, "instances_max")


def _told(value: Struct, late: tuple[tuple[str, ...], tuple[tuple[str, Any], ...]]) -> dict[str, Any]:
    told = {name: getattr(value, name) for name in late[0]}
    told.update((name, found) for name, default in late[1] if (found := getattr(value, name)) != default)
    return told


@lru_cache(maxsize=4096)
def _canonical_set(definition: ProcessSetConfig) -> msgspec.Raw:
    return msgspec.Raw(msgspec.msgpack.encode(_told(definition, _LATE_OF_SET)))


def canonical(config: DeviceConfig) -> bytes:
    """The bytes of a config that its digest is taken of: MessagePack, fields in order of definition.

    A late field that has its default is left out, so that a hub and a collector of which one does not know it yet name
    the same config alike.
    """
    told = _told(config, _LATE_OF_DEVICE)
    told["process_sets"] = [_canonical_set(definition) for definition in config.process_sets]
    return msgspec.msgpack.encode(told)


def digest(config: DeviceConfig) -> str:
    """Name of a config's content: 32 hex digits (BLAKE2b, 16 bytes)."""
    return hashlib.blake2b(canonical(config), digest_size=16).hexdigest()


def digest_of_all(digests: dict[str, str]) -> str:
    """Name of a whole collection of configs, from device id to digest; order does not matter."""
    total = hashlib.blake2b(digest_size=16)
    for device in sorted(digests):
        total.update(f"{device}\x1f{digests[device]}\x1e".encode())
    return total.hexdigest()

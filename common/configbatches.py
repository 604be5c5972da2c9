"""Batches of configs as a collector reads them: what it cannot read of a newer hub harms its device alone."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Raw, Struct

from common.configs import DeviceConfig
from common.names import DeviceId
from common.wire import ConfigBatch, Rejected, WireError, decode

MAX_REASON = 300


class _Unread(Struct, frozen=True, tag="ConfigBatch", kw_only=True):
    """A batch whose configs are not read yet."""

    revision: int
    changed: Annotated[list[Raw], Meta(max_length=500)]
    removed: Annotated[list[DeviceId], Meta(max_length=2000)]
    epoch: Annotated[str, Meta(max_length=100)] = ""


class _Named(Struct, frozen=True):
    device: DeviceId


def read_batch(data: bytes) -> tuple[ConfigBatch, list[Rejected]]:
    """Read a batch; what it has that is a config of no known form comes as rejected, with the reason.

    Raises:
        WireError: it is no batch, or it cannot be said whose a config is.
    """
    try:
        return decode(data, ConfigBatch), []
    except WireError as error:
        try:
            batch = decode(data, _Unread)
        except WireError:
            raise error from None
    changed: list[DeviceConfig] = []
    rejected: list[Rejected] = []
    for one in batch.changed:
        try:
            changed.append(msgspec.msgpack.decode(one, type=DeviceConfig))
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            rejected.append(Rejected(_device(one), _reason(error)))
    read = ConfigBatch(revision=batch.revision, changed=changed, removed=batch.removed, epoch=batch.epoch)
    return read, rejected


def _device(config: Raw) -> str:
    try:
        return msgspec.msgpack.decode(config, type=_Named).device
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise WireError(f"ConfigBatch: a config of no device: {str(error)[:MAX_REASON]}") from None


def _reason(error: Exception) -> str:
    return (
        f"the collector cannot read this config ({str(error)[:MAX_REASON]}); where it is older than the hub, update it"
    )

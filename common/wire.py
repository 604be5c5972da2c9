"""What crosses Perspective Broker: messages and how they become bytes.

Every remote method takes the protocol version (an integer) and one `bytes`, and answers one `bytes`. A request is one
message; an answer is a message or a `Failure`. The first byte tells the form: 0 MessagePack, 1 MessagePack in one zstd
frame. MessagePack is decoded strictly by type: wrong types, missing fields, over-long texts and lists are refused with
the path of what was wrong; unknown fields are skipped, so that a later version may add some. docs/protocol.md lists the
methods.
"""

from __future__ import annotations

import enum
from typing import Annotated, Any, TypeVar, cast

import msgspec
import zstandard
from msgspec import Meta, Struct

from common.components import Attributes, ComponentKind, FoundComponent
from common.configs import DeviceConfig, Digest
from common.errors import PermanentError, RemoteError
from common.events import Event
from common.names import DeviceId
from common.queries import Query, Result, ShortText

PROTOCOL_VERSION = 1
OLDEST_PROTOCOL_VERSION = 1

MAX_MESSAGE_BYTES = 256 * 1024
MAX_DECODED_BYTES = 4 * 1024 * 1024
COMPRESS_FROM_BYTES = 512
MAX_COMPONENTS = 10_000
MAX_PEM = 4096

Id = Annotated[str, Meta(min_length=1, max_length=100)]
Stamp = Annotated[float, Meta(ge=0, le=1e11)]
"""Epoch seconds that can be; NaN is none."""
MAX_REASON = 4096
Reason = Annotated[str, Meta(max_length=MAX_REASON)]

T = TypeVar("T")


class FailureCode(enum.Enum):
    """Why the other side refuses."""

    BAD_REQUEST = "bad_request"
    TOO_LARGE = "too_large"
    VERSION = "version"
    NOT_ATTACHED = "not_attached"
    NOT_FOUND = "not_found"
    FORBIDDEN = "forbidden"
    BUSY = "busy"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


class Failure(Struct, frozen=True, tag=True):
    """The answer that says no.

    Attributes:
        message: the sentence for the user.
    """

    code: FailureCode
    message: Reason
    details: Annotated[list[Reason], Meta(max_length=100)] = []


# --- collector -> hub -------------------------------------------------------------------------------------------------


class Position(Struct, frozen=True, omit_defaults=True):
    """How far a daemon has come with its configs.

    Attributes:
        epoch: of the hub's store that its last batch of configs came from; empty when it does not know.
        revision: of the model, that the batch was of.
        all: `digests.digest_of_all` of everything it holds now; empty from daemons that do not tell.
    """

    epoch: Annotated[str, Meta(max_length=100)] = ""
    revision: Annotated[int, Meta(ge=0)] = 0
    all: Annotated[str, Meta(pattern=r"^([0-9a-f]{32})?\Z")] = ""


class Attach(Struct, frozen=True, tag=True, kw_only=True):
    """Open a session (method `attach`). The collector's name is in its certificate, not here.

    Attributes:
        daemon: the collector service, for example `process`.
        oldest, newest: protocol versions the daemon speaks.
        spool: id of its event spool; made anew when the spool is.
        started_at: of the daemon, by its clock.
        position: how far it has come with its configs; one that tells it need not be asked what it holds.
        confirmed: highest number of that spool that a hub has confirmed; 0 for none, or when it does not tell.
    """

    daemon: Id
    host: ShortText
    software: ShortText
    oldest: int
    newest: int
    spool: Id
    started_at: Stamp
    position: Position = Position()
    confirmed: Annotated[int, Meta(ge=0)] = 0


class Attached(Struct, frozen=True, tag=True, kw_only=True):
    """The session stands.

    Attributes:
        collector: the name the certificate gave.
        version: protocol version to speak from now on.
        epoch: id of the hub's store; a new one means that what was numbered before no longer counts.
        stored_seq: highest event sequence number of this spool that the hub holds; 0 for none.
    """

    collector: Id
    version: int
    epoch: Id
    stored_seq: int


class SpooledEvent(Struct, frozen=True):
    """An event with its number in the spool; numbers rise by one."""

    seq: Annotated[int, Meta(ge=1)]
    event: Event


class EventBatch(Struct, frozen=True, tag=True, kw_only=True):
    """Events in order of their numbers (method `events`)."""

    spool: Id
    events: Annotated[list[SpooledEvent], Meta(max_length=1000)]


class EventsStored(Struct, frozen=True, tag=True):
    """Everything up to this number is committed at the hub."""

    seq: int


class TaskCounts(Struct, frozen=True, kw_only=True):
    """How a daemon fares, in its heartbeat.

    Attributes:
        queued_events, queued_samples: waiting in the spools.
        dropped_events, dropped_samples: lost to full spools since the daemon started.
        silent: devices that do not answer, and are asked less often.
        lapsed: devices that are not collected because the hub has not been heard for longer than their lease.
        listening, deaf: devices whose processes the daemon is told of as things happen, and devices that are its own
            host, but of which it is not.
        problem: the sentence of whatever ails the daemon as a whole, for example a full disk; empty when well.
        untold: the part of it that the daemon cannot send an event about; the hub has to.
    """

    devices: int = 0
    tasks: int = 0
    late_runs: int = 0
    failed_runs: int = 0
    queued_events: int = 0
    queued_samples: int = 0
    dropped_events: int = 0
    dropped_samples: int = 0
    lapsed: int = 0
    silent: int = 0
    listening: int = 0
    deaf: int = 0
    problem: Reason = ""
    untold: Reason = ""


class Heartbeat(Struct, frozen=True, tag=True, kw_only=True):
    """I live (method `heartbeat`, collector to hub)."""

    counts: TaskCounts


class PluginOutcome(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one plugin of the modeler found on a device.

    Attributes:
        kinds: of components that this plugin finds; of these, what is not in `components` was not seen.
        attributes: of the device itself, for example sysDescr.
        problem: why nothing of it may be believed; it then changes nothing. Empty when all was read to the end.
    """

    plugin: Id
    kinds: list[ComponentKind] = []
    components: Annotated[list[FoundComponent], Meta(max_length=MAX_COMPONENTS)] = []
    attributes: Attributes = {}
    problem: Reason = ""


class ModelReport(Struct, frozen=True, tag=True, kw_only=True):
    """What a modelling found (method `modelled`).

    Attributes:
        at: epoch seconds, by the collector's clock.
        run: id of the run that asked for it; empty for one of the cycle.
        dry_run: it must change nothing.
        problem: why nothing could be read at all; there are no outcomes then.
        age_s: seconds from the modelling until it is handed over, by a clock that nobody sets: the hub reckons by it
            and its own clock when that was. None from collectors that do not know the field; `at` counts then.
    """

    device: DeviceId
    at: Stamp
    run: ShortText = ""
    dry_run: bool = False
    outcomes: Annotated[list[PluginOutcome], Meta(max_length=100)] = []
    problem: Reason = ""
    age_s: Annotated[float, Meta(ge=0)] | None = None


class ModelTaken(Struct, frozen=True, tag=True):
    """The hub has it: what it changes is committed."""


class Renew(Struct, frozen=True, tag=True):
    """I want a certificate for another key (method `renew`): a request in PEM form that names the caller alone."""

    request: Annotated[str, Meta(max_length=MAX_PEM)]


class Renewed(Struct, frozen=True, tag=True):
    """The certificate, in PEM form. The one that the caller logged in with goes on to count for a while."""

    certificate: Annotated[str, Meta(max_length=MAX_PEM)]


class Alive(Struct, frozen=True, tag=True):
    """So do I. Also the message and the answer of the collector's `ping`."""


# --- hub -> collector -------------------------------------------------------------------------------------------------


class HeldRequest(Struct, frozen=True, tag=True):
    """Which configs do you hold? (method `held`); `after` pages through device ids in order."""

    after: str = ""


class Held(Struct, frozen=True, tag=True, kw_only=True):
    """One page of device id and digest, in order of id.

    Attributes:
        all: `digests.digest_of_all` of everything held, not of this page alone.
        more: ask again with `after` = the last id.
    """

    all: Digest
    configs: Annotated[list[tuple[DeviceId, Digest]], Meta(max_length=2000)]
    more: bool


class ConfigBatch(Struct, frozen=True, tag=True, kw_only=True):
    """Configs to run from now on (method `configs`).

    Attributes:
        revision: the model's revision that they come from.
        removed: devices that are this collector's no more.
        epoch: of the hub's store that the revision is one of; empty from hubs that do not tell.
    """

    revision: int
    changed: Annotated[list[DeviceConfig], Meta(max_length=500)]
    removed: Annotated[list[DeviceId], Meta(max_length=2000)]
    epoch: Annotated[str, Meta(max_length=100)] = ""


class Rejected(Struct, frozen=True):
    """A config that the collector will not run, and why; the one before goes on."""

    device: str
    reason: Reason


class ConfigsApplied(Struct, frozen=True, tag=True, kw_only=True):
    """What became of a `ConfigBatch`.

    Attributes:
        live: device id to the digest that runs now.
        all: `digests.digest_of_all` of everything held after the batch.
    """

    live: dict[DeviceId, Digest]
    rejected: list[Rejected]
    all: Digest


# --- bytes ------------------------------------------------------------------------------------------------------------

_RAW = b"\x00"
_ZSTD = b"\x01"

_encoder = msgspec.msgpack.Encoder()
_decoders: dict[object, msgspec.msgpack.Decoder[Any]] = {}
_compressor = zstandard.ZstdCompressor(level=3)
_decompressor = zstandard.ZstdDecompressor()


class WireError(PermanentError):
    """Bytes that are no message, or a message that does not fit."""


def encode(message: object) -> bytes:
    """Turn a message into the bytes that cross.

    Raises:
        WireError: it would be larger than MAX_MESSAGE_BYTES (or MAX_DECODED_BYTES before compression).
    """
    raw = _encoder.encode(message)
    if len(raw) > MAX_DECODED_BYTES:
        raise WireError(f"{type(message).__name__} has {len(raw)} bytes; at most {MAX_DECODED_BYTES} may cross")
    wire = _RAW + raw if len(raw) < COMPRESS_FROM_BYTES else _ZSTD + _compressor.compress(raw)
    if len(wire) > MAX_MESSAGE_BYTES:
        raise WireError(
            f"{type(message).__name__} has {len(wire)} bytes on the wire; at most {MAX_MESSAGE_BYTES} may cross"
        )
    return wire


def decode(data: bytes, type_: type[T]) -> T:
    """Read a message of the given Struct.

    Raises:
        WireError: says which type was wanted and what is wrong where.
    """
    return cast("T", _decode(data, type_, type_.__name__))


def decode_query(data: bytes) -> Query:
    """Read any query.

    Raises:
        WireError: as `decode`.
    """
    return cast("Query", _decode(data, Query, "query"))


def decode_answer(data: bytes, type_: type[T]) -> T:
    """Read an answer of the given Struct.

    Raises:
        RemoteError: the other side refused; its code and sentence.
        WireError: the bytes are neither that type nor a refusal.
    """
    return cast("T", _refuse(_decode(data, type_ | Failure, f"answer {type_.__name__}")))


def decode_result(data: bytes) -> Result:
    """Read the answer to a query.

    Raises:
        RemoteError, WireError: as `decode_answer`.
    """
    return cast("Result", _refuse(_decode(data, Result | Failure, "answer to a query")))


def _refuse(answer: object) -> object:
    if isinstance(answer, Failure):
        raise RemoteError(answer.code.value, answer.message, answer.details)
    return answer


def _decode(data: bytes, type_: object, name: str) -> object:
    raw = _unpack(data, name)
    decoder = _decoders.get(type_)
    if decoder is None:
        decoder = _decoders[type_] = msgspec.msgpack.Decoder(type_)
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise WireError(f"{name}: {error}") from None


def _unpack(data: bytes, name: str) -> bytes:
    if not data or len(data) > MAX_MESSAGE_BYTES:
        raise WireError(f"{name}: {len(data)} bytes; 1 to {MAX_MESSAGE_BYTES} may cross")
    form, body = data[:1], data[1:]
    if form == _RAW:
        return body
    if form != _ZSTD:
        raise WireError(f"{name}: form byte {form[0]}; 0 (MessagePack) and 1 (zstd) are known")
    try:
        size = zstandard.frame_content_size(body)
        if not 0 <= size <= MAX_DECODED_BYTES:
            raise WireError(f"{name}: unpacks to {size} bytes; at most {MAX_DECODED_BYTES} may")
        return _decompressor.decompress(body, max_output_size=MAX_DECODED_BYTES)
    except zstandard.ZstdError as error:
        raise WireError(f"{name}: {error}") from None

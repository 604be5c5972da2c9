"""Answers of an SNMP agent, changed on their way."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from collectors.framework.snmp import ber, messages
from collectors.framework.snmp.errors import BadAnswer
from collectors.framework.snmp.messages import Pdu, PduType
from tests.fakes.snmp import Answer
from tests.fakes.snmp_agent import tlv, varbind

NASTY = (
    tlv(-1),
    tlv(0),
    tlv(-(2**31)),
    tlv(2**63 - 1, ber.COUNTER64),
    tlv(2**64 - 1, ber.COUNTER64),
    tlv(b""),
    tlv(b"\xff\xfe\x80"),
    tlv(b"\x1b]0;owned\x07\x1b[2J\x1b[31m"),
    tlv(b"a\0b\nc\rd\te"),
    tlv("\u202egnp.exe\u2066".encode()),
    tlv(b"x" * 5000),
    tlv((1, 3)),
    tlv(None),
    tlv(b"\x01\x02", ber.OPAQUE),
    tlv(b"\x7f\0\0\x01", ber.IP_ADDRESS),
    tlv(None, ber.NO_SUCH_INSTANCE),
    tlv(None, ber.END_OF_MIB_VIEW),
    b"\x30\x00",
    b"\x02\x00",
    b"\x09\x01\x40",
)
PIDS = (0, 1, 2, 633, 634, 705, 1290, 4711, 32_768, 2**31 - 1, 2**32 - 1)


class Letter:
    """An answer, the request that it answers, and those that were answered before."""

    def __init__(self, request: bytes, answer: bytes, before: Sequence[bytes]) -> None:
        self.request = request
        self.answer = answer
        self.before = before
        self.version, self.community, self.pdu = messages.decode_message(answer)
        self.pieces = pieces_of(self.pdu)
        asked = messages.decode_message(request)[2]
        self.walks = asked.kind != PduType.GET
        self.single = asked.status if asked.kind == PduType.GETBULK else 0
        self.columns = len(pieces_of(asked)) - self.single

    def of(self, pieces: Sequence[bytes], status: int = 0, index: int = 0, **other: int) -> bytes:
        """A well-formed answer with other varbinds."""
        kind, request_id = other.get("kind", PduType.RESPONSE), other.get("request_id", self.pdu.request_id)
        body = messages.encode_pdu(kind, request_id, status, index, b"".join(pieces))
        return messages.encode_message(other.get("version", self.version), self.community, body)


Change = Callable[[random.Random, Letter], list[Answer]]


def pieces_of(pdu: Pdu) -> list[bytes]:
    """The varbinds of an answer, as they stand there.

    Raises:
        BadAnswer: they do not.
    """
    pieces, at = [], pdu.start
    while at < pdu.stop:
        _, stop = ber.expect(pdu.data, at, pdu.stop, ber.SEQUENCE)
        pieces.append(pdu.data[at:stop])
        at = stop
    return pieces


def name_of(piece: bytes) -> tuple[int, ...]:
    """The OID of a varbind."""
    start, stop = ber.expect(piece, 0, len(piece), ber.SEQUENCE)
    name, end = ber.expect(piece, start, stop, ber.OBJECT_IDENTIFIER)
    return ber.decode_oid(piece[name:end])


def renamed(piece: bytes, oid: tuple[int, ...]) -> bytes:
    """The varbind under another OID."""
    start, stop = ber.expect(piece, 0, len(piece), ber.SEQUENCE)
    _, end = ber.expect(piece, start, stop, ber.OBJECT_IDENTIFIER)
    return varbind(oid, piece[end:stop])


# --- what makes no other table: lost, late, damaged, or of somebody else ----------------------------------------------


def _drop(_rng: random.Random, _letter: Letter) -> list[Answer]:
    return []


def _twice(_rng: random.Random, letter: Letter) -> list[Answer]:
    return [letter.answer, letter.answer]


def _cut(rng: random.Random, letter: Letter) -> list[Answer]:
    return [letter.answer[: rng.randrange(len(letter.answer))]]


def _longer(rng: random.Random, letter: Letter) -> list[Answer]:
    return [letter.answer + rng.randbytes(rng.randrange(1, 40))]


def _length(rng: random.Random, letter: Letter) -> list[Answer]:
    head = rng.choice([b"\x30\x80", b"\x30\x84\x7f\xff\xff\xff", b"\x30\x85\1\1\1\1\1", b"\x30\x00", b"\x30\xff"])
    return [head + letter.answer[2:]]


def _junk(rng: random.Random, letter: Letter) -> list[Answer]:
    return [rng.randbytes(rng.choice([0, 1, 2, 60, 1400])), letter.answer]


def _other_request(rng: random.Random, letter: Letter) -> list[Answer]:
    other = rng.choice([letter.pdu.request_id ^ 1, -letter.pdu.request_id, 0, 2**31 - 1])
    return [letter.of(letter.pieces, request_id=other)]


def _other_kind(rng: random.Random, letter: Letter) -> list[Answer]:
    return [letter.of(letter.pieces, kind=rng.choice([PduType.REPORT, PduType.GET, PduType.GETBULK]))]


def _other_version(_rng: random.Random, letter: Letter) -> list[Answer]:
    return [letter.of(letter.pieces, version=0)]


def _stranger(rng: random.Random, letter: Letter) -> list[Answer]:
    return [(letter.answer, rng.choice([("192.0.2.66", 161), ("192.0.2.1", 1610)]))]


def _late(rng: random.Random, letter: Letter) -> list[Answer]:
    return [rng.choice(letter.before), *[letter.answer] * rng.randrange(2)] if letter.before else [letter.answer]


def _echo(_rng: random.Random, letter: Letter) -> list[Answer]:
    return [letter.request, letter.answer]


def _refused(rng: random.Random, letter: Letter) -> list[Answer]:
    return [letter.of([], status=rng.choice([1, 2, 5, 13, 16, 99, -1]), index=rng.choice([0, 1, 3, 999]))]


def _backwards(_rng: random.Random, letter: Letter) -> list[Answer]:
    return [letter.of(letter.pieces[::-1])] if len(letter.pieces) > 2 and letter.walks else []


def _nothing_in_it(_rng: random.Random, letter: Letter) -> list[Answer]:
    return [letter.of([])]


def _ends_early(rng: random.Random, letter: Letter) -> list[Answer]:
    """An agent that tells a part of its table as if it were all; when it is asked for one, it answers."""
    if not letter.walks or not letter.columns:
        return [letter.answer]
    rows = (len(letter.pieces) - letter.single) // letter.columns
    at = letter.single + letter.columns * rng.randrange(rows + 1)
    end = bytes((ber.END_OF_MIB_VIEW, 0))
    return [letter.of([*letter.pieces[:at], *[varbind(name_of(piece), end) for piece in letter.pieces[at:]]])]


BREAKING: tuple[Change, ...] = (
    _drop, _twice, _cut, _longer, _length, _junk, _other_request, _other_kind, _other_version, _stranger, _late, _echo,
    _refused, _backwards, _nothing_in_it, _ends_early,
)  # fmt: skip

# --- what may make another table that is as well-formed as any --------------------------------------------------------


def _flip(rng: random.Random, letter: Letter) -> list[Answer]:
    data = bytearray(letter.answer)
    for _ in range(rng.choice([1, 1, 1, 2, 8])):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return [bytes(data)]


def _set(rng: random.Random, letter: Letter) -> list[Answer]:
    data = bytearray(letter.answer)
    data[rng.randrange(len(data))] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, 0x30, 0x02, 0x04, 0x82])
    return [bytes(data)]


def _splice(rng: random.Random, letter: Letter) -> list[Answer]:
    other = rng.choice(letter.before) if letter.before else letter.request
    return [letter.answer[: rng.randrange(len(letter.answer))] + other[rng.randrange(len(other)) :]]


def _value(rng: random.Random, letter: Letter) -> list[Answer]:
    pieces = list(letter.pieces)
    for _ in range(rng.choice([1, 1, 3])):
        at = rng.randrange(len(pieces))
        pieces[at] = varbind(name_of(pieces[at]), rng.choice(NASTY))
    return [letter.of(pieces)]


def _name(rng: random.Random, letter: Letter) -> list[Answer]:
    pieces = list(letter.pieces)
    at = rng.randrange(len(pieces))
    pieces[at] = renamed(pieces[at], (*name_of(pieces[at])[:-1], rng.choice(PIDS)))
    return [letter.of(pieces)]


def _other_column(rng: random.Random, letter: Letter) -> list[Answer]:
    pieces = list(letter.pieces)
    at = rng.randrange(len(pieces))
    oid = list(name_of(pieces[at]))
    oid[rng.randrange(2, len(oid))] = rng.choice([0, 1, 2, 5, 7, 127, 128, 2**32 - 1])
    pieces[at] = renamed(pieces[at], tuple(oid))
    return [letter.of(pieces)]


def _shuffled(rng: random.Random, letter: Letter) -> list[Answer]:
    pieces = list(letter.pieces)
    match rng.randrange(5):
        case 0:
            del pieces[rng.randrange(len(pieces))]
        case 1:
            pieces.insert(rng.randrange(len(pieces)), rng.choice(pieces))
        case 2:
            rng.shuffle(pieces)
        case 3:
            end = bytes((ber.END_OF_MIB_VIEW, 0))
            at = rng.randrange(len(pieces))
            pieces[at:] = [varbind(name_of(piece), end) for piece in pieces[at:]]
        case _:
            pieces = pieces[: rng.randrange(len(pieces))]
    return [letter.of(pieces)]


CHANGING: tuple[Change, ...] = (_flip, _flip, _set, _splice, _value, _value, _name, _other_column, _shuffled)


def changed(
    rng: random.Random, changes: Sequence[Change], request: bytes, answer: bytes, before: Sequence[bytes]
) -> list[Answer]:
    """What comes in place of an answer."""
    letter = Letter(request, answer, before)
    if not letter.pieces:
        return [answer]
    try:
        return rng.choice(changes)(rng, letter)
    except BadAnswer:
        return [answer]

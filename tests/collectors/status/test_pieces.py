"""Answers that are too large for one message."""

from __future__ import annotations

import pytest

from collectors.status.pieces import KEPT_S, MOST, Pieces
from common.errors import NotFoundError, PermanentError
from common.statustree import MAX_PART_BYTES, MAX_PARTS


def test_a_large_answer_is_told_in_parts_that_make_the_whole() -> None:
    pieces = Pieces(lambda: 0.0)
    data = bytes(range(256)) * (MAX_PART_BYTES // 100)
    first = pieces.first(data, found=True)
    assert first.parts == 3
    parts = [first.data, *(pieces.part(first.digest, number).data for number in range(1, first.parts))]
    assert b"".join(parts) == data
    with pytest.raises(NotFoundError, match="ask anew"):
        pieces.part(first.digest, 3)


def test_a_small_answer_is_one_part_and_nothing_is_kept_of_it() -> None:
    small = Pieces(lambda: 0.0).first(b"{}", found=False)
    assert (small.found, small.data, small.parts, small.digest) == (False, b"{}", 1, "")


def test_only_a_few_are_kept_and_not_for_long() -> None:
    now = [0.0]
    pieces = Pieces(lambda: now[0])
    made = [pieces.first(bytes([number]) * (MAX_PART_BYTES + 1), found=True) for number in range(MOST + 1)]
    with pytest.raises(NotFoundError):
        pieces.part(made[0].digest, 1)
    assert pieces.part(made[1].digest, 1).data == bytes([1])
    now[0] = KEPT_S + 1
    pieces.first(b"x" * (MAX_PART_BYTES + 1), found=True)
    with pytest.raises(NotFoundError):
        pieces.part(made[-1].digest, 1)


def test_what_nobody_could_take_is_refused() -> None:
    with pytest.raises(PermanentError, match="ask for a branch"):
        Pieces(lambda: 0.0).first(bytes(MAX_PART_BYTES * MAX_PARTS + 1), found=True)

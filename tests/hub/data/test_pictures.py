from __future__ import annotations

import pytest

from common.errors import TransientError
from common.queries import GraphQuery, Picture
from hub.data.pictures import whole_picture
from tests.fakes.stores import done

QUERY = GraphQuery(device="web1", component=None, graph="", start=0, end=1, form="pdf")


class Drawer:
    """Gives a picture in parts; another one each time that it is drawn."""

    def __init__(self, *drawings: list[bytes]) -> None:
        self.drawings = list(drawings)
        self.asked: list[int | None] = []

    async def __call__(self, query: GraphQuery) -> Picture:
        self.asked.append(query.part)
        parts = self.drawings[0]
        digest = str(hash(tuple(parts))) if len(parts) > 1 else ""
        picture = Picture(form=query.form, data=parts[query.part or 0], parts=len(parts), digest=digest)
        if len(self.drawings) > 1:
            del self.drawings[0]
        return picture


def test_a_picture_of_one_part_is_asked_for_once() -> None:
    drawer = Drawer([b"all"])
    assert done(whole_picture(drawer, QUERY)) == Picture(form="pdf", data=b"all")
    assert drawer.asked == [0]


def test_parts_are_put_together() -> None:
    drawer = Drawer([b"a", b"b", b"c"])
    assert done(whole_picture(drawer, QUERY)).data == b"abc"
    assert drawer.asked == [0, 1, 2]


def test_parts_of_two_drawings_are_never_put_together() -> None:
    drawer = Drawer([b"a", b"b"], [b"A", b"B"])
    assert done(whole_picture(drawer, QUERY)).data == b"AB"
    assert drawer.asked == [0, 1, 0, 1]


def test_one_that_never_stands_still_ends_in_a_sentence() -> None:
    drawer = Drawer(*([f"{i}a".encode(), f"{i}b".encode()] for i in range(20)))
    with pytest.raises(TransientError, match="changed while it was read"):
        done(whole_picture(drawer, QUERY))

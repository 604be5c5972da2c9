"""One report of all that is wrong with files: each document alone, and the right ones beside each other."""

from __future__ import annotations

from common.errors import SettingsError
from hub.model.change import left_out
from hub.model.documents import Mistake, Reading, place_in, refused
from hub.model.entities import (
    Entity,
    Key,
    key_of,
)
from hub.model.impact import concerned
from hub.model.model import Model
from hub.model.soundness import described, everything_wrong


def refusal(model: Model, reading: Reading, *, prune: bool) -> SettingsError:
    """Say what is wrong with files in which there are mistakes.

    What the right documents say is told only where it stays wrong however the others are corrected.

    Args:
        model: as it is.
        reading: what was read.
        prune: whether to remove what the files do not have, of those kinds that they have.
    """
    unread = reading.unread
    wanted = [one for document in reading.documents if key_of(one := document.entity) not in unread.keys]
    after: dict[Key, Entity | None] = {key_of(one): one for one in wanted if model.get(key_of(one)) != one}
    if prune:
        after.update(dict.fromkeys(key for key in left_out(model, wanted) if not unread.may_have(key)))
    known = model.changed(model.revision, dict.fromkeys(key for key in unread.keys if model.get(key) is not None))
    model_after = known.changed(model.revision + 1, after)
    place = place_in(reading.documents)
    found = everything_wrong(model_after, after, concerned(known, model_after, after), unread)
    return refused([*reading.mistakes, *(Mistake(*place(one.key, one.path), described(one)) for one in found)])

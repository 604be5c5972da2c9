"""What every `IModelStore` keeps."""

from __future__ import annotations

from typing import Any

import pytest

from hub.interfaces import DocumentChange, Revision
from tests.fakes.stores import done


def change(id_: str, before: str | None, after: str | None, kind: str = "Device") -> DocumentChange:
    return DocumentChange(kind=kind, id=id_, before=before, after=after)


class ModelStoreContract:
    """Subclasses give `store`: one that is new."""

    @pytest.fixture
    def store(self) -> Any:
        raise NotImplementedError

    def test_a_new_store_is_empty_and_has_an_epoch(self, store: Any) -> None:
        assert done(store.load()) == (0, [])
        assert done(store.revisions(10)) == []
        assert done(store.epoch()) == done(store.epoch()) != ""

    def test_revisions_are_numbered_one_by_one_and_told_newest_first(self, store: Any) -> None:
        first = done(store.commit(1.5, "ann", "why", "device a added", [change("a", None, "{}")]))
        second = done(store.commit(2.5, "bob", "", "device b added", [change("b", None, "{}")]))
        assert first == Revision(number=1, at=1.5, author="ann", text="why", summary="device a added")
        assert second.number == 2
        assert done(store.revisions(10)) == [second, first]
        assert done(store.revisions(1)) == [second]

    def test_documents_come_change_and_go(self, store: Any) -> None:
        done(
            store.commit(1, "", "", "", [change("a", None, "1"), change("b", None, "2"), change("a", None, "3", "Set")])
        )
        assert done(store.load()) == (1, [("Device", "a", "1"), ("Device", "b", "2"), ("Set", "a", "3")])
        done(store.commit(2, "", "", "", [change("a", "1", "1.1"), change("b", "2", None), change("c", None, "4")]))
        assert done(store.load()) == (2, [("Device", "a", "1.1"), ("Device", "c", "4"), ("Set", "a", "3")])

    def test_loading_and_committing_take_turns(self, store: Any) -> None:
        for number in range(1, 4):
            assert done(store.load())[0] == number - 1
            assert done(store.commit(1, "", "", "", [change(f"d{number}", None, "1")])).number == number
        assert done(store.commit(1, "", "", "", [change("last", None, "1")])).number == 4

    def test_bodies_are_rewritten_everywhere(self, store: Any) -> None:
        done(store.commit(1, "", "", "", [change("a", None, "1"), change("b", None, "same")]))
        done(store.commit(2, "", "", "", [change("a", "1", "2"), change("b", "same", None)]))
        assert done(store.rewrite(lambda kind, id_, body: f"{kind} {id_} {body}" if id_ == "a" else body)) == 1
        assert done(store.load()) == (2, [("Device", "a", "Device a 2")])
        assert done(store.changes_of(1)) == [change("a", None, "Device a 1"), change("b", None, "same")]
        assert done(store.changes_of(2)) == [change("a", "Device a 1", "Device a 2"), change("b", "same", None)]
        assert done(store.rewrite(lambda _kind, _id, body: body)) == 0

    def test_a_revision_tells_what_it_changed(self, store: Any) -> None:
        first = done(store.commit(1, "ann", "", "", [change("b", None, "1"), change("a", None, "2")]))
        second = done(store.commit(2, "bob", "", "", [change("b", "1", "3"), change("a", "2", None)]))
        assert [done(store.revision(number)) for number in (0, 1, 2, 3)] == [None, first, second, None]
        assert done(store.changes_of(1)) == [change("a", None, "2"), change("b", None, "1")]
        assert done(store.changes_of(2)) == [change("a", "2", None), change("b", "1", "3")]
        assert done(store.changes_of(3)) == []

    def test_what_later_revisions_changed_is_told_as_it_was(self, store: Any) -> None:
        done(store.commit(1, "", "", "", [change("a", None, "a1"), change("b", None, "b1"), change("c", None, "c1")]))
        done(
            store.commit(
                2, "", "", "", [change("a", "a1", "a2"), change("x", None, "x2"), change("a", None, "s2", "S")]
            )
        )
        done(store.commit(3, "", "", "", [change("a", "a2", "a3"), change("x", "x2", None), change("b", "b1", None)]))
        assert done(store.undone(3)) == []
        assert done(store.undone(2)) == [("Device", "a", "a2"), ("Device", "b", "b1"), ("Device", "x", "x2")]
        assert done(store.undone(1)) == [
            ("Device", "a", "a1"), ("Device", "b", "b1"), ("Device", "x", None), ("S", "a", None),
        ]  # fmt: skip
        assert [row[2] for row in done(store.undone(0))] == [None] * 5

    def test_any_text_comes_back_as_it_went_in(self, store: Any) -> None:
        text = "Ω 'quoted' \"double\" %s ? :name\n\t–"
        done(store.commit(1, text, text, text, [change(text, None, text)]))
        assert done(store.load())[1] == [("Device", text, text)]
        (revision,) = done(store.revisions(1))
        assert (revision.author, revision.text, revision.summary) == (text, text, text)

    def test_documents_come_in_the_order_of_their_characters_numbers(self, store: Any) -> None:
        names = ["B", "a", "b", "b-a", "ba", "z", "é"]
        done(store.commit(1, "", "", "", [change(name, None, "1") for name in reversed(names)]))
        assert [row[1] for row in done(store.load())[1]] == names
        assert [item.id for item in done(store.changes_of(1))] == names
        assert [row[1] for row in done(store.undone(0))] == names

    def test_a_character_that_some_databases_cannot_store_fails_nothing(self, store: Any) -> None:
        done(store.commit(1, "a\0", "b\0", "c\0", [change("a", None, "1")]))
        (revision,) = done(store.revisions(1))
        assert (revision.author[0], revision.text[0], revision.summary[0]) == ("a", "b", "c")

    def test_thousands_of_documents_are_one_revision(self, store: Any) -> None:
        done(store.commit(1, "", "", "", [change(f"d{n:04}", None, str(n)) for n in range(3000)]))
        number, rows = done(store.load())
        assert (number, len(rows)) == (1, 3000)

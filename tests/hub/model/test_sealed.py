from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from common.errors import SettingsError, TransientError
from common.sealing import Sealer, ensure_sealer, read_sealer
from hub.model.sealed import SealedModelStore
from hub.model.store import SqlModelStore
from tests.contracts.model_store import ModelStoreContract, change
from tests.fakes.stores import FakeModelStore, done
from tests.hub.model.test_store import open_database

PLAIN = '{"id":"a","address":"x","properties":{"interval_s":30,"snmp_community":"geheim"}}'


class TestSealedModelStore(ModelStoreContract):
    """Over the real store it is a store like any other."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Any:
        key_file = tmp_path / "secret.key"
        store = SqlModelStore(open_database(tmp_path / "hub.db"))
        return SealedModelStore(store, ensure_sealer(key_file), key_file)


class Bench:
    """A sealed store over one that can be looked into."""

    def __init__(self, folder: Path) -> None:
        self.key_file = folder / "secret.key"
        self.inner = FakeModelStore()
        self.begin(ensure_sealer(self.key_file))

    def begin(self, sealer: Sealer) -> None:
        self.store = SealedModelStore(self.inner, sealer, self.key_file)

    @property
    def on_disk(self) -> str:
        """Everything that is stored, and was."""
        (_, rows), changes = done(self.inner.load()), self.inner.changes
        return repr((rows, changes))


def read(body: str | None) -> Any:
    assert body is not None
    return json.loads(body)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_secrets_are_on_disk_only_as_ciphertext_and_come_back(bench: Bench) -> None:
    done(bench.store.commit(1, "", "", "", [change("a", None, PLAIN)]))
    done(bench.store.commit(2, "", "", "", [change("a", PLAIN, PLAIN.replace("geheim", "anders"))]))
    assert "geheim" not in bench.on_disk
    assert "anders" not in bench.on_disk
    assert '"interval_s":30' in bench.on_disk
    (row,) = done(bench.store.load())[1]
    assert json.loads(row[2])["properties"]["snmp_community"] == "anders"
    (changed,) = done(bench.store.changes_of(2))
    ((_, _, undone),) = done(bench.store.undone(1))
    told = [read(body)["properties"]["snmp_community"] for body in (changed.before, changed.after, undone)]
    assert told == ["geheim", "anders", "geheim"]


def test_what_an_earlier_version_has_stored_in_plain_text_is_sealed_at_the_start(bench: Bench) -> None:
    done(bench.inner.commit(1, "", "", "", [change("a", None, PLAIN)]))
    (row,) = done(bench.store.load())[1]
    assert json.loads(row[2]) == json.loads(PLAIN)
    assert "geheim" not in bench.on_disk


def test_a_rotation_leaves_one_key_that_opens_everything(bench: Bench) -> None:
    done(bench.store.commit(1, "", "", "", [change("a", None, PLAIN), change("b", None, '{"id":"b"}')]))
    before, old = bench.on_disk, read_sealer(bench.key_file).keys
    assert done(bench.store.rotate_key()) == 1
    assert bench.on_disk != before
    keys = read_sealer(bench.key_file).keys
    assert (len(keys), keys == old) == (1, False)
    bench.begin(read_sealer(bench.key_file))
    assert json.loads(done(bench.store.load())[1][0][2]) == json.loads(PLAIN)
    assert read(done(bench.store.changes_of(1))[0].after) == json.loads(PLAIN)


def test_a_rotation_that_was_cut_off_is_finished_by_the_next_start(bench: Bench) -> None:
    done(bench.store.commit(1, "", "", "", [change("a", None, PLAIN)]))
    bench.inner.broken = "the disk is full"
    with pytest.raises(TransientError):
        done(bench.store.rotate_key())
    assert len(read_sealer(bench.key_file).keys) == 2
    bench.inner.broken = ""
    assert json.loads(done(bench.store.load())[1][0][2]) == json.loads(PLAIN)
    done(bench.store.commit(2, "", "", "", [change("c", None, PLAIN.replace('"a"', '"c"'))]))
    bench.begin(read_sealer(bench.key_file))
    assert len(done(bench.store.load())[1]) == 2
    assert len(read_sealer(bench.key_file).keys) == 1
    bench.begin(read_sealer(bench.key_file))
    assert json.loads(done(bench.store.load())[1][0][2]) == json.loads(PLAIN)


def test_without_its_key_a_store_is_refused_and_no_secret_told(bench: Bench, tmp_path: Path) -> None:
    done(bench.store.commit(1, "", "", "", [change("a", None, PLAIN)]))
    (tmp_path / "other").mkdir()
    bench.begin(ensure_sealer(tmp_path / "other" / "secret.key"))
    with pytest.raises(
        SettingsError, match=r"Device a: .*not in the key file\. Put the key file .*back from its backup"
    ):
        done(bench.store.load())


def test_a_secret_does_not_open_on_another_device(bench: Bench) -> None:
    done(bench.store.commit(1, "", "", "", [change("a", None, PLAIN)]))
    (_, _, sealed) = done(bench.inner.load())[1][0]
    done(bench.inner.commit(2, "", "", "", [change("b", None, sealed)]))
    with pytest.raises(SettingsError, match="Device b: a sealed secret is damaged, or was moved"):
        done(bench.store.load())

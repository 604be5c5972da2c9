"""Pieces on disk: whole or not at all, so many and no more, and none of another device."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from collectors.process.evidence.files import DAY_S, FOLDER, KEEP_S, PIECES, EvidenceFiles
from collectors.process.evidence.gather import Taken, id_of, piece
from common.errors import NotFoundError, PermanentError
from common.evidence import HostEvidence
from common.masking import masker
from tests.collectors.process.evidence.test_gather import START, row, view
from tests.collectors.process.rollbook.test_files import opened
from tests.fakes import obstacles


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


class Kept:
    """A folder of pieces, with a clock."""

    def __init__(self, root: Path, **fields: int) -> None:
        self.clock = Clock()
        self.files = EvidenceFiles(root, self.clock, **fields)
        self.root = root / FOLDER

    def add(self, device: str = "box", *, durable: bool = False) -> str:
        self.clock.now += 1
        id_ = id_of(device, self.clock.now)
        now = view(row(1), at=self.clock.now)
        data = piece(Taken(id_, device, self.clock.now, {"web": None}, None, now), HostEvidence(), masker())
        self.files.write(device, id_, data, durable=durable)
        return id_

    def ids(self) -> list[str]:
        return sorted(path.stem for path in self.root.rglob("*.zst"))


@pytest.mark.parametrize("durable", [False, True])
def test_what_is_written_is_read_again_by_its_owner_alone(tmp_path: Path, durable: bool) -> None:
    kept = Kept(tmp_path)
    id_ = kept.add("../../etc/passwd\u202e", durable=durable)
    found = kept.files.read("../../etc/passwd\u202e", id_)
    assert (found.id, found.device) == (id_, "../../etc/passwd\u202e")
    (path,) = kept.root.rglob("*.zst")
    assert path.parent.parent == kept.root
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    with pytest.raises(NotFoundError, match="is not kept"):
        kept.files.read("other", id_)


def test_a_device_has_so_many_pieces_and_the_newest_stay(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    ids = [kept.add() for _ in range(PIECES + 5)]
    assert kept.ids() == ids[5:]
    with pytest.raises(NotFoundError, match=f"{PIECES} newer pieces"):
        kept.files.read("box", ids[0])


def test_what_is_old_goes_also_of_devices_that_have_left(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.add("left")
    kept.clock.now += KEEP_S - DAY_S
    later = kept.add("stays")
    assert len(kept.ids()) == 2
    kept.clock.now += 2 * DAY_S
    newest = kept.add("stays")
    assert kept.ids() == sorted([later, newest])
    assert len(list(kept.root.iterdir())) == 1  # the folder of the one that left is gone as well


def test_in_all_there_is_so_much_and_the_oldest_goes_first(tmp_path: Path) -> None:
    kept = Kept(tmp_path, total_bytes=4000)
    ids = [kept.add(f"box{number}") for number in range(60)]
    size = sum(path.stat().st_size for path in kept.root.rglob("*.zst"))
    assert size <= 4000 + 4000 // 16 + 500
    assert kept.ids() == ids[-len(kept.ids()) :]
    assert len(kept.ids()) > 3


def test_a_half_written_piece_is_cleared_away(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.add()
    (folder,) = kept.root.iterdir()
    (folder / ".half.zst.new").write_bytes(b"half")
    kept.add()
    assert [path.suffix for path in folder.iterdir()] == [".zst", ".zst"]


def test_a_damaged_piece_is_told_so(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    id_, other = kept.add(), kept.add()
    (path,) = kept.root.rglob(f"{id_}.zst")
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(PermanentError, match="damaged"):
        kept.files.read("box", id_)
    (swapped,) = kept.root.rglob(f"{other}.zst")
    swapped.rename(path)
    with pytest.raises(PermanentError, match="of another one"):
        kept.files.read("box", id_)


def test_a_disk_that_refuses_costs_the_evidence_alone(tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_text("a file in the way")
    kept = Kept(tmp_path)
    kept.add()
    kept.add(durable=True)
    assert kept.files.figures() == {"written": 0, "refused": 2}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("become", [obstacles.pipe, obstacles.folder, obstacles.endless])
def test_what_stands_where_a_piece_was_holds_nobody_up(tmp_path: Path, become: Callable[[Path], None]) -> None:
    kept = Kept(tmp_path, total_bytes=4000)
    ids = [kept.add(), kept.add()]
    become(next(kept.root.rglob(f"{ids[0]}.zst")))
    with pytest.raises(PermanentError, match="cannot be read"):
        kept.files.read("box", ids[0])
    assert [name for name in opened() if name.startswith(str(tmp_path))] == []
    ids += [kept.add("box" if number % 2 else "other") for number in range(2 * PIECES)]
    assert kept.files.figures()["refused"] == 0
    assert sum(path.stat().st_size for path in kept.root.rglob("*.zst") if path.is_file()) < 5000
    assert kept.files.read("box", ids[-1]).id == ids[-1]


@pytest.mark.timeout(20)
def test_a_pipe_where_a_piece_is_to_be_written_holds_nobody_up(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.add()
    [piece_] = kept.root.rglob("*.zst")
    os.mkfifo(piece_.parent / f".{id_of('box', kept.clock.now + 1)}.zst.new")
    id_ = kept.add()
    assert kept.files.read("box", id_).id == id_

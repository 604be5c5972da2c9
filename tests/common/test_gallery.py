"""The gallery: the same bytes in every run, small, and its page shows what is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import gallery
from benchmarks.galleryseries import fill

FOLDER = Path(__file__).parents[2] / gallery.FOLDER
LARGEST_BYTES = 60_000


def test_a_second_run_changes_no_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    piece = next(piece for piece in gallery.PIECES if piece.name == "hour")
    images = []
    for run in ("one", "two"):
        root = tmp_path / run
        root.mkdir()
        fill(root, days=1, only="report builder")
        monkeypatch.chdir(root)
        images.append(gallery.render(piece, root))
    assert images[0].startswith(b"\x89PNG")
    assert images[0] == images[1]


def test_the_page_shows_all_pictures_and_nothing_else() -> None:
    assert (FOLDER / "README.md").read_text(encoding="utf-8") == gallery.page()
    names = {path.name for path in FOLDER.iterdir()} - {"README.md"}
    assert names == {f"{piece.name}.{piece.form}" for piece in gallery.PIECES}


def test_pictures_of_the_gallery_are_small() -> None:
    assert {path.name: path.stat().st_size for path in FOLDER.iterdir() if path.stat().st_size > LARGEST_BYTES} == {}

"""What a change tells."""

from __future__ import annotations

from typing import Any

import pytest

from hub.cli.apply import MAX_DOCUMENTS, finish_change
from hub.cli.context import Client


def told(capsys: pytest.CaptureFixture[str], **rows: int) -> list[str]:
    documents: dict[str, Any] = {
        word: [{"kind": "Device", "id": f"{word}{n}"} for n in range(number)] for word, number in rows.items()
    }
    result = {"revision": 7, "devices": [], "unchanged": 0, **documents}
    finish_change(Client("http://127.0.0.1", None), result, wait=False, timeout_s=1, as_json=False)
    return capsys.readouterr().out.splitlines()


def test_a_large_change_tells_the_first_documents_of_each_kind_and_how_many_more(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = told(capsys, created=10_000, changed=MAX_DOCUMENTS, removed=MAX_DOCUMENTS + 1)
    assert lines[MAX_DOCUMENTS - 1 : MAX_DOCUMENTS + 2] == [
        "+ Device created19",
        "+ and 9980 more",
        "~ Device changed0",
    ]
    assert lines[-4:-1] == ["- Device removed18", "- Device removed19", "- and 1 more"]
    assert len(lines) == 3 * MAX_DOCUMENTS + 3

"""Names of accounts, from a file that changes."""

from __future__ import annotations

import os
from pathlib import Path

from collectors.framework.local.accounts import Accounts


def test_names_are_those_of_the_file_and_numbers_have_none(tmp_path: Path) -> None:
    file = tmp_path / "passwd"
    file.write_bytes(
        b"root:x:0:0::/root:/bin/sh\n\nnonsense\n:x:5::\nbad:x:-1:\nodd:x:\xff:\nw\xffeb:x:33:33\nagain:x:33:33\n"
    )
    accounts = Accounts(file)
    accounts.refresh()
    assert [accounts.name(number) for number in (0, 5, 33, 1000)] == ["root", "5", "w\ufffdeb", "1000"]


def test_a_file_that_changed_is_read_again_and_one_that_went_is_remembered(tmp_path: Path) -> None:
    file = tmp_path / "passwd"
    file.write_text("web:x:33:33\n")
    accounts = Accounts(file)
    accounts.refresh()
    file.write_text("www:x:33:33\n")
    os.utime(file, (1, 1))
    accounts.refresh()
    assert accounts.name(33) == "www"
    file.unlink()
    accounts.refresh()
    assert accounts.name(33) == "www"

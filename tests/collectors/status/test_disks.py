"""Room of filesystems, beside psutil and on made-up ones."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest

from collectors.status.disks import mounted, places, usage


def room(**values: int) -> os.statvfs_result:
    names = ("f_bsize", "f_frsize", "f_blocks", "f_bfree", "f_bavail", "f_files", "f_ffree", "f_favail", "f_flag")
    return os.statvfs_result((*(values.get(name, 0) for name in names), 255))


def test_room_is_what_psutil_tells(tmp_path: Path) -> None:
    found, witness = usage(str(tmp_path)), psutil.disk_usage(str(tmp_path))
    assert found["total"] == witness.total
    assert found["used"] == pytest.approx(witness.used, rel=0.05)
    assert found["free"] == pytest.approx(witness.free, rel=0.05)
    assert found["percent"] == pytest.approx(witness.percent, abs=1)
    assert found["inodes_total"] == pytest.approx(
        os.statvfs(tmp_path).f_files or None, rel=0.05
    )  # XFS makes more of them


def test_free_is_what_is_free_for_users_and_percent_is_of_used_and_free() -> None:
    made = room(f_bsize=1, f_frsize=4096, f_blocks=1000, f_bfree=300, f_bavail=200, f_files=50, f_ffree=30, f_favail=20)
    found = usage("/", ask=lambda _: made)
    assert found == {
        "total": 4_096_000,
        "used": 700 * 4096,
        "free": 200 * 4096,
        "percent": pytest.approx(100 * 700 / 900),
        "inodes_total": 50,
        "inodes_used": 20,
        "inodes_free": 20,
        "inodes_percent": 50.0,
    }


def test_what_has_no_room_or_counts_no_inodes_has_no_figures_of_them() -> None:
    assert usage("/", ask=lambda _: room(f_frsize=4096))["percent"] is None
    found = usage("/", ask=lambda _: room(f_frsize=4096, f_blocks=10, f_bfree=5, f_bavail=5))
    assert (found["percent"], found["inodes_total"], found["inodes_percent"]) == (50.0, None, None)


def test_a_file_is_no_folder_a_link_to_a_folder_is_one_and_what_is_not_there_is_not(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(NotADirectoryError):
        usage(str(tmp_path / "file"))
    with pytest.raises(FileNotFoundError):
        usage(str(tmp_path / "nothing"))
    assert usage(str(tmp_path / "link"))["total"] == usage(str(tmp_path))["total"]


def test_each_device_counts_once_and_what_has_no_room_does_not() -> None:
    parts = [
        ("/srv/copy", "/dev/sda2", "ext4"),
        ("/srv", "/dev/sda2", "ext4"),
        ("/", "overlay", "overlay"),
        ("/var/lib/docker/overlay2/x", "overlay", "overlay"),
        ("/proc", "proc", "proc"),
        ("/proc/sys/fs/x", "tmpfs", "tmpfs"),
        ("/far", "server:/export", "nfs4"),
        ("/run", "tmpfs", "tmpfs"),
        ("/dev", "tmpfs", "tmpfs"),
        ("/dev/shm", "tmpfs", "tmpfs"),
    ]
    assert list(places(parts)) == ["/", "/far", "/run", "/srv", "/dev/shm"]


def test_this_host_has_a_root() -> None:
    assert "/" in mounted()

"""`tocsin data plan`, `orphans` and `purge`, against the API's real shapes."""

from __future__ import annotations

import io
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from common import rrd
from common.series import Retention
from hub.cli.exits import Exit
from hub.cli.main import main
from hub.web.orphans import AskedRow, KeptRow, OrphanRow, Orphans, PurgedRow, PurgeRequest, PurgeResult
from hub.web.retention import DeviceRow, Devices, PlanRow, Plans, SpanRow
from tests.fakes.api import FakeApi, Refusal, iso
from tests.hub.cli.conftest import Done, Run

PAGE = Path(__file__).parents[3] / "docs" / "retention.md"

STANDARD = PlanRow(
    name="standard",
    own=False,
    description="about a day",
    spans=[SpanRow(60, 86_400), SpanRow(600, 14 * 86_400), SpanRow(86_400, 3 * 366 * 86_400)],
    file_bytes=1_020_624,
    fleet_bytes=2_041_248,
    devices=7,
    problem="",
)
OWN = msgspec.structs.replace(STANDARD, name="shops", own=True, devices=0, problem="a file would have too many rows")
LOST = OrphanRow(
    collector="east",
    reason="left",
    device="gone\x1b[31m",
    component="",
    source="",
    files=3,
    bytes=3_000_000,
    written="2026-01-01T00:00:00Z",
    detail="the device is not in the model",
    left_at="2026-01-02T00:00:00Z",
    purge_from="2026-02-01T00:00:00Z",
)
EAST, WEST = (
    AskedRow(collector="east", files=9, bytes=9_000_000, problem=""),
    AskedRow(collector="west", files=0, bytes=0, problem="collector west is not connected"),
)


class Hub:
    """Routes of a fake API that answers these questions."""

    def __init__(self, fake: FakeApi) -> None:
        self.plans: list[PlanRow] = [STANDARD, OWN]
        self.devices: list[DeviceRow] = []
        self.problems: dict[str, str] = {}
        self.orphans: list[OrphanRow] = [LOST]
        self.collectors = [EAST]
        self.kept: list[KeptRow] = []
        self.asked: list[dict[str, list[str]]] = []
        self.purges: list[PurgeRequest] = []
        for method, path, call, parameters, body in (
            ("GET", "retention/plans", self._plans, "name step_s points files", None),
            ("GET", "retention/devices", self._devices, "device", None),
            ("GET", "data/orphans", self._orphans, "collector", None),
            ("POST", "data/purge", self._purge, "", PurgeRequest),
        ):
            fake.routes.table.append((method, re.compile(path), call, frozenset(parameters.split()), body))

    def _plans(self, query: Any) -> Any:
        self.asked.append(query)
        names = query.get("name") or [one.name for one in self.plans]
        found = [one for one in self.plans if one.name in names]
        if len(found) < len(names):
            raise Refusal(404, "not_found", "there is no retention plan 'x'")
        return msgspec.to_builtins(Plans(step_s=60, points=6, files=int(query.get("files", ["1"])[0]), plans=found))

    def _devices(self, query: Any) -> Any:
        self.asked.append(query)
        if "standart" in query.get("device", []):
            raise Refusal(404, "not_found", "there is no device 'standart'")
        return msgspec.to_builtins(Devices(devices=self.devices, problems=self.problems))

    def _orphans(self, query: Any) -> Any:
        self.asked.append(query)
        return msgspec.to_builtins(
            Orphans(orphans=self.orphans, collectors=self.collectors, grace_s=2_592_000.0, cut=False)
        )

    def _purge(self, body: PurgeRequest, _query: Any) -> Any:
        self.purges.append(body)
        gone = [
            PurgedRow(device=one.device, collector=one.collector, files=one.files, bytes=one.bytes)
            for one in self.orphans
            if not body.devices or one.device in body.devices
        ]
        if not body.dry_run:
            self.orphans = [one for one in self.orphans if body.devices and one.device not in body.devices]
        kept = [one for one in self.kept if not body.devices or one.device in body.devices]
        return msgspec.to_builtins(
            PurgeResult(dry_run=body.dry_run, purged=gone, kept=kept, collectors=self.collectors)
        )


@pytest.fixture
def hub(fake: FakeApi) -> Hub:
    return Hub(fake)


class Terminal(io.StringIO):
    """Somebody who types."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def typed(run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    def run_command(text: str, *arguments: str) -> Done:
        monkeypatch.setattr(sys, "stdin", Terminal(text))
        code = main(arguments)
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return run_command


def one_device(name: str = "web1", **fields: Any) -> DeviceRow:
    told: dict[str, Any] = {
        "device": name, "collector": "east", "plan": "standard", "step_s": 60, "points": 6, "sets": 4,
        "modelled": True, "file_bytes": 1_020_624, "bytes": 4_082_496, "held_files": 5, "held_bytes": 5_000_000,
    }  # fmt: skip
    return DeviceRow(**{**told, **fields})


# --- plan -------------------------------------------------------------------------------------------------------------


def test_all_plans_are_told_with_the_size_of_a_file(run: Run, hub: Hub) -> None:
    done = run("data", "plan")
    assert done.code == 0, done.err
    text = " ".join(done.out.split())
    assert "standard 1 day at 1 min, 14 days at 10 min, 3 years at 1 d 997 KiB 7" in text
    assert "shops: a file would have too many rows" in text
    assert "Files of 6 points with a step of 1m 00s" in done.err
    assert hub.asked == [{}]


def test_one_plan_is_told_for_a_fleet(run: Run, hub: Hub) -> None:
    done = run("data", "plan", "standard", "--step", "10s", "--points", "17", "--files", "2000")
    assert hub.asked[-1] == {"name": ["standard"], "step_s": ["10"], "points": ["17"], "files": ["2000"]}
    assert "2000 FILES" in done.out
    assert "A file has 1,020,624 bytes" in done.out
    assert run("data", "plan", "standard", "--json").json["plans"][0]["file_bytes"] == 1_020_624


def test_devices_are_told_with_what_they_have_and_would_have(run: Run, hub: Hub) -> None:
    hub.devices = [one_device(), one_device("web2", modelled=False, held_files=None, held_bytes=None, collector="west")]
    done = run("data", "plan", "--all")
    lines = [line.split() for line in done.out.splitlines()]
    assert lines[1][:6] == ["web1", "standard", "1m", "00s", "6", "4"]
    assert "4?" in lines[2]
    assert lines[2][-2:] == ["–", "–"]
    assert "2 devices: 7.8 MiB by their plans, 4.8 MiB there" in done.out
    assert "not modelled yet" in done.err
    hub.problems = {"west": "collector west is not connected"}
    done = run("data", "plan", "web1", "web2", "--json")
    assert done.code == Exit.PARTLY
    assert done.json["devices"][0]["device"] == "web1"
    assert "west: collector west is not connected" in done.err
    assert hub.asked[-1] == {"device": ["web1", "web2"]}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("standard", "web1"), "standard is a plan, and web1 is none"),
        (("web1", "--step", "10s"), "--step, --points and --files are for plans"),
        (("--all", "web1"), "--all is of all devices"),
        (("--devices",), "name some, or give --all"),
        (("standard", "--step", "2d"), "--step 2d: it may be a day at most"),
        (("standard", "--step", "soon"), "'soon' is no length of time"),
        (("--points", "0"), "0 is not in the range"),
    ],
)
def test_what_makes_no_sense_is_refused(run: Run, hub: Hub, arguments: tuple[str, ...], sentence: str) -> None:
    done = run("data", "plan", *arguments)
    assert done.code == Exit.USAGE
    assert sentence in done.err


def test_a_name_of_nothing_is_neither_plan_nor_device(run: Run, hub: Hub) -> None:
    done = run("data", "plan", "standart")
    assert done.code == Exit.NOT_FOUND
    assert "no plan has that name" in done.err
    assert "no plan" not in run("data", "plan", "--devices", "standart").err


def test_a_device_that_is_called_like_a_plan_can_be_asked_for(run: Run, hub: Hub) -> None:
    hub.devices = [one_device("standard")]
    assert run("data", "plan", "standard", "--devices").code == 0
    assert hub.asked[-1] == {"device": ["standard"]}


def test_the_page_on_retention_tells_true_sizes() -> None:
    rows = [line.split("|")[1:-1] for line in PAGE.read_text().splitlines() if re.match(r"\| `\w+` \| [\d,]+ \|", line)]
    told = {row[0].strip(" `"): [cell.strip() for cell in row[1:]] for row in rows}
    assert list(told) == [plan.value for plan in Retention]
    assert f"a file over SNMP has {rrd.size_bytes(8, 60):,} bytes" in " ".join(PAGE.read_text().split())
    for name, cells in told.items():
        sizes = [rrd.size_bytes(points, step_s, Retention(name)) for points, step_s in ((6, 60), (6, 10), (17, 10))]
        assert cells[:3] == [f"{size:,}" for size in sizes]
        assert cells[3] == f"{sizes[0] * 20_000 / 1e9:.1f} GB"


# --- orphans ----------------------------------------------------------------------------------------------------------


def test_orphans_are_listed_harmlessly_with_when_they_may_go(run: Run, hub: Hub) -> None:
    hub.orphans.append(
        msgspec.structs.replace(LOST, reason="aside", component="sshd", source="process", left_at=None, purge_from=None)
    )
    hub.orphans.append(msgspec.structs.replace(LOST, device="late", purge_from=iso(time.time() + 86_400)))
    done = run("data", "orphans", "east")
    assert (done.code, hub.asked) == (0, [{"collector": ["east"]}])
    assert "\x1b" not in done.out
    assert "sshd / process" in done.out
    lines = done.out.splitlines()
    assert " now " in lines[1]
    assert " now " not in lines[3]
    assert lines[-1] == "9 orphans with 8.6 MiB, of 9 files with 8.6 MiB"
    assert len(run("data", "orphans", "--json").json["orphans"]) == 3


def test_a_collector_that_was_not_asked_is_told(run: Run, hub: Hub) -> None:
    hub.collectors, hub.orphans = [EAST, WEST], []
    done = run("data", "orphans")
    assert done.code == Exit.PARTLY
    assert "collector west is not connected" in done.err
    assert "0 orphans with 0 B, of 9 files" in done.out
    assert run("data", "orphans", "--json").json["collectors"][1]["problem"]


# --- purge ------------------------------------------------------------------------------------------------------------


def test_a_dry_run_deletes_nothing(run: Run, hub: Hub) -> None:
    done = run("data", "purge", "--dry-run")
    assert done.code == 0
    assert "3 files of 1 device would be deleted, 2.9 MiB" in done.out
    assert "\x1b" not in done.out
    assert [one.dry_run for one in hub.purges] == [True]


def test_without_a_terminal_it_wants_a_yes(run: Run, hub: Hub) -> None:
    done = run("data", "purge", LOST.device)
    assert done.code == Exit.USAGE
    assert "say --yes" in done.err
    assert [one.dry_run for one in hub.purges] == [True]


def test_it_deletes_and_says_who_wants_it(run: Run, hub: Hub) -> None:
    done = run("data", "purge", LOST.device, "--grace", "7d", "--collector", "east", "--yes")
    assert "3 files of 1 device deleted, 2.9 MiB" in done.out
    dry, real = hub.purges
    assert (dry.dry_run, real.dry_run) == (True, False)
    assert (real.devices, real.collector, real.grace_s) == ([LOST.device], "east", 7 * 86_400.0)
    assert real.author
    assert run("data", "purge", LOST.device).out.startswith("0 files")


def test_a_collector_that_was_not_asked_may_have_more_to_purge(run: Run, hub: Hub) -> None:
    hub.collectors, hub.orphans = [EAST, WEST], []
    done = run("data", "purge", "gone")
    assert done.code == Exit.PARTLY
    assert "There is nothing of gone at those that answered" in done.err
    assert "1 collector could not be asked" in done.err
    assert run("data", "purge").code == Exit.PARTLY


def test_at_a_terminal_it_asks_first(typed: Callable[..., Done], hub: Hub) -> None:
    done = typed("n\n", "data", "purge")
    assert done.code == Exit.FAILED
    assert "Delete 3 files with 2.9 MiB?" in done.err
    assert "Nothing was deleted" in done.err
    assert [one.dry_run for one in hub.purges] == [True]
    done = typed("y\n", "data", "purge")
    assert done.code == 0, done.err
    assert "3 files of 1 device deleted" in done.out
    hub.orphans = [LOST]
    assert typed("", "data", "purge", "--yes").code == 0
    assert typed("", "data", "purge").code == 0  # nothing is left, and nothing is asked


def test_what_is_kept_is_told_with_why_and_until_when(run: Run, hub: Hub) -> None:
    hub.orphans = []
    hub.kept = [
        KeptRow(device="web1", collector="", why="it is in the model", purge_from=None, waits=False),
        KeptRow(device="late", collector="east", why="it left 3 days ago", purge_from=iso(time.time()), waits=False),
    ]
    done = run("data", "purge", "web1", "late")
    assert done.code == Exit.FAILED
    assert "web1 is kept: it is in the model" in done.err
    assert "late at east is kept: it left 3 days ago; it may be purged from 20" in done.err
    assert [one.dry_run for one in hub.purges] == [True]
    assert run("data", "purge").code == 0  # nothing was named, and nothing may go
    assert run("data", "purge", "web1", "--json").json["kept"][0]["why"] == "it is in the model"


def test_what_lies_at_a_collector_that_is_away_is_ordered_for_later(run: Run, hub: Hub) -> None:
    hub.kept = [KeptRow(device=LOST.device, collector="west", why="it is away", purge_from=None, waits=True)]
    done = run("data", "purge", LOST.device, "--yes")
    assert done.code == Exit.PARTLY
    assert "at west is kept: it is away; it is deleted when that collector is there again" in done.err
    assert [one.dry_run for one in hub.purges] == [True, False]


def test_many_devices_are_deleted_some_at_a_time(run: Run, hub: Hub) -> None:
    hub.orphans = [msgspec.structs.replace(LOST, device=f"gone{number}") for number in range(45)]
    done = run("data", "purge", "--json", "--yes")
    assert len(done.json["purged"]) == 45
    assert [len(one.devices) for one in hub.purges] == [0, 20, 20, 5]


def test_no_grace_is_a_grace(run: Run, hub: Hub) -> None:
    run("data", "purge", "--grace", "0d", "--dry-run")
    assert hub.purges[-1].grace_s == 0.0
    assert run("data", "purge", "--grace", "soon").code == Exit.USAGE

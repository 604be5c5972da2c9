"""What is an orphan, what may be purged and when, and what becomes of it where collectors are away."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from common.errors import NotFoundError, RemoteError, TransientError
from common.holdings import HeldAs, HeldFile, Holdings, HoldingsQuery, Purged, PurgedDevice, PurgeQuery
from common.series import SeriesKey
from common.wire import decode, encode
from hub.distribution.roster import Seat
from hub.purging.desk import AUTOMATIC_S, ITSELF, Purging
from hub.purging.findings import Kept
from hub.purging.orphans import Orphan, Reason, Sorting, View
from tests.fakes.remnants import FakeRemnantStore
from tests.fakes.stores import done
from tests.hub.distribution.fakes import FakeCollector, FakeSession

NOW = 1_800_000_000.0
DAY_S = 86_400.0
GRACE_S = 30 * DAY_S


def held(device: str, component: str = "sshd", source: str = "process", **fields: Any) -> HeldFile:
    name = hashlib.blake2b(repr((device, component, source, fields)).encode(), digest_size=16).hexdigest()
    told: dict[str, Any] = {"size": 100, "written": NOW - 100 * DAY_S, "held_as": HeldAs.SERIES, **fields}
    return HeldFile(file=f"0/0/{name}.rrd", key=SeriesKey(device, component, source), **told)


class Site:
    """A hub with two collectors, which have files and delete them."""

    def __init__(self) -> None:
        self.now = NOW
        self.model = {"web1": "east", "web2": "west"}
        self.files: dict[str, list[HeldFile]] = {"east": [], "west": []}
        self.sessions = {name: self._session(name) for name in self.files}
        self.away: set[str] = set()
        self.known: dict[str, tuple[float, set[str]]] = {}
        self.components: set[str] = set()
        self.refusals: dict[str, Exception] = {}
        self.purges: list[tuple[str, PurgeQuery]] = []
        self.still = 0
        self.page = 2
        self.store = FakeRemnantStore()
        self.purging = self.start()

    def start(self, **options: Any) -> Purging:
        tokens = itertools.count()
        view = View(
            owner=self.model.get,
            has=self.model.__contains__,
            is_collector={"east", "west"}.__contains__,
            modelled_at=lambda device: self.known[device][0] if device in self.known else None,
            names=lambda device: self.known[device][1],
            sources=lambda: {"process"},
            moving=lambda device, collector, _daemon: f"{device} follows from {collector}",
            components=lambda _device: self.components,
        )
        purging = Purging(
            lambda: self.now,
            self.store,
            self,
            view,
            lambda: f"t{next(tokens)}",
            **{"grace_s": GRACE_S, **options},
        )
        done(purging.load())
        return purging

    def _session(self, name: str) -> FakeSession:
        session = FakeSession(FakeCollector(name))
        session.answers = lambda query: self._answer(name, query)
        return session

    def _answer(self, name: str, query: Any) -> Any:
        if name in self.refusals:
            raise self.refusals[name]
        query = decode(encode(query), type(query))
        if isinstance(query, HoldingsQuery):
            files = sorted(self.files[name], key=lambda one: one.file)
            files = [one for one in files if one.file > query.after]
            page = files[: self.page]
            return Holdings(files=page, last=page[-1].file if page else "", more=len(files) > self.page)
        assert isinstance(query, PurgeQuery)
        self.purges.append((name, query))
        if self.still:
            self.still -= 1
            return Purged(done=False, files=1, of=2)
        gone = [one for one in self.files[name] if one.key is not None and one.key.device in query.devices]
        self.files[name] = [one for one in self.files[name] if one not in gone]
        told = {
            device: [one.size for one in gone if one.key is not None and one.key.device == device]
            for device in query.devices
        }
        return Purged(
            done=True, devices=[PurgedDevice(one, len(all_), sum(all_)) for one, all_ in told.items() if all_]
        )

    # --- what a roster does

    def seats(self) -> list[Seat]:
        places = [name.partition("/")[::2] for name in self.sessions]
        seats = [Seat(collector=collector, daemon=daemon or "process") for collector, daemon in places]
        return [*seats, Seat(collector="east", daemon="modeler")]

    def session(self, collector: str, daemon: str) -> FakeSession | None:
        name = collector if daemon == "process" else f"{collector}/{daemon}"
        return None if name in self.away else self.sessions.get(name)

    def whereabouts(self, collector: str, daemon: str) -> str:
        return f"collector {collector} is not connected" + ("" if daemon == "process" else f" ({daemon})")

    def with_snmp(self, *files: HeldFile) -> None:
        """East has a second daemon, with files of its own."""
        self.files["east/snmp"] = list(files)
        self.sessions["east/snmp"] = self._session("east/snmp")

    # --- what is asked

    def purge(self, *devices: str, **options: Any) -> Any:
        return done(self.purging.purge(devices, by="ann", **options))

    def orphans(self, *collectors: str) -> list[tuple[str, str, str]]:
        findings = done(self.purging.orphans(collectors))
        return [(one.orphan.reason.value, one.orphan.device, one.orphan.component) for one in findings.found]


@pytest.fixture
def site() -> Site:
    return Site()


def test_each_reason_is_told_by_itself_and_what_is_no_orphan_is_only_counted(site: Site) -> None:
    site.known["web1"] = (NOW - 100, {"sshd", "absent"})
    site.files["east"] = [
        held("web1"),
        held("web1", "absent", written=NOW - 1e7),
        held("web1", "new", written=NOW - 50),  # since the last modelling
        held("web1", "removed", written=NOW - 200),
        held("web1", "sshd", "disk"),
        held("web1", "broken", held_as=HeldAs.ASIDE, since=NOW - 5, reason="it is damaged"),
        held("web2", "sshd"),
        held("gone", "sshd", size=7),
        held("gone", "nginx", size=8, written=NOW - 3),
        held("gone", "nginx", held_as=HeldAs.ASIDE, reason="old"),
        held("east", "process", "self"),
        replace(held("x"), key=None, held_as=HeldAs.UNKNOWN),
        replace(held("y"), key=None, held_as=HeldAs.COPY),
    ]
    assert site.orphans() == [
        ("left", "gone", ""),
        ("elsewhere", "web2", ""),
        ("component", "web1", "removed"),
        ("source", "web1", "sshd"),
        ("aside", "web1", "broken"),
        ("unknown", "", ""),
    ]
    findings = done(site.purging.orphans(["east"]))
    (gone, elsewhere, *_, unknown) = [one.orphan for one in findings.found]
    assert (gone.files, gone.bytes, gone.written) == (3, 115, NOW - 3)
    assert elsewhere.detail == "collector west has the device; web2 follows from east"
    assert unknown.files == 2
    assert [one.orphan.aside_at for one in findings.found if one.orphan.reason is Reason.ASIDE] == [NOW - 5]
    assert [(one.collector, one.files, one.problem) for one in findings.asked] == [("east", 13, "")]


def test_a_device_that_was_never_modelled_has_whatever_it_has(site: Site) -> None:
    site.files["east"] = [held("web1", "anything", written=0.0)]
    assert site.orphans() == []


def test_a_device_of_a_pool_that_nobody_has_now_is_no_orphan(site: Site) -> None:
    site.model["web1"] = None  # type: ignore[assignment]  # no member is there
    site.files["east"] = [held("web1")]
    assert site.orphans() == []


def test_a_collector_that_is_away_or_old_is_told_and_the_others_are_asked(site: Site) -> None:
    site.files["east"] = [held("gone")]
    site.away.add("west")
    findings = done(site.purging.orphans())
    assert [(one.collector, one.problem) for one in findings.asked] == [
        ("east", ""),
        ("west", "collector west is not connected"),
    ]
    assert len(findings.found) == 1
    site.away.clear()
    site.refusals["west"] = RemoteError("bad_request", "Invalid value")
    assert "update it" in done(site.purging.orphans()).asked[1].problem
    with pytest.raises(NotFoundError, match="no collector 'nosuch' has ever logged in"):
        done(site.purging.orphans(["nosuch"]))


@pytest.mark.parametrize(("left_days", "goes"), [(29.9, False), (30.1, True)])
def test_what_left_is_kept_for_the_grace_and_it_is_told_until_when(site: Site, left_days: float, goes: bool) -> None:
    site.files["east"] = [held("gone")]
    site.store.left_at["gone"] = NOW - left_days * DAY_S
    outcome = site.purge("gone")
    if goes:
        assert [(one.device, one.collector, one.files, one.bytes) for one in outcome.done] == [("gone", "east", 1, 100)]
        assert (outcome.kept, site.files["east"]) == ([], [])
        assert site.purges[0][1].by == "ann"
    else:
        (kept,) = outcome.kept
        assert kept.purge_from == pytest.approx(NOW + 0.1 * DAY_S)
        assert kept.why == "it left 29.9 days ago, and its files are kept for 30 days"
        assert (outcome.done, site.purges) == ([], [])
        assert site.purge("gone", grace_s=29 * DAY_S).done


def test_what_is_in_the_model_stays_whatever_is_asked(site: Site) -> None:
    site.files["east"] = [held("web1"), held("web2")]
    outcome = site.purge("web1", "web2", grace_s=0.0)
    assert outcome.kept == [Kept(device=one, why="it is in the model") for one in ("web1", "web2")]
    assert (outcome.done, site.purges) == ([], [])
    assert site.purge(grace_s=0.0).done == []


def test_a_dry_run_deletes_nothing_and_tells_the_same(site: Site) -> None:
    site.files = {"east": [held("gone"), held("late")], "west": [held("gone", size=5)]}
    site.store.left_at = {"gone": NOW - 31 * DAY_S, "late": NOW - DAY_S}
    dry = site.purge(dry_run=True)
    assert (dry.dry_run, site.purges) == (True, [])
    real = site.purge()
    assert real.done == dry.done
    assert [(one.device, one.collector) for one in real.done] == [("gone", "east"), ("gone", "west")]
    assert [one.device for one in real.kept] == [one.device for one in dry.kept] == ["late"]
    assert site.purge().done == []


def test_a_device_that_this_hub_never_had_is_kept_from_when_it_was_found(site: Site) -> None:
    site.files["east"] = [held("strange")]
    assert site.purge("strange").kept[0].purge_from == NOW + GRACE_S
    site.now += 29 * DAY_S
    site.purging = site.start()  # the hub was restarted
    assert site.purge("strange").done == []
    site.now += 2 * DAY_S
    assert [one.device for one in site.purge("strange").done] == ["strange"]
    assert site.store.kept == {}


def test_what_is_not_there_any_more_is_forgotten(site: Site) -> None:
    site.files["east"] = [held("strange"), held("other")]
    site.orphans()
    assert {key[0] for key in site.store.kept} == {"strange", "other"}
    site.files["east"] = [held("other")]
    site.orphans("west")
    assert len(site.store.kept) == 2
    site.orphans()
    assert {key[0] for key in site.store.kept} == {"other"}


def test_one_that_comes_back_begins_its_time_anew(site: Site) -> None:
    site.files["east"] = [held("strange")]
    site.orphans()
    site.now += 40 * DAY_S
    site.model["strange"] = "east"
    site.orphans()
    del site.model["strange"]
    assert site.purge("strange").kept[0].purge_from == site.now + GRACE_S


def test_a_long_purge_is_asked_after_with_the_same_name(site: Site) -> None:
    site.files["east"] = [held("gone")]
    site.store.left_at["gone"] = 0.0
    site.still = 3
    assert site.purge().done[0].files == 1
    assert len({query.token for _, query in site.purges}) == 1
    assert len(site.purges) == 4


def test_a_collector_that_was_away_is_asked_when_it_is_there(site: Site) -> None:
    site.files = {"east": [held("gone")], "west": [held("gone")]}
    site.store.left_at["gone"] = NOW - 31 * DAY_S
    site.away.add("west")
    outcome = site.purge("gone")
    assert [one.collector for one in outcome.done] == ["east"]
    assert outcome.kept == [
        Kept(device="gone", collector="west", daemon="process", why="collector west is not connected", waits=True)
    ]
    site.purging = site.start()  # the hub was restarted meanwhile
    done(site.purging.look())
    assert len(site.files["west"]) == 1
    site.away.clear()
    done(site.purging.look())
    assert (site.files["west"], site.purges[-1][1].by) == ([], "ann")
    done(site.purging.look())
    assert len(site.purges) == 2


def test_what_was_to_go_and_came_back_stays(site: Site) -> None:
    site.files["west"] = [held("gone")]
    site.store.left_at["gone"] = NOW - 31 * DAY_S
    site.away.add("west")
    site.purge("gone")
    site.away.clear()
    site.model["gone"] = "west"
    done(site.purging.look())
    assert (len(site.files["west"]), site.purges) == (1, [])
    del site.model["gone"]
    done(site.purging.look())
    assert site.purges == []


def test_what_was_to_go_and_was_back_in_between_has_its_grace_anew(site: Site) -> None:
    site.files["east"] = [held("old")]
    site.store.left_at["old"] = NOW - 40 * DAY_S
    site.away = {"east"}
    site.purge("old")
    site.store.left_at["old"] = NOW  # it was added and removed again, and nobody looked in between
    site.away = set()
    done(site.purging.look())
    assert site.purges == []


def test_what_was_written_since_it_left_is_kept_for_the_grace(site: Site) -> None:
    # The database is an earlier copy: by that the device left long ago, but until today it was collected.
    site.files["east"] = [held("old", written=NOW - DAY_S), held("old", "nginx")]
    site.store.left_at["old"] = NOW - 40 * DAY_S
    outcome = site.purge()
    assert site.purges == []
    assert outcome.kept == [
        Kept(
            device="old",
            collector="east",
            daemon="process",
            why="its files were written to 1 day ago, and its files are kept for 30 days",
            purge_from=NOW + 29 * DAY_S,
        )
    ]
    site.files["east"] = [held("old", written=NOW + 1000 * DAY_S)]  # by a clock that was wrong
    assert [one.purge_from for one in site.purge().kept] == [NOW + 30 * DAY_S]
    assert [one.device for one in site.purge("old", grace_s=0.0).done] == ["old"]


def test_what_is_in_grace_is_not_deleted_later_because_its_collector_was_away(site: Site) -> None:
    site.files["west"] = [held("gone")]
    site.store.left_at["gone"] = NOW - DAY_S
    site.away.add("west")
    assert site.purge("gone").kept == []
    site.away.clear()
    done(site.purging.look())
    assert len(site.files["west"]) == 1


def test_a_collector_that_refuses_keeps_its_files_and_says_why(site: Site) -> None:
    site.files["east"] = [held("gone")]
    site.store.left_at["gone"] = 0.0
    session = site.sessions["east"]
    answer = session.answers

    def refuse(query: Any) -> Any:
        if isinstance(query, PurgeQuery):
            raise RemoteError("bad_request", "gone is collected here, and its files stay")
        return answer(query)

    session.answers = refuse
    outcome = site.purge("gone")
    assert outcome.done == []
    assert [(one.collector, one.why) for one in outcome.kept] == [
        ("east", "gone is collected here, and its files stay")
    ]


def test_one_that_comes_back_while_others_are_deleted_stays(site: Site) -> None:
    devices = [f"gone{number:03}" for number in range(60)]
    site.page = 1000
    site.files["east"] = [held(one) for one in devices]
    site.store.left_at = dict.fromkeys(devices, 0.0)
    session = site.sessions["east"]
    answer = session.answers

    def answers(query: Any) -> Any:
        if isinstance(query, PurgeQuery):
            site.model["gone059"] = "east"
        return answer(query)

    session.answers = answers
    outcome = site.purge()
    assert len(outcome.done) == 59
    assert [one.key.device for one in site.files["east"] if one.key] == ["gone059"]


def test_by_itself_the_hub_deletes_only_where_it_may_and_after_the_grace(site: Site) -> None:
    site.files["east"] = [held("gone"), held("late")]
    site.store.left_at = {"gone": NOW - 31 * DAY_S, "late": NOW - DAY_S}
    done(site.purging.look())
    assert site.purges == []
    site.purging = site.start(automatic=True)
    done(site.purging.look())
    assert [query.devices for _, query in site.purges] == [["gone"]]
    assert site.purges[0][1].by == ITSELF
    done(site.purging.look())
    site.files["east"].append(held("gone"))
    done(site.purging.look())
    assert len(site.purges) == 1
    site.now += AUTOMATIC_S
    done(site.purging.look())
    assert len(site.purges) == 2


def test_names_that_begin_alike_are_different_hosts(site: Site) -> None:
    names = ["web", "web1", "web10", "web1/x", "WEB1", "web1 ", "%"]
    site.files["east"] = [held(one) for one in names]
    site.store.left_at = dict.fromkeys(names, 0.0)
    assert [one.device for one in site.purge("web").done] == ["web"]
    assert [one.device for one in site.purge("%").done] == ["%"]
    assert {one.key.device for one in site.files["east"] if one.key} == set(names) - {"web", "%"}


def test_a_database_that_refuses_ends_in_its_sentence(site: Site) -> None:
    site.files["east"] = [held("strange")]
    site.store.broken = "the database is away"
    with pytest.raises(TransientError, match="the database is away"):
        site.purge("strange")


def test_groups_are_bounded_and_that_is_told() -> None:
    always: Callable[..., Any] = lambda *_: None  # noqa: E731
    view = View(
        owner=always,
        has=lambda _: False,
        is_collector=lambda _: False,
        modelled_at=always,
        names=always,
        sources=tuple,
        moving=always,
    )
    sorting = Sorting("east", view)
    sorting.add(held(f"gone{number}") for number in range(20_001))
    assert (len(sorting.orphans()), sorting.cut, sorting.files) == (20_000, True, 20_001)
    assert isinstance(sorting.orphans()[0], Orphan)
    assert sorting.orphans()[0].reason is Reason.LEFT


def test_what_every_daemon_of_a_collector_has_is_looked_at_and_deleted(site: Site) -> None:
    site.files["east"] = [held("gone")]
    site.with_snmp(held("gone", "", "ping"), held("gone", "eth0", "if"))
    site.store.left_at["gone"] = NOW - 31 * DAY_S
    findings = done(site.purging.orphans())
    assert [(one.collector, one.daemon, one.files) for one in findings.asked] == [
        ("east", "process", 1),
        ("west", "process", 0),
        ("east", "snmp", 2),
    ]
    assert [(one.orphan.daemon, one.orphan.files) for one in findings.found] == [("process", 1), ("snmp", 2)]
    outcome = site.purge()
    assert [(one.collector, one.daemon, one.files) for one in outcome.done] == [
        ("east", "process", 1),
        ("east", "snmp", 2),
    ]
    assert (site.files["east"], site.files["east/snmp"]) == ([], [])


def test_of_a_daemon_that_was_away_what_it_has_is_deleted_when_it_is_there(site: Site) -> None:
    site.files["east"] = [held("gone")]
    site.with_snmp(held("gone", "", "ping"))
    site.store.left_at["gone"] = NOW - 31 * DAY_S
    site.away.add("east/snmp")
    outcome = site.purge("gone")
    assert [(one.collector, one.daemon) for one in outcome.done] == [("east", "process")]
    assert [(one.collector, one.daemon, one.waits) for one in outcome.kept] == [("east", "snmp", True)]
    assert set(site.store.kept) == {("gone", "east", "snmp")}
    site.away.clear()
    done(site.purging.look())
    assert (site.files["east/snmp"], site.store.kept) == ([], {})


def test_of_a_daemon_that_was_removed_nothing_is_waited_for(site: Site) -> None:
    site.with_snmp(held("gone", "", "ping"))
    site.store.left_at["gone"] = NOW - 31 * DAY_S
    site.away.add("east/snmp")
    site.purge("gone")
    del site.sessions["east/snmp"]
    done(site.purging.look())
    assert site.store.kept == {}


def test_what_came_by_a_source_is_in_no_book_and_no_orphan_while_it_is_written(site: Site) -> None:
    site.known["web1"] = (NOW - 100, set())
    site.components = {"eth0"}
    long_ago = NOW - 8 * DAY_S
    site.with_snmp(
        held("web1", "row 7", "process", written=NOW - 200),  # before the modelling, but not for long
        held("web1", "eth0", "process", written=long_ago),
        held("web1", "", "process", written=long_ago),
        held("web1", "row 8", "process", written=long_ago),
        held("web1", "dropped in", "own_probe", written=NOW - 5),
        held("web1", "dropped in", "old_probe", written=long_ago),
    )
    assert site.orphans() == [("component", "web1", "row 8"), ("source", "web1", "dropped in")]

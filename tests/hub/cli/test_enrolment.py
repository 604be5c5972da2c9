# mypy: allow-untyped-calls
"""`tocsin collector token`, `tokens`, `revoke`, `remove` against the API itself, in memory."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from click.testing import CliRunner, Result
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from common.certificates import collector_name, fingerprint, registered
from common.edge.tokens import read_token
from common.events import Event, Severity
from common.wire import TaskCounts
from hub.cli.collectors import certificate_notes
from hub.cli.enrolment import remove_command, revoke_command, token_command, tokens_command
from hub.cli.exits import CommandError, Exit
from hub.distribution.absence import Absence
from hub.distribution.roster import Roster
from hub.enrol.leaving import Leaving
from hub.model.entities import Device, Pool
from hub.model.model import Model
from hub.web.enrolment import EnrolmentTopic, Where, advertised
from tests.fakes.enrolment import START, EnrolHub, FakeSession
from tests.hub.cli.test_components import InMemory
from tests.hub.web.http import Bridge, Client, site_of


class Rings:
    """Takes the hub's own events."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def raise_event(self, event: Event) -> None:
        self.events.append(event)


class Session(FakeSession):
    """A session with what a roster wants to know."""

    host, software, since, last_seen, counts = "box", "0.1", 1.0, 2.0, TaskCounts()


class Book:
    """Forgets daemons and what they have, closes events, and notes which."""

    def __init__(self) -> None:
        self.released: list[tuple[str, str]] = []
        self.forgotten: list[tuple[str, str]] = []
        self.closed: list[tuple[list[str], str]] = []
        self.retired: list[tuple[str, str]] = []

    def forget(self, collector: str, daemon: str) -> None:
        self.released.append((collector, daemon))

    async def forget_daemon(self, collector: str, daemon: str) -> None:
        self.forgotten.append((collector, daemon))

    async def retire(self, collector: str, daemon: str, by: str, at: float) -> int:
        self.retired.append((collector, daemon))
        return 0

    async def close_devices(self, devices: Iterable[str], by: str, at: float) -> int:
        self.closed.append((list(devices), by))
        return 1


class CommandCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.hub = EnrolHub()
        self.addCleanup(self.hub.close)
        self.model = Model()
        self.roster = Roster(self.hub.wall)
        self.rings = Rings()
        self.book = Book()
        self.where = Where(host="0.0.0.0", port=8790, problem="")
        absence = Absence(self.hub.clock, self.hub.wall, self.roster, self.rings)  # type: ignore[arg-type]  # a fake
        self.addCleanup(absence.stop)
        desk = self.hub.desk
        desk._sessions = self.roster.sessions_of
        leaving = Leaving(
            desk, self.roster, absence, self.book, self.book, self.book.close_devices, lambda: self.model, self.hub.wall
        )
        topic = EnrolmentTopic(desk, leaving, lambda: self.where, ["hub.example.org"])
        self.client = Client(site_of(Clock(), topic.routes()))

    def arrive(self, collector: str, daemon: str) -> Session:
        session = Session(collector, daemon)
        self.roster.arrive(session)  # type: ignore[arg-type]  # a fake
        return session

    def run_command(self, command: Any, *arguments: str) -> Result:
        result = CliRunner().invoke(command, arguments, obj=InMemory(Bridge(self.client)))
        if result.exception is not None and not isinstance(result.exception, CommandError | SystemExit):
            raise result.exception
        return result

    def refusal(self, command: Any, *arguments: str) -> CommandError:
        error = self.run_command(command, *arguments).exception
        assert isinstance(error, CommandError), error
        return error


class TokenTests(CommandCase):
    def test_standard_output_is_the_token_alone_and_the_line_to_type_stands_beside_it(self) -> None:
        result = self.run_command(token_command, "far", "--expires", "30m")
        token = read_token(result.stdout)
        assert result.stdout.count("\n") == 1
        assert (token.name, token.ca) == ("far", fingerprint(self.hub.site.ca.certificate))
        assert "tocsin-process enrol --hub hub.example.org:8790 --token -" in result.stderr
        assert "for 30m (until 2030-" in result.stderr
        assert result.stdout.strip() not in result.stderr
        assert "Only this machine" not in result.stderr
        self.hub.enrol(result.stdout)

    def test_as_json_it_has_all_that_a_script_needs(self) -> None:
        made = json.loads(self.run_command(token_command, "far", "--json").stdout)
        assert set(made) == {
            "collector",
            "token",
            "expires_at",
            "hub",
            "only_here",
            "fingerprint",
            "replaces",
            "supersedes",
        }
        assert (made["collector"], made["hub"], made["replaces"]) == ("far", "hub.example.org:8790", None)

    def test_a_hub_on_the_loopback_says_so(self) -> None:
        self.where = Where(host="127.0.0.1", port=1234, problem="")
        result = self.run_command(token_command, "far")
        assert "--hub 127.0.0.1:1234" in result.stderr
        assert "Only this machine can use it now" in result.stderr

    def test_a_name_that_is_enrolled_needs_again_and_is_told_what_that_ends(self) -> None:
        self.hub.enrol(self.hub.token("far"))
        error = self.refusal(token_command, "far")
        assert error.exit_code == Exit.FAILED
        assert "--again" in error.message
        assert "present certificate of far counts no longer" in self.run_command(token_command, "far", "--again").stderr

    def test_a_second_token_says_that_it_has_ended_the_first(self) -> None:
        first = self.run_command(token_command, "far", "--expires", "2h")
        self.run_command(token_command, "near")
        assert "counts no longer" not in first.stderr
        second = self.run_command(token_command, "far", "--json")
        assert json.loads(second.stdout)["supersedes"] == self.until(first.stderr)
        assert "The token for far from before, which nobody has used, counts no longer" in (
            self.run_command(token_command, "far").stderr
        )
        self.hub.enrol(self.run_command(token_command, "far").stdout)
        assert "from before" not in self.run_command(token_command, "far", "--again").stderr

    def until(self, text: str) -> str:
        return text.partition("(until ")[2].partition(")")[0]

    def test_where_nobody_is_enrolled_there_are_no_tokens(self) -> None:
        self.where = Where(host="0.0.0.0", port=0, problem="enrolment is turned off: enrol.enabled")
        assert "turned off" in self.refusal(token_command, "far").message
        assert self.hub.desk.open_tokens() == []

    def test_lengths_of_time_have_bounds(self) -> None:
        for text in ("1s", "31d", "1y", "soon", "0h"):
            assert self.refusal(token_command, "far", "--expires", text).exit_code == Exit.USAGE
        said = self.refusal(token_command, "far", "--expires", "soon").message
        assert said == "'soon' is no length of time: 30m, 1h, 2d, 1w and the like"

    def test_names_that_cannot_be(self) -> None:
        for name in ("a b", "é", "..", "x" * 101):
            assert self.run_command(token_command, name).exception is not None
        self.hub.pools.add("eu")
        assert "eu is a pool" in self.refusal(token_command, "eu").message

    def test_open_tokens_are_listed_without_their_secret_and_withdrawn(self) -> None:
        assert "There is no open token" in self.run_command(tokens_command).stderr
        token = self.run_command(token_command, "far").stdout.strip()
        listed = self.run_command(tokens_command)
        assert "far" in listed.stdout
        assert token not in listed.stdout
        assert json.loads(self.run_command(tokens_command, "--json").stdout)["tokens"][0]["collector"] == "far"
        assert "counts no longer" in self.run_command(token_command, "far", "--withdraw").stdout
        assert self.refusal(token_command, "far", "--withdraw").exit_code == Exit.NOT_FOUND
        with pytest.raises(Exception, match="not known"):
            self.hub.enrol(token)


class RevokeTests(CommandCase):
    def test_it_cuts_what_is_there_and_tells_what_is_left_without(self) -> None:
        certificate = self.hub.enrol(self.hub.token("far"))
        sessions = [self.arrive("far", "modeler"), self.arrive("far", "process"), self.arrive("near", "process")]
        self.model = Model(
            1,
            [*(Device(id=f"web{n}", address="x", collector="far") for n in range(12)), Pool(id="eu", members=("far",))],
        )
        result = self.run_command(revoke_command, "far", "--yes")
        assert [bool(session.aborted) for session in sessions] == [True, True, False]
        assert "Collector far is revoked; cut off: modeler, process" in result.stdout
        assert "12 devices are without a collector now: web0, " in result.stdout
        assert "and 2 more" in result.stdout
        assert "What it has of eu goes to the other members when it was away for `failover_after_s`" in result.stdout
        assert "`tocsin pool show eu`" in result.stdout
        with pytest.raises(Exception, match="was revoked"):
            collector_name(self.hub.site, certificate)

    def test_of_the_local_one_it_tells_what_the_next_up_does(self) -> None:
        for name, is_told in (("far", False), ("local", True)):
            self.hub.enrol(self.hub.token(name))
            assert ("at the next `tocsin up`" in self.run_command(revoke_command, name, "--yes").stdout) is is_told

    def test_where_nobody_can_be_asked_it_wants_yes(self) -> None:
        self.hub.enrol(self.hub.token("far"))
        assert self.refusal(revoke_command, "far").exit_code == Exit.USAGE
        assert registered(self.hub.site, "far") is not None

    def test_who_is_not_known(self) -> None:
        self.hub.enrol(self.hub.token("far"))
        error = self.refusal(revoke_command, "fra", "--yes")
        assert error.exit_code == Exit.NOT_FOUND
        assert "those that have one: far" in error.message

    def test_json_tells_it_all(self) -> None:
        self.hub.enrol(self.hub.token("far"))
        self.hub.token("far", again=True)
        done = json.loads(self.run_command(revoke_command, "far", "--yes", "--json").stdout)
        assert done == {
            "collector": "far",
            "certificate": True,
            "sessions": [],
            "tokens": 1,
            "devices": [],
            "devices_total": 0,
            "pools": [],
        }


class RemoveTests(CommandCase):
    def away(self, collector: str, *daemons: str) -> None:
        for daemon in daemons:
            self.roster.leave(self.arrive(collector, daemon), "gone")  # type: ignore[arg-type]  # a fake

    def names(self) -> list[tuple[str, str]]:
        return [(seat.collector, seat.daemon) for seat in self.roster.seats()]

    def test_a_collector_that_is_gone_is_forgotten_with_its_certificate_and_its_alarms(self) -> None:
        self.hub.enrol(self.hub.token("far"))
        self.away("far", "modeler", "process")
        self.away("near", "process")
        result = self.run_command(remove_command, "far", "--yes")
        assert "Forgot collector far, daemon modeler, process" in result.stdout
        assert self.names() == [("near", "process")]
        assert self.book.forgotten == self.book.released == [("far", "modeler"), ("far", "process")]
        assert [devices for devices, _ in self.book.closed] == [["far"]]
        assert registered(self.hub.site, "far") is None
        assert {event.severity for event in self.rings.events} == {Severity.CLEAR}

    def test_one_daemon_of_it_leaves_the_certificate(self) -> None:
        self.hub.enrol(self.hub.token("far"))
        self.away("far", "modeler")
        self.arrive("far", "process")
        self.run_command(remove_command, "far", "--daemon", "modeler", "--yes")
        assert self.names() == [("far", "process")]
        assert registered(self.hub.site, "far") is not None
        assert self.book.closed == []
        assert self.book.retired == [("far", "modeler")]

    def test_who_is_connected_or_needed_stays(self) -> None:
        self.arrive("far", "process")
        assert "is connected" in self.refusal(remove_command, "far", "--yes").message
        self.away("near", "process")
        self.model = Model(1, [Device(id="web1", address="x", collector="near")])
        assert "has 1 device: web1" in self.refusal(remove_command, "near", "--yes").message
        self.model = Model(1, [Pool(id="eu", members=("near", "other"))])
        assert "member of eu" in self.refusal(remove_command, "near", "--yes").message
        assert self.names() == [("far", "process"), ("near", "process")]
        assert self.book.forgotten == []

    def test_the_daemon_that_collects_stays_while_it_is_needed(self) -> None:
        """Without it the hub, started anew, would wait for nobody who may still collect."""
        self.away("near", "modeler", "process")
        self.model = Model(1, [Device(id="web1", address="x", collector="near")])
        assert "has 1 device: web1" in self.refusal(remove_command, "near", "--daemon", "process", "--yes").message
        self.model = Model(1, [Pool(id="eu", members=("near", "other"))])
        assert "member of eu" in self.refusal(remove_command, "near", "--daemon", "process", "--yes").message
        assert self.book.forgotten == []
        self.run_command(remove_command, "near", "--daemon", "modeler", "--yes")
        assert self.names() == [("near", "process")]

    def test_a_device_of_its_name_keeps_its_events(self) -> None:
        self.away("far", "process")
        self.model = Model(1, [Device(id="far", address="x", collector="near")])
        self.run_command(remove_command, "far", "--yes")
        assert self.book.closed == []

    def test_one_that_never_came_can_be_removed_and_nobody_cannot(self) -> None:
        self.hub.enrol(self.hub.token("far"))
        assert self.run_command(remove_command, "far", "--yes").stdout.strip() == "Forgot collector far"
        for arguments in (("far",), ("far", "--daemon", "process")):
            assert self.refusal(remove_command, *arguments, "--yes").exit_code == Exit.NOT_FOUND


@pytest.mark.parametrize(
    ("listens_on", "names", "told", "only_here"),
    [
        ("127.0.0.1", ["hub.example.org"], "127.0.0.1", True),
        ("::1", [], "::1", True),
        ("localhost", [], "localhost", True),
        ("0.0.0.0", ["hub.example.org", "10.0.0.1"], "hub.example.org", False),
        ("192.0.2.7", [], "192.0.2.7", False),
        ("192.0.2.7", ["hub.example.org"], "hub.example.org", False),
        ("2001:db8::7", [], "2001:db8::7", False),
    ],
)
def test_the_address_that_new_hosts_are_told(listens_on: str, names: list[str], told: str, only_here: bool) -> None:
    assert advertised(listens_on, names) == (told, only_here)


def test_the_list_tells_of_certificates_that_were_revoked_or_end_while_their_collector_is_away() -> None:
    def row(name: str, *, connected: bool = False, **more: str) -> dict[str, Any]:
        return {"id": name, "daemon": "process", "connected": connected, **more}

    soon, late, over = "2030-03-20T00:00:00Z", "2031-01-01T00:00:00Z", "2030-03-01T00:00:00Z"
    rows = [
        row("thrown", revoked_at=over),
        row("thrown", revoked_at=over),
        row("local", revoked_at=over),
        row("well", certificate_expires=late),
        row("there", connected=True, certificate_expires=soon),
        row("away", certificate_expires=soon),
        row("gone", certificate_expires=over),
    ]
    thrown, local, away, gone = certificate_notes(rows, START)
    assert thrown.startswith(f"thrown: its certificate was revoked {over}")
    assert "tocsin up" not in thrown
    assert "at the next `tocsin up`" in local
    assert away.startswith(f"away: its certificate ends {soon}")
    assert gone.startswith(f"gone: its certificate has ended {over}")

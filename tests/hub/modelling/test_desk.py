# mypy: allow-untyped-calls
from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from common.errors import NotFoundError, PermanentError, RemoteError, TransientError
from common.queries import Done, ModelQuery, Query
from common.wire import ModelReport
from hub.distribution.agreement import Shortfall
from hub.interfaces import ISession
from hub.modelling.desk import ASKED_AT_ONCE, BACK_WITHIN_S, LIVE_WITHIN_S, SILENT_S, ModellingDesk
from hub.modelling.runs import KEPT_S, Answer, Run

NOW = 1_800_000_000.0


class FakeConfigs:
    """Owners by device; `late` devices are never live, `soon` ones when the time has gone on."""

    def __init__(self) -> None:
        self.owners: dict[str, str] = {}
        self.late: dict[str, str] = {}
        self.waited: list[tuple[str | None, float]] = []

    def owner(self, device: str) -> str | None:
        return self.owners.get(device)

    def in_sync(self, device: str) -> bool:
        return device not in self.late

    def behind(self, revision: int | None = None, device: str | None = None) -> list[Shortfall]:
        return [
            Shortfall(device=name, collector=self.owners[name], since=1, reason=why) for name, why in self.late.items()
        ]

    async def wait_live(self, revision: int, timeout_s: float, device: str | None = None) -> bool:
        self.waited.append((device, timeout_s))
        return False


class FakeSession:
    """Keeps what it is asked; `fails` is raised instead."""

    def __init__(self) -> None:
        self.asked: list[ModelQuery] = []
        self.fails: Exception | None = None

    async def query(self, query: Query) -> Done:
        assert isinstance(query, ModelQuery)
        self.asked.append(query)
        if self.fails is not None:
            raise self.fails
        return Done(len(query.devices))


class DeskTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.configs = FakeConfigs()
        self.sessions: dict[str, FakeSession] = {"eu": FakeSession()}
        self.taken: list[ModelReport] = []
        self.fails: Exception | None = None
        self.clock = Clock()
        self.ids = iter(range(1, 10_000))
        self.desk: ModellingDesk[str] = ModellingDesk(
            self.clock,
            lambda: f"r{next(self.ids)}",
            self.take,
            self.configs,
            self.session,
            lambda collector, daemon: f"{collector}/{daemon} is away",
            lambda: 7,
            lambda: NOW + self.clock.seconds(),
        )
        for device in ("a", "b"):
            self.configs.owners[device] = "eu"

    async def take(self, report: ModelReport) -> str:
        if self.fails is not None:
            raise self.fails
        self.taken.append(report)
        return f"changes of {report.device}"

    def session(self, collector: str, daemon: str) -> ISession | None:
        assert daemon == "modeler"
        found: Any = self.sessions.get(collector)
        return found  # type: ignore[no-any-return]  # a part of a session

    def report(self, device: str, run: str = "", problem: str = "", collector: str = "eu") -> None:
        report = ModelReport(device=device, at=1.0, run=run, problem=problem)
        self.successResultOf(Deferred.fromCoroutine(self.desk.report(collector, report)))

    def test_devices_are_asked_and_answer(self) -> None:
        run = self.desk.begin(["a", "b"], dry_run=True)
        self.assertEqual(self.sessions["eu"].asked, [ModelQuery(devices=["a", "b"], run="r1", dry_run=True)])
        self.report("a")  # of the cycle: not what was asked for
        self.report("b", run="r0")
        self.assertEqual(run.waiting, ["a", "b"])
        self.report("b", run="r1", problem="it does not answer")
        self.report("a", run="r1")
        self.assertEqual(
            run.answers,
            [
                Answer(device="b", found="changes of b", problem="it does not answer"),
                Answer(device="a", found="changes of a"),
            ],
        )
        self.assertIs(self.desk.runs.get("r1"), run)

    def test_a_collector_speaks_of_its_own_devices(self) -> None:
        report = ModelReport(device="a", at=1.0)
        failure = self.failureResultOf(Deferred.fromCoroutine(self.desk.report("us", report)), PermanentError)
        self.assertIn("not of collector us", str(failure.value))
        self.assertEqual(self.taken, [])

    def test_what_cannot_be_stored_is_no_answer(self) -> None:
        run = self.desk.begin(["a"], dry_run=False)
        self.fails = TransientError("full")
        report = ModelReport(device="a", at=1.0, run="r1")
        self.failureResultOf(Deferred.fromCoroutine(self.desk.report("eu", report)), TransientError)
        self.assertEqual(run.waiting, ["a"])

    def problems(self, run: Run[str]) -> dict[str, str]:
        return {answer.device: answer.problem for answer in run.answers}

    def test_who_cannot_be_asked_is_answered_for(self) -> None:
        self.configs.owners["c"] = "us"
        run = self.desk.begin(["a", "c", "gone"], dry_run=False)
        self.assertEqual(self.problems(run), {"gone": "there is no such device any more", "c": "us/modeler is away"})
        self.assertEqual(run.waiting, ["a"])

    def test_a_modeler_that_refuses_is_told(self) -> None:
        for error, words in (
            (NotFoundError("device a is not collected here"), "device a is not collected here"),
            (RemoteError("busy", "too many", []), "the modeler of eu cannot be asked: too many"),
            (ValueError("defect"), "an error of ours; the log has more"),
        ):
            self.sessions["eu"].fails = error
            run = self.desk.begin(["a"], dry_run=False)
            self.assertEqual(self.problems(run), {"a": words})
        self.flushLoggedErrors(ValueError)

    def test_a_device_that_its_modeler_does_not_know_yet_is_waited_for(self) -> None:
        self.configs.late["b"] = "not confirmed yet"
        run = self.desk.begin(["a", "b"], dry_run=False)
        self.assertEqual(self.configs.waited, [("b", LIVE_WITHIN_S)])
        self.assertEqual(self.problems(run), {"b": "its modeler does not have its config: not confirmed yet"})
        self.assertEqual(self.sessions["eu"].asked[0].devices, ["a"])

    def test_many_devices_are_asked_in_parts(self) -> None:
        names = [f"d{number}" for number in range(ASKED_AT_ONCE + 1)]
        self.configs.owners |= dict.fromkeys(names, "eu")
        self.desk.begin(names, dry_run=False)
        self.assertEqual([len(query.devices) for query in self.sessions["eu"].asked], [ASKED_AT_ONCE, 1])

    # --- every question is answered -----------------------------------------------------------------------------------

    def test_a_modeler_that_stays_away_is_answered_for(self) -> None:
        self.configs.owners["c"], self.sessions["us"] = "us", FakeSession()
        self.desk.arrived("eu", 5.0)
        run = self.desk.begin(["a", "b", "c"], dry_run=False)
        self.report("b", run="r1")
        self.desk.left("eu")
        self.clock.advance(BACK_WITHIN_S - 1)
        self.assertEqual(run.waiting, ["a", "c"])
        self.clock.advance(2)
        self.assertEqual(run.waiting, ["c"])
        self.assertIn("the modeler went away before it had answered; ", self.problems(run)["a"])

    def test_a_modeler_that_comes_back_in_time_goes_on_answering(self) -> None:
        self.desk.arrived("eu", 5.0)
        run = self.desk.begin(["a"], dry_run=False)
        self.desk.left("eu")
        self.clock.advance(BACK_WITHIN_S - 1)
        self.desk.arrived("eu", 5.0)
        self.clock.advance(BACK_WITHIN_S)
        self.report("a", run="r1")
        self.assertEqual(self.problems(run), {"a": ""})

    def test_a_modeler_that_was_started_anew_knows_nothing_of_what_was_asked_before(self) -> None:
        self.desk.arrived("eu", 5.0)
        before = self.desk.begin(["a"], dry_run=False)
        self.desk.left("eu")
        self.desk.arrived("eu", 6.0)
        after = self.desk.begin(["a"], dry_run=False)
        self.assertIn("went away", self.problems(before)["a"])
        self.assertEqual(after.waiting, ["a"])
        self.desk.arrived("eu", 7.0)  # the old session was never seen to end
        self.assertIn("went away", self.problems(after)["a"])

    def test_a_run_of_which_nothing_is_heard_ends(self) -> None:
        run = self.desk.begin(["a", "b"], dry_run=False)
        self.clock.pump([60.0] * int(SILENT_S / 60 - 1))
        self.report("b", run="r1")
        self.clock.pump([60.0] * int(SILENT_S / 60 - 1))
        self.assertEqual(run.waiting, ["a"])
        self.clock.pump([60.0] * 3)
        self.assertIn("15 minutes", self.problems(run)["a"])

    def test_a_device_that_has_left_its_collector_meanwhile_is_answered_for(self) -> None:
        run = self.desk.begin(["a", "b"], dry_run=False)
        self.configs.owners["a"] = "us"
        report = ModelReport(device="a", at=1.0, run="r1", problem="ended")
        self.failureResultOf(Deferred.fromCoroutine(self.desk.report("far", report)), PermanentError)
        self.assertEqual(run.waiting, ["a", "b"])  # who was never asked answers for nobody
        self.failureResultOf(Deferred.fromCoroutine(self.desk.report("eu", report)), PermanentError)
        self.assertEqual(self.problems(run), {"a": "device a is not of collector eu"})
        self.fails = NotFoundError("there is no device b")
        report = ModelReport(device="b", at=1.0, run="r1")
        self.failureResultOf(Deferred.fromCoroutine(self.desk.report("eu", report)), NotFoundError)
        self.assertEqual(self.problems(run)["b"], "there is no device b")

    def test_runs_are_forgotten_after_an_hour_and_leave_no_timer(self) -> None:
        self.desk.begin(["a"], dry_run=False)
        self.report("a", run="r1")
        self.clock.pump([60.0] * int(KEPT_S / 60 - 1))
        self.desk.runs.get("r1")
        self.clock.pump([60.0] * 3)
        with self.assertRaises(NotFoundError):
            self.desk.runs.get("r1")
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.desk.begin(["a"], dry_run=False)
        self.desk.left("eu")
        self.successResultOf(Deferred.fromCoroutine(self.desk.stop()))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_session_that_ends_after_the_desk_has_stopped_leaves_no_timer(self) -> None:
        self.successResultOf(Deferred.fromCoroutine(self.desk.stop()))
        self.desk.left("local")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_report_has_the_time_of_the_hub_whatever_its_collector_thinks(self) -> None:
        self.clock.advance(100)
        for told, age_s in ((7.0, 30.0), (9e9, 0.0), (5.0, None)):
            report = ModelReport(device="a", at=told, age_s=age_s)
            self.successResultOf(Deferred.fromCoroutine(self.desk.report("eu", report)))
        self.assertEqual([one.at for one in self.taken], [NOW + 70, NOW + 100, 5.0])

"""A hub's JSON API on a real port, for tests of its clients: it holds everything in memory, and is strict.

It checks the token, refuses parameters and body fields that the API does not have, and answers in the API's shapes.
Run it by hand to look at the web page: `python -m tests.fakes.api`.
"""

from __future__ import annotations

import json
import math
import re
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import msgspec
from msgspec import Struct

from common.errors import SettingsError
from hub.model.definitions import to_config
from hub.model.documents import SourceFile
from hub.model.drafts import lay_over, scope_like
from hub.model.model import Model
from hub.model.preview import Host, line_of, look
from hub.model.previewreport import DeviceRow, Report, merged

TOKEN = "fake-operator-token"
STATIC = Path(__file__).parents[2] / "hub" / "web" / "static"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


def iso(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


class Refusal(Exception):
    """An error answer."""

    def __init__(self, status: int, code: str, message: str, details: list[str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"code": code, "message": message, "details": details or []}}


class DeviceBody(Struct, forbid_unknown_fields=True):
    address: str
    class_: str = msgspec.field(default="/", name="class")
    collector: str = "local"
    groups: list[str] = []
    properties: dict[str, str | int | float | bool] = {}
    message: str = ""
    author: str = ""


class ConvertBody(Struct, forbid_unknown_fields=True):
    devices: list[str] = []
    all: bool = False
    dry_run: bool = False


class AppliedFile(Struct, forbid_unknown_fields=True):
    path: str
    text: str
    secrets: dict[str, str] = {}


class ApplyBody(Struct, forbid_unknown_fields=True):
    files: list[AppliedFile]
    message: str
    author: str
    dry_run: bool
    prune: bool = False
    device: str = ""


class RollBackBody(Struct, forbid_unknown_fields=True):
    message: str
    author: str
    dry_run: bool
    device: str = ""


class MatchBody(Struct, forbid_unknown_fields=True):
    files: list[AppliedFile]
    devices: list[str] = []
    lines: list[str] | None = None
    class_: str = msgspec.field(default="", name="class")
    groups: list[str] = []
    examples: int = 3


class PushBody(Struct, forbid_unknown_fields=True):
    devices: list[str] = []
    all: bool = False


class ModelBody(Struct, forbid_unknown_fields=True):
    devices: list[str] = []
    class_: str = msgspec.field(default="", name="class")
    all: bool = False
    dry_run: bool = False


class AuthorBody(Struct, forbid_unknown_fields=True):
    author: str


class Nothing(Struct, forbid_unknown_fields=True):
    pass


class State:
    """What the fake holds; tests change it as they like, under `lock` when the server runs."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.revision = 3
        self.live_after_asks = 0
        self.behind: list[dict[str, Any]] = []
        self.devices: dict[str, dict[str, Any]] = {}
        self.sets: list[dict[str, Any]] = []
        self.scans: dict[str, dict[str, Any]] = {}
        self.processes: dict[str, list[dict[str, Any]]] = {}
        self.roll: dict[str, Any] = {}
        self.roll_changes: list[dict[str, Any]] = []
        self.roll_gaps: list[dict[str, Any]] = []
        self.asked: dict[str, list[str]] = {}
        self.events: list[dict[str, Any]] = []
        self.evidence: dict[int, dict[str, Any]] = {}
        self.changes: list[int] = []
        self.collectors: list[dict[str, Any]] = []
        self.pools: list[dict[str, Any]] = []
        self.moves: list[dict[str, Any]] = []
        self.absent_members: list[dict[str, Any]] = []
        self.file_moves: list[dict[str, Any]] = []
        self.applied: list[ApplyBody] = []
        self.rolled_back: list[tuple[int, RollBackBody]] = []
        self.plan: dict[str, Any] = {"differences": [], "collectors": [], "config": None}
        self.documents: list[dict[str, Any]] = []
        self.matched: list[MatchBody] = []
        self.match_says: Callable[[int], dict[str, Any]] = lambda _number: {}
        self.model = Model()
        self.pushed: list[PushBody] = []
        self.modelled: list[ModelBody] = []
        self.answers: list[dict[str, Any]] = []
        self.unanswered: list[str] = []
        self.put: dict[str, DeviceBody] = {}
        self.no_components: set[str] = set()
        self.own_graphs: set[str] = set()
        self.single_points: list[str] = []
        """Components that have a point which no other graph shows."""
        self.series: dict[str, list[dict[str, Any]]] = {}
        self.staleness: dict[str, Any] = {}
        self.page_rows = 0
        self.conversions: list[dict[str, Any]] = []
        """What is told of conversions, one answer after the other, the last again and again."""
        self.wishes: list[Any] = []
        self.requests: list[tuple[str, str]] = []
        self.missing = ""
        """What is said to be missing in pictures."""
        self.undrawable = ""
        """A graph that cannot be drawn."""
        self.away: set[str] = set()
        self.fail_with: Refusal | None = None

    def device(self, name: str) -> dict[str, Any]:
        if name not in self.devices:
            raise Refusal(404, "not_found", f"There is no device {name!r}", [f"known: {', '.join(self.devices)}"])
        return self.devices[name]

    def add_device(self, name: str, **fields: Any) -> None:
        self.devices[name] = {
            "id": name,
            "address": "127.0.0.1",
            "class": "/Server/Linux",
            "collector": "local",
            "state": "production",
            "groups": [],
            "properties": {},
            "components": 0,
            "open_events": {},
            "modelled_at": None,
            "in_sync": True,
        } | fields

    def good_scan(self, device: str) -> dict[str, Any]:
        return {"device": device, "at": iso(time.time() - 3), "processes": 132, "duration_s": 0.042, "problem": ""}

    def bad_scan(self, device: str) -> dict[str, Any]:
        problem = "10.0.0.7 does not answer SNMP (v2c, port 161): 3 requests of 2 s each timed out"
        return {"device": device, "at": None, "processes": 0, "duration_s": 0.0, "problem": problem}

    def add_event(self, **fields: Any) -> dict[str, Any]:
        now = time.time()
        event = {
            "id": len(self.events) + 1,
            "device": "web1",
            "component": "nginx",
            "event_class": "/Status/OSProcess",
            "event_key": "process_missing",
            "severity": 4,
            "severity_name": "error",
            "state": "new",
            "summary": "nginx is missing: pid 812 is gone",
            "message": "",
            "count": 1,
            "first_seen": iso(now - 42),
            "last_seen": iso(now - 12),
            "closed_at": None,
            "collector": "local",
            "daemon": "process",
            "fingerprint": "0" * 32,
            "details": {"pids": [812]},
        } | fields
        self.events.append(event)
        self.changes.append(len(self.events) - 1)
        return event

    def add_set(self, device: str, name: str, **fields: Any) -> None:
        self.sets.append(
            {
                "device": device,
                "set": name,
                "definition": name,
                "state": "up",
                "count": 1,
                "pids": [812],
                "cpu_percent": 0.3,
                "memory_bytes": 12_500_000,
                "restarts": 0,
                "since": iso(time.time() - 8040),
            }
            | fields
        )

    def add_series(self, device: str, component: str, source: str = "process") -> None:
        now = time.time()
        for point, unit, value in (
            ("count", "processes", 1),
            ("cpu", "percent", 0.25),
            ("memory", "bytes", 12_500_000),
        ):
            self.series.setdefault(device, []).append(
                {
                    "component": component,
                    "source": source,
                    "point": point,
                    "kind": "gauge",
                    "unit": unit,
                    "step_s": 10,
                    "at": iso(now - 4),
                    "value": value,
                    "age_s": 4.0,
                    "first": iso(now - 3600),
                }
            )


Answer = dict[str, Any] | bytes
Route = tuple[str, re.Pattern[str], Callable[..., Answer], frozenset[str], type[Struct] | None]


FETCHED = "component source point start end cf resolution_s by tz pages after"


def kept_series(component: str, source: str) -> dict[str, Any]:
    now = time.time()
    archive = {"keeps_s": 86400, "rows": 8640, "first": iso(now - 7200), "last": iso(now), "known": {"cpu": 0.5}}
    points = [
        {
            "point": point,
            "kind": "gauge",
            "unit": "",
            "minimum": 0.0,
            "maximum": None,
            "heartbeat_s": 15,
            "value": 1.0,
        }
        for point in ("count", "cpu", "memory")
    ]
    return {
        "component": component,
        "source": source,
        "points": points,
        "step_s": 10,
        "live_at": iso(now - 4),
        "first": iso(now - 7200),
        "last": iso(now - 4),
        "full_step": {"resolution_s": 10, **archive},
        "archives": [{"resolution_s": 600, **archive}, {"resolution_s": 3600, **archive, "first": None, "last": None}],
        "size_bytes": 700_000,
        "copies": [],
        "collected": True,
        "problem": "",
    }


class Routes:
    """The API over a `State`."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.table: list[Route] = []
        for method, path, call, parameters, body in (
            ("GET", "status", self.status, "", None),
            ("GET", "collectors", self.collectors, "", None),
            ("GET", "pools", self.pools, "", None),
            ("GET", "pools/NAME", self.pool, "limit", None),
            ("GET", "devices", self.devices, "", None),
            ("GET", "devices/NAME", self.device, "", None),
            ("PUT", "devices/NAME", self.put_device, "", DeviceBody),
            ("DELETE", "devices/NAME", self.delete_device, "message author", None),
            ("POST", "apply", self.apply, "", ApplyBody),
            ("POST", "match", self.match, "", MatchBody),
            ("GET", "revisions", self.revisions, "limit", None),
            ("GET", "revisions/NUMBER", self.shown_revision, "", None),
            ("GET", "revisions/NUMBER/live", self.live, "wait device", None),
            ("POST", "revisions/NUMBER/rollback", self.roll_back, "", RollBackBody),
            ("GET", "documents", self.documents, "secrets kind", None),
            ("POST", "push", self.push, "", PushBody),
            ("POST", "models", self.model, "", ModelBody),
            ("GET", "models/NAME", self.answers, "after wait", None),
            ("GET", "configs/SERVICE/NAME", self.config, "live", None),
            ("GET", "devices/NAME/processes", self.processes, "set", None),
            ("GET", "devices/NAME/roll", self.roll, "at set", None),
            ("GET", "devices/NAME/roll/changes", self.roll_changes, "start end set after limit", None),
            ("GET", "sets", self.sets, "device", None),
            ("GET", "events", self.events, "device component class severity state since limit", None),
            ("GET", "events/follow", self.follow, "after wait", None),
            ("GET", "events/NUMBER", self.event, "", None),
            ("GET", "events/NUMBER/evidence", self.evidence, "", None),
            ("POST", "events/NUMBER/VERB", self.change, "", AuthorBody),
            ("GET", "series/conversion", self.conversion, "device", None),
            ("POST", "series/conversion", self.convert, "", ConvertBody),
            ("GET", "devices/NAME/series", self.series, "component", None),
            ("GET", "devices/NAME/series/fetch", self.fetch, FETCHED, None),
            ("GET", "devices/NAME/series/kept", self.kept, "component", None),
            ("GET", "devices/NAME/series/info", self.info, "component source", None),
            ("GET", "devices/NAME/series/stats", self.stats, "component source point start end percentile", None),
            ("GET", "devices/NAME/series/sparklines", self.sparklines, "component point start end bins", None),
            ("GET", "devices/NAME/graph", self.graph, f"component {PICTURED}", None),
            ("GET", "devices/NAME/graphs", self.graphs, "component", None),
            ("GET", "graph", self.several, f"device class group component {PICTURED}", None),
            ("POST", "devices/NAME/scan", self.scan, "", Nothing),
        ):
            pattern = (
                re.sub(r"NAME|SERVICE", "([^/]+)", path)
                .replace("NUMBER", r"(\d+)")
                .replace("VERB", "(ack|close|reopen)")
            )
            self.table.append((method, re.compile(pattern), call, frozenset(parameters.split()), body))

    def answer(self, method: str, path: str, query: Mapping[str, list[str]], body: bytes) -> Answer:
        known = [route for route in self.table if route[1].fullmatch(path)]
        if not known:
            raise Refusal(404, "not_found", f"There is nothing at {path}")
        for route_method, pattern, call, parameters, body_type in known:
            if route_method != method:
                continue
            if unknown := set(query) - parameters:
                raise Refusal(400, "bad_request", f"unknown parameters: {sorted(unknown)}")
            match = pattern.fullmatch(path)
            assert match is not None
            arguments: list[Any] = [unquote(part) for part in match.groups()]
            if body_type is not None:
                try:
                    arguments.append(msgspec.json.decode(body, type=body_type))
                except msgspec.DecodeError as error:
                    raise Refusal(400, "bad_request", f"body: {error}") from None
            return call(*arguments, query)
        raise Refusal(405, "method_not_allowed", f"{method} is not for {path}")

    def status(self, _query: Any) -> Answer:
        state = self.state
        counts: dict[str, int] = {}
        for event in state.events:
            if event["state"] in {"new", "acknowledged"}:
                counts[event["severity_name"]] = counts.get(event["severity_name"], 0) + 1
        return {
            "hub": {
                "version": "0.1.0",
                "epoch": "e" * 32,
                "revision": state.revision,
                "started_at": iso(time.time() - 3700),
                "host": "testhost",
                "pb_port": 9876,
            },
            "revision_live": not state.behind,
            "behind": state.behind,
            "devices": len(state.devices),
            "open_events": counts,
            "collectors": state.collectors,
            "absent_members": state.absent_members,
            "moves": state.file_moves,
        }

    def pools(self, _query: Any) -> Answer:
        return {"pools": self.state.pools}

    def pool(self, name: str, _query: Any) -> Answer:
        found = [one for one in self.state.pools if one["id"] == name]
        if not found:
            raise Refusal(404, "not_found", f"there is no pool {name!r}")
        return {"pool": found[0], "moves": self.state.moves}

    def collectors(self, _query: Any) -> Answer:
        return {"collectors": self.state.collectors}

    def devices(self, _query: Any) -> Answer:
        return {"devices": list(self.state.devices.values())}

    def device(self, name: str, _query: Any) -> Answer:
        return {**self.state.device(name), "moves": [row for row in self.state.file_moves if row["device"] == name]}

    def put_device(self, name: str, body: DeviceBody, _query: Any) -> Answer:
        state = self.state
        created = name not in state.devices
        unchanged = not created and state.put.get(name) == body
        state.put[name] = body
        if not unchanged:
            state.revision += 1
            hidden = {k: "(set)" if k.endswith(("community", "password")) else v for k, v in body.properties.items()}
            state.add_device(name, address=body.address, collector=body.collector, properties=hidden)
            state.scans.setdefault(name, state.good_scan(name))
        return {
            "revision": None if unchanged else state.revision,
            "created": created,
            "device": state.devices[name],
        }

    def delete_device(self, name: str, _query: Any) -> Answer:
        self.state.device(name)
        del self.state.devices[name]
        self.state.revision += 1
        return {"revision": self.state.revision}

    def apply(self, body: ApplyBody, _query: Any) -> Answer:
        state = self.state
        mistakes = [
            f"{file.path}:{number}: include: the regex does not end, wanted ')'"
            for file in body.files
            for number, line in enumerate(file.text.splitlines(), 1)
            if "BAD" in line
        ]
        if mistakes:
            raise Refusal(422, "invalid", f"Nothing was applied: {len(mistakes)} mistakes", mistakes)
        state.applied.append(body)
        if not body.dry_run:
            state.revision += 1
        return {
            "revision": None if body.dry_run else state.revision,
            "dry_run": body.dry_run,
            "created": [{"kind": "ProcessSet", "id": "nginx"}],
            "changed": [],
            "unchanged": 2,
            "removed": [],
            "devices": ["web1"],
            "plan": state.plan if body.dry_run else None,
        }

    def roll_back(self, number: str, body: RollBackBody, _query: Any) -> Answer:
        state = self.state
        if int(number) > state.revision:
            raise Refusal(404, "not_found", f"there is no revision {number}; the newest is {state.revision}")
        state.rolled_back.append((int(number), body))
        changes = int(number) != state.revision
        state.revision += changes and not body.dry_run
        return {
            "revision": state.revision if changes and not body.dry_run else None,
            "dry_run": body.dry_run,
            "created": [],
            "changed": [],
            "unchanged": 1,
            "removed": [{"kind": "ProcessSet", "id": "nginx"}] if changes else [],
            "devices": ["web1"] if changes else [],
            "plan": state.plan if body.dry_run else None,
        }

    def shown_revision(self, number: str, _query: Any) -> Answer:
        found = [row for row in self._revisions() if row["number"] == int(number)]
        if not found:
            raise Refusal(404, "not_found", f"there is no revision {number}; the newest is {self.state.revision}")
        return {**found[0], "differences": self.state.plan["differences"]}

    def documents(self, query: Any) -> Answer:
        def hidden(row: dict[str, Any]) -> dict[str, Any]:
            if query.get("secrets") == ["1"] or not row["secrets"]:
                return row
            properties = row["document"]["properties"] | dict.fromkeys(row["secrets"], "(set)")
            return {**row, "document": {**row["document"], "properties": properties}}

        kinds = query.get("kind") or [row["document"]["kind"] for row in self.state.documents]
        rows = [hidden(row) for row in self.state.documents if row["document"]["kind"] in kinds]
        return {"revision": self.state.revision, "documents": rows}

    def match(self, body: MatchBody, _query: Any) -> Answer:
        """Previews over the model in `State.model`; what runs on a device are its `processes`."""
        state = self.state
        state.matched.append(body)
        try:
            drafts = lay_over(state.model, [SourceFile(file.path, file.text, file.secrets) for file in body.files])
        except SettingsError as error:
            raise Refusal(422, "invalid", error.message, list(error.details)) from None
        reports = []
        if body.lines is not None:
            scope = scope_like(body.class_, body.groups)
            reports.append(drafts.look_at_text(body.lines, scope, body.examples))
        for name in body.devices:
            state.device(name)
            if name in state.away:
                reports.append(Report(devices=[DeviceRow(device=name, problem="collector local is not connected")]))
                continue
            lines = [line_of(row["command"]) for row in state.processes.get(name, [])]
            reports.append(
                look(
                    Host(name=name, at=time.time() - 3, is_snmp=bool(state.devices[name].get("snmp"))),
                    lines,
                    before=[to_config(one) for one in state.model.sets],
                    after=[to_config(one) for one in drafts.after.sets if one.monitor],
                    drafts=drafts.states,
                    examples=body.examples,
                )
            )
        report: Answer = msgspec.to_builtins(merged(reports, body.examples))
        assert isinstance(report, dict)
        return {**report, "revision": state.revision, **state.match_says(len(state.matched))}

    def revisions(self, query: Any) -> Answer:
        limit = int(query.get("limit", ["100"])[0])
        return {"revisions": self._revisions()[:limit]}

    def _revisions(self) -> list[dict[str, Any]]:
        return [
            {"number": n, "at": iso(time.time() - 60 * n), "author": "root", "text": "why", "summary": "1 device added"}
            for n in range(self.state.revision, 0, -1)
        ]

    def live(self, number: str, query: Any) -> Answer:
        state = self.state
        wait = float(query.get("wait", ["0"])[0])
        if not 0 <= wait <= 60:
            raise Refusal(400, "bad_request", "wait: 0 to 60 seconds")
        if state.live_after_asks > 0:
            state.live_after_asks -= 1
            behind = [{"device": "web1", "collector": "local", "daemon": "process", "reason": "not confirmed yet"}]
        else:
            behind = state.behind
        if behind:
            time.sleep(min(wait, 0.05))
        return {"revision": int(number), "live": not behind, "behind": behind}

    def push(self, body: PushBody, _query: Any) -> Answer:
        for name in body.devices:
            self.state.device(name)
        self.state.pushed.append(body)
        return {"devices": len(self.state.devices) if body.all else len(body.devices), "revision": self.state.revision}

    def model(self, body: ModelBody, _query: Any) -> Answer:
        for name in body.devices:
            self.state.device(name)
        self.state.modelled.append(body)
        total = len(self.state.answers) + len(self.state.unanswered)
        return {"run": "r1", "dry_run": body.dry_run, "total": total}

    def answers(self, run: str, query: Any) -> Answer:
        state, after = self.state, int(query["after"][0])
        page = state.answers[after : after + 2]
        return {
            "run": run,
            "dry_run": state.modelled[-1].dry_run,
            "total": len(state.answers) + len(state.unanswered),
            "answers": page,
            "more": len(state.answers) - after - len(page),
            "waiting": len(state.unanswered),
            "waiting_for": state.unanswered,
        }

    def config(self, service: str, name: str, query: Any) -> Answer:
        if service != "process":
            raise Refusal(404, "not_found", f"There is no service {service!r}")
        self.state.device(name)
        return {
            "service": service,
            "device": name,
            "source": "collector" if query.get("live") else "hub",
            "digest": "ab" * 16,
            "config": {"device": name, "interval_s": 10, "snmp": {"community": "(set)"}},
        }

    def processes(self, name: str, query: Any) -> Answer:
        self.state.device(name)
        rows = self.state.processes.get(name, [])
        if "set" in query:
            rows = [row for row in rows if row["set"] == query["set"][0]]
        return {"device": name, "at": self.state.scans[name]["at"], "processes": rows}

    def roll(self, name: str, query: Any) -> Answer:
        self.state.device(name)
        self.state.asked = query
        return {"device": name, "at": iso(float(query["at"][0])), **self.state.roll}

    def roll_changes(self, name: str, query: Any) -> Answer:
        """The changes of `State.roll_changes`, two in one answer at most."""
        self.state.device(name)
        self.state.asked = query
        first = int(query.get("after", ["0"])[0])
        last = first + min(2, int(query["limit"][0]))
        more = last < len(self.state.roll_changes)
        return {
            "device": name,
            "start": iso(float(query["start"][0])),
            "end": iso(float(query["end"][0])),
            "changes": self.state.roll_changes[first:last],
            "gaps": self.state.roll_gaps,
            "more": more,
            "next": str(last) if more else None,
        }

    def sets(self, query: Any) -> Answer:
        wanted = query.get("device") or list(self.state.devices)
        gone = self.state.away
        return {
            "sets": [row for row in self.state.sets if row["device"] in wanted and row["device"] not in gone],
            "scans": [row for name, row in self.state.scans.items() if name in wanted and name not in gone],
            "problems": {"local": "collector local is not connected"} if gone else {},
        }

    def events(self, query: Any) -> Answer:
        states = query.get("state", ["open"])[0].replace("open", "new,acknowledged").split(",")
        rows = [row for row in self.state.events if row["state"] in states]
        for key in ("device", "component"):
            if key in query:
                rows = [row for row in rows if row[key] == query[key][0]]
        if "severity" in query:
            rows = [row for row in rows if row["severity"] >= int(query["severity"][0])]
        return {"events": rows[: int(query.get("limit", ["100"])[0])]}

    def event(self, number: str, _query: Any) -> Answer:
        if not 0 < int(number) <= len(self.state.events):
            raise Refusal(404, "not_found", f"There is no event {number}")
        return self.state.events[int(number) - 1]

    def evidence(self, number: str, _query: Any) -> Answer:
        self.event(number, None)
        found = self.state.evidence.get(int(number))
        if found is None:
            raise Refusal(404, "not_found", f"event {number} has no evidence")
        return found

    def change(self, number: str, verb: str, _body: AuthorBody, _query: Any) -> Answer:
        event = self.event(number, None)
        assert isinstance(event, dict)
        event["state"] = {"ack": "acknowledged", "close": "closed", "reopen": "new"}[verb]
        event["closed_at"] = iso(time.time()) if verb == "close" else None
        self.state.changes.append(int(number) - 1)
        return event

    def follow(self, query: Any) -> Answer:
        after, wait = int(query["after"][0]), float(query.get("wait", ["0"])[0])
        if after < 0:
            return {"next": len(self.state.changes), "events": []}
        deadline = time.monotonic() + min(wait, 2)
        while len(self.state.changes) <= after and time.monotonic() < deadline:
            self.state.lock.release()
            time.sleep(0.01)
            self.state.lock.acquire()
        return {
            "next": len(self.state.changes),
            "events": [self.state.events[index] for index in self.state.changes[after:]],
        }

    def conversion(self, _query: Any) -> Answer:
        return self.state.conversions.pop(0) if len(self.state.conversions) > 1 else self.state.conversions[0]

    def convert(self, body: Any, query: Any) -> Answer:
        self.state.wishes.append(msgspec.to_builtins(body))
        return self.conversion(query)

    def series(self, name: str, query: Any) -> Answer:
        self.state.device(name)
        rows = self.state.series.get(name, [])
        if "component" in query:
            rows = [row for row in rows if row["component"] == query["component"][0]]
        return {"device": name, "values": rows, **self.state.staleness}

    def kept(self, name: str, query: Any) -> Answer:
        self.state.device(name)
        sources = {(row["component"], row["source"]) for row in self.state.series.get(name, [])}
        rows = [kept_series(*each) for each in sorted(sources)]
        return {"device": name, "series": rows, "stale": False, "as_of": None, "problem": "", **self.state.staleness}

    def info(self, name: str, query: Any) -> Answer:
        self.state.device(name)
        component = query["component"][0]
        for row in self.state.series.get(name, []):
            if row["component"] == component and query.get("source", [row["source"]])[0] == row["source"]:
                header = {"rrd_version": "0003", "step": 10}
                found = kept_series(component, row["source"])
                return {"device": name, "series": found, "file": "/var/lib/tocsin/a.rrd", "header": header}
        raise Refusal(404, "not_found", f"Device {name!r} has no series of a component {component!r}; it has: x")

    def stats(self, name: str, query: Any) -> Answer:
        self.state.device(name)
        figures = {"minimum": 0.5, "average": 1.5, "maximum": 7.25, "total": None, "known": 0.75}
        percentiles = dict.fromkeys(query["percentile"], 6.5)
        points = [
            {"point": point, "unit": "percent", **figures, "percentiles": percentiles} for point in query["point"]
        ]
        start, end = int(query["start"][0]), int(query["end"][0])
        found = {"device": name, "component": query["component"][0], "start": start, "end": end}
        return {**found, "resolution_s": 600, "points": points}

    def sparklines(self, name: str, query: Any) -> Answer:
        self.state.device(name)
        start, end = int(query["start"][0]), int(query["end"][0])
        chosen = [
            {
                **{each: row[each] for each in ("component", "source", "point", "unit")},
                "start": start,
                "step_s": 120,
                "minimum": 0.0,
                "maximum": 3.0,
                "values": [0.0, 1.0, None, 3.0],
            }
            for row in self.state.series.get(name, [])
            if query.get("component", [row["component"]])[0] == row["component"]
            and row["point"] in query.get("point", [row["point"]])
        ]
        return {"device": name, "start": start, "end": end, "sparklines": chosen}

    def fetch(self, name: str, query: Any) -> Answer:
        self.state.device(name)
        start, end = int(query["start"][0]), int(query["end"][0])
        times = list(range(start - start % 10, end, 10))[-6:]
        figures = {at: None if index == 1 else index * 0.5 for index, at in enumerate(times)}
        if self.state.page_rows and "pages" in query:
            times = [at for at in times if at > int(query.get("after", ["0"])[0])]
            more, times = len(times) > self.state.page_rows, times[: self.state.page_rows]
        else:
            more = False
        leaves = [{"name": "2026-11-20", "start": at - 10, "end": at, "hours": 23.0, "complete": False} for at in times]
        return {
            "device": name,
            "component": query["component"][0],
            "source": query["source"][0],
            "cf": query["cf"][0],
            "step_s": 10,
            "start": start,
            "end": end,
            "by": query.get("by", [None])[0],
            "tz": query.get("tz", [None])[0],
            "bins": leaves if "by" in query else [],
            "next": times[-1] if more else None,
            "inexact_until": None,
            "series": [
                {
                    "device": name,
                    "component": query["component"][0],
                    "source": query["source"][0],
                    "point": point,
                    "unit": "percent",
                    "step_s": 10,
                    "start": start,
                    "end": end,
                    "cf": query["cf"][0],
                    "rows": [[at, figures[at]] for at in times],
                }
                for point in query["point"]
            ],
        }

    def graph(self, name: str, query: Any) -> Answer:
        self.state.device(name)
        if name in self.state.away:
            raise Refusal(503, "collector_unavailable", "collector local is not connected")
        if self.state.no_components.intersection(query.get("component", ())):
            raise Refusal(404, "not_found", f"Device {name!r} has no series of that component")
        title = query.get("graph", ["cpu"])[0]
        if title == self.state.undrawable:
            raise Refusal(404, "not_found", f"there is no graph {title}")
        return PNG if query["format"][0] == "png" else picture(title, int(query.get("width", ["720"])[0]))

    def graphs(self, name: str, query: Any) -> Answer:
        self.state.device(name)
        rows = [
            {"component": component, "graph": graph, "title": graph, "points": [graph], "missing": [], "template": ""}
            for component in query.get("component", [None, "nginx: worker", "sshd"])
            for graph in ("cpu", "memory", "count")
        ]
        single = {"title": "odd", "points": ["odd"], "missing": [], "template": "", "single": True}
        rows += [{"component": one, "graph": one, **single} for one in self.state.single_points]
        for graph in self.state.own_graphs:  # of the device itself
            whole = {"graph": graph, "title": graph, "points": [graph], "missing": [], "template": ""}
            rows += [{"component": component, **whole} for component in (None, "")]
        return {"device": name, "graphs": rows, "problem": ""}

    def several(self, query: Any) -> Answer:
        for name in query.get("device", []):
            self.state.device(name)
        return self.graph("web1", query)

    def scan(self, name: str, _body: Nothing, _query: Any) -> Answer:
        self.state.device(name)
        return {"done": 1}


PICTURED = (
    "graph start end format width height theme compare_s percentile top band log thresholds events zone zoom title"
)


def picture(title: str, width: int) -> bytes:
    """An SVG that looks a little like a graph."""
    points = " ".join(f"{x},{120 - 60 * abs(math.sin(x / 50))}" for x in range(40, width - 10, 4))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="160">'
        f'<rect width="100%" height="100%" fill="#fff"/>'
        f'<text x="{width // 2}" y="18" text-anchor="middle" font-family="sans-serif" font-size="12">{title}</text>'
        f'<polyline fill="none" stroke="#2563eb" points="{points}"/></svg>'
    ).encode()


class Handler(BaseHTTPRequestHandler):
    """One connection; `fake` is set by a subclass for each fake."""

    fake: FakeApi
    protocol_version = "HTTP/1.1"

    def log_message(self, *_arguments: Any) -> None:
        pass

    def _serve(self) -> None:
        if self.fake.closed:
            self.close_connection = True
            return
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if parts.path == "/api/v1/health":
            self._send(200, "application/json", b'{"ok": true, "version": "0.1.0"}')
            return
        if not parts.path.startswith("/api/"):
            self._static(parts.path)
            return
        try:
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                raise Refusal(401, "unauthorized", "The token is missing or wrong")
            with self.fake.state.lock:
                self.fake.state.requests.append((self.command, self.path))
                if self.fake.state.fail_with is not None:
                    raise self.fake.state.fail_with
                query = parse_qs(parts.query, keep_blank_values=True)
                answer = self.fake.routes.answer(self.command, parts.path.removeprefix("/api/v1/"), query, body)
            if isinstance(answer, bytes):
                self._send(200, "image/png" if answer == PNG else "image/svg+xml", answer)
            else:
                self._send(200, "application/json", json.dumps(answer).encode())
        except Refusal as error:
            self._send(error.status, "application/json", json.dumps(error.body).encode())

    do_GET = do_PUT = do_POST = do_DELETE = _serve

    def _static(self, path: str) -> None:
        name = "index.html" if path == "/" else path.removeprefix("/static/")
        file = STATIC / name
        if "/" in name or not file.is_file():
            self._send(404, "text/plain", b"no such page")
        else:
            self._send(200, TYPES.get(file.suffix, "application/octet-stream"), file.read_bytes())

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header(
            "Content-Security-Policy",
            "default-src 'self'; img-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'",
        )
        self.send_header("X-Content-Type-Options", "nosniff")
        if self.fake.state.missing:
            self.send_header("Tocsin-Missing", quote(self.fake.state.missing))
        self.end_headers()
        self.wfile.write(body)


class FakeApi:
    """Serves a `State` on a port of the loopback until it is closed."""

    def __init__(self, state: State | None = None, port: int = 0) -> None:
        self.state = state or State()
        self.routes = Routes(self.state)
        self.closed = False
        self._server = ThreadingHTTPServer(("127.0.0.1", port), type("Bound", (Handler,), {"fake": self}))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.closed = True
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def example() -> State:
    """A small site in which something is wrong."""
    state, now = State(), time.time()
    for device in ("web1", "box", "silent"):
        state.add_device(device, components=6, address="10.0.0.7")
        state.scans[device] = state.bad_scan(device) if device == "silent" else state.good_scan(device)
    for index, name in enumerate(("sshd", "nginx: worker", "postgres", "cron", "systemd-journald", "tocsin-hub")):
        state.add_set("web1", name, count=index + 1, pids=list(range(800, 801 + index)), cpu_percent=0.7 * index)
        state.add_series("web1", name)
    state.add_set(
        "web1", "nginx", state="missing", count=0, pids=[], cpu_percent=None, memory_bytes=0, since=iso(now - 12)
    )
    state.add_set("box", "java <app>", state="restarting", restarts=7, since=iso(now - 300))
    state.add_set("box", "cron")
    state.add_set("silent", "sshd", state="unknown", count=0, pids=[], cpu_percent=None, memory_bytes=None)
    state.processes["web1"] = [
        {
            "pid": pid,
            "set": None if pid % 3 else "sshd",
            "name": "sshd",
            "command": f"/usr/sbin/sshd -D -p {pid}",
            "started_at": iso(now - 90000),
            "cpu_percent": 0.1,
            "memory_bytes": 5_000_000,
            "state": "sleeping",
        }
        for pid in range(800, 812)
    ]
    state.add_event()
    state.add_event(
        device="silent",
        component="",
        event_class="/Status/Snmp",
        event_key="snmp_timeout",
        severity=5,
        severity_name="critical",
        summary="10.0.0.7 does not answer SNMP (v2c, port 161)",
        count=17,
    )
    state.add_event(
        device="box", component="java <app>", severity=3, severity_name="warning", summary="7 restarts in 30 minutes"
    )
    state.collectors.append(
        {
            "id": "local",
            "daemon": "process",
            "host": "testhost",
            "version": "0.1.0",
            "connected": True,
            "since": iso(now - 3600),
            "last_seen": iso(now - 1),
            "revision": 3,
            "behind": 0,
            "devices": 3,
            "tasks": 3,
            "late_runs": 0,
            "queue": {"events": 0, "samples": 0},
            "dropped": {"events": 0, "samples": 0},
            "problem": "",
        }
    )
    return state


if __name__ == "__main__":
    fake = FakeApi(example(), 8099)
    print(fake.url, TOKEN)
    try:
        threading.Event().wait()
    finally:
        fake.close()

"""The web page in a real browser: headless Chromium, driven over its debugging pipe; skipped where there is none."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.fakes.api import TOKEN, FakeApi, example
from tests.hub.cli.test_evidence import evidence, process
from tests.integration.stack import wait_for

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
    pytest.mark.xdist_group("chromium"),
]

ROLL = "document.getElementById('roll').innerText"
HOSTILE = "<img src=x onerror='document.title=\"owned\"'>\x1b[31m\u202e"


class Browser:
    """One page at a time, and what its console said."""

    def __init__(self, folder: str) -> None:
        read_end, self._write = os.pipe()
        self._read, write_end = os.pipe()
        # The shell puts our pipes where Chromium expects them: commands on 3, answers on 4.
        script = f'exec "$@" 3<&{read_end} 4>&{write_end}'
        options = "--headless --no-sandbox --disable-gpu --disable-background-networking --disable-component-update"
        argv = [str(CHROMIUM), *options.split(), "--disable-sync", "--no-first-run", "--disable-dev-shm-usage"]
        self._process = subprocess.Popen(
            [
                "bash",
                "-c",
                script,
                "bash",
                *argv,
                f"--user-data-dir={folder}",
                "--remote-debugging-pipe",
                "about:blank",
            ],
            pass_fds=(read_end, write_end),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(read_end)
        os.close(write_end)
        self._buffer = b""
        self._number = 0
        self._session: str | None = None
        self.said: list[str] = []
        self.new_page()

    def new_page(self) -> None:
        """Go on with an empty page; what an earlier one still says is heard no more."""
        self._session = None
        page = self.call("Target.createTarget", url="about:blank")
        self._session = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        self.said.clear()
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self._buffer:
                data = os.read(self._read, 1 << 20)
                assert data, "Chromium has gone"
                self._buffer += data
            one, self._buffer = self._buffer.split(b"\0", 1)
            answer = json.loads(one)
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return dict(answer["result"])
            ours = answer.get("sessionId") == self._session
            if ours and answer.get("method") in {"Log.entryAdded", "Runtime.exceptionThrown"}:
                self.said.append(json.dumps(answer["params"]))

    def js(self, text: str) -> Any:
        done = self.call("Runtime.evaluate", expression=text, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def text(self) -> str:
        return str(self.js("document.body.innerText"))

    def enter(self, token: str) -> None:
        self.js(f"document.getElementById('token').value = {json.dumps(token)}")
        self.js("document.getElementById('enter').requestSubmit()")

    def close(self) -> None:
        self._session = None
        with contextlib.suppress(OSError, AssertionError):
            self.call("Browser.close")
        os.close(self._write)
        os.close(self._read)
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    folder = tempfile.mkdtemp(prefix="tocsin-chromium-")
    try:
        started = Browser(folder)
        yield started
        started.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def fake() -> Iterator[FakeApi]:
    served = FakeApi(example())
    yield served
    served.close()


@pytest.fixture
def page(browser: Browser, fake: FakeApi) -> Browser:
    browser.new_page()
    browser.call("Page.navigate", url=fake.url)
    wait_for("the page", lambda: browser.js("document.readyState") == "complete" and "token" in browser.text())
    return browser


def inside(page: Browser) -> Browser:
    page.enter(TOKEN)
    wait_for("the roll", lambda: "nginx: worker" in page.text())
    return page


def test_a_wrong_token_is_refused_and_not_kept(page: Browser) -> None:
    page.enter("wrong")
    wait_for("the refusal", lambda: "refused the token" in page.text())
    assert page.js("sessionStorage.length") == 0


def test_a_token_that_is_no_token_never_becomes_a_header(page: Browser, fake: FakeApi) -> None:
    page.enter("schlüssel x")
    wait_for("the refusal", lambda: "That is no token" in page.text())
    assert fake.state.requests == []


def test_the_page_shows_the_roll_events_and_collectors_without_a_word_from_the_console(page: Browser) -> None:
    inside(page)
    text = page.text()
    for part in ("1 set missing, 1 device cannot be read", "✖ missing", "connected for", "nginx is missing: pid 812"):
        assert part in text
    time.sleep(0.2)
    assert page.said == []


def test_it_draws_anew_what_has_changed(page: Browser, fake: FakeApi) -> None:
    inside(page)
    with fake.state.lock:
        fake.state.sets = [row for row in fake.state.sets if row["set"] != "nginx"]
        fake.state.add_set("web1", "nginx", pids=[4242])
    wait_for("nginx is up", lambda: "4242" in page.text() and "missing," not in page.text())


LOADED = "[...document.querySelectorAll('#pictures img')].filter((i) => i.naturalWidth > 0).length"


def asked_graphs(fake: FakeApi) -> list[dict[str, list[str]]]:
    with fake.state.lock:
        return [parse_qs(path.partition("?")[2]) for _, path in fake.state.requests if "/graph?" in path]


def test_a_set_shows_its_graphs(page: Browser, fake: FakeApi) -> None:
    inside(page)
    page.js("[...document.querySelectorAll('#roll td button')].find((b) => b.textContent === 'sshd').click()")
    wait_for("three pictures", lambda: page.js(LOADED) == 3)
    assert {query["component"][0] for query in asked_graphs(fake)} == {"sshd"}
    assert {int(query["end"][0]) - int(query["start"][0]) for query in asked_graphs(fake)} == {3600}
    before = len(asked_graphs(fake))
    page.js("document.querySelector('[data-range=\"86400\"]').click()")
    wait_for("three pictures again", lambda: len(asked_graphs(fake)) == before + 3 and page.js(LOADED) == 3)
    page.js("document.getElementById('compare').value = '604800'")
    page.js("document.getElementById('compare').dispatchEvent(new Event('change'))")
    wait_for("a comparison", lambda: asked_graphs(fake)[-1].get("compare_s") == ["604800"])
    page.js("document.getElementById('shut').click()")
    assert page.js("document.getElementById('graphs').open") is False
    wait_for("nothing is left", lambda: page.js("document.querySelectorAll('#pictures figure').length") == 0)
    assert page.said == []


def test_a_device_shows_all_its_graphs_as_they_come_into_sight(page: Browser, fake: FakeApi) -> None:
    page.call("Emulation.setDeviceMetricsOverride", width=700, height=500, deviceScaleFactor=1, mobile=False)
    try:
        inside(page)
        page.js("[...document.querySelectorAll('#roll strong button')].find((b) => b.textContent === 'web1').click()")
        wait_for("sections", lambda: page.js("document.querySelectorAll('#pictures h3').length") == 3)
        wait_for("the first pictures", lambda: page.js(LOADED) > 0)
        assert page.js("document.querySelectorAll('#pictures figure').length") == 9
        assert "component" not in asked_graphs(fake)[0]
        assert len(asked_graphs(fake)) < 9

        def scrolled() -> bool:
            page.js("document.getElementById('graphs').scrollTo(0, 1e6)")
            return any(query.get("component") == ["sshd"] for query in asked_graphs(fake))

        wait_for("the last", scrolled)
        assert page.said == []
    finally:
        page.call("Emulation.clearDeviceMetricsOverride")


def test_a_device_shows_its_events_and_last_values_and_one_without_process_sets_is_there(
    page: Browser, fake: FakeApi
) -> None:
    with fake.state.lock:
        fake.state.devices["ups"] = {**fake.state.devices["web1"], "id": "ups", "class": "/Power/UPS", "components": 2}
        fake.state.add_event(device="ups", component="output 1", summary="on battery")
        fake.state.add_series("ups", "sshd", "output")
        fake.state.series["ups"].append(
            {**fake.state.series["ups"][0], "component": "", "point": HOSTILE, "unit": "bit", "kind": "counter",
             "value": 1, "rate": 4_600_000.0, "stale": True}
        )  # fmt: skip
        fake.state.own_graphs = {"charge"}
        fake.state.single_points = ["sshd"]
    inside(page)
    wait_for("the power supply", lambda: "/Power/UPS" in page.js(ROLL))
    assert "1 open event" in page.js(ROLL)
    page.js("[...document.querySelectorAll('#roll strong button')].find((b) => b.textContent === 'ups').click()")
    wait_for("values", lambda: page.js("document.querySelectorAll('#pictures dl > div').length") == 4)
    text = page.js("document.getElementById('graphs').innerText")
    for part in ("on battery", "The device itself", "4.6 Mbit/s", "11.9 MiB", "0.25 %", "<img src=x"):
        assert part in text, part
    assert page.js("document.querySelectorAll('#pictures dl > .late').length") == 1
    assert page.js("[...document.querySelectorAll('#pictures img')].filter((i) => i.alt.startsWith('odd')).length") == 0
    page.js("document.querySelector('#graphs-events button').click()")
    assert page.js("document.getElementById('event').open") is True
    page.js("document.getElementById('event-shut').click()")
    page.js("document.getElementById('shut').click()")
    assert page.said == []


def test_pictures_have_the_theme_of_the_page(page: Browser, fake: FakeApi) -> None:
    def theme(value: str) -> None:
        page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": value}])

    try:
        theme("dark")
        inside(page)
        page.js("[...document.querySelectorAll('#roll td button')].find((b) => b.textContent === 'sshd').click()")
        wait_for("three pictures", lambda: page.js(LOADED) == 3)
        assert {query["theme"][0] for query in asked_graphs(fake)} == {"dark"}
        theme("light")
        wait_for("light ones", lambda: asked_graphs(fake)[-1]["theme"] == ["light"])
    finally:
        theme("")


def test_a_graph_that_cannot_be_drawn_says_why_in_its_place(page: Browser, fake: FakeApi) -> None:
    fake.state.undrawable = "memory"
    inside(page)
    page.js("[...document.querySelectorAll('#roll td button')].find((b) => b.textContent === 'sshd').click()")
    wait_for("the others", lambda: page.js(LOADED) == 2)
    wait_for("why", lambda: "there is no graph memory" in page.js("document.getElementById('pictures').innerText"))


def test_text_of_a_hostile_host_is_only_text(page: Browser, fake: FakeApi) -> None:
    fake.state.add_event(device=HOSTILE, component=HOSTILE, summary=HOSTILE)
    fake.state.add_set("web1", HOSTILE)
    fake.state.scans["box"]["problem"] = HOSTILE
    fake.state.collectors[0]["host"] = HOSTILE
    inside(page)
    assert page.js("document.querySelectorAll('#site img').length") == 0
    assert "owned" not in page.js("document.title")
    assert page.text().count("\\u{1b}[31m\\u{202e}") == 6
    assert "\x1b" not in page.text()


def test_an_event_shows_what_was_there_as_text_alone(page: Browser, fake: FakeApi) -> None:
    details = {"evidence": "0" * 20, "lost": [7, 8], "pids": [], "oom": None}
    event = fake.state.add_event(summary="web is gone", details=details)
    found = evidence(sets=[{"set": HOSTILE, "before": [process(7, command=HOSTILE, gone=True)], "now": [],
                            "more_before": 2, "more_now": 0}])  # fmt: skip
    fake.state.evidence[event["id"]] = found
    inside(page)
    wait_for("the event", lambda: "web is gone" in page.text())
    page.js("[...document.querySelectorAll('#events button')].find((b) => b.textContent === 'web is gone').click()")
    wait_for("the evidence", lambda: "What was there" in page.js("document.getElementById('event').innerText"))
    text = page.js("document.getElementById('event').innerText")
    for part in ("7 8", "on 4 processors", "<img src=x", "gone", "and 2 more", "greedy", "memory full 40.0 %"):
        assert part in text, part
    for part in ("pids", "oom", event["first_seen"], "\x1b"):
        assert part not in text, part
    assert page.js("document.title").startswith("(1) Tocsin")
    page.js("document.getElementById('event-shut').click()")
    assert page.js("document.getElementById('event').open") is False
    assert page.said == []


def test_a_collector_that_is_away_is_told_and_its_last_word_stays(page: Browser, fake: FakeApi) -> None:
    inside(page)
    with fake.state.lock:
        fake.state.away = {"web1"}
    wait_for("the banner", lambda: "collector local is not connected" in page.text())
    assert "nginx: worker" in page.text()
    with fake.state.lock:
        fake.state.away = set()
        fake.state.sets = [row for row in fake.state.sets if row["device"] != "box"]
    wait_for("no banner", lambda: "not connected" not in page.text() and "java" not in page.js(ROLL))


def test_a_hub_that_goes_away_is_told_and_its_last_word_stays(page: Browser, fake: FakeApi) -> None:
    inside(page)
    fake.close()
    wait_for("the banner", lambda: "does not answer" in page.text())
    assert "nginx: worker" in page.text()


@pytest.mark.parametrize("width", [320, 400])
def test_a_telephone_shows_what_matters_without_scrolling_sideways(page: Browser, fake: FakeApi, width: int) -> None:
    with fake.state.lock:
        fake.state.add_set("web1", "org.example.a.long.name.without.any.blank.in.it.ApplicationMain")
    page.call("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=True)
    try:
        inside(page)
        assert page.js("document.documentElement.scrollWidth") == width
        for part in (
            "#events td.wide",
            "#roll .roll td.state",
            "#roll .roll td:nth-child(2)",
            "#roll .roll td:last-child",
        ):
            right = f"Math.max(...[...document.querySelectorAll('{part}')].map((e) => e.getBoundingClientRect().right))"
            assert 0 < page.js(right) <= width, part
    finally:
        page.call("Emulation.clearDeviceMetricsOverride")


def test_the_token_can_be_forgotten(page: Browser) -> None:
    inside(page)
    page.js("document.getElementById('leave').click()")
    assert page.js("sessionStorage.length") == 0
    assert "nginx" not in page.js("document.documentElement.outerHTML")

# mypy: allow-untyped-calls
# (trial's assertions have no types)
"""Texts over HTTP and from files."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import reactor as global_reactor
from twisted.internet.threads import deferToThread
from twisted.protocols.policies import WrappingFactory
from twisted.trial.unittest import TestCase
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

from collectors.framework.worker import NamedThread
from collectors.probes.scraping import fetching
from collectors.probes.scraping.fetching import Fetcher, read_files
from common.errors import TransientError
from tests.fakes.ports import held_port
from tests.fakes.watching import until

reactor: Any = global_reactor


class Pages(Resource):
    isLeaf = True

    def render_GET(self, request: Any) -> Any:
        path = request.path.decode()
        if path == "/hangs":
            request.write(b"a 1\n")
            return NOT_DONE_YET
        if path == "/closed":
            return f"{request.getUser().decode()} {request.getPassword().decode()} 1\n".encode()
        if path == "/elsewhere":
            request.setResponseCode(302)
            request.setHeader("Location", "http://127.0.0.1/there")
            return b"not here"
        return b"a 1\n" * (10 if path == "/metrics" else 1000)


class FetchTests(TestCase):
    def setUp(self) -> None:
        stock: Any = WrappingFactory
        self.served = stock(Site(Pages()))
        self.port = reactor.listenTCP(0, self.served, interface="127.0.0.1")
        self.thread = NamedThread(reactor, "pages")
        self.thread.start()
        self.fetcher = Fetcher(reactor, reactor, self.thread, ())
        self.base = f"http://127.0.0.1:{self.port.getHost().port}"

    async def tearDown(self) -> None:  # type: ignore[override]  # trial waits for a coroutine
        await self.fetcher.close()
        self.thread.stop()
        await self.port.stopListening()
        await until(reactor, "connections end", lambda: not self.served.protocols)

    async def refused(self, path: str, timeout_s: float = 10.0) -> str:
        try:
            await self.fetcher.fetch(f"{self.base}{path}", timeout_s)
        except TransientError as error:
            return error.message
        return ""

    async def test_a_page_is_read(self) -> None:
        found = await self.fetcher.fetch(f"{self.base}/metrics", 10.0)
        self.assertEqual(found.texts, [(f"{self.base}/metrics", "a 1\n" * 10)])
        again = await self.fetcher.fetch(f"{self.base}/metrics", 10.0)
        self.assertEqual(again.texts, found.texts)

    async def test_name_and_password_of_an_address_are_given(self) -> None:
        found = await self.fetcher.fetch(f"{self.base}/closed".replace("//", "//me:s%40cret@"), 10.0)
        self.assertEqual([text for _, text in found.texts], ["me s@cret 1\n"])

    async def test_what_does_not_answer_whole_is_told(self) -> None:
        self.assertIn("did not answer whole within 0.2 s", await self.refused("/hangs", 0.2))

    async def test_another_place_is_named_and_not_followed(self) -> None:
        told = await self.refused("/elsewhere")
        self.assertIn("answers 302 to 'http://127.0.0.1/there'; name that one", told)

    async def test_too_much_is_not_read(self) -> None:
        self.patch(fetching, "MAX_BYTES", 1000)
        self.assertIn("has more than", await self.refused("/large"))

    async def test_nobody_there_is_told(self) -> None:
        silent = held_port()
        self.addCleanup(silent.close)
        try:
            await self.fetcher.fetch(f"http://u:secret@127.0.0.1:{silent.getsockname()[1]}/", 10.0)
        except TransientError as error:
            self.assertIn("cannot be read", error.message)
            self.assertNotIn("secret", error.message)
        else:
            self.fail("it was read")

    async def test_files_are_read_beside_the_reactor(self) -> None:
        where = await deferToThread(tempfile.mkdtemp)
        self.addCleanup(shutil.rmtree, where)
        await deferToThread(Path(where, "x.prom").write_text, "a 1\n")
        fetcher = Fetcher(reactor, reactor, self.thread, [f"{where}/*.prom"])
        found = await fetcher.fetch(f"file://{where}/x.prom", 1.0)
        self.assertEqual([text for _, text in found.texts], ["a 1\n"])


def test_files_of_a_pattern_are_read_and_others_harm_them_not(tmp_path: Path) -> None:
    (tmp_path / "b.prom").write_text("b 1\n")
    (tmp_path / "a.prom").write_text("a 1\n")
    os.mkfifo(tmp_path / "fifo.prom")
    (tmp_path / "gone.prom").symlink_to(tmp_path / "nowhere")
    os.utime(tmp_path / "a.prom", (1000, 1000))
    found = read_files(f"{tmp_path}/*.prom", [f"{tmp_path}/*.prom"])
    assert [text for _, text in found.texts] == ["a 1\n", "b 1\n"]
    assert found.oldest == 1000
    assert len(found.flaws) == 2


@pytest.mark.parametrize("pattern", ["{}/../x.prom", "{}/sub/x.prom", "{}/x.txt", "/etc/passwd", "{}/*/../../x.prom"])
def test_only_what_is_allowed_is_read(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(TransientError, match="may not be read"):
        read_files(pattern.format(tmp_path), [f"{tmp_path}/*.prom"])


def test_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(TransientError, match="there is no file"):
        read_files(f"{tmp_path}/*.prom", [f"{tmp_path}/*.prom"])


def test_links_lead_to_nothing_that_may_not_be_read(tmp_path: Path) -> None:
    secret, there = tmp_path / "key", tmp_path / "there"
    secret.write_text("secret 1\n")
    there.mkdir()
    (there / "good.prom").write_text("a 1\n")
    (there / "bad.prom").symlink_to(secret)
    (there / "fine.prom").symlink_to(there / "good.prom")
    found = read_files(f"{there}/*.prom", [f"{there}/*.prom"])
    assert [Path(name).name for name, _ in found.texts] == ["fine.prom", "good.prom"]
    assert "leads to" in found.flaws[0]
    assert "secret 1" not in str(found)


def test_what_becomes_a_pipe_or_a_link_meanwhile_holds_nobody_up(tmp_path: Path) -> None:
    path, other = tmp_path / "a.prom", tmp_path / "other"
    os.mkfifo(path)
    with pytest.raises(OSError, match="no file"):
        fetching._read(path)
    other.write_text("secret 1\n")
    path.unlink()
    path.symlink_to(other)
    with pytest.raises(OSError, match="symbolic links"):
        fetching._read(path)


def test_files_that_grow_while_they_are_read_are_bounded_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "MAX_BYTES", 10)
    for name in "abc":
        (tmp_path / f"{name}.prom").write_text("x")
    found = read_files(f"{tmp_path}/*.prom", [f"{tmp_path}/*.prom"], lambda _: b"y" * 8)
    assert sum(len(text) for _, text in found.texts) <= 10

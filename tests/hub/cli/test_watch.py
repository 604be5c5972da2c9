"""What `tocsin up` asks the hub, and what it makes of answers that are not whole."""

from __future__ import annotations

import contextlib

import pytest

from hub.cli.client import Api
from hub.cli.roll import View
from hub.cli.tokens import Credentials
from hub.cli.watch import Watch, known
from tests.fakes.api import TOKEN, FakeApi, Refusal, example


def test_rows_of_a_collector_that_is_away_stay_and_all_others_are_new() -> None:
    before = [{"device": "a", "n": 1}, {"device": "b", "n": 1}]
    after = [{"device": "a", "n": 2}]
    assert known(before, after, keep=False) == after
    assert known(before, after, keep=True) == [{"device": "a", "n": 2}, {"device": "b", "n": 1}]


def test_a_hub_that_is_away_leaves_its_last_word_on_the_screen(capsys: pytest.CaptureFixture[str]) -> None:
    fake = FakeApi(example())
    api = Api(fake.url, Credentials(token=TOKEN, origin="the test"))
    watch = Watch(api, View(url=fake.url), [], 0.0)
    with contextlib.closing(api):
        try:
            watch.refresh()
            assert len(watch.view.sets) == 10
            assert watch.view.notices == []
            fake.state.away = {"web1"}
            watch.refresh()
            assert len(watch.view.sets) == 10
            assert watch.view.notices == ["collector local is not connected"]
            fake.state.fail_with = Refusal(500, "internal", "it broke")
            watch.refresh()
            assert len(watch.view.sets) == 10
            assert watch.view.notices == ["it broke"]
        finally:
            fake.close()
        watch.refresh()
        assert watch.view.notices == ["The hub does not answer just now; what stands here is its last word"]
        assert len(watch.view.open_events) == 3


def test_a_stop_whose_exception_was_lost_is_heard_at_the_next_look() -> None:
    class StoppedError(Exception):
        pass

    def check() -> None:
        raise StoppedError

    api = Api("http://127.0.0.1:1", Credentials(token=TOKEN, origin="the test"))
    with contextlib.closing(api), pytest.raises(StoppedError):
        Watch(api, View(url=""), [], 0.0, check).tend_only()

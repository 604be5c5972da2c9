"""What several workers say becomes what one daemon says."""

from __future__ import annotations

import pytest

from collectors.framework.running.merging import merged_figures, merged_sets, unanswered
from collectors.framework.running.messages import MAX_BYTES, Ask, encode, read_news, read_order
from collectors.framework.running.settings import share
from common.pipes import MessageError, Messages
from common.queries import Sets, SetsQuery
from common.roll import DeviceScan, SetState, SetStatus


def answer(*devices: str, more: bool = False) -> Sets:
    return Sets(
        sets=[
            SetStatus(
                device=device, set=name, definition=name, state=SetState.UP, count=1, pids=(), cpu_percent=None,
                memory_bytes=None, restarts=0, since=0.0,
            )
            for device in devices
            for name in ("x", "y")
        ],
        scans=[DeviceScan(device=device, at=1.0, processes=1, duration_s=0.0, problem="") for device in devices],
        more=more,
    )  # fmt: skip


def shown(sets: Sets) -> tuple[list[str], list[str], bool]:
    return [scan.device for scan in sets.scans], [f"{one.device}{one.set}" for one in sets.sets], sets.more


def test_a_page_has_the_first_devices_of_all() -> None:
    query = SetsQuery(limit=3)
    page = merged_sets(query, [answer("b", "d", "f", more=True), answer("a", "e")])
    assert shown(page) == (["a", "b", "d"], ["ax", "ay", "bx", "by", "dx", "dy"], True)
    assert shown(merged_sets(query, [answer("b"), answer("a")])) == (["a", "b"], ["ax", "ay", "bx", "by"], False)
    assert shown(merged_sets(query, [answer("b", more=True), answer()])) == (["b"], ["bx", "by"], True)


def test_devices_of_a_worker_that_does_not_answer_are_not_left_out() -> None:
    query = SetsQuery(after="b", limit=2)
    page = unanswered(query, ["e", "a", "c", "d"], "worker 1 hangs")
    assert shown(page) == (["c", "d"], [], True)
    assert {scan.problem for scan in page.scans} == {"worker 1 hangs"}


def test_figures_are_added_merged_and_joined() -> None:
    one = {"reads": 1, "by": {"v2c": 1, "v3": 2}, "names": ["a"], "on": True, "why": "", "own": 1}
    other = {"reads": 2, "by": {"v3": 3}, "names": ["b"], "on": True, "why": "no right"}
    assert merged_figures([one, other]) == {
        "reads": 3, "by": {"v2c": 1, "v3": 5}, "names": ["a", "b"], "on": True, "why": ["", "no right"], "own": 1,
    }  # fmt: skip
    assert merged_figures([]) == {}


def test_places_are_shared_out_and_none_is_lost() -> None:
    for parallel in (3, 10, 100):
        for workers in (1, 2, 3):
            parts = [share(parallel, workers, number) for number in range(workers)]
            assert sum(parts) == parallel
            assert max(parts) - min(parts) <= 1


def test_messages_are_cut_out_of_whatever_comes() -> None:
    orders = [Ask(number, SetsQuery(devices=["a" * number])) for number in range(1, 20)]
    data = b"".join(encode(order) for order in orders)
    for size in (1, 7, 64, len(data)):
        messages, found = Messages(MAX_BYTES), []
        for start in range(0, len(data), size):
            found += [read_order(body) for body in messages.bodies(data[start : start + size])]
        assert found == orders


def test_what_is_no_message_is_refused() -> None:
    with pytest.raises(MessageError, match="of 67108864 at most"):
        Messages(MAX_BYTES).bodies((MAX_BYTES + 1).to_bytes(4, "big"))
    for body in (b"", b"\xc1", b"\x80", encode(Ask(1, SetsQuery()))[4:]):
        with pytest.raises(MessageError, match="no message"):
            read_news(body)

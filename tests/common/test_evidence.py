"""Evidence, as it comes from a collector that nobody vouches for."""

from __future__ import annotations

import math

import msgspec
import pytest

from common.evidence import HostEvidence


@pytest.mark.parametrize("wrong", [math.nan, math.inf, 1e300, -1.0])
@pytest.mark.parametrize("field", ["load", "pressure"])
def test_figures_of_a_host_are_ones_that_a_host_can_have(field: str, wrong: float) -> None:
    def sent(value: float) -> bytes:
        return msgspec.msgpack.encode({field: [value, 0.5, 0.5] if field == "load" else {"cpu": value}})

    assert getattr(msgspec.msgpack.decode(sent(2.0), type=HostEvidence), field)
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(sent(wrong), type=HostEvidence)

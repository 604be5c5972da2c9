"""The data points of a ping: what is measured of the answers to echoes, and what templates of the hub may name."""

from __future__ import annotations

from types import MappingProxyType

from common.series import Point

ALWAYS = (
    Point(name="loss", unit="percent", minimum=0.0, maximum=100.0),
    Point(name="rtt_min", unit="s", minimum=0.0),
    Point(name="rtt_avg", unit="s", minimum=0.0),
    Point(name="rtt_max", unit="s", minimum=0.0),
)
"""Where nothing was answered, the loss is 100 and the times are unknown."""

POINTS = MappingProxyType({point.name: point for point in ALWAYS})

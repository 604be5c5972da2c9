"""Where figures in the form of statsd are taken."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from collectors.framework.outlets.listen import read_listen


class StatsdSettings(Struct, frozen=True, kw_only=True):
    """Figures that programs send in the form of statsd, by UDP.

    Attributes:
        listen: address and port, for example "127.0.0.1:8125"; empty for none. Whoever reaches it may send.
        interval_s: whole seconds from figure to figure: counts become rates over them, times their least, mean and
            greatest.
        most: names of metrics that are kept; what comes beyond is dropped, and told.
    """

    listen: Annotated[str, Meta(max_length=300)] = ""
    interval_s: Annotated[int, Meta(ge=1, le=3600)] = 10
    most: Annotated[int, Meta(ge=1, le=100_000)] = 2000

    def __post_init__(self) -> None:
        """Refuse a place to listen that is none.

        Raises:
            ValueError: the sentence says why.
        """
        if self.listen:
            self.address()

    def address(self) -> tuple[str, int]:
        """Host and port.

        Raises:
            ValueError: it is none.
        """
        return read_listen(self.listen, "127.0.0.1:8125")

# mypy: allow-untyped-calls
from __future__ import annotations

import errno

import pytest
from twisted.internet.error import ConnectError, getConnectError

from common.edge.reasons import sentence


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (getConnectError((errno.ECONNREFUSED, "")), "Connection refused"),
        (getConnectError(OSError(errno.EHOSTUNREACH, "no route")), "No route to host"),
        (ConnectError(), "an error occurred while connecting"),
    ],
)
def test_why_a_connection_could_not_be_made_is_said_in_words(error: ConnectError, said: str) -> None:
    assert sentence(error) == said

import socketserver
import threading

import pytest

from common.errors import TransientError
from queue_collector import ask
from queue_server import Talk


@pytest.fixture
def server():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Talk) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield serving.server_address
        serving.shutdown()


def test_each_queue_is_a_row_and_one_that_is_not_there_is_a_problem(server):
    rows, problems = ask(server, ["mail", "fax"])
    assert [(row.component, row.values) for row in rows] == [("mail", {"length": 5.0, "oldest": 12.5})]
    assert [(one.component, one.summary) for one in problems] == [("fax", "queue fax: the server says 'no such queue'")]


def test_a_server_that_is_away_is_a_sentence(server):
    with pytest.raises(TransientError, match="does not answer"):
        ask(("127.0.0.1", 1), ["mail"])
